// store/lane_priv.h: the insides of a lane and of the store, for lane.c and writer.c.
//
// Both rings of a lane are bounded so that the ring of completions can never be full: a record that
// wants a completion is refused at submit when `in_flight_max` of them are out. Who touches what:
// `in`'s producing side, `out`'s consuming side and `in_flight` the lane's owner; the others the
// writer. `mutex` is for `store_await` alone; `loads` has its own rules.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/metric.h"
#include "base/ring.h"
#include "plat/loop.h"
#include "plat/thread.h"
#include "store/changes.h"
#include "store/loads.h"
#include "store/store.h"
#include "store/writer.h"

#define STORE_LANES_MAX 256U

struct store_lane {
    struct store *store;
    uint32_t number;  // its place in `lanes`
    struct ring *in;  // records
    struct ring *out; // completions
    size_t in_size;   // bytes of `in`
    uint64_t in_flight;
    uint64_t in_flight_max;
    bool has_unflushed;
    void *context;
    store_wake_fn *wake;
    struct plat_mutex mutex;
    struct plat_cond posted;
    bool is_ended;   // under `mutex`: the writer is gone
    bool is_waiting; // under `mutex`: store_await sleeps
    bool has_posted; // writer: completions of this turn
    bool has_taken;  // writer: records of this turn
    struct store_loads loads;
};

struct store {
    const struct store_ops *ops;
    void *backend;
    struct store_limits limits;
    struct store_lane *lanes[STORE_LANES_MAX];
    uint32_t lane_count;
    uint32_t lane_next; // writer: where the next group begins, so that no lane is always first
    // A bit for each lane that was flushed and not read since; most lanes are empty mostly, and
    // looking into each costs more than a small group.
    _Atomic uint64_t flushed[STORE_LANES_MAX / 64];
    uint64_t unread[STORE_LANES_MAX / 64]; // writer: the same, taken over

    struct plat_thread thread;
    struct plat_workpool *readers; // while it runs
    struct plat_loop *loop;
    struct plat_mutex pause_mutex; // the writer naps on these; nobody signals
    struct plat_cond pause;
    bool is_running;
    bool is_replayed;

    struct store_item *items; // commit_records_max
    uint32_t last_count;      // records of the last group

    struct metric is_stopping; // set by store_stop, read by all
    struct metric is_failed;   // the rest: set by the writer
    struct metric commits, records, points, commit_size_max, failures;
    struct histogram commit_time; // microseconds
    struct histogram commit_size; // records
    struct store_changes changes; // marked by the writer
};

// Writer: posts the completion of an item on its lane; seen after store_lane_publish.
void store_lane_post(const struct store_item *item);
// Writer: makes the turn's completions visible, gives the records' space back, wakes the owner.
void store_lane_publish(struct store_lane *lane);
// Writer is gone: who waits, waits no more.
void store_lane_end(struct store_lane *lane);
void store_lane_destroy(struct store_lane *lane);
// Any thread: adds what the lanes hold.
void store_lanes_count(const struct store *store, struct store_stats *stats);
