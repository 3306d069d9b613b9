// base/arena.h: memory with one lifetime. Bytes are handed out from a block given at the start and
// all taken back at once by `arena_reset`, at the end of a worker's turn for the turn arena.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/slice.h"

struct arena {
    uint8_t *memory;
    size_t size;
    size_t used;
    size_t used_max; // the most that was ever used, for metrics
};

void arena_init(struct arena *arena, void *memory, size_t size);
void arena_reset(struct arena *arena);

// `size` bytes, aligned to 16, not cleared; NULL when the arena is full.
MUST_USE void *arena_take(struct arena *arena, size_t size);
// Cleared memory for `count` items; NULL when it does not fit.
MUST_USE void *arena_take_array(struct arena *arena, size_t count, size_t item_size);
// A copy that lives as long as the arena; `ptr == NULL` when it does not fit.
MUST_USE struct slice arena_copy(struct arena *arena, struct slice s);

// Marks and rewinds: what was taken after the mark is given back.
static inline size_t arena_mark(const struct arena *arena)
{
    return arena->used;
}
void arena_rewind(struct arena *arena, size_t mark);
