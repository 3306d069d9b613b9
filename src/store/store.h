// store/store.h: durable device data, asynchronous by interface, the same for every back end.
//
// A producer (a worker, or the pool that serves REST) owns a lane: it submits records, flushes once
// per turn, and collects completions. One writer thread takes records from all lanes, groups them,
// makes the group durable with one synced write, applies it to memory and only then completes it:
// ERR_OK means on disk (invariant 2). Reads see merged points, never rows; they may touch the disk
// and so are called from pool threads only, never from a worker or the HTTP service thread.
//
// Meaning (storage-rules.md section 3): a point is (device, key, time); of several with one time
// the highest sequence wins, and the sequence is given in commit order. Latest is a record of its
// own per device and key, replaced by a time equal or later. Times that the server assigns strictly
// increase per device.
//
// What has expired does not exist: reads leave it out at once, the background removes it from disk
// later, and an older point of the same time that has not expired is seen again. Latest stays. A
// point ends when its save said so (`ttl_s`, counted from its arrival), else by its device's life
// (`struct store_lives`), counted from its time, or from its arrival if its time is more than a day
// ahead of that. A life is looked up when it matters, so a change acts on old points as well.
//
// Bounds: a lane's rings, the head, keys per device and tenant; a full ring is ERR_EXHAUSTED at
// submit, everything else comes with the completion.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/histogram.h"
#include "base/slice.h"
#include "base/time.h"
#include "model/ids.h"
#include "model/reading.h"
#include "store/state.h"

struct store;
struct store_lane;

#define STORE_TRACE_SIZE 16

// Whom a record came from, kept with it so that deduplication can be refilled after a restart
// (protocol-rules.md section 2). Opaque here; all zero if no message caused it.
struct store_trace {
    uint8_t bytes[STORE_TRACE_SIZE];
};

enum store_verb {
    STORE_SAVE,   // points of one or more readings
    STORE_DELETE, // points of keys in a range of time
    STORE_PURGE,  // everything of a device that is gone
    STORE_CHANGE, // state (state.h); the device need not have a purge behind it: who submits sees
                  // to it
};

struct store_save {
    const struct model_readings *readings;
    struct wall proposed; // for readings without a time; raised to last + 1 ms where needed
    uint64_t ttl_s;       // 0: by profile
    bool series;          // into the time series
    bool latest;          // into latest
};

struct store_delete {
    const struct slice *keys;
    uint32_t key_count; // 0: all keys of the device
    bool all_time;      // else [start_ms, end_ms)
    int64_t start_ms;
    int64_t end_ms;
    bool latest;         // also latest, if its time is in the range; with all_time the key is
                         // forgotten and no longer counts against the device's limit
    bool rewrite_latest; // from the newest point left before start_ms
};

struct store_record {
    enum store_verb verb;
    uint64_t ticket;         // given back with the completion; 0: no completion is wanted
    struct tenant_id tenant; // whose key names: a device keeps those of its first record
    struct device_id device;
    struct store_trace trace;
    union {
        struct store_save save;
        struct store_delete delete;
        struct store_change change;
    };
};

struct store_completion {
    uint64_t ticket;
    enum err err;    // ERR_OK: durable. ERR_KEY_LIMIT: too many key names. ERR_NO_SPACE, ERR_IO,
                     // ERR_EXHAUSTED (head full, or too many deletes at once: try again),
                     // ERR_UNAVAILABLE (device purged, or the store reads only), ERR_CORRUPT (what
                     // is stored of this device cannot be read)
    int64_t time_ms; // save: the time that readings without one got
};

// Called by the writer when completions for a lane are published; from the writer's thread.
typedef void store_wake_fn(void *context);

// How long points stay that have no end of their own. Called by the writer and by reading threads
// at any time; must neither block nor call the store.
struct store_lives {
    void *context;
    // Seconds; 0: for ever.
    uint64_t (*of)(void *context, struct tenant_id tenant, struct device_id device);
};

// Before store_start, once; `lives` outlives the store. Without it points stay for ever.
void store_set_lives(struct store *store, const struct store_lives *lives);

// Lanes are taken at start, before the store runs. A lane has one producing thread.
MUST_USE enum err store_lane_open(struct store *store, size_t ring_bytes, void *context,
                                  store_wake_fn *wake, struct store_lane **lane);

// Bytes that a lane reserves.
size_t store_lane_footprint(size_t ring_bytes);

// Copies the record into the lane's ring. ERR_EXHAUSTED when it is full, ERR_TOO_LARGE for a record
// that no ring could take. Nothing is seen by the writer before the flush.
MUST_USE enum err store_submit(struct store_lane *lane, const struct store_record *record);
// Publishes what was submitted and wakes the writer if it sleeps. Once per turn.
void store_flush(struct store_lane *lane);
// The next completion, in commit order; false when there is none. What is not collected counts
// against the lane: when too many are waiting, submit says ERR_EXHAUSTED.
MUST_USE bool store_collect(struct store_lane *lane, struct store_completion *completion);
// For threads that may block: waits until the completion of `ticket` arrives on this lane; other
// completions on it are dropped. Meant for a lane whose owner has one record in flight at a time.
MUST_USE enum err store_await(struct store_lane *lane, uint64_t ticket,
                              struct store_completion *completion);

struct store_point {
    struct slice key;
    int64_t time_ms;
    struct model_value value;
};

// Return false to stop early. Views are valid during the call, which must not call the store.
typedef bool store_point_fn(void *context, const struct store_point *point);
typedef bool store_key_fn(void *context, struct slice key);

struct store_range {
    struct tenant_id tenant;
    struct device_id device;
    struct slice key;
    int64_t start_ms; // half open [start, end)
    int64_t end_ms;
    uint32_t limit; // points; 0: none
    bool descending;
    struct wall now; // what has expired by then is not seen
};

// Points of one key, merged, in order. ERR_TOO_LARGE: so many wait for their turn that they take
// more than STORE_RANGE_WAITING bytes: readings in memory, and blocks that span others. A range
// with a limit waits for few.
#define STORE_RANGE_WAITING ((size_t)128 << 20)
MUST_USE enum err store_range(struct store *store, const struct store_range *range, void *context,
                              store_point_fn *emit);
// Latest points of the keys that exist among `keys`, or of all keys of the device (key_count 0).
MUST_USE enum err store_latest(struct store *store, struct tenant_id tenant,
                               struct device_id device, const struct slice *keys,
                               uint32_t key_count, void *context, store_point_fn *emit);
// Names of the device's time series keys, sorted.
MUST_USE enum err store_keys(struct store *store, struct tenant_id tenant, struct device_id device,
                             void *context, store_key_fn *emit);

// Replayed at start, newest last: messages that caused durable effects at or after `since`. Goes
// `trace_age_max` back, or as far as `trace_bytes_max` reaches.
typedef void store_trace_fn(void *context, const struct store_trace *trace, struct wall at);
void store_traces(struct store *store, struct wall since, void *context, store_trace_fn *emit);

struct store_stats {
    uint64_t commits, records, points, bytes_written, seals, failures;
    uint64_t expired; // readings that the background removed
    uint64_t commit_size_max;
    uint64_t head_bytes, head_bytes_max, journal_bytes, journal_rows, trace_bytes;
    uint64_t devices_in_head;
    uint64_t database_bytes; // memory that the database holds; at most store_database_bytes_max
    uint64_t key_names;      // of all tenants
    uint64_t lane_bytes;     // of records that wait for the writer, all lanes
    uint64_t loads;          // reads of state under way, all lanes
    bool read_only;          // stopped taking writes: see the log
    bool write_stopped;      // at the last commit the database wanted writes to wait for compaction
};
struct store_stats store_stats(struct store *store);
// How long commits take, in microseconds, and how many records they hold.
const struct histogram *store_commit_time(const struct store *store);
const struct histogram *store_commit_size(const struct store *store);

// Of the name of a key of a time series; a longer one is refused with ERR_KEY_LIMIT.
#define STORE_KEY_NAME_MAX 1024U

struct store_limits {
    uint64_t head_bytes_max;
    uint64_t journal_bytes_max;
    struct span journal_age_max;
    struct span commit_delay_max;
    uint32_t commit_records_max;
    uint32_t keys_per_device_max;
    uint32_t keys_per_tenant_max;
    uint32_t keys_max; // of all tenants; 0: no limit
    uint64_t free_space_min;
    struct span trace_age_max; // what a message may be repeated within
    uint64_t trace_bytes_max;  // STORE_TRACE_SIZE and a little more for each message
    struct span expiry_every;  // from one search for expired readings to the next; 0: never
};

// Bytes that the database under the store takes from the heap at most, and what the rows that are
// read for one lane do.
uint64_t store_database_bytes_max(const struct store_limits *limits);
uint64_t store_loads_bytes_max(void);

// Back ends. Start-up only. `store_memory` is the slow, obvious reference.
MUST_USE enum err store_memory_open(const struct store_limits *limits, struct store **store);
// `directory` exists. ERR_IN_USE, ERR_NEWER_VERSION, ERR_CORRUPT, ERR_FORBIDDEN, ERR_IO with one
// line in `message`. `store_replay` comes next.
MUST_USE enum err store_local_open(const char *directory, const struct store_limits *limits,
                                   struct store **store, char message[256]);

// Takes into memory what the journal holds; once, before `store_start`, on any thread. Commits and
// reads of points and keys need it; traces and state may be read meanwhile. Errors as of opening.
MUST_USE enum err store_replay(struct store *store, char message[256]);

// Starts the writer; lanes are complete by then.
MUST_USE enum err store_start(struct store *store);
// Takes nothing new (ERR_STOPPING), commits what was flushed before, completes it, stops the
// writer.
void store_stop(struct store *store);
// After store_stop, when all lanes are collected.
void store_close(struct store *store);
