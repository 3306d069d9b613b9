#include "base/arena.h"

#include <string.h>

#define ARENA_ALIGNMENT 16U

static size_t align_up(size_t n)
{
    return (n + (ARENA_ALIGNMENT - 1)) & ~(size_t)(ARENA_ALIGNMENT - 1);
}

void arena_init(struct arena *arena, void *memory, size_t size)
{
    const size_t skipped = (0 - (uintptr_t)memory) % ARENA_ALIGNMENT;

    ASSERT(memory != NULL);
    ASSERT(size >= skipped);
    // Start and size are multiples of the alignment, so no take has to look for a remainder.
    arena->memory = (uint8_t *)memory + skipped;
    arena->size = (size - skipped) & ~(size_t)(ARENA_ALIGNMENT - 1);
    arena->used = 0;
    arena->used_max = 0;
}

void arena_reset(struct arena *arena)
{
    arena->used = 0;
}

void *arena_take(struct arena *arena, size_t size)
{
    ASSERT(arena->used % ARENA_ALIGNMENT == 0);
    if (size > arena->size - arena->used) {
        return NULL;
    }
    void *at = arena->memory + arena->used;
    arena->used += align_up(size);
    if (arena->used > arena->used_max) {
        arena->used_max = arena->used;
    }
    ASSERT(arena->used <= arena->size);
    return at;
}

void *arena_take_array(struct arena *arena, size_t count, size_t item_size)
{
    size_t size;
    if (__builtin_mul_overflow(count, item_size, &size)) {
        return NULL;
    }
    void *at = arena_take(arena, size);
    if (at != NULL) {
        memset(at, 0, size);
    }
    return at;
}

struct slice arena_copy(struct arena *arena, struct slice s)
{
    void *at = arena_take(arena, s.len);
    if (at == NULL) {
        return SLICE_EMPTY;
    }
    if (s.len > 0) {
        memcpy(at, s.ptr, s.len);
    }
    return slice_of(at, s.len);
}

void arena_rewind(struct arena *arena, size_t mark)
{
    ASSERT(mark <= arena->used);
    ASSERT(mark % ARENA_ALIGNMENT == 0);
    arena->used = mark;
}
