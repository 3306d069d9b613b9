// coap/sent.h: messages of our own that wait for something: confirmable ones for their ACK,
// requests for their response, delayed ones for their moment. Keeps their bytes for retransmission
// with random back-off (RFC 7252 4.2) and no more than NSTART of them in flight towards a peer
// (4.7).
//
// Bounds: `sent_max` messages of at most COAP_DATAGRAM_MAX bytes. Those beyond NSTART wait in a
// chain of their peer, in order; a response that waited there for MAX_TRANSMIT_WAIT is dropped,
// since nobody waits for it any more. One worker owns it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/wheel.h"
#include "coap/message.h"
#include "coap/peer.h"
#include "coap/peers.h"
#include "coap/transmit.h"

struct coap_sent;

struct coap_sent_tools {
    struct wheel *wheel;
    struct coap_peers *peers;
    struct coap_transmit *transmit;
    struct random *random;
    struct hash_key key;
    uint8_t nstart;
    uint8_t timer_kind; // what the owner finds in front of each timer
};

size_t coap_sent_footprint(uint32_t sent_max);
// `memory` is zeroed, aligned to 64, and outlives it.
struct coap_sent *coap_sent_init(void *memory, uint32_t sent_max,
                                 const struct coap_sent_tools *tools);

// Room for one more?
bool coap_sent_full(const struct coap_sent *sent);

struct coap_sent_terms {
    struct coap_peer peer;
    struct coap_token token;
    uint16_t mid;
    bool confirmable;
    bool wants_response; // it is a request
    struct mono start;   // not before; zero: now
    uint32_t allowance;  // bytes that the message it answers still pays for
    uint64_t ticket;     // of a notification, else 0
};

// Takes a message: `write` of its bytes goes into the buffer that is given; then `coap_sent_start`.
// NULL when full.
MUST_USE struct buf *coap_sent_begin(struct coap_sent *sent, const struct coap_sent_terms *terms,
                                     struct pool_handle *handle);
void coap_sent_start(struct coap_sent *sent, struct mono now, struct pool_handle handle);

enum coap_sent_outcome {
    COAP_SENT_NOTHING,   // nobody waits for it, or nothing to tell yet
    COAP_SENT_DELIVERED, // a confirmable response was acknowledged, and is done
    COAP_SENT_REJECTED,
    COAP_SENT_LOST,
    COAP_SENT_RESPONSE, // a response for a request that waits
    // Of messages with a ticket only.
    COAP_SENT_TRANSMITTED, // the first time
    COAP_SENT_UNANSWERED,  // the first transmission timed out
};

// A message that something is told about; dead after DELIVERED, REJECTED, LOST and RESPONSE.
struct coap_sent_name {
    struct pool_handle handle;
    uint64_t ticket;
    uint16_t mid;
    uint32_t round_trip_ms; // TRANSMITTED: measured towards its peer; 0: not yet
};

// An ACK (empty or with a piggybacked response) or RST arrived for a message id of ours.
enum coap_sent_outcome coap_sent_acknowledged(struct coap_sent *sent, struct mono now,
                                              const struct coap_peer *peer,
                                              const struct coap_message *message,
                                              struct coap_sent_name *name);
// A response of its own arrived; found by token.
enum coap_sent_outcome coap_sent_responded(struct coap_sent *sent, struct mono now,
                                           const struct coap_peer *peer,
                                           const struct coap_token *token,
                                           struct coap_sent_name *name);
// One of its timers fired.
enum coap_sent_outcome coap_sent_fired(struct coap_sent *sent, struct mono now,
                                       struct wheel_timer *timer, struct coap_sent_name *name);
// One transmission of it, once it is written, is free whatever its peer's allowance is.
void coap_sent_grant(struct coap_sent *sent, struct pool_handle handle);
// Messages with a ticket that are in flight to this peer count as not answered now.
void coap_sent_unreachable(struct coap_sent *sent, const struct coap_peer *peer);
// What is to be told of messages that went out meanwhile, one at a time; COAP_SENT_NOTHING at the
// end.
enum coap_sent_outcome coap_sent_news(struct coap_sent *sent, struct coap_sent_name *name);
// Stops a message; nothing is told about it any more.
void coap_sent_cancel(struct coap_sent *sent, struct mono now, struct pool_handle handle);

struct coap_sent_stats {
    uint64_t retransmitted, lost, rejected, withheld;
    uint32_t count, count_max;
    uint32_t noted; // NON notifications whose RST would be understood
};
struct coap_sent_stats coap_sent_stats(const struct coap_sent *sent);
void coap_sent_check(const struct coap_sent *sent);
