// core/core.h: the verbs of the server, without any protocol: authenticate, administer, ingest. A
// reading by REST and one by CoAP are the same thing here.
//
// `struct core` is shared; what a worker needs of it is the index of devices (lock-free) and a lane
// of the store of its own, together in `struct core_worker`.
#pragma once

#include <stdint.h>

#include "base/epoch.h"
#include "base/err.h"
#include "base/filter.h"
#include "base/hash.h"
#include "bus/bus.h"
#include "model/entity.h"
#include "model/index.h"
#include "model/quotas.h"
#include "store/attempts.h"
#include "store/entities.h"
#include "store/store.h"

#define CORE_TOKEN_KEY_SIZE 64U

struct core_feed;
struct core_lives;
struct core_meters;
struct core_plan;
struct core_presence;
struct core_recorder;

// Lets one thread at a time in. All NULL: only one thread ever comes.
struct core_guard {
    void *context;
    void (*enter)(void *context);
    void (*leave)(void *context);
};

static inline void core_guard_enter(const struct core_guard *guard)
{
    if (guard->enter != NULL) {
        guard->enter(guard->context);
    }
}

static inline void core_guard_leave(const struct core_guard *guard)
{
    if (guard->leave != NULL) {
        guard->leave(guard->context);
    }
}

struct core {
    struct store_entities *entities;
    struct store *store;
    struct store_attempts *attempts;
    struct model_index *index;
    struct model_quotas *quotas; // what each tenant may use: model_quotas_of
    struct core_meters **meters; // of each worker, then of the threads of HTTP
    unsigned meter_count;
    struct core_guard visitors; // around the last of them
    struct core_guard settings; // around what of attributes is kept in memory
    struct epoch *epoch;
    struct bus *bus;
    struct core_presence *presence;
    struct core_lives *lives; // how long points stay
    struct core_feed *feed;
    const struct core_plan *plan;     // what events lead to (core/plan.h); NULL: the default chain
    struct core_recorder **recorders; // one of each worker; all NULL if nothing is recorded
    unsigned recorder_count;
    struct filter *reached; // by hash of the number: devices that a shard has to reach
    // Called while a verb waits until every worker has passed a change.
    void (*pause)(void);
    // Made once per data directory.
    uint8_t token_key[CORE_TOKEN_KEY_SIZE];
    struct hash_key dedup_key;
    // Devices inserted in the commit under way; the entities' writer only.
    uint64_t inserting_group;
    uint32_t inserting;
};

// Reads the keys of the data directory, or makes them at the first start, with the tenant profile
// that every installation has. The other members are set.
MUST_USE enum err core_open(struct core *core, struct wall now);
// Fills the index and the table of quotas from the entity store.
MUST_USE enum err core_index_fill(struct core *core);

// For people: why a verb refused. Empty if the error says it all. With ERR_ENTITY_LIMIT: of what
// there are too many, and how many there may be.
struct core_problem {
    char text[256];
    const char *entity;
    uint32_t limit;
};

void core_problem_set(struct core_problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Who calls an administrative verb, and when.
struct core_caller {
    struct uuid user;
    enum model_authority authority;
    struct tenant_id tenant; // 0 for the system administrator
    struct uuid tenant_uuid;
    struct uuid customer; // uuid_null unless a customer user
    bool is_public;       // may read only
    struct wall now;
};

// A new id, made now.
struct uuid core_new_id(struct wall now);
// Bounded, not blank, no markup (server-api.md 0.1, "Names"). ERR_INVALID with the problem.
MUST_USE enum err core_name_check(struct slice name, const char *what,
                                  struct core_problem *problem);

struct core_worker {
    struct store_lane *lane;
    const struct model_index *index;
    struct bus *bus;
    struct bus_party *party;
    struct core_presence *presence;
    struct core_feed *feed;
    struct core_meters *meters; // of this worker; NULL: nothing is limited
    const struct core_plan *plan;
    const struct filter *reached;
    uint32_t asks; // questions to shards that are open (core/mail.h)
};

// Who speaks: one kind, whatever the credential was (invariant 8).
struct core_principal {
    const struct model_index_entry *device; // good until the end of the turn
};

// ERR_UNAUTHORIZED: no device has this token. ERR_WRONG_TRANSPORT: its profile is for another
// transport than CoAP (device-api.md 1.4).
MUST_USE enum err core_auth_token(const struct core_worker *worker, struct slice token,
                                  struct core_principal *principal);

// A thread that serves people and may block, with a lane of its own.
struct core_desk {
    struct store_lane *lane;
    uint64_t ticket; // of its last record
    struct bus *bus;
    struct bus_party *party; // with a loop of its own
};

// Submits a record and waits until it is durable.
MUST_USE enum err core_desk_commit(struct core_desk *desk, const struct store_record *record);

// Tells the feed (core/feed.h) what changed of a device.
void core_desk_publish(const struct core *core, struct core_desk *desk, struct device_id device,
                       unsigned what);

enum core_step {
    CORE_DONE,    // nothing had to wait: the outcome is final
    CORE_PENDING, // the completion of `ticket` arrives on the worker's lane
};

// Takes the readings of one message through the plan of the device's profile into the store.
// `now` is the turn's wall time. ERR_EXHAUSTED when the lane is full, ERR_TOO_LARGE.
MUST_USE enum err core_telemetry_save(const struct core_worker *worker,
                                      const struct core_principal *principal,
                                      const struct model_readings *readings, struct wall now,
                                      const struct store_trace *trace, uint64_t ticket,
                                      enum core_step *step);

// Purges the data of one deleted device. ERR_NOT_FOUND when nothing is left to purge.
MUST_USE enum err core_purge_one(struct core *core, struct core_desk *desk);
