// store/record.h: a record as it lies in a lane's ring, between the thread that submits it and the
// writer. The writer walks it in place; nothing is copied until it stands in the journal.
//
// Such bytes never leave the process and are trusted.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "store/store.h"
#include "store/wire.h"

// The record without its readings or keys, which stand encoded in `body`.
struct store_record_view {
    enum store_verb verb;
    uint64_t ticket;
    struct tenant_id tenant;
    struct device_id device;
    struct store_trace trace;
    struct wall proposed; // save
    uint64_t ttl_s;       // save
    bool series;          // save
    bool latest;          // save and delete
    bool all_time;        // delete
    bool rewrite_latest;  // delete
    int64_t first_ms;     // delete: the range, both ends inside; empty if first > last
    int64_t last_ms;
    uint32_t count;       // readings of a save, keys of a delete (0: all of the device), changes
    uint32_t point_count; // save: of all readings
    uint32_t kinds;       // of the state that changes, bits (STORE_STATE_BIT); purge: all
    struct slice body;
};

// Room that the record needs at most; 0 if it has more points or keys than a request may have.
size_t store_record_room(const struct store_record *record);
// Writes it to `memory` and returns its length.
size_t store_record_encode(const struct store_record *record, uint8_t *memory);
void store_record_decode(struct slice bytes, struct store_record_view *view);

// When the points of a save stop to exist, ms; 0: by profile.
static inline int64_t store_record_expiry(const struct store_record_view *record)
{
    int64_t span_ms = 0;
    int64_t expiry = 0;
    if (record->ttl_s == 0 || record->ttl_s > INT64_MAX / 1000) {
        return 0;
    }
    span_ms = (int64_t)record->ttl_s * 1000;
    return __builtin_add_overflow(record->proposed.ms, span_ms, &expiry) ? 0 : expiry;
}

// Keys are sorted by their bytes.
int store_record_compare_keys(struct slice a, struct slice b);

struct store_record_reading {
    bool has_time;
    int64_t time_ms;
    uint32_t point_count;
};

// Walks the body: `count` times a reading, each followed by its points; or `count` times a key.
static inline struct store_record_reading store_record_next_reading(struct store_wire *body)
{
    struct store_record_reading reading = {0};
    reading.has_time = store_wire_get_u8(body) != 0;
    reading.time_ms = reading.has_time ? store_wire_get_signed(body) : 0;
    reading.point_count = (uint32_t)store_wire_get_varint(body);
    return reading;
}

// Walks the body of a change.
static inline struct store_state_change store_record_next_change(struct store_wire *body)
{
    struct store_state_change change = {0};
    const uint8_t head = store_wire_get_u8(body);
    change.kind = (enum store_state_kind)(head & 0x7f);
    change.is_removed = (head & 0x80) != 0;
    change.name = store_wire_get_text(body);
    change.value = change.is_removed ? SLICE_EMPTY : store_wire_get_text(body);
    return change;
}

// The key; the value follows and must be taken by store_wire_get_value(_bytes).
static inline struct slice store_record_next_key(struct store_wire *body)
{
    return store_wire_get_text(body);
}
