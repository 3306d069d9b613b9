// store/days.h: walking over the blocks of one device, day by day, in bounded steps.
//
// Blocks are keyed by day first, so the walk jumps over the other devices of a day, and over days
// without blocks, by one seek each. Between two steps its place is `position`; a scan is opened for
// each step. A crash loses the place and nothing else.
#pragma once

#include "store/blocks.h"
#include "store/series.h"

struct store_days {
    uint64_t device;
    int64_t last_day;
    uint8_t position[STORE_SERIES_KEY]; // the next to look at
};

enum store_days_at {
    STORE_DAYS_BLOCK,   // the scan stands on a block of the device
    STORE_DAYS_BETWEEN, // it did not, and was moved on
    STORE_DAYS_END,     // there are no more
};

// From the first block of `first_day` on.
void store_days_begin(struct store_days *days, uint64_t device, int64_t first_day,
                      int64_t last_day);
void store_days_seek(const struct store_days *days, struct store_blocks *blocks,
                     struct store_scan *scan);
// Looks where the scan stands. ERR_IO, ERR_CORRUPT.
MUST_USE enum err store_days_look(struct store_days *days, struct store_blocks *blocks,
                                  struct store_scan *scan, enum store_days_at *place,
                                  struct store_series_key *at);
// Behind the block `at`, on which the scan stands.
void store_days_next(struct store_days *days, struct store_blocks *blocks, struct store_scan *scan,
                     const struct store_series_key *at);
// Behind the whole day; false if it was the last one.
bool store_days_skip(struct store_days *days, struct store_blocks *blocks, struct store_scan *scan,
                     int64_t day);
