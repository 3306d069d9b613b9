// codec/scratch.h: writing into an arena a text whose size is not known before. Between open and
// close nothing else may be taken from the arena.
#pragma once

#include "base/arena.h"
#include "base/buf.h"

// A buffer over all that is left of the arena.
static inline struct buf codec_scratch_open(const struct arena *arena)
{
    return buf_over(arena->memory + arena->used, arena->size - arena->used);
}

// Keeps what was written; `ptr == NULL` when it did not fit.
static inline struct slice codec_scratch_close(struct arena *arena, const struct buf *out)
{
    if (out->overflow) {
        return SLICE_EMPTY;
    }
    const void *kept = arena_take(arena, out->len);
    ASSERT(kept == out->ptr);
    return buf_view(out);
}
