// store/index.h: a hash map from a 64-bit key to a 32-bit value that grows by doubling, for tables
// whose size follows the data. Several values may stand under one key. Not for workers: it
// allocates.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define STORE_INDEX_NONE UINT32_MAX

struct store_index_slot {
    uint64_t key;
    uint32_t value; // STORE_INDEX_NONE: free
};

struct store_index {
    struct store_index_slot *slots;
    uint32_t mask;
    uint32_t count;
};

void store_index_init(struct store_index *index);
void store_index_deinit(struct store_index *index);
void store_index_put(struct store_index *index, uint64_t key, uint32_t value);
// Removes the entry (key, value) if it is there.
void store_index_remove(struct store_index *index, uint64_t key, uint32_t value);
// The first value under the key, or STORE_INDEX_NONE.
uint32_t store_index_get(const struct store_index *index, uint64_t key);
// Asks the processor for where the key stands; for batches.
void store_index_expect(const struct store_index *index, uint64_t key);
// The next value under the key, from `*cursor`, which begins as store_index_begin(index, key).
uint32_t store_index_next(const struct store_index *index, uint64_t key, uint32_t *cursor);
uint32_t store_index_begin(const struct store_index *index, uint64_t key);
