#include "store/journal.h"

#include "base/hash.h"

#define JOURNAL_VERSION 1U
#define JOURNAL_CHECKED 9U // where what the checksum covers begins
#define JOURNAL_HEAD (JOURNAL_CHECKED + 5U * 8U)

enum {
    JOURNAL_VERB_MASK = 3,
    JOURNAL_HAS_TRACE = 4,
    JOURNAL_HAS_STAMP = 8,
};

void store_journal_key(uint8_t key[STORE_JOURNAL_KEY], uint64_t number)
{
    store_wire_put_u64(key, number);
}

void store_journal_begin(struct store_bytes *bytes)
{
    bytes->len = 0;
    store_bytes_end(bytes, store_bytes_room(bytes, JOURNAL_HEAD) + JOURNAL_HEAD);
}

uint8_t *store_journal_put_record(uint8_t *at, const struct store_journal_record *record)
{
    *at++ = (uint8_t)((unsigned)record->verb | (record->has_trace ? JOURNAL_HAS_TRACE : 0) |
                      (record->has_stamp ? JOURNAL_HAS_STAMP : 0));
    at = store_wire_put_varint(at, record->device);
    at = store_wire_put_varint(at, record->tenant);
    if (record->has_trace) {
        at = store_wire_put_bytes(at, slice_of(record->trace.bytes, STORE_TRACE_SIZE));
    }
    if (record->verb != STORE_SAVE) {
        return at;
    }
    if (record->has_stamp) {
        at = store_wire_put_signed(at, record->stamp_ms);
    }
    return store_wire_put_varint(at, record->reading_count);
}

void store_journal_end(struct store_bytes *bytes, const struct store_journal_row *row)
{
    uint8_t *at = bytes->ptr + JOURNAL_CHECKED;
    at = store_wire_put_u64(at, row->number);
    at = store_wire_put_u64(at, (uint64_t)row->at.ms);
    at = store_wire_put_u64(at, row->sequence_first);
    at = store_wire_put_u64(at, row->sequence_next);
    at = store_wire_put_u64(at, row->record_count);
    ASSERT(at == bytes->ptr + JOURNAL_HEAD);
    bytes->ptr[0] = JOURNAL_VERSION;
    const struct slice checked =
        slice_of(bytes->ptr + JOURNAL_CHECKED, bytes->len - JOURNAL_CHECKED);
    store_wire_put_u64(bytes->ptr + 1, hash_bytes(checked));
}

enum err store_journal_open(struct slice bytes, struct store_journal_row *row)
{
    struct store_wire wire = store_wire_over(bytes);
    const uint8_t version = store_wire_get_u8(&wire);
    const uint64_t checksum = store_wire_get_u64(&wire);
    if (version > JOURNAL_VERSION) {
        return ERR_NEWER_VERSION;
    }
    if (bytes.len < JOURNAL_HEAD || version != JOURNAL_VERSION ||
        checksum != hash_bytes(slice_of(wire.at, store_wire_left(&wire)))) {
        return ERR_CORRUPT;
    }
    row->number = store_wire_get_u64(&wire);
    row->at.ms = (int64_t)store_wire_get_u64(&wire);
    row->sequence_first = store_wire_get_u64(&wire);
    row->sequence_next = store_wire_get_u64(&wire);
    row->record_count = (uint32_t)store_wire_get_u64(&wire);
    row->records = wire;
    return ERR_OK;
}

void store_journal_next(struct store_journal_row *row, struct store_journal_record *record)
{
    struct store_wire *const wire = &row->records;
    const uint8_t head = store_wire_get_u8(wire);
    *record = (struct store_journal_record){.verb = (enum store_verb)(head & JOURNAL_VERB_MASK)};
    record->has_trace = (head & JOURNAL_HAS_TRACE) != 0;
    record->has_stamp = (head & JOURNAL_HAS_STAMP) != 0;
    record->device = store_wire_get_varint(wire);
    record->tenant = store_wire_get_varint(wire);
    if (record->has_trace) {
        const struct slice trace = store_wire_get_bytes(wire, STORE_TRACE_SIZE);
        if (trace.len == STORE_TRACE_SIZE) {
            memcpy(record->trace.bytes, trace.ptr, STORE_TRACE_SIZE);
        }
    }
    if (record->verb == STORE_SAVE) {
        record->stamp_ms = record->has_stamp ? store_wire_get_signed(wire) : 0;
        record->reading_count = (uint32_t)store_wire_get_varint(wire);
    }
    wire->bad = wire->bad || (unsigned)record->verb > STORE_PURGE;
}
