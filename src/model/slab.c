#include "model/slab.h"

#include <assert.h>
#include <stdlib.h>

struct model_slab_piece {
    struct model_slab_piece *next;
    uint64_t items[(MODEL_SLAB_SIZE - sizeof(void *)) / sizeof(uint64_t)];
};

static_assert(sizeof(struct model_slab_piece) == MODEL_SLAB_SIZE, "whole pages, nothing lost");

struct given {
    struct given *next;
};

void model_slab_init(struct model_slab *slab, size_t item_size)
{
    ASSERT(item_size >= sizeof(struct given) && item_size % sizeof(uint64_t) == 0);
    ASSERT(item_size <= MODEL_SLAB_SIZE / 4);
    *slab = (struct model_slab){.item_size = item_size};
}

void model_slab_deinit(struct model_slab *slab)
{
    while (slab->pieces != NULL) {
        struct model_slab_piece *next = slab->pieces->next;
        free(slab->pieces);
        slab->pieces = next;
    }
    slab->given = NULL;
    slab->fresh = 0;
    slab->bytes = 0;
}

void *model_slab_take(struct model_slab *slab)
{
    if (slab->given != NULL) {
        struct given *item = slab->given;
        slab->given = item->next;
        return item;
    }
    if (slab->fresh < slab->item_size) {
        struct model_slab_piece *piece = malloc(sizeof(*piece));
        if (piece == NULL) {
            return NULL;
        }
        piece->next = slab->pieces;
        slab->pieces = piece;
        slab->fresh = sizeof(piece->items);
        slab->bytes += sizeof(*piece);
    }
    const size_t at = sizeof(slab->pieces->items) - slab->fresh;
    slab->fresh -= slab->item_size;
    return (uint8_t *)slab->pieces->items + at;
}

void model_slab_give(struct model_slab *slab, void *item)
{
    struct given *given = item;
    given->next = slab->given;
    slab->given = given;
}
