// base/pool.h: a fixed number of equal slots with generations. A slot that may die while somebody
// waits is named by a handle, so that a late answer to a recycled slot finds nothing.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

struct pool_handle {
    uint32_t index;
    uint32_t generation; // odd while the slot is taken; 0 names nothing
};

#define POOL_HANDLE_NONE ((struct pool_handle){0, 0})

struct pool;

// Bytes that `pool_init` uses for `count` slots of `slot_size` bytes.
size_t pool_footprint(uint32_t count, size_t slot_size);
// Builds the pool inside `memory` (aligned to 16), which outlives it.
struct pool *pool_init(void *memory, uint32_t count, size_t slot_size);

// A free slot, cleared, and its handle; NULL when all are taken.
MUST_USE void *pool_take(struct pool *pool, struct pool_handle *handle);
// Gives a taken slot back. The handle is dead afterwards.
void pool_give(struct pool *pool, struct pool_handle handle);
// The slot, or NULL if the handle is dead.
void *pool_get(const struct pool *pool, struct pool_handle handle);
// The live handle of a taken slot.
struct pool_handle pool_handle_of(const struct pool *pool, const void *slot);
// The slot at a position, taken or not as `*taken` says; for walks over all.
void *pool_at(const struct pool *pool, uint32_t index, bool *taken);

uint32_t pool_count(const struct pool *pool);
uint32_t pool_taken(const struct pool *pool);

// Asserts every invariant. For tests and the simulator.
void pool_check(const struct pool *pool);
