// Memory: the struct, then one generation per slot, then one free-list link per slot, then the
// slots. The free list is last in, first out: the slot that was given last is still in the cache.
// Slots that were never taken are not on it; they follow in order, so a large pool costs memory and
// time at start only as far as it is used.
#include "base/pool.h"

#include <string.h>

#define POOL_ALIGNMENT 16U
#define POOL_NO_INDEX UINT32_MAX

struct pool {
    uint8_t *slots;
    uint32_t *generations; // odd while the slot is taken
    uint32_t *next_free;   // POOL_NO_INDEX ends the list
    size_t slot_size;      // rounded up
    uint32_t count;
    uint32_t taken;
    uint32_t first_free;
    uint32_t fresh; // from here on no slot was ever taken, and nothing is initialised
};

static size_t align_up(size_t n)
{
    return (n + (POOL_ALIGNMENT - 1)) & ~(size_t)(POOL_ALIGNMENT - 1);
}

static size_t slots_offset(uint32_t count)
{
    return align_up(sizeof(struct pool) + 2 * (size_t)count * sizeof(uint32_t));
}

size_t pool_footprint(uint32_t count, size_t slot_size)
{
    ASSERT(slot_size > 0);
    ASSERT(count < POOL_NO_INDEX);
    return slots_offset(count) + count * align_up(slot_size);
}

struct pool *pool_init(void *memory, uint32_t count, size_t slot_size)
{
    struct pool *pool = memory;

    ASSERT((uintptr_t)memory % POOL_ALIGNMENT == 0);
    ASSERT(slot_size > 0);
    ASSERT(count < POOL_NO_INDEX);
    *pool = (struct pool){
        .slots = (uint8_t *)memory + slots_offset(count),
        .generations = (uint32_t *)(pool + 1),
        .next_free = (uint32_t *)(pool + 1) + count,
        .slot_size = align_up(slot_size),
        .count = count,
        .first_free = POOL_NO_INDEX,
    };
    return pool;
}

static void *slot_at(const struct pool *pool, uint32_t index)
{
    ASSERT(index < pool->count);
    return pool->slots + index * pool->slot_size;
}

static bool is_taken(const struct pool *pool, uint32_t index)
{
    return index < pool->fresh && (pool->generations[index] & 1) != 0;
}

// A slot off the free list, or else a fresh one, or POOL_NO_INDEX.
static uint32_t next_free(struct pool *pool)
{
    const uint32_t index = pool->first_free;

    if (index != POOL_NO_INDEX) {
        pool->first_free = pool->next_free[index];
        return index;
    }
    if (pool->fresh == pool->count) {
        return POOL_NO_INDEX;
    }
    pool->generations[pool->fresh] = 0;
    return pool->fresh++;
}

void *pool_take(struct pool *pool, struct pool_handle *handle)
{
    const uint32_t index = next_free(pool);

    if (index == POOL_NO_INDEX) {
        ASSERT(pool->taken == pool->count);
        *handle = POOL_HANDLE_NONE;
        return NULL;
    }
    ASSERT(!is_taken(pool, index));
    pool->generations[index]++;
    pool->taken++;
    *handle = (struct pool_handle){index, pool->generations[index]};
    void *slot = slot_at(pool, index);
    memset(slot, 0, pool->slot_size);
    return slot;
}

void pool_give(struct pool *pool, struct pool_handle handle)
{
    ASSERT(pool_get(pool, handle) != NULL);
    pool->generations[handle.index]++;
    pool->next_free[handle.index] = pool->first_free;
    pool->first_free = handle.index;
    pool->taken--;
}

void *pool_get(const struct pool *pool, struct pool_handle handle)
{
    if (handle.index >= pool->fresh || (handle.generation & 1) == 0 ||
        pool->generations[handle.index] != handle.generation) {
        return NULL;
    }
    return slot_at(pool, handle.index);
}

struct pool_handle pool_handle_of(const struct pool *pool, const void *slot)
{
    const uintptr_t offset = (uintptr_t)slot - (uintptr_t)pool->slots;
    const uint32_t index = (uint32_t)(offset / pool->slot_size);

    ASSERT((uintptr_t)slot >= (uintptr_t)pool->slots);
    ASSERT(offset < pool->count * pool->slot_size);
    ASSERT(offset % pool->slot_size == 0);
    ASSERT(is_taken(pool, index));
    return (struct pool_handle){index, pool->generations[index]};
}

void *pool_at(const struct pool *pool, uint32_t index, bool *taken)
{
    void *slot = slot_at(pool, index);
    *taken = is_taken(pool, index);
    return slot;
}

uint32_t pool_count(const struct pool *pool)
{
    return pool->count;
}

uint32_t pool_taken(const struct pool *pool)
{
    return pool->taken;
}

void pool_check(const struct pool *pool)
{
    uint32_t free_count = 0;
    uint32_t taken = 0;

    for (uint32_t i = pool->first_free; i != POOL_NO_INDEX; i = pool->next_free[i]) {
        ASSERT(i < pool->fresh);
        ASSERT(!is_taken(pool, i));
        free_count++;
        ASSERT(free_count <= pool->fresh);
    }
    for (uint32_t i = 0; i < pool->fresh; i++) {
        taken += is_taken(pool, i) ? 1 : 0;
    }
    ASSERT(taken == pool->taken);
    ASSERT(taken + free_count == pool->fresh);
    ASSERT(pool->fresh <= pool->count);
}
