// base/filter.h: a set that answers "surely not" or "perhaps": one bit per hash, shared by all
// threads without locks. Nothing is ever taken out; false positives grow with what was put in.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FILTER_BITS (1U << 20)

struct filter {
    _Atomic uint64_t words[FILTER_BITS / 64];
};

// `hash` is a good one.
static inline void filter_put(struct filter *filter, uint64_t hash)
{
    const uint64_t bit = hash % FILTER_BITS;
    _Atomic uint64_t *word = &filter->words[bit / 64];
    const uint64_t mask = UINT64_C(1) << (bit % 64);
    // Mostly it is there already, and a read leaves the cache line shared.
    if ((atomic_load_explicit(word, memory_order_relaxed) & mask) == 0) {
        atomic_fetch_or_explicit(word, mask, memory_order_relaxed);
    }
}

static inline bool filter_has(const struct filter *filter, uint64_t hash)
{
    const uint64_t bit = hash % FILTER_BITS;
    const uint64_t word = atomic_load_explicit(&filter->words[bit / 64], memory_order_relaxed);
    return (word >> (bit % 64) & 1U) != 0;
}
