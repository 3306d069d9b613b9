// store/series.h: a block of readings of one device and one UTC day, stored as columns.
//
// Key:   day 8 | device 8 | first time 8 | sequence of the first reading 8, all in byte order.
// Value: version 1 | flags 1 | [expiry of the block 8] | readings | span | sequence: least, spread
// |
//        length of the frame | columns | for each column its key, count, length and summary |
//        the frame: times, sequences, expiries and arrivals of the readings | the columns' values.
//
// A column has a value for each reading, or a bitmap that says for which. Its summary (types, sums,
// least, most, first and last) serves aggregations that cover the block; it is exact as long as no
// two readings of the block have one time (`times_differ`) and none expires.
//
// The expiry of the block is the time when all of its readings have expired, for compaction; absent
// if one of them stays as long as its profile says.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/bytes.h"
#include "store/reading.h"

#define STORE_SERIES_KEY 32U
#define STORE_BLOCK_READINGS_MAX 128U

struct store_series_key {
    int64_t day;
    uint64_t device;
    int64_t first_ms;
    uint64_t sequence;
};

void store_series_key_put(uint8_t out[STORE_SERIES_KEY], const struct store_series_key *key);
MUST_USE bool store_series_key_get(struct slice bytes, struct store_series_key *key);

// Building.

// One value: which reading, which column, the encoded value.
struct store_cell {
    uint32_t reading;
    uint32_t column;
    struct slice value;
};

struct store_block_plan {
    const struct store_reading *readings; // sorted by time, then sequence
    uint32_t reading_count;               // 1 to STORE_BLOCK_READINGS_MAX
    const struct store_cell *cells;       // by reading; a column at most once per reading
    uint32_t cell_count;
    uint32_t reading_base;       // cells count readings from here
    const uint32_t *column_keys; // key number of each column
    uint32_t column_count;
};

// Memory of the builder, used again and again.
struct store_builder {
    uint32_t *counts; // per column: cells, then where they go; zero between blocks
    uint32_t count_cap;
    uint32_t *touched; // columns of this block in order of appearance
    uint32_t touched_count;
    uint32_t touched_cap;
    const struct store_cell **sorted; // by column, then reading
    uint32_t sorted_cap;
    struct store_bytes columns;
    struct store_bytes frame;
    struct store_bytes directory;
};

void store_builder_init(struct store_builder *builder);
void store_builder_deinit(struct store_builder *builder);
// Appends the value of the block to `out`.
void store_builder_encode(struct store_builder *builder, const struct store_block_plan *plan,
                          struct store_bytes *out);

// Reading.

struct store_block {
    bool times_differ;
    bool has_expiry;    // any reading expires by itself
    bool has_arrival;   // the time of any reading is not believed
    int64_t expires_ms; // of the whole block; 0: never by itself
    uint32_t reading_count;
    int64_t first_ms;
    int64_t last_ms;
    uint64_t sequence_least;
    uint64_t sequence_most;
    uint32_t column_count;
    struct slice directory;
    struct slice frame;
    struct slice columns;
};

struct store_summary {
    uint8_t types; // bit n: a value of type n occurs
    uint32_t long_count;
    uint32_t double_count;
    bool long_sum_fits; // else it is beyond 64 bits
    int64_t long_sum;
    double double_sum;
    // Of the numbers, if there are any:
    struct model_value least;
    struct model_value most;
    struct model_value first;
    struct model_value last;
};

struct store_column {
    uint32_t key;
    uint32_t count;
    struct store_summary summary;
    struct slice values;
};

struct store_frame {
    int64_t times_ms[STORE_BLOCK_READINGS_MAX];
    uint64_t sequences[STORE_BLOCK_READINGS_MAX];
    int64_t expires_ms[STORE_BLOCK_READINGS_MAX]; // 0: by profile
    int64_t arrived_ms[STORE_BLOCK_READINGS_MAX]; // 0: the time counts
};

// The reading without its points.
static inline struct store_reading store_frame_reading(const struct store_frame *frame,
                                                       uint32_t position)
{
    return (struct store_reading){.series = true,
                                  .time_ms = frame->times_ms[position],
                                  .sequence = frame->sequences[position],
                                  .expires_ms = frame->expires_ms[position],
                                  .arrived_ms = frame->arrived_ms[position]};
}

// When all readings of a block have expired, from its first bytes; 0: never by itself.
int64_t store_block_expiry(struct slice value);

// ERR_CORRUPT. Views last as long as `value`.
MUST_USE enum err store_block_open(struct slice value, int64_t first_ms, struct store_block *block);
MUST_USE enum err store_block_frame(const struct store_block *block, struct store_frame *frame);

// Walks the columns; false behind the last one or when the block is damaged (`*err`).
struct store_columns {
    const struct store_block *block;
    struct store_wire directory;
    struct store_wire values;
    uint32_t left;
};
void store_columns_begin(struct store_columns *columns, const struct store_block *block);
MUST_USE bool store_columns_next(struct store_columns *columns, struct store_column *column,
                                 enum err *err);

// Walks the values of a column with the positions of their readings.
struct store_values {
    struct store_wire wire;
    struct slice bitmap; // empty: every reading has a value
    uint8_t kind;
    uint32_t left;
    uint32_t reading;
    uint32_t reading_count;
    int64_t previous;
};
void store_values_begin(struct store_values *values, const struct store_block *block,
                        const struct store_column *column);
MUST_USE bool store_values_next(struct store_values *values, uint32_t *reading,
                                struct model_value *value, enum err *err);
