// store/recent.h: rows of devices that a lane has read lately, so that reading them again asks no
// other thread. Private to the store; belongs to the lane's thread.
//
// Entries lie one behind the other in a ring of bytes, found by device and kinds. A new one
// overwrites the oldest. An entry carries the stamp that its device had before it was read, and
// counts only as long as the device has that stamp (base/stamps.h).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "model/ids.h"

struct store_recent;

// What an entry is found by.
struct store_recent_key {
    struct device_id device;
    uint32_t kinds; // bits (STORE_STATE_BIT)
};

size_t store_recent_footprint(size_t bytes);
// `memory` is zeroed, aligned to 8, and outlives it. `bytes` for entries; fewer than
// STORE_RECENT_MIN count as that.
#define STORE_RECENT_MIN 4096U
struct store_recent *store_recent_init(void *memory, size_t bytes);

// Keeps a copy of the rows, unless they are larger than an eighth of all.
void store_recent_keep(struct store_recent *recent, struct store_recent_key key, uint32_t stamp,
                       struct slice rows);
// False if they are not there. The view is good until the next call of store_recent_keep.
MUST_USE bool store_recent_find(const struct store_recent *recent, struct store_recent_key key,
                                uint32_t stamp, struct slice *rows);
uint32_t store_recent_count(const struct store_recent *recent);
// Asserts every invariant. For tests.
void store_recent_check(const struct store_recent *recent);
