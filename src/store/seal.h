// store/seal.h: readings of a device become blocks and latest points.
//
// The readings are sorted by time, cut where the UTC day changes or a block is full, and put into
// the batch as blocks; the row learns the latest points, the days and the longest span. The caller
// puts the row. The sweep, which writes blocks anew, hands its readings in by itself.
#pragma once

#include <stdint.h>

#include "base/time.h"
#include "store/blocks.h"
#include "store/row.h"
#include "store/series.h"

// Values of one block, about; a block of long texts is cut early.
#define STORE_BLOCK_BYTES_MAX (256U * 1024U)

// A block with readings that expire by themselves has a row in the family META: this letter, the
// hour by which half of them have expired, the block's key. Such blocks are found by it later; a
// row whose block is gone does no harm.
#define STORE_SEAL_EXPIRY 'x'
#define STORE_SEAL_EXPIRY_KEY (1U + 8U + STORE_SERIES_KEY)
#define STORE_SEAL_HOUR_MS INT64_C(3600000)

// Puts that row for a block with these expiries (sorted by this; at least one).
void store_seal_put_expiry(struct store_blocks *blocks, const uint8_t block[STORE_SERIES_KEY],
                           int64_t *expires_ms, uint32_t count);
// The hour and the block's key of such a row; false for any other.
MUST_USE bool store_seal_get_expiry(struct slice key, int64_t *hour, struct slice *block);

struct store_seal_reading {
    struct store_reading reading;
    struct slice points;
};

struct store_seal_column {
    uint32_t mark; // reading + 1 that wrote last
    uint32_t cell; // its cell
    bool has_latest;
    int64_t latest_ms;
    struct slice latest;
};

// Memory of the sealing thread, used again and again.
struct store_sealer {
    struct store_seal_reading *parsed;
    uint32_t parsed_count;
    uint32_t parsed_cap;
    struct store_reading *readings; // those that go to the series
    uint32_t *cell_ends;            // per reading, in `cells`
    uint32_t reading_count;
    uint32_t reading_cap;
    uint32_t cell_ends_cap;
    struct store_cell *cells;
    uint32_t cell_count;
    uint32_t cell_cap;
    struct store_seal_column *columns; // as row->keys; zero between seals
    uint32_t column_cap;
    uint32_t *column_keys;
    uint32_t column_count;
    uint32_t column_key_cap;
    struct store_builder builder;
    struct store_bytes block;
};

void store_sealer_init(struct store_sealer *sealer);
void store_sealer_deinit(struct store_sealer *sealer);

// First step: takes the readings in `stream` (reading.h), in the order of commit, whose keys are
// all in `row`, and updates the latest points of the row, whose values are views into the stream
// then. Nothing is put yet. ERR_CORRUPT if the stream is not what it should be.
MUST_USE enum err store_seal_take(struct store_sealer *sealer, struct slice stream,
                                  struct store_row *row);
// Second step: puts the readings taken, as blocks, into the batch.
void store_seal_put(struct store_sealer *sealer, uint64_t device, struct store_row *row,
                    struct store_blocks *blocks);

// For the sweep: begins with the row's keys as columns; adds a reading, then its cells.
void store_sealer_clear(struct store_sealer *sealer, const struct store_row *row);
void store_sealer_add_reading(struct store_sealer *sealer, const struct store_reading *reading);
void store_sealer_add_cell(struct store_sealer *sealer, uint32_t column, struct slice value);
