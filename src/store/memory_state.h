// store/memory_state.h: state in the reference: rows in one sorted array.
#pragma once

#include "store/record.h"

struct store_memory_row {
    enum store_state_kind kind;
    uint64_t device;
    struct slice owned_name;
    struct slice owned_value;
};

struct store_memory_state {
    struct store_memory_row *rows; // by kind, device, name
    uint32_t count;
};

void store_memory_state_deinit(struct store_memory_state *state);
void store_memory_state_change(struct store_memory_state *state,
                               const struct store_record_view *record);
void store_memory_state_purge(struct store_memory_state *state, uint64_t device);
void store_memory_state_scan(const struct store_memory_state *state,
                             const struct store_state_query *query, void *context,
                             store_state_fn *emit);
