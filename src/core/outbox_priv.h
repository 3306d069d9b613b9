// core/outbox_priv.h: what a device does not know yet of its shared attributes, on disk (outbox.c).
// For the files of a shard (core/shard_priv.h).
#pragma once

#include "core/shard_priv.h"

// A change that waits: what the outbox and the shared scope say of one attribute.
struct core_waiting {
    uint64_t seq;
    bool is_removed;
    struct slice name; // of the row in the outbox
    struct store_attribute attribute;
};

// A load of a device's rows, sorted out in turn memory.
#define CORE_GATHERED_CALLS 1024U
struct core_gathered {
    struct store_state_row *shared;
    uint32_t shared_count;
    struct store_state_change *stale; // outbox rows that the device knows
    uint32_t stale_count;
    struct core_waiting *waiting;
    uint32_t waiting_count;
    struct store_state_row *calls; // texts, by id
    uint32_t call_count;
    uint32_t bytes; // of the outbox without what is stale
    bool is_bad;
    bool is_partial; // the outbox has more rows
};

// ERR_EXHAUSTED: memory; ERR_TOO_LARGE: too many rows, `all` has some; ERR_CORRUPT; the store's.
MUST_USE enum err core_outbox_gather(const struct core_reach *reach, struct store_load *load,
                                     struct core_gathered *all);
// Removes what the device knows from the store, and what is beyond the bound from `all` as well.
// False if another reading would find the same.
bool core_outbox_clean(const struct core_reach *reach, struct core_gathered *all);
// Of a reading that failed: true if one that follows soon may not, since memory was short or rows
// were removed now; else it is for people to see.
MUST_USE bool core_outbox_may_pass(const struct core_reach *reach, struct core_gathered *all,
                                   enum err err);
// The row that notes a change of `key` under the newest number; false: no memory.
MUST_USE bool core_outbox_put(const struct core_reach *reach, struct slice key,
                              struct store_state_change *note);
// At start: a row of an attribute. False if it is damaged.
MUST_USE bool core_outbox_restore(const struct core_reach *reach,
                                  const struct store_state_row *row);
// It may be over its bound: it is to be read.
MUST_USE bool core_outbox_is_heavy(const struct core_reach *reach);
// No change may be noted until it was read.
MUST_USE bool core_outbox_is_full(const struct core_reach *reach);
