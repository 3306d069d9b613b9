// base/stamp.h: a number that one thread raises after a change can be seen, and that others read
// before they look: as long as it is the same, what they saw is right. No lock.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct stamp {
    _Atomic uint32_t value;
};

// By the owner only.
static inline void stamp_mark(struct stamp *stamp)
{
    const uint32_t value = atomic_load_explicit(&stamp->value, memory_order_relaxed);
    // Who reads the new number sees the change.
    atomic_store_explicit(&stamp->value, value + 1, memory_order_release);
}

static inline uint32_t stamp_read(const struct stamp *stamp)
{
    return atomic_load_explicit(&stamp->value, memory_order_acquire);
}
