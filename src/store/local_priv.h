// store/local_priv.h: the insides of the local back end, for the files local*.c, sweep.c, expiry.c
// and rewrite.c.
//
// One commit: the records of the group are staged one after the other, each appended to the journal
// row and behind the published readings of its device; devices that are due are settled (their
// readings become blocks, their row is written); then one synced write makes all of it durable, and
// under the head's lock readers get to see it. A delete or purge settles its device at once, and a
// later record of that device waits for the next group, so that a device is settled at most once
// per commit.
#pragma once

#include "base/metric.h"
#include "store/blocks.h"
#include "store/days.h"
#include "store/dictionary.h"
#include "store/head.h"
#include "store/journal.h"
#include "store/row.h"
#include "store/seal.h"
#include "store/traces.h"
#include "store/writer.h"

// Rows of the family META begin with one of these.
enum {
    STORE_META_KEY_NAME = 'k',             // + number 4 -> tenant, name
    STORE_META_SWEEP = 's',                // + device 8: has markers or blocks that a sweep removes
    STORE_META_VERSION = 'v',              // -> number of the layout
    STORE_META_EXPIRY = STORE_SEAL_EXPIRY, // see seal.h
};

// Readings of a device that make a block.
#define STORE_SEAL_READINGS 64U

#define STORE_META_KEY_MAX 9U
#define STORE_DEVICE_KEY 8U

// A device whose row is in the batch; applied to the head once that is durable.
struct store_settled {
    struct store_head_device *device;
    size_t row_start; // in `rows_made`
    size_t row_len;
    uint32_t keys_start; // in `keys_made`
    uint32_t keys_count;
    uint32_t marker_count;
    uint64_t sealed_through;
    bool is_purged;
};

// Where the sweep is. Restarted from the beginning of its device after a restart.
struct store_sweep {
    bool is_pending; // there may be devices to sweep
    bool is_wanted;  // the batch adds a device
    bool is_blocked; // the head was too full to take one in
    bool has_job;
    bool is_purge;
    uint64_t device;
    uint64_t marked_through; // markers up to this sequence are carried out
    struct store_days days;
};

// Where the search for expired readings is. It begins anew after a restart.
struct store_expiry {
    struct mono due; // the next step
    bool is_running;
    bool is_past_index; // looks at devices; before that at blocks that are known to be due
    bool has_job;       // in the middle of a device's blocks
    bool is_ahead;      // of them, those on days that are still to come
    bool has_kept;      // a block of the job stays
    int64_t kept_day;   // the first such
    int64_t first_day;  // the row of the job's device, as it was when the job began
    int64_t profile_day;
    int64_t last_day;
    uint64_t sealed_through;
    uint64_t device; // of the job, or the last one looked at
    uint64_t life_ms;
    struct store_days days;
};

struct store_local {
    struct store_blocks *blocks;
    struct store_limits limits;
    struct store_head head;
    struct store_dictionary dictionary;
    uint32_t names_durable; // numbers up to this are on disk
    uint64_t sequence;      // of the next reading, delete or purge

    uint64_t journal_number;  // of the next row
    uint64_t journal_first;   // the oldest row on disk
    uint64_t journal_offset;  // bytes of all rows ever, before the next one
    uint64_t journal_trimmed; // bytes of all rows before the oldest on disk
    uint64_t journal_last;    // bytes of all rows before the last one

    // The commit that is being made.
    struct store_bytes journal;
    struct store_journal_row journal_row;
    struct store_now now;
    struct store_head_device **touched;
    uint32_t touched_count;
    uint32_t touched_cap;
    struct store_settled *settled;
    uint32_t settled_count;
    uint32_t settled_cap;
    struct store_bytes rows_made;
    uint32_t *keys_made;
    uint32_t keys_made_count;
    uint32_t keys_made_cap;
    uint64_t trim_number; // journal rows below go with this commit; 0: none
    uint64_t trim_offset;
    bool lacks_room;  // the head refused a record: seal, so that the next one fits
    bool has_changes; // anything in the batch besides the journal row

    // Memory of the writer, used again and again.
    struct store_sealer sealer;
    struct store_row row;
    struct store_bytes row_bytes;
    struct store_bytes stream;
    struct store_bytes value;
    struct store_sweep sweep;
    struct store_expiry expiry;
    const struct store_lives *lives;
    struct store_traces traces;

    struct metric key_names, seals, expired, bytes_written, head_bytes, journal_bytes, journal_rows,
        trace_bytes, devices, is_write_stopped;
};

// What a settling does besides sealing.
struct store_local_change {
    const struct store_record_view *delete; // NULL: none
    uint64_t delete_sequence;
    struct wall now;
    uint64_t unmark_through; // markers up to this are carried out; 0: none
    bool is_aged;            // blocks went: the row's days are these from now on
    int64_t first_day;
    int64_t profile_day;
};

// local_settle.c. The device is not settled yet in this commit. ERR_EXHAUSTED: too many markers.
// ERR_CORRUPT, ERR_IO: nothing was put.
MUST_USE enum err store_local_settle(struct store_local *local, struct store_head_device *device,
                                     const struct store_local_change *change);
void store_local_settle_purge(struct store_local *local, struct store_head_device *device);
// Under the head's write lock, after the write.
void store_local_install(struct store_local *local, const struct store_settled *settled);

// local.c.
// The device in the head, loaded from disk if needed. ERR_EXHAUSTED: the head is full. ERR_CORRUPT,
// ERR_IO.
MUST_USE enum err store_local_need(struct store_local *local, uint64_t number, uint64_t tenant,
                                   struct store_head_device **device);
void store_local_begin(struct store_local *local, struct store_now now);
// Writes what was staged, if anything, and shows it to readers.
MUST_USE enum err store_local_end(struct store_local *local);
// Settles the oldest devices while `due` says so, at most `count`.
typedef bool store_local_due_fn(const struct store_local *local,
                                const struct store_head_device *oldest, struct mono now);
MUST_USE enum err store_local_settle_oldest(struct store_local *local, uint32_t count,
                                            struct mono now, store_local_due_fn *due);
void store_local_trim(struct store_local *local, bool everything);
void store_local_touch(struct store_local *local, struct store_head_device *device,
                       struct mono now);
extern const struct store_ops store_local_ops;

// local_read.c.
enum err store_local_range(void *backend, const struct store_range *range, void *context,
                           store_point_fn *emit);
enum err store_local_latest(void *backend, const struct store_latest_query *query, void *context,
                            store_point_fn *emit);
enum err store_local_keys(void *backend, struct device_id device, void *context,
                          store_key_fn *emit);
void store_local_traces(void *backend, struct wall since, void *context, store_trace_fn *emit);

// local_state.c.
void store_local_change(struct store_local *local, const struct store_record_view *record);
void store_local_purge_state(struct store_local *local, uint64_t device);
enum err store_local_state(void *backend, const struct store_state_query *query, void *context,
                           store_state_fn *emit);

// local_replay.c. Fills the empty head from the journal. ERR_CORRUPT, ERR_NEWER_VERSION, ERR_IO,
// with one line in `message`.
MUST_USE enum err store_local_replay(void *backend, char message[256]);

// local_open.c. `owned_blocks` is closed on failure.
MUST_USE enum err store_local_open_on(struct store_blocks *owned_blocks,
                                      const struct store_limits *limits, struct store **store,
                                      char message[256]);
void store_local_close(void *backend);

// sweep.c. Does a bounded part of the sweep's work into the batch: looks at no more than `rows`
// rows. ERR_IO, ERR_CORRUPT end the store.
MUST_USE enum err store_sweep_step(struct store_local *local, uint32_t rows);
// Notes in the batch that a device is to be swept.
void store_sweep_want(struct store_local *local, uint64_t device);

// expiry.c. Does a bounded part of the search for expired readings into the batch, never into one
// that the sweep changes as well: both would write the same block anew. ERR_IO ends the store.
MUST_USE enum err store_expiry_step(struct store_local *local, struct store_now now);
// When the first search begins.
struct mono store_expiry_first(const struct store_limits *limits, struct mono now);

// rewrite.c.
struct store_rewrite {
    bool deleted; // what the markers of local->row say; else what has expired:
    uint64_t life_ms;
    struct wall now;
};
// Puts the block into the batch without what goes, if anything does. ERR_CORRUPT.
MUST_USE enum err store_rewrite_block(struct store_local *local, uint64_t device, struct slice key,
                                      const struct store_block *block,
                                      const struct store_rewrite *what);
void store_rewrite_remove(struct store_local *local, struct slice key);
