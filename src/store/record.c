#include "store/record.h"

enum {
    RECORD_SERIES = 1,
    RECORD_LATEST = 2,
    RECORD_ALL_TIME = 4,
    RECORD_REWRITE = 8,
    RECORD_REMOVED = 0x80, // of one change
};

#define RECORD_HEAD_MAX (2U + 9U * STORE_WIRE_VARINT_MAX + STORE_TRACE_SIZE)

int store_record_compare_keys(struct slice a, struct slice b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static size_t save_room(const struct store_save *save)
{
    const struct model_readings *const readings = save->readings;
    size_t room = RECORD_HEAD_MAX;
    uint64_t points = 0;
    for (uint32_t i = 0; i < readings->count; i++) {
        const struct model_reading *const reading = &readings->items[i];
        room += 1 + 2 * STORE_WIRE_VARINT_MAX;
        points += reading->point_count;
        if (points > MODEL_POINTS_MAX) {
            return 0;
        }
        for (uint32_t p = 0; p < reading->point_count; p++) {
            const struct model_point *const point = &reading->points[p];
            room += STORE_WIRE_VARINT_MAX + point->key.len + store_wire_value_room(&point->value);
        }
    }
    return readings->count > MODEL_POINTS_MAX ? 0 : room;
}

static size_t delete_room(const struct store_delete *delete)
{
    size_t room = RECORD_HEAD_MAX;
    for (uint32_t i = 0; i < delete->key_count; i++) {
        room += STORE_WIRE_VARINT_MAX + delete->keys[i].len;
    }
    return delete->key_count > MODEL_POINTS_MAX ? 0 : room;
}

static size_t change_room(const struct store_change *change)
{
    size_t room = RECORD_HEAD_MAX;
    if (change->count > MODEL_POINTS_MAX) {
        return 0;
    }
    for (uint32_t i = 0; i < change->count; i++) {
        const struct store_state_change *const item = &change->items[i];
        if (item->name.len > STORE_STATE_NAME_MAX) {
            return 0;
        }
        room += 1 + 2 * STORE_WIRE_VARINT_MAX + item->name.len + item->value.len;
    }
    return room;
}

size_t store_record_room(const struct store_record *record)
{
    switch (record->verb) {
    case STORE_SAVE:
        return save_room(&record->save);
    case STORE_DELETE:
        return delete_room(&record->delete);
    case STORE_PURGE:
        return RECORD_HEAD_MAX;
    case STORE_CHANGE:
        return change_room(&record->change);
    }
    ASSERT(false);
    return 0;
}

static uint64_t save_points(const struct store_save *save)
{
    uint64_t points = 0;
    for (uint32_t i = 0; i < save->readings->count; i++) {
        points += save->readings->items[i].point_count;
    }
    return points;
}

static uint8_t *put_save(uint8_t *at, const struct store_save *save)
{
    *at++ = (uint8_t)((save->series ? RECORD_SERIES : 0) | (save->latest ? RECORD_LATEST : 0));
    at = store_wire_put_signed(at, save->proposed.ms);
    at = store_wire_put_varint(at, save->ttl_s);
    at = store_wire_put_varint(at, save->readings->count);
    at = store_wire_put_varint(at, save_points(save));
    for (uint32_t i = 0; i < save->readings->count; i++) {
        const struct model_reading *const reading = &save->readings->items[i];
        *at++ = reading->has_time;
        if (reading->has_time) {
            at = store_wire_put_signed(at, reading->time_ms);
        }
        at = store_wire_put_varint(at, reading->point_count);
        for (uint32_t p = 0; p < reading->point_count; p++) {
            at = store_wire_put_text(at, reading->points[p].key);
            at = store_wire_put_value(at, &reading->points[p].value);
        }
    }
    return at;
}

static uint8_t *put_delete(uint8_t *at, const struct store_delete *delete)
{
    *at++ =
        (uint8_t)((delete->all_time ? RECORD_ALL_TIME : 0) | (delete->latest ? RECORD_LATEST : 0) |
                  (delete->rewrite_latest ? RECORD_REWRITE : 0));
    const bool is_empty = !delete->all_time && delete->start_ms >= delete->end_ms;
    at = store_wire_put_signed(at, delete->all_time ? INT64_MIN : is_empty ? 1 : delete->start_ms);
    at = store_wire_put_signed(at, delete->all_time ? INT64_MAX
                                   : is_empty       ? 0
                                                    : delete->end_ms - 1);
    at = store_wire_put_varint(at, delete->key_count);
    for (uint32_t i = 0; i < delete->key_count; i++) {
        at = store_wire_put_text(at, delete->keys[i]);
    }
    return at;
}

static uint32_t kinds_of(const struct store_change *change)
{
    uint32_t kinds = 0;
    for (uint32_t i = 0; i < change->count; i++) {
        kinds |= STORE_STATE_BIT(change->items[i].kind);
    }
    return kinds;
}

static uint8_t *put_change(uint8_t *at, const struct store_change *change)
{
    at = store_wire_put_varint(at, kinds_of(change));
    at = store_wire_put_varint(at, change->count);
    for (uint32_t i = 0; i < change->count; i++) {
        const struct store_state_change *const item = &change->items[i];
        *at++ = (uint8_t)((unsigned)item->kind | (item->is_removed ? RECORD_REMOVED : 0));
        at = store_wire_put_text(at, item->name);
        if (!item->is_removed) {
            at = store_wire_put_text(at, item->value);
        }
    }
    return at;
}

size_t store_record_encode(const struct store_record *record, uint8_t *memory)
{
    uint8_t *at = memory;
    *at++ = (uint8_t)record->verb;
    at = store_wire_put_varint(at, record->ticket);
    at = store_wire_put_varint(at, record->tenant.number);
    at = store_wire_put_varint(at, record->device.number);
    at = store_wire_put_bytes(at, slice_of(record->trace.bytes, STORE_TRACE_SIZE));
    if (record->verb == STORE_SAVE) {
        at = put_save(at, &record->save);
    } else if (record->verb == STORE_DELETE) {
        at = put_delete(at, &record->delete);
    } else if (record->verb == STORE_CHANGE) {
        at = put_change(at, &record->change);
    }
    return (size_t)(at - memory);
}

static void get_save(struct store_wire *wire, struct store_record_view *view)
{
    const uint8_t flags = store_wire_get_u8(wire);
    view->series = (flags & RECORD_SERIES) != 0;
    view->latest = (flags & RECORD_LATEST) != 0;
    view->proposed.ms = store_wire_get_signed(wire);
    view->ttl_s = store_wire_get_varint(wire);
    view->count = (uint32_t)store_wire_get_varint(wire);
    view->point_count = (uint32_t)store_wire_get_varint(wire);
}

static void get_delete(struct store_wire *wire, struct store_record_view *view)
{
    const uint8_t flags = store_wire_get_u8(wire);
    view->all_time = (flags & RECORD_ALL_TIME) != 0;
    view->latest = (flags & RECORD_LATEST) != 0;
    view->rewrite_latest = (flags & RECORD_REWRITE) != 0;
    view->first_ms = store_wire_get_signed(wire);
    view->last_ms = store_wire_get_signed(wire);
    view->count = (uint32_t)store_wire_get_varint(wire);
}

void store_record_decode(struct slice bytes, struct store_record_view *view)
{
    struct store_wire wire = store_wire_over(bytes);
    *view = (struct store_record_view){.verb = (enum store_verb)store_wire_get_u8(&wire)};
    view->ticket = store_wire_get_varint(&wire);
    view->tenant.number = store_wire_get_varint(&wire);
    view->device.number = store_wire_get_varint(&wire);
    const struct slice trace = store_wire_get_bytes(&wire, STORE_TRACE_SIZE);
    ASSERT(!wire.bad);
    memcpy(view->trace.bytes, trace.ptr, STORE_TRACE_SIZE);
    if (view->verb == STORE_SAVE) {
        get_save(&wire, view);
    } else if (view->verb == STORE_DELETE) {
        get_delete(&wire, view);
    } else if (view->verb == STORE_PURGE) {
        view->kinds = UINT32_MAX;
    } else if (view->verb == STORE_CHANGE) {
        view->kinds = (uint32_t)store_wire_get_varint(&wire);
        view->count = (uint32_t)store_wire_get_varint(&wire);
    }
    ASSERT(!wire.bad);
    view->body = slice_of(wire.at, store_wire_left(&wire));
}
