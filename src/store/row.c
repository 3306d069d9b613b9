#include "store/row.h"

#include <stdlib.h>

#define ROW_VERSION 1U
#define ROW_KEYS_MAX 1000000U

enum {
    ROW_PURGED = 1,
    ROW_HAS_STAMP = 2,
    ROW_HAS_BLOCKS = 4,
    ROW_HAS_PROFILE_DAY = 8,
};

void store_row_init(struct store_row *row)
{
    *row = (struct store_row){0};
}

void store_row_deinit(struct store_row *row)
{
    free(row->marker_keys);
    free(row->keys);
    *row = (struct store_row){0};
}

void store_row_clear(struct store_row *row)
{
    const struct store_row kept = *row;
    *row = (struct store_row){.marker_keys = kept.marker_keys,
                              .marker_key_cap = kept.marker_key_cap,
                              .keys = kept.keys,
                              .key_cap = kept.key_cap};
}

struct store_row_key *store_row_find(const struct store_row *row, uint32_t number)
{
    for (uint32_t i = 0; i < row->key_count; i++) {
        if (row->keys[i].number == number) {
            return &row->keys[i];
        }
    }
    return NULL;
}

struct store_row_key *store_row_add(struct store_row *row, uint32_t number)
{
    row->keys = store_array_room(row->keys, &row->key_cap, row->key_count + 1, sizeof(*row->keys));
    struct store_row_key *const key = &row->keys[row->key_count++];
    *key = (struct store_row_key){.number = number};
    return key;
}

void store_row_remove(struct store_row *row, struct store_row_key *key)
{
    *key = row->keys[--row->key_count];
}

void store_row_mark(struct store_row *row, struct store_marker marker)
{
    ASSERT(row->marker_count < STORE_ROW_MARKERS_MAX);
    marker.key_start = row->marker_key_count;
    marker.key_count = 0;
    row->markers[row->marker_count++] = marker;
}

void store_row_mark_key(struct store_row *row, uint32_t key)
{
    ASSERT(row->marker_count > 0);
    row->marker_keys = store_array_room(row->marker_keys, &row->marker_key_cap,
                                        row->marker_key_count + 1, sizeof(*row->marker_keys));
    row->marker_keys[row->marker_key_count++] = key;
    row->markers[row->marker_count - 1].key_count++;
}

void store_row_unmark(struct store_row *row, uint64_t sequence)
{
    // Their keys stay behind in memory; the next encoding leaves them out.
    uint32_t kept = 0;
    for (uint32_t i = 0; i < row->marker_count; i++) {
        if (row->markers[i].sequence > sequence) {
            row->markers[kept++] = row->markers[i];
        }
    }
    row->marker_count = kept;
}

static bool marks_key(const struct store_row *row, const struct store_marker *marker, uint32_t key)
{
    for (uint32_t i = 0; i < marker->key_count; i++) {
        if (row->marker_keys[marker->key_start + i] == key) {
            return true;
        }
    }
    return marker->key_count == 0;
}

bool store_row_is_deleted(const struct store_row *row, uint32_t key, int64_t time_ms,
                          uint64_t sequence)
{
    for (uint32_t i = 0; i < row->marker_count; i++) {
        const struct store_marker *const marker = &row->markers[i];
        if (sequence < marker->sequence && marker->first_ms <= time_ms &&
            time_ms <= marker->last_ms && marks_key(row, marker, key)) {
            return true;
        }
    }
    return false;
}

static void encode_markers(const struct store_row *row, struct store_bytes *out)
{
    uint8_t *at = store_bytes_room(out, STORE_WIRE_VARINT_MAX);
    at = store_wire_put_varint(at, row->marker_count);
    store_bytes_end(out, at);
    for (uint32_t i = 0; i < row->marker_count; i++) {
        const struct store_marker *const marker = &row->markers[i];
        at = store_bytes_room(out, (4U + marker->key_count) * STORE_WIRE_VARINT_MAX);
        at = store_wire_put_varint(at, marker->sequence);
        at = store_wire_put_signed(at, marker->first_ms);
        at = store_wire_put_signed(at, marker->last_ms);
        at = store_wire_put_varint(at, marker->key_count);
        for (uint32_t k = 0; k < marker->key_count; k++) {
            at = store_wire_put_varint(at, row->marker_keys[marker->key_start + k]);
        }
        store_bytes_end(out, at);
    }
}

static void encode_keys(const struct store_row *row, struct store_bytes *out)
{
    uint8_t *at = store_bytes_room(out, STORE_WIRE_VARINT_MAX);
    at = store_wire_put_varint(at, row->key_count);
    store_bytes_end(out, at);
    for (uint32_t i = 0; i < row->key_count; i++) {
        const struct store_row_key *const key = &row->keys[i];
        at = store_bytes_room(out, 1 + 2 * STORE_WIRE_VARINT_MAX + key->value.len);
        at = store_wire_put_varint(at, (uint64_t)key->number << 1 | key->has_latest);
        if (key->has_latest) {
            at = store_wire_put_signed(at, key->time_ms);
            at = store_wire_put_bytes(at, key->value);
        }
        store_bytes_end(out, at);
    }
}

void store_row_encode(const struct store_row *row, struct store_bytes *out)
{
    uint8_t *at = store_bytes_room(out, 2 + 7 * STORE_WIRE_VARINT_MAX);
    // Mostly it is the first day of all.
    const bool has_profile_day = row->has_blocks && row->profile_day != row->first_day;
    *at++ = ROW_VERSION;
    *at++ = (uint8_t)((row->is_purged ? ROW_PURGED : 0) | (row->has_stamp ? ROW_HAS_STAMP : 0) |
                      (row->has_blocks ? ROW_HAS_BLOCKS : 0) |
                      (has_profile_day ? ROW_HAS_PROFILE_DAY : 0));
    at = store_wire_put_varint(at, row->tenant);
    at = store_wire_put_varint(at, row->sealed_through);
    if (row->has_stamp) {
        at = store_wire_put_signed(at, row->stamp_ms);
    }
    if (row->has_blocks) {
        at = store_wire_put_signed(at, row->first_day);
        at = store_wire_put_signed(at, row->last_day);
        at = store_wire_put_varint(at, row->block_span_ms);
    }
    if (has_profile_day) {
        at = store_wire_put_signed(at, row->profile_day);
    }
    store_bytes_end(out, at);
    encode_markers(row, out);
    encode_keys(row, out);
}

static void decode_markers(struct store_wire *wire, struct store_row *row)
{
    const uint64_t count = store_wire_get_varint(wire);
    if (count > STORE_ROW_MARKERS_MAX) {
        wire->bad = true;
    }
    for (uint64_t i = 0; i < count && !wire->bad; i++) {
        struct store_marker marker = {0};
        marker.sequence = store_wire_get_varint(wire);
        marker.first_ms = store_wire_get_signed(wire);
        marker.last_ms = store_wire_get_signed(wire);
        store_row_mark(row, marker);
        const uint64_t keys = store_wire_get_varint(wire);
        for (uint64_t k = 0; k < keys && !wire->bad; k++) {
            store_row_mark_key(row, (uint32_t)store_wire_get_varint(wire));
        }
    }
}

static void decode_keys(struct store_wire *wire, struct store_row *row)
{
    const uint64_t count = store_wire_get_varint(wire);
    for (uint64_t i = 0; i < count && !wire->bad && i < ROW_KEYS_MAX; i++) {
        const uint64_t head = store_wire_get_varint(wire);
        struct store_row_key *const key = store_row_add(row, (uint32_t)(head >> 1));
        key->has_latest = (head & 1) != 0;
        if (key->has_latest) {
            key->time_ms = store_wire_get_signed(wire);
            key->value = store_wire_get_value_bytes(wire);
        }
    }
}

enum err store_row_decode(struct slice bytes, struct store_row *row)
{
    store_row_clear(row);
    if (bytes.len == 0) {
        return ERR_OK;
    }
    struct store_wire wire = store_wire_over(bytes);
    const uint8_t version = store_wire_get_u8(&wire);
    const uint8_t flags = store_wire_get_u8(&wire);
    if (version != ROW_VERSION) {
        return ERR_CORRUPT;
    }
    row->is_purged = (flags & ROW_PURGED) != 0;
    row->has_stamp = (flags & ROW_HAS_STAMP) != 0;
    row->has_blocks = (flags & ROW_HAS_BLOCKS) != 0;
    row->tenant = store_wire_get_varint(&wire);
    row->sealed_through = store_wire_get_varint(&wire);
    row->stamp_ms = row->has_stamp ? store_wire_get_signed(&wire) : 0;
    if (row->has_blocks) {
        row->first_day = store_wire_get_signed(&wire);
        row->last_day = store_wire_get_signed(&wire);
        row->block_span_ms = store_wire_get_varint(&wire);
        row->profile_day =
            (flags & ROW_HAS_PROFILE_DAY) != 0 ? store_wire_get_signed(&wire) : row->first_day;
    }
    decode_markers(&wire, row);
    decode_keys(&wire, row);
    return wire.bad || store_wire_left(&wire) != 0 ? ERR_CORRUPT : ERR_OK;
}
