// core/downlink.h: what a shard keeps in memory of one device that it has to reach, and the rows in
// which that is stored.
//
// Rows (store/state.h), all of one device:
//   OBSERVATION "a" and "r"    the registration at attributes and rpc
//   COUNTER "n"                what the device knows of the outbox, and what is reserved
//   OUTBOX "a" + key           the number of the newest change of a shared attribute
//   OUTBOX "r" + id            a persistent call that has not ended
//   CALL "r" + id              its method and params
//   RPC uuid, uuid + "s"       a persistent call as it was ordered, and how it stands
#pragma once

#include "base/buf.h"
#include "base/pool.h"
#include "base/wheel.h"
#include "core/order.h"

// Observe numbers and call ids are reserved on disk in blocks, so that a crash skips ahead, never
// back.
#define CORE_NUMBERS_RESERVED 256U
#define CORE_CALLS_RESERVED 16U
#define CORE_RECENT_NON 8U

enum core_observation_state {
    CORE_OBSERVATION_NONE,
    CORE_OBSERVATION_STARTING, // its first answer has not left
    CORE_OBSERVATION_LIVE,
    CORE_OBSERVATION_SUSPENDED, // waits until the device is heard
    CORE_OBSERVATION_PROBING,   // heard: one CON decides
};

// A body in blocks whose first block the device has (core/fetch.c).
struct core_fetch {
    uint32_t serial; // of the notification or the first answer
    struct mono until;
    uint64_t upto;           // changes that it covers, or 0
    struct pool_handle call; // or the call that it is
};

// There are two for each device, so they are packed.
struct core_observation {
    struct core_registration registration;
    struct core_route candidate;
    uint8_t state; // enum core_observation_state
    bool has_candidate;
    bool candidate_is_newer; // heard after the route was
    bool is_unconfirmed;     // nothing went there yet: the first notification is a CON
    uint8_t since_con;       // NON notifications since the last CON
    uint8_t recent_at;
    bool is_restored; // nothing was sent since a restart: ids after `mid` are skipped
    bool has_mid;
    uint16_t mid;           // message id of the newest notification at the route
    uint32_t fetch;         // place in the shard's pool + 1; 0: nothing is fetched
    uint16_t registering;   // registrations that are being written
    uint16_t voided;        // the first of these, whose credential changed meanwhile
    uint32_t next;          // number of the next notification
    uint32_t reserved;      // numbers below are reserved
    uint64_t barred;        // hash of a route that uses the token for something else; 0: none
    struct mono heard;      // at the route
    struct mono con_due;    // a CON has to go out by then
    struct mono probe_due;  // suspended: not before
    struct span probe_wait; // before the next one
    uint32_t recent[CORE_RECENT_NON]; // serials of NON notifications, against a late RST
};

static_assert(sizeof(struct core_observation) <= 208, "two of them stand beside each device");

enum core_flight_kind {
    CORE_FLIGHT_NONE,
    CORE_FLIGHT_DELTA, // changes up to `upto`
    CORE_FLIGHT_CALL,
    CORE_FLIGHT_PROBE,
    CORE_FLIGHT_LAPSE, // the device has to register again
    CORE_FLIGHT_END,   // the last message of an observation; nothing follows
};

// The notification under way: a leg to the observation's route, and one to the candidate.
struct core_flight {
    uint8_t kind;     // enum core_flight_kind
    uint8_t resource; // enum core_resource
    uint8_t notice;   // enum core_notice
    bool confirmable;
    bool is_cut;        // the body goes in blocks
    bool is_visit;      // it went to a device that waits over HTTP; the first leg stands for it
    bool is_unanswered; // the first transmission was not acknowledged
    bool is_heard_elsewhere; // a candidate was heard since it was sent
    uint8_t sends; // legs handed to workers, up to 255; a later one may take an earlier's place
    uint32_t number;
    uint64_t upto;             // DELTA
    struct pool_handle call;   // CALL
    struct pool_handle parcel; // the body, if it is kept
    struct mono give_up;       // a safety net, should an outcome be missing
    struct {
        uint64_t handle;
        uint32_t serial; // names it; 0: never tried
        uint32_t worker;
        uint16_t mid; // once it was transmitted
        bool is_open;
        bool has_handle;
    } legs[2];
};

enum core_call_state {
    CORE_CALL_NUMBERING, // its id or its rows are being made durable
    CORE_CALL_WAITING,
    CORE_CALL_FLYING,
    CORE_CALL_FETCHING,  // the device has its first block
    CORE_CALL_DELIVERED, // waits for the answer
    CORE_CALL_ENDING,    // its answer is being stored
};

struct core_call {
    struct core_call *next;
    uint32_t id;
    enum core_call_state state;
    bool is_oneway;
    bool is_persistent;
    bool was_sent;
    uint32_t retries;
    uint32_t used;
    uint64_t seq;
    struct uuid uuid;
    struct wall created;
    struct wall expires;
    struct mono deadline;
    struct mono answer_due; // CORE_CALLS_ON_RESPONSE
    // Of one that is not persistent: who waits. The texts are the order's.
    unsigned from;
    struct core_order *order;
};

// A device that asks for what waits (`?pending=`) has all changes noted, observed or not.
enum core_poll_state {
    CORE_POLL_NEVER,
    CORE_POLL_STARTING, // changes are noted; what was there before is about to be
    CORE_POLL_NOTED,
};

// An idle one costs a device that observes most of its memory.
struct core_downlink {
    struct wheel_timer timer;
    struct mono timer_at;
    struct device_id device;
    struct tenant_id tenant;
    struct core_observation observations[CORE_RESOURCES];
    struct core_flight flight;
    uint64_t seq;              // newest number of the outbox
    uint64_t delta_seq;        // of the newest change of a shared attribute that is on disk
    uint64_t covered;          // changes up to it are known to the device
    uint64_t change_newest;    // given to the store, if not on disk yet
    uint64_t load_upto;        // changes that the load covers
    uint64_t load_seq;         // `seq` when it was asked for
    struct mono pace;          // nothing unconfirmed before
    struct mono uplink;        // when it was heard, anywhere
    struct core_order *visits; // of a device that waits over HTTP, newest first
    struct core_call *calls;   // by id
    struct pool_handle poll;   // the job of a question that is open
    uint32_t visit_count;
    uint32_t call_count;
    uint32_t call_next;
    uint32_t calls_reserved;
    uint32_t call_loading; // the call whose texts are being read
    uint32_t jobs;         // commits under way
    uint32_t outbox_bytes; // at most; core/outbox.c
    uint32_t awake_ms;
    uint8_t poll_state; // enum core_poll_state
    uint8_t power;      // enum model_power; core/power.c
    bool is_visited;    // it waited for changes once: they are noted, observed or not
    bool is_lapsed;     // changes were forgotten: the observer has to register again
    bool is_connected;
    bool is_loading;   // what is to be sent is being read
    bool is_splitting; // a change that is too large becomes two
    bool is_owed_one;  // nothing was sent since it was heard
};

// Rows. Writers fill a buffer; readers are false for a row that is damaged.

#define CORE_ROW_MAX 128U

void core_row_put_registration(struct buf *out, const struct core_registration *registration);
MUST_USE bool core_row_get_registration(struct slice row, struct core_registration *registration);
void core_row_put_counters(struct buf *out, const struct core_downlink *link);
MUST_USE bool core_row_get_counters(struct slice row, struct core_downlink *link);
void core_row_put_call(struct buf *out, const struct core_call *call);
MUST_USE bool core_row_get_call(struct slice row, struct core_call *call);

struct slice core_row_observation_name(enum core_resource resource);
// "a" and the key, or "r" and the id; `memory` has CORE_CALL_NAME_SIZE bytes.
#define CORE_CALL_NAME_SIZE 5U
struct slice core_row_call_name(uint32_t id, uint8_t memory[CORE_CALL_NAME_SIZE]);

// The texts of a call that waits.
size_t core_row_texts_room(const struct core_call_request *request);
void core_row_put_texts(struct buf *out, const struct core_call_request *request);
// Views last as long as the row's.
MUST_USE bool core_row_get_texts(struct slice row, struct slice *method, struct slice *params);

// A persistent call for people (server-api.md 4.3).
enum core_call_status {
    CORE_CALL_QUEUED = 1,
    CORE_CALL_SENT,
    CORE_CALL_STATUS_DELIVERED,
    CORE_CALL_SUCCESSFUL,
    CORE_CALL_TIMEOUT,
    CORE_CALL_EXPIRED,
    CORE_CALL_FAILED,
};

#define CORE_CALL_UUID_NAME 17U
struct slice core_row_uuid_name(const struct uuid *uuid, bool is_status,
                                uint8_t memory[CORE_CALL_UUID_NAME]);
// Bytes that the row of a request takes at most.
size_t core_row_request_room(const struct core_call_request *request);
void core_row_put_request(struct buf *out, uint32_t id, const struct core_call_request *request);
// Views last as long as the row's.
MUST_USE bool core_row_get_request(struct slice row, uint32_t *id,
                                   struct core_call_request *request);
void core_row_put_status(struct buf *out, enum core_call_status status, struct slice response);
MUST_USE bool core_row_get_status(struct slice row, enum core_call_status *status,
                                  struct slice *response);
