#include "store/index.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"

#define INDEX_SLOTS_MIN 64U

static struct store_index_slot *slots_create(uint32_t count)
{
    struct store_index_slot *const slots = malloc(count * sizeof(*slots));
    ASSERT(slots != NULL);
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = (struct store_index_slot){0, STORE_INDEX_NONE};
    }
    return slots;
}

void store_index_init(struct store_index *index)
{
    *index = (struct store_index){slots_create(INDEX_SLOTS_MIN), INDEX_SLOTS_MIN - 1, 0};
}

void store_index_deinit(struct store_index *index)
{
    free(index->slots);
    *index = (struct store_index){0};
}

uint32_t store_index_begin(const struct store_index *index, uint64_t key)
{
    return (uint32_t)hash_word(key) & index->mask;
}

static void place(struct store_index *index, uint64_t key, uint32_t value)
{
    uint32_t at = store_index_begin(index, key);
    while (index->slots[at].value != STORE_INDEX_NONE) {
        at = (at + 1) & index->mask;
    }
    index->slots[at] = (struct store_index_slot){key, value};
}

static void grow(struct store_index *index)
{
    struct store_index_slot *const old = index->slots;
    const uint32_t old_count = index->mask + 1;
    ASSERT(old_count <= UINT32_MAX / 4);
    index->slots = slots_create(old_count * 2);
    index->mask = old_count * 2 - 1;
    for (uint32_t i = 0; i < old_count; i++) {
        if (old[i].value != STORE_INDEX_NONE) {
            place(index, old[i].key, old[i].value);
        }
    }
    free(old);
}

void store_index_put(struct store_index *index, uint64_t key, uint32_t value)
{
    ASSERT(value != STORE_INDEX_NONE);
    if (index->count >= (index->mask + 1) / 2) {
        grow(index);
    }
    place(index, key, value);
    index->count++;
}

uint32_t store_index_next(const struct store_index *index, uint64_t key, uint32_t *cursor)
{
    // At most half of the slots are taken, so there is always a free one to stop at.
    for (uint32_t at = *cursor;; at = (at + 1) & index->mask) {
        const struct store_index_slot slot = index->slots[at];
        if (slot.value == STORE_INDEX_NONE || slot.key == key) {
            *cursor = (at + 1) & index->mask;
            return slot.value;
        }
    }
}

void store_index_expect(const struct store_index *index, uint64_t key)
{
    __builtin_prefetch(&index->slots[store_index_begin(index, key)]);
}

uint32_t store_index_get(const struct store_index *index, uint64_t key)
{
    uint32_t cursor = store_index_begin(index, key);
    return store_index_next(index, key, &cursor);
}

// Closes the gap: what probed over the freed slot moves back.
static void shift_back(struct store_index *index, uint32_t gap)
{
    for (uint32_t at = (gap + 1) & index->mask; index->slots[at].value != STORE_INDEX_NONE;
         at = (at + 1) & index->mask) {
        const uint32_t home = store_index_begin(index, index->slots[at].key);
        if (((at - home) & index->mask) >= ((at - gap) & index->mask)) {
            index->slots[gap] = index->slots[at];
            gap = at;
        }
    }
    index->slots[gap].value = STORE_INDEX_NONE;
}

void store_index_remove(struct store_index *index, uint64_t key, uint32_t value)
{
    uint32_t at = store_index_begin(index, key);
    for (; index->slots[at].value != STORE_INDEX_NONE; at = (at + 1) & index->mask) {
        if (index->slots[at].key == key && index->slots[at].value == value) {
            shift_back(index, at);
            index->count--;
            return;
        }
    }
}
