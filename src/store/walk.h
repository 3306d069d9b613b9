// store/walk.h: random records in a small world (few devices, keys, times), so that steps meet each
// other; and the comparison of two stores that went the same way. Built for tests only.
#pragma once

#include "base/random.h"
#include "store/store.h"

// The memory of one step's record.
struct store_walk {
    struct random random;
    int64_t clock_ms;
    struct slice keys[8];
    char texts[64][24];
    uint32_t text_count;
    struct model_point points[64];
    struct model_reading readings[16];
    struct model_readings all;
    bool with_expiry; // some saves expire by themselves, some times are far ahead
};

void store_walk_init(struct store_walk *walk, uint64_t seed);
// Valid until the next step.
struct store_record store_walk_next(struct store_walk *walk);
// All that a store holds of the small world, as text for the caller to free: of every device the
// latest points, the keys, and each key's points both ways, whole and cut, without what has expired
// by `now`.
char *store_walk_dump(struct store *store, struct wall now);
