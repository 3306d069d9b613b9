// model/slab.h: memory for very many items of one size, taken from the heap in large pieces and
// given back to it only all at once. For the one thread that writes the index; workers allocate
// nothing.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

#define MODEL_SLAB_SIZE 65536U

struct model_slab_piece;

struct model_slab {
    size_t item_size;
    size_t fresh; // bytes of the newest piece that were never handed out
    struct model_slab_piece *pieces;
    void *given; // items that came back, linked through their first word
    uint64_t bytes;
};

// `item_size` is a multiple of 8, at most a quarter of MODEL_SLAB_SIZE.
void model_slab_init(struct model_slab *slab, size_t item_size);
void model_slab_deinit(struct model_slab *slab);

// An item, not cleared, aligned to 8; NULL when the heap has no more.
MUST_USE void *model_slab_take(struct model_slab *slab);
void model_slab_give(struct model_slab *slab, void *item);
