// store/loads.h: the threads that read state for workers, and the loads of a lane. Private to the
// store.
//
// A load is a slot of its lane: free, with a reader, or done and waiting to be collected. Slots and
// their memory are used again; the reader grows that memory, the worker never does. What was read
// is remembered by the lane's own thread when it collects it (store/recent.h).
//
// Bounds: STORE_LOADS_MAX slots; STORE_LOADS_BYTES_MAX for the rows of all of them, beyond which
// what was read is thrown away and the load ends with ERR_EXHAUSTED.
#pragma once

#include "base/metric.h"
#include "plat/thread.h"
#include "store/bytes.h"
#include "store/recent.h"
#include "store/state.h"
#include "store/wire.h"

#define STORE_LOAD_THREADS 2U
#define STORE_LOADS_BYTES_MAX (32U << 20)

struct store_load {
    struct store_lane *lane;
    struct store_load *next; // in `free` or `done`
    struct device_id device;
    uint32_t kinds;
    uint32_t enough;
    uint32_t stamp; // of the device's state, before it was read
    bool is_cut;
    size_t only_len;
    uint8_t only[STORE_LOAD_ONLY_MAX];
    uint64_t ticket;
    enum err err;
    size_t note_len;
    uint8_t note[STORE_LOAD_NOTE_MAX];
    struct store_bytes rows;
    size_t held; // of `rows`, as counted in `bytes` of the lane
    struct store_wire left;
};

struct store_loads {
    struct store_load slots[STORE_LOADS_MAX];
    struct store_load *free; // the lane's thread only, as `fresh`
    unsigned fresh;          // slots from here on were never used, their memory not touched
    struct plat_mutex mutex;
    struct store_load *done; // under `mutex`, newest first
    size_t bytes;            // under `mutex`: held by all slots
    struct metric taken;     // slots in use; set by the lane's thread
    struct metric done_count;
    struct store_recent *recent; // the lane's thread only; NULL: nothing is remembered
    size_t recent_size;
    struct store_load recalled;
};

void store_loads_init(struct store_loads *loads);
void store_loads_deinit(struct store_loads *loads);
