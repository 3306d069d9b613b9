// core/shard_fixture.h: for tests: one shard as the only worker, over a store of the test. Turns
// are taken by hand, or by a thread. What the shard says to workers is kept to be looked at.
#pragma once

#include "base/metric.h"
#include "core/shard.h"
#include "plat/thread.h"

#define CORE_SHARD_FIXTURE_SEEN 64U
#define CORE_SHARD_FIXTURE_BODY 2048U

struct core_shard_fixture_seen {
    struct core_mail mail;
    char body[CORE_SHARD_FIXTURE_BODY]; // with terminator
};

struct core_shard_fixture {
    struct core core;
    struct filter reached;
    struct bus_party *worker; // number 0: it is the shard's own
    struct bus_party *desk;   // number 1
    struct store_lane *lane;
    struct core_shard *shard;
    void *memory;
    void *old_memory;
    size_t memory_size;
    struct arena arena;
    void *arena_memory;
    struct core_shard_time now;
    struct core_shard_settings settings;
    size_t body_max; // of a delta; 0: as long as the buffer is
    // Mail to workers, oldest first; answers to orders of the desk are not among them.
    struct core_shard_fixture_seen seen[CORE_SHARD_FIXTURE_SEEN];
    unsigned seen_count;
    struct plat_thread thread;
    struct metric stopping;
};

// `fixture->core.store` is open and not started. Default settings unless they are set.
void core_shard_fixture_open(struct core_shard_fixture *fixture);
void core_shard_fixture_close(struct core_shard_fixture *fixture);

// The same with the reference store, which it opens, starts, stops and closes.
void core_shard_fixture_begin(struct core_shard_fixture *fixture);
void core_shard_fixture_end(struct core_shard_fixture *fixture);

// Takes what was sent and what the store has done, once.
void core_shard_fixture_turn(struct core_shard_fixture *fixture);
// Takes turns until `count` mails to workers were seen in all; fails after ten seconds.
void core_shard_fixture_until(struct core_shard_fixture *fixture, unsigned count);
// Takes turns until nothing is under way in the store.
void core_shard_fixture_settle(struct core_shard_fixture *fixture);

// A new shard over the same store, as after a restart of the server; the old one's end is not told.
void core_shard_fixture_restart(struct core_shard_fixture *fixture);

// A thread takes the turns.
void core_shard_fixture_start(struct core_shard_fixture *fixture);
void core_shard_fixture_stop(struct core_shard_fixture *fixture);
