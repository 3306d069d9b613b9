// store/writer.h: the one thread that writes, and what a back end has to do for it.
//
// The writer takes records from all lanes into a group, gives the group to the back end, and posts
// what became of each record. How long a group waits for company adapts: not at all when the last
// group held one record; else until as many as last time are there, at most `commit_delay_max`.
// So one client in flight is served at once, and many share a sync.
//
// After the back end reported a failure nothing is acknowledged any more: what was in the group
// gets ERR_IO, everything later ERR_UNAVAILABLE. Reads go on.
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/time.h"
#include "store/record.h"
#include "store/store.h"

// Bytes of one group at most; keeps the journal row of one commit in bounds.
#define STORE_GROUP_BYTES_MAX (4U << 20)

// A record in the writer's hand. The bytes lie in the lane's ring until its group is done.
struct store_item {
    struct store_lane *lane;
    struct store_record_view record;
    enum err err;    // by the back end
    int64_t time_ms; // by the back end
};

// Both clocks, read once per turn of the writer.
struct store_now {
    struct mono mono;
    struct wall wall;
};

// How long the points of a device stay, in ms; 0: for ever. `lives` may be NULL.
static inline uint64_t store_lives_ms(const struct store_lives *lives, uint64_t tenant,
                                      uint64_t device)
{
    const uint64_t life_s = lives == NULL ? 0
                                          : lives->of(lives->context, (struct tenant_id){tenant},
                                                      (struct device_id){device});
    return life_s > UINT64_MAX / 1000 ? UINT64_MAX : life_s * 1000;
}

struct store_latest_query {
    struct device_id device;
    const struct slice *keys;
    uint32_t key_count; // 0: all
};

// A back end. `commit`, `tick` are called by the writer's thread only, the reads by any other.
struct store_ops {
    // Makes items[0..taken) durable with at most one sync and fills `err` and `time_ms` of each;
    // takes at least one. Anything but ERR_OK: the store is done with writing.
    enum err (*commit)(void *backend, struct store_item *items, uint32_t count,
                       struct store_now now, uint32_t *taken);
    // Work that time makes due (seals by age, sweeping); says when to come again.
    enum err (*tick)(void *backend, struct store_now now, struct mono *again);
    enum err (*range)(void *backend, const struct store_range *range, void *context,
                      store_point_fn *emit);
    enum err (*latest)(void *backend, const struct store_latest_query *query, void *context,
                       store_point_fn *emit);
    enum err (*keys)(void *backend, struct device_id device, void *context, store_key_fn *emit);
    enum err (*state)(void *backend, const struct store_state_query *query, void *context,
                      store_state_fn *emit);
    // Before the writer starts, see `store_replay`; NULL: there is nothing.
    enum err (*replay)(void *backend, char message[256]);
    void (*traces)(void *backend, struct wall since, void *context, store_trace_fn *emit);
    void (*set_lives)(void *backend, const struct store_lives *lives);
    // Adds what the back end knows to the writer's figures.
    void (*stats)(void *backend, struct store_stats *stats);
    void (*close)(void *backend);
};

// Makes a store over a back end; the store owns it from here on, also on failure.
MUST_USE enum err store_writer_create(const struct store_ops *ops, void *owned_backend,
                                      const struct store_limits *limits, struct store **store);
