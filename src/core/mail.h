// core/mail.h: what workers, shards and desks tell each other over the bus: one head for all, and a
// body behind it.
//
// A request of a device is taken by the worker that steering picked; what the server keeps of the
// device belongs to its shard. The worker asks, the shard answers, and the worker replies. What the
// shard wants to be sent goes to the worker that has the route, which tells what became of it.
//
// Bounds: a worker has at most CORE_ASKS_MAX questions open; everything but answers leaves half of
// a ring free, so that answers always have room.
#pragma once

#include <assert.h>

#include "bus/bus.h"
#include "core/route.h"
#include "model/ids.h"

#define CORE_ASKS_MAX 1024U
#define CORE_MAIL_BODY_MAX 65536U
// Rings that take the largest body beside many small messages; there is one for each pair, so they
// are smaller where there are many.
#define CORE_MAIL_RING (1U << 20)
#define CORE_MAIL_RING_FEW (4U << 20)
#define CORE_MAIL_FEW 8U

struct core_order;

enum core_mail_kind {
    // To the shard, from the worker that has a request in hand. An answer follows.
    CORE_MAIL_SUBSCRIBE,   // Observe 0: `registration`
    CORE_MAIL_UNSUBSCRIBE, // Observe 1: `registration`
    CORE_MAIL_REPLY,       // the device answers call `number`: body
    CORE_MAIL_POLL, // what waits for it? It has what is up to `sequence`; room for `number` bytes
    // To the shard; nothing comes back.
    CORE_MAIL_STARTED, // the answer to a registration went out, or not (`err`), with `number`
                       // bytes; `handle` as in the ANSWER
    CORE_MAIL_HEARD, // a request came: `registration` has its route, token and URI, `resource` what
                     // it registers, CORE_RESOURCES if nothing
    CORE_MAIL_OUTCOME, // of the notice `ticket`; `handle` names it at its worker
    CORE_MAIL_LEFT,    // the device does not wait any more: visit `ticket`
    CORE_MAIL_ORDER,   // from a desk: `order`
    // From the shard.
    CORE_MAIL_ANSWER, // to the question `ticket`, which comes back with `err` and in `number` the
                      // Observe number and in `handle` the ticket for its blocks; to a POLL with a
                      // body
    CORE_MAIL_NOTICE, // send it: `registration`, `number`, `notice`, body; with `skips_mids` not as
                      // one of the message ids after `mid`
    CORE_MAIL_CANCEL, // stop sending `handle`, the notice `ticket`
    CORE_MAIL_DONE,   // to the desk that gave an order: `err`, body
    // To the feed: bits of what changed in `number`.
    CORE_MAIL_CHANGED,
    // From worker to worker: ICMP says that no datagram reaches `registration.route`.
    CORE_MAIL_UNREACHABLE,
};

enum core_outcome {
    // It left for the first time, as `mid`; a NON is done by that. `number`: round trip in ms or 0.
    CORE_OUTCOME_TRANSMITTED,
    CORE_OUTCOME_UNANSWERED, // not acknowledged yet; it is repeated
    CORE_OUTCOME_DELIVERED,
    CORE_OUTCOME_REJECTED,
    CORE_OUTCOME_LOST,
    CORE_OUTCOME_BUSY,    // it was not taken: a table is full, or a request with its token is open
    CORE_OUTCOME_FETCHED, // the last block of its body was asked for
};

// A larger body goes out in blocks, of which the device fetches all but the first.
#define CORE_NOTICE_WHOLE 1024U

// What a notice says; the worker knows which codes and options these are.
enum core_notice {
    CORE_NOTICE_CONTENT,      // 2.05 with a body
    CORE_NOTICE_VALID,        // 2.03: a probe
    CORE_NOTICE_GONE,         // 4.04, the end: the device was deleted
    CORE_NOTICE_UNAUTHORIZED, // 4.01, the end: its credential changed
    CORE_NOTICE_LAPSED,       // 5.03, the end: it has to register again to know what there is
};

struct core_mail {
    uint8_t kind;     // enum core_mail_kind
    uint8_t question; // of an answer
    uint8_t resource; // enum core_resource
    uint8_t outcome;  // enum core_outcome
    uint8_t notice;   // enum core_notice
    bool confirmable; // the notice
    bool skips_mids;
    uint8_t power; // SUBSCRIBE, HEARD: enum model_power and the time that goes with it
    uint16_t mid;
    enum err err;
    uint32_t awake_ms;
    uint32_t number;
    uint32_t body_len;
    uint64_t ticket;
    uint64_t handle;
    uint64_t sequence;
    struct tenant_id tenant;
    struct device_id device;
    struct core_registration registration;
    struct core_order *order;
};

// A message to `to` with its head cleared and room for a body, or NULL when there is none.
static inline struct core_mail *core_mail_begin(struct bus_party *party, unsigned to,
                                                size_t body_len)
{
    struct core_mail *mail = bus_reserve(party, to, sizeof(*mail) + body_len);
    if (mail != NULL) {
        memset(mail, 0, sizeof(*mail));
        mail->body_len = (uint32_t)body_len;
    }
    return mail;
}

static inline void core_mail_end(struct bus_party *party, unsigned to, const struct core_mail *mail)
{
    bus_commit(party, to, sizeof(*mail) + mail->body_len);
}

// The ticket of a notice names the flight, its leg, the worker whose shard sent it, and the place
// of the device there.
#define CORE_TICKET_PLACE_BITS 25U
#define CORE_PLACES_MAX (1U << CORE_TICKET_PLACE_BITS)
#define CORE_TICKET_WORKER_BITS 6U

static inline unsigned core_mail_ticket_worker(uint64_t ticket)
{
    return (unsigned)(ticket >> CORE_TICKET_PLACE_BITS) & ((1U << CORE_TICKET_WORKER_BITS) - 1);
}

// What stands behind the head.
static inline struct slice core_mail_body(const struct core_mail *mail)
{
    return slice_of(mail + 1, mail->body_len);
}

static inline void core_mail_put_body(struct core_mail *mail, struct slice body)
{
    ASSERT(body.len == mail->body_len);
    if (body.len > 0) {
        memcpy(mail + 1, body.ptr, body.len);
    }
}

// Half a ring takes an answer to every question, and the word that an observation has started.
static_assert(2 * CORE_ASKS_MAX * (sizeof(struct core_mail) + 16) <= CORE_MAIL_RING / 2,
              "answers have room");
