// store/reading.h: one reading as it stands in the journal and in the head: flags, time, sequence,
// expiry, arrival, then its points as key number and value. The journal row holds such bytes, and
// the head a copy of the same, so that replay is copying.
//
// A reading with an expiry of its own ends then. Any other lives by profile: as long as the store's
// resolver says of its device when somebody asks, counted from its time; or from its arrival, if
// its time was too far ahead to be believed.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "store/wire.h"

enum {
    STORE_READING_SERIES = 1,
    STORE_READING_LATEST = 2,
    STORE_READING_EXPIRES = 4,
    STORE_READING_AHEAD = 8,
};

// A time further ahead of the arrival is not believed: clocks of devices may be wrong by a day.
#define STORE_READING_AHEAD_MS INT64_C(86400000)

struct store_reading {
    bool series;
    bool latest;
    int64_t time_ms;
    uint64_t sequence;
    int64_t expires_ms; // 0: by profile
    int64_t arrived_ms; // if its time is not believed, else 0
    uint32_t point_count;
};

// What `arrived_ms` is for a reading of this time that came at `arrival`.
static inline int64_t store_reading_arrived(int64_t time_ms, struct wall arrival)
{
    int64_t believed_ms = 0;
    const bool is_ahead =
        !__builtin_add_overflow(arrival.ms, STORE_READING_AHEAD_MS, &believed_ms) &&
        time_ms > believed_ms;
    return is_ahead ? arrival.ms : 0;
}

// True once the reading has expired, where the profile gives it `life_ms` (0: for ever).
static inline bool store_reading_is_over(const struct store_reading *reading, uint64_t life_ms,
                                         struct wall now)
{
    if (reading->expires_ms != 0) {
        return reading->expires_ms <= now.ms;
    }
    const int64_t from_ms = reading->arrived_ms != 0 ? reading->arrived_ms : reading->time_ms;
    return life_ms != 0 && now.ms > from_ms && (uint64_t)now.ms - (uint64_t)from_ms >= life_ms;
}

// Room for the head of a reading and of a point (without the value).
#define STORE_READING_HEAD_MAX (1U + 5U * STORE_WIRE_VARINT_MAX)
#define STORE_READING_POINT_MAX 5U

static inline uint8_t *store_reading_put(uint8_t *at, const struct store_reading *reading)
{
    *at++ = (uint8_t)((reading->series ? STORE_READING_SERIES : 0) |
                      (reading->latest ? STORE_READING_LATEST : 0) |
                      (reading->expires_ms != 0 ? STORE_READING_EXPIRES : 0) |
                      (reading->arrived_ms != 0 ? STORE_READING_AHEAD : 0));
    at = store_wire_put_signed(at, reading->time_ms);
    at = store_wire_put_varint(at, reading->sequence);
    if (reading->expires_ms != 0) {
        at = store_wire_put_signed(at, reading->expires_ms);
    }
    if (reading->arrived_ms != 0) {
        at = store_wire_put_signed(at, reading->arrived_ms);
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
    reading.arrived_ms = (flags & STORE_READING_AHEAD) != 0 ? store_wire_get_signed(wire) : 0;
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
