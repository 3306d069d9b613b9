// base/histogram.h: how often values of which size were seen, by powers of two. One thread adds,
// any thread reads (base/metric.h).
#pragma once

#include <stdint.h>

#include "base/metric.h"

// Values up to 2^0, 2^1 ... 2^(HISTOGRAM_BUCKETS - 2), and those beyond.
#define HISTOGRAM_BUCKETS 26U

struct histogram {
    struct metric buckets[HISTOGRAM_BUCKETS];
    struct metric sum;
};

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
    // The least n with value <= 2^n.
    const unsigned bits = value <= 1 ? 0 : 64U - (unsigned)__builtin_clzll(value - 1);
    const unsigned last = HISTOGRAM_BUCKETS - 1;
    metric_add(&histogram->buckets[bits < last ? bits : last], 1);
    metric_add(&histogram->sum, value);
}
