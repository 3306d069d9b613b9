// base/metric.h: counters that one thread writes and any thread reads. No lock, no shared cache
// line: each worker has its own set, the reader adds them up.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct metric {
    _Atomic uint64_t value;
};

// By the owner only.
static inline void metric_add(struct metric *metric, uint64_t amount)
{
    const uint64_t value = atomic_load_explicit(&metric->value, memory_order_relaxed);
    atomic_store_explicit(&metric->value, value + amount, memory_order_relaxed);
}

// By the owner only: a level, not a count.
static inline void metric_set(struct metric *metric, uint64_t value)
{
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

static inline uint64_t metric_read(const struct metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}
