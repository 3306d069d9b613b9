// coap/endpoint.h: our side of CoAP, as one pure state machine: messages, deduplication, exchanges,
// blocks, retransmission. Four verbs: input, output, tick, deadline; no clock, socket, thread or
// heap. Datagrams go in and come out; the owner is told of requests and outcomes by events, one at
// a time, and answers by handle, at once or later.
//
// The owner's loop: for each datagram `coap_endpoint_input`, handle the event it may give; after
// the batch `coap_endpoint_tick` until it gives none; then `coap_endpoint_output` until empty.
//
// Answers (RFC 7252 5.2): piggybacked when ready within `ack_wait`, else an empty ACK then and a
// separate CON later. NON requests get NON answers. With No-Response the empty ACK leaves when the
// answer is known, since it is all the device sees (RFC 7967).
//
// Bounds: all in `struct coap_endpoint_limits`. No exchange, body or peer slot free: 5.03 with
// Max-Age; ACK, RST and ping never need a slot and are always processed. The transmit queue holds
// `transmit_max` datagrams: the owner keeps room (coap_endpoint_room) before it gives more input or
// answers. A retransmission that finds no room waits for the next tick.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/pool.h"
#include "base/slice.h"
#include "base/time.h"
#include "coap/dedup.h"
#include "coap/link.h"
#include "coap/message.h"
#include "coap/options.h"
#include "coap/peer.h"

// Largest datagram that we send: a block of 1,024 bytes with its header and options.
#define COAP_DATAGRAM_MAX 1280U
#define COAP_BODY_MAX 65536U
#define COAP_DIAGNOSTIC_MAX 128U

struct coap_endpoint;

struct coap_endpoint_limits {
    struct coap_dedup_limits dedup;
    uint32_t exchanges_max; // requests taken and not answered
    uint32_t sent_max;      // own CON messages and requests in flight or waiting
    uint32_t peers_max;
    uint32_t bodies_max;          // Block1 bodies in hand
    uint32_t bodies_unproven_max; // of these, of senders without identity (oldest out)
    uint32_t body_bytes_max;      // of all bodies together
    uint32_t answer_bytes_max;    // of kept answers to POST above one block
    uint32_t transmit_max;
};

enum coap_path_check { COAP_PATH_CHECK_BLOCKS, COAP_PATH_CHECK_STRICT, COAP_PATH_CHECK_OFF };

struct coap_endpoint_settings {
    struct span ack_wait;    // until an empty ACK: 500 ms
    bool separate_responses; // success to CON always as a CON of its own
    enum coap_path_check path_check;
    uint8_t szx_max;     // largest block offered, 6
    uint8_t nstart;      // 1 to 4
    struct hash_key key; // of the data directory: stable over restarts
    uint64_t seed;
    // Answered without the owner: GET /.well-known/core.
    const struct coap_link *links;
    unsigned link_count;
};

// Names an exchange or a sent message; a late use of a dead one does nothing.
struct coap_handle {
    struct pool_handle slot;
};

// A request that is whole: its Block1 body is put together, its critical options are understood.
struct coap_request {
    struct coap_handle exchange;
    const struct coap_peer *peer;
    const struct coap_options *options;
    struct slice body;
    struct coap_token token;
    struct coap_dedup_key dedup; // goes with every durable effect
    uint8_t method;
    bool confirmable;
    uint32_t datagram_bytes; // what the sender paid
    uint64_t uri_hash;       // of a GET, or with Observe: names the resource for coap_notice
};

enum coap_event_kind {
    COAP_EVENT_NONE,
    // Run it and answer with coap_endpoint_reply, now or later.
    COAP_EVENT_REQUEST,
    // The first block of a larger body: nothing is kept yet. Admit it, or answer with a refusal.
    // `body` is the first block only.
    COAP_EVENT_BODY_BEGINS,
    // A request arrived again and was dealt with: there is nothing to do. Of `request` only `peer`,
    // `dedup`, `method`, `confirmable` and `datagram_bytes` are set.
    COAP_EVENT_REPEATED,
    // The outcome of a message of ours; `sent` names it.
    COAP_EVENT_RESPONSE,  // an answer to our request arrived (in `response`)
    COAP_EVENT_DELIVERED, // our confirmable message was acknowledged
    COAP_EVENT_REJECTED,  // RST came back
    COAP_EVENT_LOST,      // all retransmissions unanswered
    // Of notifications only.
    COAP_EVENT_TRANSMITTED, // it left for the first time; a NON is done by that
    COAP_EVENT_UNANSWERED,  // its first transmission was not acknowledged; it goes on
    // The last block of a body that is kept was asked for and sent: of a notification, or of an
    // answer with a ticket. `sent` names nothing.
    COAP_EVENT_FETCHED,
};

struct coap_response {
    const struct coap_peer *peer;
    const struct coap_options *options;
    struct slice payload;
    uint8_t code;
};

// Views in an event are valid until the next call on the endpoint other than coap_endpoint_reply
// and coap_endpoint_admit for that same event.
struct coap_event {
    enum coap_event_kind kind;
    struct coap_request request;   // REQUEST, BODY_BEGINS, REPEATED
    struct coap_response response; // RESPONSE
    struct coap_handle sent;       // all others
    uint64_t ticket;               // of the notification that `sent` is, else 0
    uint16_t mid;                  // TRANSMITTED: its message id
    uint32_t round_trip_ms;        // TRANSMITTED: measured towards its peer; 0: not yet
};

struct coap_datagram {
    struct coap_peer peer;
    struct slice bytes;
    bool truncated;     // it was longer than the receive buffer
    bool multicast;     // it was sent to a group address
    uint64_t peer_hash; // from coap_endpoint_prefetch, else 0
};

struct coap_reply {
    uint8_t code;
    uint32_t content_format; // COAP_FORMAT_NONE if none
    uint32_t max_age_s;      // COAP_MAX_AGE_NONE if none
    uint32_t size1;          // 0 if none; with 4.13
    bool has_observe;        // the request registered an observation (RFC 7641 4.1)
    uint32_t observe;        // 24 bits
    struct slice etag;       // at most 8 bytes; names the content of a stored representation
    struct slice payload;    // the whole representation; blocks are cut here
    bool no_effect;          // a refusal: not remembered, a repeat is judged anew
    bool authenticated;      // the request showed a valid credential (see path_check)
    uint64_t ticket;         // not 0: FETCHED is told when the last of its blocks was asked for
};

#define COAP_MAX_AGE_NONE UINT32_MAX

size_t coap_endpoint_footprint(const struct coap_endpoint_limits *limits);
// `memory` is zeroed, aligned to 64 and outlives the endpoint. `settings` is copied; its links are
// borrowed for life.
struct coap_endpoint *coap_endpoint_init(void *memory, const struct coap_endpoint_limits *limits,
                                         const struct coap_endpoint_settings *settings,
                                         struct mono now);

// For batches: what `coap_endpoint_input` will read of this datagram's peer and message id is asked
// for from memory while the datagrams before it are handled. Not needed for anything but speed.
void coap_endpoint_prefetch(const struct coap_endpoint *endpoint, struct coap_datagram *datagram);

// Takes one datagram. True if `event` was filled.
MUST_USE bool coap_endpoint_input(struct coap_endpoint *endpoint, struct mono now,
                                  const struct coap_datagram *datagram, struct coap_event *event);
// Lets time pass. True if `event` was filled; call again until false.
MUST_USE bool coap_endpoint_tick(struct coap_endpoint *endpoint, struct mono now,
                                 struct coap_event *event);
// The next datagram to send; false when there is none. Its bytes stay valid until the next input,
// tick, reply or request, so a batch may be collected and sent without a copy.
MUST_USE bool coap_endpoint_output(struct coap_endpoint *endpoint, struct mono now,
                                   struct coap_datagram *datagram);
// When to call tick if nothing arrives; MONO_NEVER when nothing waits.
struct mono coap_endpoint_deadline(const struct coap_endpoint *endpoint);

// Free places in the transmit queue; an input or a reply needs at most two.
uint32_t coap_endpoint_room(const struct coap_endpoint *endpoint);

// Answers a request. The payload is copied as far as it is sent or kept.
void coap_endpoint_reply(struct coap_endpoint *endpoint, struct mono now,
                         struct coap_handle exchange, const struct coap_reply *reply);

// The sender of this request observes something: what it paid and its answer leaves is kept for
// notifications to it, and none leaves with the request's token while the request is open, since
// the sender would take it for the answer (coap/notify.h).
void coap_endpoint_expect_notices(struct coap_endpoint *endpoint, struct coap_handle exchange);

// How long ago the request was taken, up to an hour; 0 for a dead handle.
struct span coap_endpoint_age(const struct coap_endpoint *endpoint, struct mono now,
                              struct coap_handle exchange);

// No datagram reaches this peer (an ICMP message said so): notifications under way to it that are
// not acknowledged are told as UNANSWERED at once; they are repeated all the same, since such a
// message proves nothing.
void coap_endpoint_unreachable(struct coap_endpoint *endpoint, const struct coap_peer *peer);

// Ends a request in silence. It is not remembered.
void coap_endpoint_drop(struct coap_endpoint *endpoint, struct coap_handle exchange);

struct coap_admission {
    uint32_t body_max; // at most COAP_BODY_MAX
    uint64_t owner;    // whose valid credential the sender showed, or 0
    bool by_uri;       // the URI holds it: the body may go on from another address
};

// Takes a body whose first block was shown, within the event's turn. The engine answers 2.31, or
// 4.13, or 5.03 if there is no room.
void coap_endpoint_admit(struct coap_endpoint *endpoint, struct mono now,
                         struct coap_handle exchange, const struct coap_admission *admission);

// A request of our own, as the server sends to devices and the simulator's clients send to us.
struct coap_outgoing {
    struct coap_peer peer;
    bool confirmable;
    uint8_t code;
    struct coap_token token; // chosen by the caller
    const struct slice *path;
    unsigned path_count;
    const struct slice *query;
    unsigned query_count;
    uint32_t content_format; // COAP_FORMAT_NONE if none
    bool has_block1;         // the payload is this block of a larger body
    struct coap_block block1;
    struct slice payload; // at most one block
};

// ERR_EXHAUSTED when no slot is free. The handle is dead after RESPONSE, REJECTED or LOST.
MUST_USE enum err coap_endpoint_request(struct coap_endpoint *endpoint, struct mono now,
                                        const struct coap_outgoing *outgoing,
                                        struct coap_handle *sent);

// Start-up: the table of messages, to be refilled with those of before the restart.
struct coap_dedup *coap_endpoint_dedup(const struct coap_endpoint *endpoint);

struct coap_endpoint_stats {
    uint64_t received, sent, malformed, duplicates, retransmitted, refused_full, lost, rejected;
    uint32_t exchanges, exchanges_max;
    uint32_t sent_in_flight, sent_max;
    uint32_t bodies, bodies_max, bodies_unproven, body_bytes;
    uint32_t noted, peers, answer_bytes; // noted.h, peers.h, answers.h
    struct coap_dedup_stats dedup;
};

struct coap_endpoint_stats coap_endpoint_stats(const struct coap_endpoint *endpoint);
// Asserts every invariant; at rest also that every pool is full again.
void coap_endpoint_check(const struct coap_endpoint *endpoint, bool at_rest);
