// store/traces.h: which messages caused durable effects, on disk for as long as they may be
// repeated. The journal is trimmed as soon as its readings are sealed, which may be a moment later;
// a message may come again for `age_max`, also when the process was killed several times meanwhile.
//
// Row: number 8 -> wall ms 8, then the traces of the commit, 16 each. It is written
// in the batch of its commit, so it is there if and only if the effects are.
//
// Bounds: rows go when they are older than `age_max`, and earlier, the oldest first, when there are
// more than `bytes_max` of them. They go in steps of about a second. The writer's thread owns it.
#pragma once

#include <stdint.h>

#include "base/time.h"
#include "store/blocks.h"
#include "store/store.h"

#define STORE_TRACES_STEPS 512U

// Rows from `number` on, up to the next step.
struct store_traces_step {
    uint64_t number;
    uint64_t offset; // bytes of all rows before
    struct mono at;  // when the first of them was written
};

struct store_traces {
    struct span age_max;
    uint64_t bytes_max;
    uint64_t number;                                    // of the last row
    struct store_bytes row;                             // of the commit that is being made
    uint64_t offset;                                    // bytes of all rows ever
    struct store_traces_step steps[STORE_TRACES_STEPS]; // oldest first, from `first` around
    uint32_t first;
    uint32_t count;
    uint32_t dropped; // steps that go with the commit that is being made
};

void store_traces_init(struct store_traces *traces, const struct store_limits *limits);
void store_traces_deinit(struct store_traces *traces);
// Learns what is on disk. ERR_CORRUPT, ERR_IO.
MUST_USE enum err store_traces_load(struct store_traces *traces, struct store_blocks *blocks,
                                    struct wall wall, struct mono now);

// One commit: begin, add, then put and trim into the batch; done once it is durable.
void store_traces_begin(struct store_traces *traces);
void store_traces_add(struct store_traces *traces, const struct store_trace *trace);
void store_traces_put(struct store_traces *traces, struct store_blocks *blocks, struct wall at);
// Takes out what is too old or too much; true if anything.
bool store_traces_trim(struct store_traces *traces, struct store_blocks *blocks, struct mono now);
void store_traces_done(struct store_traces *traces, struct mono now);

// Bytes on disk.
uint64_t store_traces_bytes(const struct store_traces *traces);

// Any thread. Traces of commits at or after `since`, oldest first.
void store_traces_emit(struct store_blocks *blocks, struct wall since, void *context,
                       store_trace_fn *emit);
