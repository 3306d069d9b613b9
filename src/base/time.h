// base/time.h: three kinds of time that must not be mixed. Nobody below `plat` reads a clock: time
// is a parameter, read once per turn by the worker.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// A moment on the monotonic clock, in nanoseconds. Zero is no moment.
struct mono {
    uint64_t ns;
};

// A moment on the wall clock, in milliseconds since 1970-01-01T00:00:00Z; may be negative.
struct wall {
    int64_t ms;
};

// A length of time, in nanoseconds.
struct span {
    uint64_t ns;
};

// A deadline that never comes.
#define MONO_NEVER ((struct mono){UINT64_MAX})

static inline struct span span_ms(uint64_t ms)
{
    return (struct span){ms * 1000000U};
}

static inline struct span span_us(uint64_t us)
{
    return (struct span){us * 1000U};
}

static inline struct span span_s(uint64_t s)
{
    return (struct span){s * 1000000000U};
}

// Saturates at MONO_NEVER.
static inline struct mono mono_add(struct mono at, struct span span)
{
    return (struct mono){at.ns > UINT64_MAX - span.ns ? UINT64_MAX : at.ns + span.ns};
}

// Zero if `later` is not later.
static inline struct span mono_since(struct mono later, struct mono earlier)
{
    return (struct span){later.ns > earlier.ns ? later.ns - earlier.ns : 0};
}

static inline bool mono_reached(struct mono now, struct mono deadline)
{
    return now.ns >= deadline.ns;
}

static inline struct mono mono_earlier(struct mono a, struct mono b)
{
    return a.ns <= b.ns ? a : b;
}

// floor(ms / 86,400,000), also for negative times.
int64_t wall_day(struct wall at);
// "2026-01-31T23:59:59.123Z" into 25 bytes (with terminator); years outside 0 to 9999 are clamped.
void wall_format(struct wall at, char text[25]);
