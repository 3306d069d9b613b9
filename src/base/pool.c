#include "base/pool.h"

#include <string.h>

// Slots stand first, aligned to 16; generations and the free list beside them. Slots are handed out
// from the lowest fresh one on, or the one given back last, so memory is touched as it is used.
struct pool {
    uint32_t count;
    uint32_t taken;
    uint32_t fresh;      // slots from here on were never taken
    uint32_t free_head;  // position + 1 of the first free slot, 0 if none
    size_t slot_size;
    uint8_t *slots;
    uint32_t *generations;
    uint32_t *next;  // free list, position + 1
};

static size_t round16(size_t size)
{
    return (size + 15U) & ~(size_t)15U;
}

size_t pool_footprint(uint32_t count, size_t slot_size)
{
    return round16(sizeof(struct pool)) + count * round16(slot_size) +
           round16(count * sizeof(uint32_t)) * 2;
}

struct pool *pool_init(void *memory, uint32_t count, size_t slot_size)
{
    ASSERT(((uintptr_t)memory & 15U) == 0);
    struct pool *pool = memory;
    uint8_t *at = (uint8_t *)memory + round16(sizeof(struct pool));
    *pool = (struct pool){.count = count, .slot_size = round16(slot_size), .slots = at};
    at += count * pool->slot_size;
    pool->generations = (uint32_t *)(void *)at;
    pool->next = (uint32_t *)(void *)(at + round16(count * sizeof(uint32_t)));
    return pool;
}

void *pool_take(struct pool *pool, struct pool_handle *handle)
{
    uint32_t index = 0;
    if (pool->free_head != 0) {
        index = pool->free_head - 1;
        pool->free_head = pool->next[index];
    } else if (pool->fresh < pool->count) {
        index = pool->fresh++;
        pool->generations[index] = 0;
    } else {
        return NULL;
    }
    pool->generations[index]++;
    ASSERT((pool->generations[index] & 1U) == 1);
    pool->taken++;
    *handle = (struct pool_handle){index, pool->generations[index]};
    void *slot = pool->slots + index * pool->slot_size;
    memset(slot, 0, pool->slot_size);
    return slot;
}

void pool_give(struct pool *pool, struct pool_handle handle)
{
    ASSERT(pool_get(pool, handle) != NULL);
    pool->generations[handle.index]++;
    pool->next[handle.index] = pool->free_head;
    pool->free_head = handle.index + 1;
    pool->taken--;
}

void *pool_get(const struct pool *pool, struct pool_handle handle)
{
    if (handle.index >= pool->fresh || (handle.generation & 1U) == 0 ||
        pool->generations[handle.index] != handle.generation) {
        return NULL;
    }
    return pool->slots + handle.index * pool->slot_size;
}

struct pool_handle pool_handle_of(const struct pool *pool, const void *slot)
{
    const size_t offset = (size_t)((const uint8_t *)slot - pool->slots);
    const uint32_t index = (uint32_t)(offset / pool->slot_size);
    ASSERT(index < pool->fresh && offset % pool->slot_size == 0);
    ASSERT((pool->generations[index] & 1U) == 1);
    return (struct pool_handle){index, pool->generations[index]};
}

void *pool_at(const struct pool *pool, uint32_t index, bool *taken)
{
    ASSERT(index < pool->count);
    *taken = index < pool->fresh && (pool->generations[index] & 1U) == 1;
    return pool->slots + index * pool->slot_size;
}

uint32_t pool_count(const struct pool *pool)
{
    return pool->count;
}

uint32_t pool_taken(const struct pool *pool)
{
    return pool->taken;
}
