// core/order.h: what people want done at a device's shard: change its shared attributes, call it,
// end its observations; and what a device wants that speaks HTTP (core/visit.h). A desk gives an
// order and waits; a call may be waited for by nobody, then a function is called at its end.
#pragma once

#include "core/core.h"
#include "core/mail.h"
#include "store/state.h"

// A call (RPC) to a device. The texts outlive the order's end.
struct core_call_request {
    struct slice method;
    struct slice params; // JSON text; "null" if there is none
    struct slice info;   // JSON text or empty, kept for people
    bool is_oneway;
    bool is_persistent;
    uint32_t retries; // CORE_RETRIES_MOST: as many as the server allows
    struct wall created;
    struct wall expires;
    struct uuid device; // what people call it
    struct uuid id;     // of a persistent one
};

#define CORE_RETRIES_MOST UINT32_MAX

enum core_order_kind {
    CORE_ORDER_CHANGE,    // rows of the shared scope: `change`
    CORE_ORDER_CALL,      // `call`
    CORE_ORDER_CALL_DROP, // delete the persistent call `call.id`
    CORE_ORDER_GONE,      // the device was deleted
    CORE_ORDER_REFUSED,   // its credential changed
    CORE_ORDER_VISIT,     // the device waits: `visit`
    CORE_ORDER_REPLY,     // the device answers a call: `reply`
};

// What a device waits for over HTTP (core/visit.h).
enum core_wish {
    CORE_WISH_ATTRIBUTES = CORE_RESOURCE_ATTRIBUTES, // the next change of a shared attribute
    CORE_WISH_RPC = CORE_RESOURCE_RPC,               // its next call
    CORE_WISH_ANSWER,                                // the answer to its own call
};

struct core_visit {
    enum core_wish wish;
    uint64_t number; // names it
    struct mono deadline;
    // ANSWER: its call, which is raised once the visit waits; the texts outlive the order's end.
    struct slice method;
    struct slice params;
    // Of one that was given something: what becomes of that is told under this name.
    uint64_t ticket;
    struct core_order *next; // the shard's
};

// The answer of a device to a call.
struct core_reply {
    uint32_t call;
    struct slice text; // JSON
};

// ERR_OK: changed; or handed over (one-way), stored (persistent), answered (`response`).
// ERR_UNAVAILABLE: the device did not observe its calls before the deadline. ERR_TIMEOUT: it did
// not answer. ERR_LIMITED: too many calls wait for it. ERR_NOT_FOUND, ERR_EXHAUSTED; the store's.
typedef void core_order_done_fn(struct core_order *order, enum err err, struct slice response);

struct core_order {
    enum core_order_kind kind;
    struct tenant_id tenant;
    struct device_id device;
    const struct store_change *change;
    struct core_call_request call;
    struct core_visit visit;
    struct core_reply reply;
    bool confirms; // GONE: ends when what the shard has written of the device is on disk
    // Called on the shard's thread, once; the order is the caller's again. NULL: a desk waits.
    core_order_done_fn *done;
    void *context;
};

// For a desk: gives the order and waits for its end. The response is copied into `memory`, which
// may be NULL for orders that have none.
MUST_USE enum err core_desk_order(struct core_desk *desk, struct core_order *order,
                                  struct arena *memory, struct slice *response);
// Gives an order that has a `done`. ERR_EXHAUSTED: not taken.
MUST_USE enum err core_desk_send(struct core_desk *desk, struct core_order *order);
// Ends the observations of a device that is gone (4.04; its calls end as well), or whose credential
// changed (4.01); also those that workers let in before this was called. Waits for the device's
// worker.
void core_desk_end(const struct core *core, struct core_desk *desk, struct tenant_id tenant,
                   struct device_id device, bool is_gone);
