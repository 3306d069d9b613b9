// bench/latency.h: how long things took, to a microsecond below a millisecond and to a thousandth
// above, up to 71 minutes.
#pragma once

#include <stdint.h>

#define BENCH_LATENCY_STEPS 1024U // of an octave
#define BENCH_LATENCY_OCTAVES 22U

struct bench_latency {
    uint64_t count;
    uint64_t buckets[BENCH_LATENCY_STEPS * (BENCH_LATENCY_OCTAVES + 1)];
};

static inline void bench_latency_add(struct bench_latency *latency, uint64_t ns)
{
    const uint64_t us = ns / 1000U < UINT32_MAX ? ns / 1000U : UINT32_MAX;
    unsigned octave = 0;
    if (us >= BENCH_LATENCY_STEPS) {
        octave = 54U - (unsigned)__builtin_clzll(us);
    }
    // From the first octave on: the upper half of the steps of 2^octave microseconds each.
    latency->buckets[octave * BENCH_LATENCY_STEPS + (us >> octave)]++;
    latency->count++;
}

// Microseconds that this part of them did not exceed.
static inline uint64_t bench_latency_us(const struct bench_latency *latency, double part)
{
    uint64_t rest = (uint64_t)((double)latency->count * part);
    for (uint64_t i = 0; i < BENCH_LATENCY_STEPS * (BENCH_LATENCY_OCTAVES + 1); i++) {
        if (latency->buckets[i] > rest) {
            return i % BENCH_LATENCY_STEPS << (i / BENCH_LATENCY_STEPS);
        }
        rest -= latency->buckets[i];
    }
    return 0;
}
