// store/row.h: the device row: everything of a device that is not a block of readings. Its latest
// points, which are also the list of its keys; what was deleted from its series and is not yet
// rewritten; and what readers and recovery need to know about its blocks.
//
// Decoded, values are views into the bytes that were decoded or given.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/bytes.h"
#include "store/wire.h"

#define STORE_ROW_MARKERS_MAX 64U

// Points of these keys in this range with an older sequence do not exist.
struct store_marker {
    uint64_t sequence;
    int64_t first_ms; // both ends inside
    int64_t last_ms;
    uint32_t key_start; // in `marker_keys`
    uint32_t key_count; // 0: all keys
};

struct store_row_key {
    uint32_t number;
    bool has_latest;
    int64_t time_ms;
    struct slice value; // encoded (wire.h)
};

struct store_row {
    uint64_t tenant;
    bool is_purged;
    bool has_stamp;
    int64_t stamp_ms;        // the last time that the server assigned
    uint64_t sealed_through; // readings up to this sequence are in blocks and latest
    bool has_blocks;
    int64_t first_day; // days that may have blocks, if has_blocks
    int64_t last_day;
    int64_t profile_day;    // the first that may have readings which live by profile
    uint64_t block_span_ms; // the longest time between the first and last reading of a block
    struct store_marker markers[STORE_ROW_MARKERS_MAX];
    uint32_t marker_count;
    uint32_t *marker_keys;
    uint32_t marker_key_count;
    uint32_t marker_key_cap;
    struct store_row_key *keys;
    uint32_t key_count;
    uint32_t key_cap;
};

void store_row_init(struct store_row *row);
void store_row_deinit(struct store_row *row);
// Empties it, keeping its memory.
void store_row_clear(struct store_row *row);
// No bytes: an empty row. ERR_CORRUPT.
MUST_USE enum err store_row_decode(struct slice bytes, struct store_row *row);
// Appends to `out`.
void store_row_encode(const struct store_row *row, struct store_bytes *out);

// The key's place, or NULL.
struct store_row_key *store_row_find(const struct store_row *row, uint32_t number);
struct store_row_key *store_row_add(struct store_row *row, uint32_t number);
void store_row_remove(struct store_row *row, struct store_row_key *key);

// A marker without keys; the caller adds them by store_row_mark_key. The row is not full.
void store_row_mark(struct store_row *row, struct store_marker marker);
void store_row_mark_key(struct store_row *row, uint32_t key);
// Drops markers up to a sequence.
void store_row_unmark(struct store_row *row, uint64_t sequence);
// True if a marker says that this point does not exist.
bool store_row_is_deleted(const struct store_row *row, uint32_t key, int64_t time_ms,
                          uint64_t sequence);
