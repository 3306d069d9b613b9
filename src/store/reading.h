// store/reading.h: one reading as it stands in the journal and in the head: flags, time, sequence,
// expiry, then its points as key number and value. The journal row holds such bytes, and the head a
// copy of the same, so that replay is copying.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/wire.h"

enum {
    STORE_READING_SERIES = 1,
    STORE_READING_LATEST = 2,
    STORE_READING_EXPIRES = 4,
};

struct store_reading {
    bool series;
    bool latest;
    int64_t time_ms;
    uint64_t sequence;
    int64_t expires_ms; // 0: by profile
    uint32_t point_count;
};

// Room for the head of a reading and of a point (without the value).
#define STORE_READING_HEAD_MAX (1U + 4U * STORE_WIRE_VARINT_MAX)
#define STORE_READING_POINT_MAX 5U

static inline uint8_t *store_reading_put(uint8_t *at, const struct store_reading *reading)
{
    *at++ = (uint8_t)((reading->series ? STORE_READING_SERIES : 0) |
                      (reading->latest ? STORE_READING_LATEST : 0) |
                      (reading->expires_ms != 0 ? STORE_READING_EXPIRES : 0));
    at = store_wire_put_signed(at, reading->time_ms);
    at = store_wire_put_varint(at, reading->sequence);
    if (reading->expires_ms != 0) {
        at = store_wire_put_signed(at, reading->expires_ms);
    }
    return store_wire_put_varint(at, reading->point_count);
}

// The points follow: `point_count` times a varint (key number) and a value.
static inline struct store_reading store_reading_get(struct store_wire *wire)
{
    struct store_reading reading = {0};
    const uint8_t flags = store_wire_get_u8(wire);
    reading.series = (flags & STORE_READING_SERIES) != 0;
    reading.latest = (flags & STORE_READING_LATEST) != 0;
    reading.time_ms = store_wire_get_signed(wire);
    reading.sequence = store_wire_get_varint(wire);
    reading.expires_ms = (flags & STORE_READING_EXPIRES) != 0 ? store_wire_get_signed(wire) : 0;
    reading.point_count = (uint32_t)store_wire_get_varint(wire);
    return reading;
}

static inline void store_reading_skip_points(struct store_wire *wire, uint32_t count)
{
    for (uint32_t i = 0; i < count && !wire->bad; i++) {
        (void)store_wire_get_varint(wire);
        (void)store_wire_get_value_bytes(wire);
    }
}
