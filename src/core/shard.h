// core/shard.h: one worker's share of the devices, as far as the server has to reach them: their
// observations, what waits to be delivered, and the calls under way. One thread owns a shard; the
// rest of the server speaks to it by mail (core/mail.h).
//
// What was promised is on disk before it is answered (store/state.h): a registration, a change, a
// persistent call. In memory is only what drives the sending: a downlink for each device that has
// an observation, a change not delivered, or a call. Bodies are read from the store when they are
// sent.
//
// Rules: protocol-rules.md sections 1, 3 and 5. One notification is under way to a device at a
// time; calls go by id and before changes; changes merge while they wait.
//
// Bounds: `devices_max` downlinks, `calls_max` calls, `calls_per_device`, `jobs_max` commits that
// something waits for; what is beyond them is refused, a notification that needs a commit waits.
#pragma once

#include "base/buf.h"
#include "core/core.h"
#include "core/mail.h"
#include "core/order.h"
#include "store/attribute.h"

struct core_shard;

// What nobody waits for (that a notification was delivered, that a device connected) shares the
// next commit, and makes one of its own only after this time. A crash forgets it, so that the same
// is sent once more; a stop does not.
#define CORE_NOTES_MS 50U

enum core_call_strategy {
    CORE_CALLS_BURST,       // the next call leaves when the last was delivered; a NON is by leaving
    CORE_CALLS_ON_ACK,      // when it was acknowledged: calls are CON, however they are observed
    CORE_CALLS_ON_RESPONSE, // when it was answered, or after `response_wait`
};

struct core_shard_settings {
    uint32_t devices_max;
    uint32_t calls_max;
    uint32_t calls_per_device; // 100
    uint32_t fetches_max;      // bodies in blocks that devices are fetching
    uint32_t jobs_max;         // commits that something waits for
    uint32_t parcels_max;      // bodies of small notifications, kept while they are under way
    uint32_t retries_max;      // of persistent calls: 5
    enum core_call_strategy strategy;
    struct span response_wait; // 30 s
    bool keeps_type;           // NON registrations get NON but for one CON in `probe_every`
    struct span pace;          // between NON notifications, until a round trip was measured: 3 s
    struct span probe_every;   // at least one CON in this time: 24 h
    struct span probe_again;   // first pause between probes of a silent device: 60 s
    struct span probe_most;    // longest: 1 h
    struct span silence_most;  // a suspended observation ends after so long: 30 days
    struct span fetch_most;    // for the further blocks of a body: 60 s
    struct span psm_awake;     // so long a device listens after its message, unless it says
    struct span edrx_awake;    //   otherwise: 10 s
};

// What a device may not know yet of its shared attributes: the names that changed, each with 64
// bytes. Beyond it names that were removed are forgotten: an observer has to register again (5.03),
// one that asks is told only what there is.
#define CORE_OUTBOX_BYTES_MAX (512U << 10)

// What a device did not see yet of its shared attributes.
struct core_delta {
    const struct store_attribute *set;
    uint32_t set_count;
    const struct slice *removed;
    uint32_t removed_count;
};

// A call that a device asked for.
struct core_pending_call {
    uint32_t id;
    struct slice method;
    struct slice params; // JSON text
};

// What waits for a device that asks: it knows everything up to `sequence` with this answer.
struct core_pending {
    uint64_t sequence;
    struct core_delta delta;
    const struct core_pending_call *calls;
    uint32_t call_count;
    bool has_more;
};

// How bodies are written is the protocol's business. A buffer that overflows says it all.
struct core_shard_ops {
    void (*delta)(struct buf *out, const struct core_delta *delta);
    void (*call)(struct buf *out, uint32_t id, struct slice method, struct slice params);
    void (*pending)(struct buf *out, const struct core_pending *pending);
};

struct core_shard_plan {
    unsigned number; // of the worker
    const struct core *core;
    struct bus_party *party;
    struct store_lane *lane; // of the shard alone
    struct arena *memory;    // the worker's turn arena
    const struct core_shard_ops *ops;
    struct core_shard_settings settings;
};

struct core_shard_time {
    struct mono mono;
    struct wall wall;
};

size_t core_shard_footprint(const struct core_shard_settings *settings);
// `memory` is zeroed, aligned to 64, and outlives it.
struct core_shard *core_shard_init(void *memory, const struct core_shard_plan *plan,
                                   struct mono now);
// At start, before the workers run: every shard gets what the store keeps of its devices.
// ERR_EXHAUSTED when a table is smaller than what is kept: nothing is left behind in silence.
MUST_USE enum err core_shard_restore(struct core_shard *const *shards, unsigned count,
                                     struct store *store, struct core_shard_time now);

// A mail of a kind that is for the shard, from the party `from`.
void core_shard_take(struct core_shard *shard, struct core_shard_time now, unsigned from,
                     const struct core_mail *mail);
// Takes what the store has finished on the shard's lane, and lets time pass.
void core_shard_turn(struct core_shard *shard, struct core_shard_time now);
// Ends all calls that somebody waits for, and what devices wait for, and takes no more
// (ERR_STOPPING).
void core_shard_end_calls(struct core_shard *shard, struct core_shard_time now);
// When to call core_shard_turn if nothing arrives.
struct mono core_shard_deadline(const struct core_shard *shard);

struct core_shard_stats {
    uint32_t devices, devices_max;
    uint32_t calls, calls_max;
    uint32_t jobs;    // commits that something waits for, of `jobs_max`
    uint32_t parcels; // bodies of small notifications, of `parcels_max`
    uint32_t observations, suspended;
    uint32_t visits; // core/visit.h
    uint64_t notices, delivered, rejected, lost, repeated_at_candidate;
    uint64_t refused_full;
};
struct core_shard_stats core_shard_stats(const struct core_shard *shard);
// Asserts every invariant.
void core_shard_check(const struct core_shard *shard);
