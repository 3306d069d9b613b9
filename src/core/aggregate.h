// core/aggregate.h: what an aggregation knows of the points that it has seen so far
// (server-api.md 3.2). Pure: points go in, one value comes out.
#pragma once

#include "base/arena.h"
#include "core/series.h"

struct core_aggregate {
    enum core_aggregation kind;
    uint64_t numbers; // of LONG and DOUBLE points
    uint64_t others;
    bool has_double;
    bool is_long_sum_over; // `long_sum` does not fit
    int64_t long_sum;
    double sum; // of all numbers
    // MIN, MAX:
    int64_t best_long;
    double best_double;
    bool has_long;
    bool has_text;
    struct slice best_text; // in `memory`
    size_t best_text_room;
    struct arena *memory;
};

void core_aggregate_begin(struct core_aggregate *aggregate, enum core_aggregation kind,
                          struct arena *memory);
// ERR_EXHAUSTED when a text does not fit into the memory.
MUST_USE enum err core_aggregate_add(struct core_aggregate *aggregate,
                                     const struct model_value *value);
// False if there is nothing to tell. Starts anew.
MUST_USE bool core_aggregate_take(struct core_aggregate *aggregate, struct model_value *value);
