// core/shard_priv.h: the state of a shard, for the files that make it up: shard.c (table, mail,
// time), observation.c, delta.c (shared attributes), call.c, flight.c (the notification under way),
// fetch.c (bodies in blocks), poll.c (what a device asks for); outbox.c, visit.c and power.c have
// headers of their own.
#pragma once

#include "base/map.h"
#include "base/pool.h"
#include "base/wheel.h"
#include "core/downlink.h"
#include "core/shard.h"

// A commit under way that something follows.
enum core_job_kind {
    CORE_JOB_SUBSCRIBE,
    CORE_JOB_UNSUBSCRIBE,
    CORE_JOB_CHANGE,
    CORE_JOB_CALL,   // a persistent call was stored
    CORE_JOB_NUMBER, // ids of calls were reserved
    CORE_JOB_REPLY,  // the answer to a persistent call was stored
    CORE_JOB_DROP,   // a persistent call was deleted
    CORE_JOB_POLL,   // a device asks what waits; open from the question to the answer
    CORE_JOB_FENCE,  // all changes of before a first poll are on disk
    CORE_JOB_NOTE,   // all shared attributes were noted for it
    CORE_JOB_SPLIT,  // a change became two
    CORE_JOB_GONE,   // what is known of a device that is gone is on disk: its purge may come
};

struct core_job {
    enum core_job_kind kind;
    struct pool_handle downlink;
    unsigned from;             // the party that waits
    struct core_mail question; // of a worker, without its body
    struct core_order *order;  // or the order of a desk
    struct pool_handle call;   // CALL, NUMBER, REPLY
    uint64_t seq;              // CHANGE, NOTE, SPLIT
    bool is_ready;             // POLL: it may be read for
};

// The body of a small notification, kept while it is under way, in case that it has to be sent to
// the candidate as well. A larger one, or one that finds no place, waits for the end instead.
#define CORE_PARCEL_SIZE 1280U

struct core_parcel {
    size_t len;
    uint8_t bytes[CORE_PARCEL_SIZE];
};

// What a load of rows is for; kept with it.
enum core_load {
    CORE_LOAD_DELTA = 1,
    CORE_LOAD_WHOLE,
    CORE_LOAD_CALL,
    CORE_LOAD_POLL,
};

struct core_shard {
    struct core_shard_plan plan;
    struct wheel wheel;
    struct pool *downlinks;
    struct map *by_device;
    struct pool *calls;
    struct pool *jobs;
    struct pool *parcels;
    struct pool *fetches;
    uint32_t serial_last;
    bool has_commits;      // something was submitted that is waited for
    struct mono notes_due; // what nobody waits for is flushed by then
    bool is_stopping;      // nobody may wait for a call any more
    struct core_shard_stats stats;
};

// A downlink and what it belongs to, on the way through a few functions.
struct core_reach {
    struct core_shard *shard;
    struct core_downlink *link; // NULL if there is none
    struct core_shard_time now;
    struct tenant_id tenant;
    struct device_id device;
};

// shard.c

// The downlink of a device, or NULL.
struct core_downlink *core_shard_find(const struct core_shard *shard, struct device_id device);
// The same, made if need be; NULL when the table is full.
struct core_downlink *core_shard_open(struct core_shard *shard, struct tenant_id tenant,
                                      struct device_id device);
// Forgets the downlink of a device that is gone. The pointer is dead then.
void core_shard_forget(struct core_shard *shard, struct core_downlink *link);
// Looks at the downlink again at that time, or earlier if it is to be looked at earlier.
void core_shard_wake_at(const struct core_reach *reach, struct mono at);
// Looks at it again soon: something was full.
void core_shard_again(const struct core_reach *reach);
// Asks for rows of the device; one load at a time. ERR_EXHAUSTED.
MUST_USE enum err core_shard_load(const struct core_reach *reach, uint32_t kinds, struct slice only,
                                  enum core_load what);
// A place for what follows a commit; NULL when there is none.
struct core_job *core_shard_job(struct core_shard *shard, enum core_job_kind kind);
// Submits rows of a device; the job's end follows, if there is one. On failure it is given back.
MUST_USE enum err core_shard_commit(const struct core_reach *reach,
                                    const struct store_state_change *items, uint32_t count,
                                    struct core_job *job);
// The same for what nobody waits for (CORE_NOTES_MS). False: the lane is full.
bool core_shard_note(const struct core_reach *reach, const struct store_state_change *items,
                     uint32_t count);
// Answers a question of a worker, or an order. A body without room is left out (ERR_EXHAUSTED).
void core_shard_answer(struct core_shard *shard, unsigned to, const struct core_mail *question,
                       enum err err, uint32_t number);
void core_shard_answer_body(struct core_shard *shard, unsigned to, const struct core_mail *question,
                            struct slice body);
void core_shard_done(struct core_shard *shard, unsigned to, struct core_order *order, enum err err,
                     struct slice response);
// The row of the device's counters, into `change`; its bytes live in the turn arena.
MUST_USE enum err core_shard_put_counters(const struct core_reach *reach,
                                          struct store_state_change *change);

// observation.c

void core_observation_subscribe(const struct core_reach *reach, unsigned from,
                                const struct core_mail *mail);
void core_observation_subscribed(const struct core_reach *reach, const struct core_job *job,
                                 enum err err);
void core_observation_unsubscribe(const struct core_reach *reach, unsigned from,
                                  const struct core_mail *mail);
void core_observation_unsubscribed(const struct core_reach *reach, const struct core_job *job,
                                   enum err err);
void core_observation_started(const struct core_reach *reach, const struct core_mail *mail);
void core_observation_heard(const struct core_reach *reach, const struct core_mail *mail);
// Ends all observations of the device with a last message.
void core_observation_end_all(const struct core_reach *reach, enum core_notice notice);
// Ends those that are suspended and were not heard of for too long.
void core_observation_expire(const struct core_reach *reach);
// Its route answers no more.
void core_observation_suspend(const struct core_reach *reach, enum core_resource resource);
// The device took a notification at this route.
void core_observation_confirm(const struct core_reach *reach, enum core_resource resource,
                              bool at_candidate);
// Ends it in silence.
void core_observation_end(const struct core_reach *reach, enum core_resource resource);
// The number of the next notification; false while it may not be used yet.
MUST_USE bool core_observation_number(const struct core_reach *reach, enum core_resource resource,
                                      uint32_t *number);

// delta.c

struct core_gathered;

// Whether changes of the device are noted in the outbox.
MUST_USE bool core_delta_is_noted(const struct core_reach *reach);
// For a change that does not fit into one message: false if it is one attribute.
MUST_USE bool core_delta_split(const struct core_reach *reach, const struct core_gathered *all,
                               uint64_t seq);
void core_delta_was_split(const struct core_reach *reach, const struct core_job *job, enum err err);
// What was noted under a number is on disk, or is not.
void core_delta_end_change(const struct core_reach *reach, uint64_t seq, enum err err);
void core_delta_change(const struct core_reach *reach, unsigned from, struct core_order *order);
void core_delta_changed(const struct core_reach *reach, const struct core_job *job, enum err err);
// Sends what waits, or with `whole` all shared attributes.
void core_delta_send(const struct core_reach *reach, bool whole);
void core_delta_loaded(const struct core_reach *reach, struct store_load *load);
void core_delta_delivered(const struct core_reach *reach, uint64_t upto);

// call.c

void core_call_order(const struct core_reach *reach, unsigned from, struct core_order *order);
void core_call_stored(const struct core_reach *reach, const struct core_job *job, enum err err);
void core_call_drop(const struct core_reach *reach, unsigned from, struct core_order *order);
void core_call_dropped(const struct core_reach *reach, const struct core_job *job, enum err err);
// From a worker with `question`, or from a desk with `order`; the other one is NULL.
struct core_answer {
    unsigned from;
    const struct core_mail *question;
    struct core_order *order;
    uint32_t call;
    struct slice text;
};
void core_call_reply(const struct core_reach *reach, const struct core_answer *answer);
void core_call_replied(const struct core_reach *reach, const struct core_job *job, enum err err);
// The device does not have it yet.
bool core_call_is_open(const struct core_call *call);
// The next call that may be sent now, or NULL.
struct core_call *core_call_next(const struct core_reach *reach);
void core_call_send(const struct core_reach *reach, struct core_call *call);
void core_call_loaded(const struct core_reach *reach, struct store_load *load);
// What became of the one that is under way.
void core_call_transmitted(const struct core_reach *reach);
void core_call_delivered(const struct core_reach *reach);
// It was given to the device that asked; and it has those up to this number.
void core_call_given(const struct core_reach *reach, struct core_call *call);
void core_call_taken_upto(const struct core_reach *reach, uint64_t sequence);
void core_call_taken_back(const struct core_reach *reach);
void core_call_undelivered(const struct core_reach *reach);
// Its first block was taken; then all of them, or not: `is_late` is a try that failed.
void core_call_fetching(const struct core_reach *reach);
void core_call_fetched(const struct core_reach *reach, struct pool_handle call);
void core_call_unfetched(const struct core_reach *reach, struct pool_handle call, bool is_late);
// At start. False if there is no place for it.
MUST_USE bool core_call_restore(const struct core_reach *reach, const struct core_call *call);
// Ends those whose deadline has passed.
void core_call_expire(const struct core_reach *reach);
// Ends those that somebody waits for.
void core_call_end_awaited(const struct core_reach *reach, enum err err);
void core_call_end_all(const struct core_reach *reach, enum err err);

// poll.c

// Ends a question that is open.
void core_poll_end(const struct core_reach *reach, enum err err);
void core_poll_take(const struct core_reach *reach, unsigned from, const struct core_mail *mail);
// Reads for the question that is open, if there is one and nothing else is being read.
void core_poll_read(const struct core_reach *reach);
void core_poll_fenced(const struct core_reach *reach, enum err err);
void core_poll_noted(const struct core_reach *reach, const struct core_job *job, enum err err);
void core_poll_loaded(const struct core_reach *reach, struct store_load *load);
