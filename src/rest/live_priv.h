// rest/live_priv.h: connections and subscriptions, for the files that make up `rest/live`: live.c
// (connections, the feed), live_session.c (who is behind them), live_command.c (what people send),
// live_simple.c and live_read.c (subscriptions to one device, and what they get), live_entity.c
// (commands about entities), live_list.c, live_job.c and live_tell.c (lists of entities, and what
// is told of them).
#pragma once

#include "core/attributes.h"
#include "core/feed.h"
#include "core/series.h"
#include "rest/call.h"
#include "rest/live.h"
#include "rest/live_list.h"

#define LIVE_BUCKETS 1024U
#define LIVE_MEMBER_BUCKETS 65536U
#define LIVE_CHANGES 4096U // that are remembered while jobs run
#define LIVE_OUT_SIZE (8U << 20)
#define LIVE_JOB_MEMORY (64U << 20) // touched as it is used

enum {
    LIVE_CODE_INTERNAL = 1,
    LIVE_CODE_BAD_REQUEST = 2,
    LIVE_CODE_UNAUTHORIZED = 3,
};

// What a subscription has sent of one key.
struct live_known {
    struct live_known *next;
    struct live_cell sent;
    struct live_cell found; // by the read under way, if `is_seen`
    unsigned scope;         // of an attribute, a bit of core/feed.h
    bool is_seen;
    size_t len;
    char key[];
};

struct live_session;

struct live_subscription {
    struct live_subscription *next; // of the session
    struct live_subscription *next_in_bucket;
    struct live_session *session;
    int64_t command;
    struct model_device device; // its numbers and id; no texts
    unsigned what;              // bits of core/feed.h
    uint64_t serial;            // of one that waits for its first frame, from a job; else 0
    struct live_known *known;
    uint64_t cells;     // that it takes the place of
    uint32_t key_count; // 0: all
    struct slice *keys; // with their texts, in one block
    size_t keys_size;
};

struct live_session {
    struct http_socket *socket;
    struct live_session *next;
    struct core_caller caller;
    struct core_claims claims; // of the token
    struct mono check_due;     // when it is looked at whether the session goes on
    struct live_subscription *subscriptions;
    struct live_list *lists;
    uint32_t subscription_count; // of both
    uint64_t cells;              // that both take
    bool is_wrapped;             // /api/ws: `authCmd` and `cmds`
    bool is_logged_in;
    bool is_over; // it was logged in, and is being closed
};

struct rest_live {
    const struct rest *rest;
    struct bus_party *party;
    uint64_t missed; // of the feed, as far as it was made up for
    struct live_session *sessions;
    uint64_t serials; // given so far
    struct live_subscription *buckets[LIVE_BUCKETS];
    // Of lists (live_list.h).
    struct live_member *members[LIVE_MEMBER_BUCKETS];
    struct live_list *ready_first, *ready_last;
    struct live_list *marked_first, *marked_last;
    uint64_t changes[LIVE_CHANGES]; // numbers of devices
    uint64_t change_count;          // so far
    // Of all lists and subscriptions; a list whose connection is gone counts until its job is done.
    uint64_t cells;
    struct mono look_due;
    unsigned jobs;
    struct mono check_due; // of sessions
    atomic_bool is_told;   // `rest_live_take` waits to be run
    void *arena_memory;
    struct arena arena; // reset after each message and each change
    uint8_t *out;       // of one message
};

// A value on its way to a peer.
struct live_point {
    struct slice key;
    int64_t at_ms;
    struct slice text;
};

struct live_points {
    struct arena *memory;
    struct live_point *items;
    uint32_t count;
    bool is_full;
};

// live_session.c
struct core_admin rest_live_admin(struct rest_live *live, const struct live_session *session,
                                  struct core_problem *problem);
// Another user than before begins without subscriptions.
MUST_USE enum err rest_live_log_in(struct rest_live *live, struct live_session *session,
                                   struct slice token);
// Of one that is logged in: whether its token and its session go on; if not, it is closed. The
// session is looked at if it is due, or `is_now`.
MUST_USE bool rest_live_check(struct rest_live *live, struct live_session *session, bool is_now);
// All that are due, once a second.
void rest_live_check_all(struct rest_live *live);
// ERR_FORBIDDEN: the device is not, or not any more, one that this user may see.
MUST_USE enum err rest_live_may_see(struct rest_live *live, const struct live_session *session,
                                    const struct uuid *device);

// live_cells.c
// Whether so many more would be within the bound of all and the share of the session's tenant.
bool rest_live_cells_fit(const struct rest_live *live, const struct live_session *session,
                         uint64_t more);
void rest_live_cells_take(struct rest_live *live, struct live_session *session, uint64_t cells);
// `session` is NULL when it gave its part back already.
void rest_live_cells_give(struct rest_live *live, struct live_session *session, uint64_t cells);

// live.c
// Takes over the subscription; one with the same command is replaced. ERR_EXHAUSTED.
MUST_USE enum err rest_live_add(struct rest_live *live, struct live_session *session,
                                struct live_subscription *owned_subscription);
void rest_live_remove(struct rest_live *live, struct live_session *session, int64_t command);
void rest_live_remove_all(struct rest_live *live, struct live_session *session);
void rest_live_free(struct live_subscription *subscription);
// Counts what a subscription keeps; it is given back with the subscription. False beyond the bound.
MUST_USE bool rest_live_count(struct rest_live *live, struct live_subscription *subscription,
                              size_t bytes);

// The subscription of the session that waits for this job; NULL: it is not there any more.
struct live_subscription *rest_live_waiting(const struct live_session *session, int64_t command,
                                            uint64_t serial);
// Its first frame was sent by a job; it ends unless `is_good`.
void rest_live_begin(struct rest_live *live, struct live_subscription *subscription, bool is_good);

// live_command.c
void rest_live_command_run(struct rest_live *live, struct live_session *session, struct slice text);

// live_read.c

// Of a value with its type, to see whether it changed.
uint64_t rest_live_digest(const struct model_value *value);

// The values that are new since the last read that went well; all of them at the first.
// ERR_TOO_LARGE: they are too many for one message; ERR_EXHAUSTED: too much is remembered already.
MUST_USE enum err rest_live_read(struct rest_live *live, struct live_subscription *subscription,
                                 struct live_points *points);
void rest_live_points_init(struct live_points *points, struct arena *memory);
void rest_live_points_add(struct live_points *points, struct slice key, int64_t at_ms,
                          const struct model_value *value);
// {"subscriptionId":..,"errorCode":..,"errorMsg":..,"data":{..},"latestValues":{..}}
void rest_live_write(struct buf *out, int64_t command, const struct live_points *points);
// In the place of what the buffer holds.
void rest_live_write_error(struct buf *out, int64_t command, int code, const char *text);
void rest_live_send(struct rest_live *live, struct live_session *session, int64_t command,
                    const struct live_points *points);
void rest_live_send_error(struct rest_live *live, struct live_session *session, int64_t command,
                          int code, const char *text);
