#include "base/arena.h"

#include <string.h>

#define ALIGNMENT 16U

void arena_init(struct arena *arena, void *memory, size_t size)
{
    ASSERT(((uintptr_t)memory & (ALIGNMENT - 1)) == 0);
    *arena = (struct arena){memory, size, 0, 0};
}

void arena_reset(struct arena *arena)
{
    arena->used = 0;
}

void *arena_take(struct arena *arena, size_t size)
{
    const size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (rounded < size || rounded > arena->size - arena->used) {
        return NULL;
    }
    void *taken = arena->memory + arena->used;
    arena->used += rounded;
    if (arena->used > arena->used_max) {
        arena->used_max = arena->used;
    }
    return taken;
}

void *arena_take_array(struct arena *arena, size_t count, size_t item_size)
{
    size_t size = 0;
    if (__builtin_mul_overflow(count, item_size, &size)) {
        return NULL;
    }
    void *taken = arena_take(arena, size);
    if (taken != NULL) {
        memset(taken, 0, size);
    }
    return taken;
}

struct slice arena_copy(struct arena *arena, struct slice s)
{
    uint8_t *copy = arena_take(arena, s.len);
    if (copy == NULL) {
        return SLICE_EMPTY;
    }
    if (s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    return slice_of(copy, s.len);
}

void arena_rewind(struct arena *arena, size_t mark)
{
    ASSERT(mark <= arena->used);
    arena->used = mark;
}
