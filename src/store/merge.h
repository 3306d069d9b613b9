// store/merge.h: points of one key of one device, in order, from everything that holds them: blocks
// on disk and readings in memory, of which the highest sequence counts, without what a marker
// deleted or what has expired.
//
// Blocks come in the order of their first time and overlap by at most the longest span that the row
// knows. So a point may be emitted as soon as no later block can hold one before it; what waits is
// kept in a heap, of a limited range hardly more than its limit. Days without blocks of the device
// are stepped over by one seek each.
#pragma once

#include "store/blocks.h"
#include "store/row.h"
#include "store/store.h"

struct store_merge {
    struct store_blocks *blocks;
    uint64_t device;
    const struct store_row *row;
    struct slice readings; // unsealed ones (reading.h)
    uint32_t key;
    int64_t first_ms; // both ends inside
    int64_t last_ms;
    bool descending;
    uint64_t limit;     // points; UINT64_MAX: none
    size_t waiting_max; // bytes of the heap
    struct wall now;    // for expiry
    uint64_t life_ms;   // of readings that live by profile; 0: for ever
};

// Without the name of the key, which the caller knows. Return false to stop.
typedef bool store_merge_fn(void *context, int64_t time_ms, const struct model_value *value);

// ERR_CORRUPT, ERR_IO; ERR_TOO_LARGE: more waits than may.
MUST_USE enum err store_merge_run(const struct store_merge *merge, void *context,
                                  store_merge_fn *emit);
