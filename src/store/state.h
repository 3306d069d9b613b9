// store/state.h: the state of a device: small named things, each replaced as a whole. Attributes,
// observations, what waits to be delivered, calls, counters. What a value means is its owner's
// affair (core); the store keeps the rows of one change together: all of them are on disk or none.
//
// A row is (kind, device, name) -> value. Changes go through a lane (STORE_CHANGE) and are seen by
// reads once they are durable, in commit order. Reads touch the disk: `store_state_scan` is for
// threads that may block; a worker asks with `store_load_submit` and collects the rows later.
//
// Bounds: names of STORE_STATE_NAME_MAX bytes; STORE_LOADS_MAX loads of a lane at a time, else
// ERR_EXHAUSTED; a load of more than STORE_LOAD_BYTES_MAX ends with ERR_TOO_LARGE.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "model/ids.h"

struct store;
struct store_lane;

// The numbers are stored; they never change.
enum store_state_kind {
    STORE_STATE_CLIENT = 1, // attributes by scope
    STORE_STATE_SHARED = 2,
    STORE_STATE_SERVER = 3,
    STORE_STATE_OBSERVATION = 4,
    STORE_STATE_OUTBOX = 5,
    STORE_STATE_RPC = 6,
    STORE_STATE_COUNTER = 7,
    STORE_STATE_CALL = 8, // texts of calls that wait
};
#define STORE_STATE_KINDS 8U
#define STORE_STATE_BIT(kind) (1U << (unsigned)(kind))

#define STORE_STATE_NAME_MAX 1024U
#define STORE_LOADS_MAX 1024U
#define STORE_LOAD_BYTES_MAX (4U << 20)
#define STORE_LOAD_NOTE_MAX 1280U
#define STORE_LOAD_ONLY_MAX 32U

struct store_state_change {
    enum store_state_kind kind;
    struct slice name;
    bool is_removed;
    struct slice value; // unless removed
};

// All of one device.
struct store_change {
    const struct store_state_change *items;
    uint32_t count; // at most MODEL_POINTS_MAX
};

struct store_state_row {
    enum store_state_kind kind;
    struct device_id device;
    struct slice name;
    struct slice value;
};

// Return false to stop early. Views are valid during the call, which must not call the store.
typedef bool store_state_fn(void *context, const struct store_state_row *row);

struct store_state_query {
    enum store_state_kind kind;
    struct device_id device; // 0: every device, in order of number
    struct device_id since;  // of every device: begins with this one
    struct slice from;       // the first name of interest (of `since`, if it is every device);
                             // empty: all
    bool descending;         // from `from` (empty: the last) to the first. With one device only.
};

// Rows in order of their names, bytewise.
MUST_USE enum err store_state_scan(struct store *store, const struct store_state_query *query,
                                   void *context, store_state_fn *emit);

// Rows of a device, read by a thread of the store. From the lane's own thread only.
struct store_load;

struct store_load_query {
    struct device_id device;
    uint32_t kinds;    // bits (STORE_STATE_BIT)
    struct slice only; // rows whose names begin so; at most STORE_LOAD_ONLY_MAX bytes
    uint32_t enough;   // after so many bytes the rest is left out; 0: never
    struct slice note; // copied, given back with the load: what the caller wants to know by then
    uint64_t ticket;
};

// The lane's wake function is called when the load is there. ERR_TOO_LARGE: the note, or `only`.
MUST_USE enum err store_load_submit(struct store_lane *lane, const struct store_load_query *query);
// Bytes that store_load_remember reserves.
size_t store_load_remember_footprint(size_t bytes);
// Start-up only: what the lane loads whole (neither `only` nor `enough`) is remembered in so many
// bytes, the oldest overwritten, until the device's state changes. ERR_EXHAUSTED.
MUST_USE enum err store_load_remember(struct store_lane *lane, size_t bytes);
// The same load at once, if it is remembered and nothing of the device has changed since; else
// NULL: submit. Good until the next call of store_load_recall or store_load_collect on the lane;
// not to be released.
struct store_load *store_load_recall(struct store_lane *lane, const struct store_load_query *query);
// One that is there, or NULL. The caller owns it until the release.
struct store_load *store_load_collect(struct store_lane *lane);
uint64_t store_load_ticket(const struct store_load *load);
struct slice store_load_note(const struct store_load *load);
enum err store_load_err(const struct store_load *load);
// Something was left out: `enough` was reached.
bool store_load_is_cut(const struct store_load *load);
// The next row, by kind and name; false behind the last.
MUST_USE bool store_load_next(struct store_load *load, struct store_state_row *row);
void store_load_release(struct store_load *owned_load);
