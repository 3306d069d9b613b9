// coap/endpoint_priv.h: the state of an endpoint, for the files that make it up.
#pragma once

#include "base/map.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/wheel.h"
#include "coap/answers.h"
#include "coap/bodies.h"
#include "coap/dedup.h"
#include "coap/endpoint.h"
#include "coap/exchange.h"
#include "coap/opened.h"
#include "coap/peers.h"
#include "coap/sent.h"
#include "coap/transmit.h"

struct coap_endpoint {
    struct coap_endpoint_settings settings;
    struct coap_endpoint_limits limits;
    struct random random;
    struct wheel wheel;
    struct coap_dedup *dedup;
    struct coap_peers *peers;
    struct coap_bodies *bodies;
    struct coap_answers *answers;
    struct coap_transmit *transmit;
    struct coap_sent *sent;
    struct pool *exchanges;
    struct coap_opened opened;
    uint64_t fetched; // ticket of the kept body whose last block just went out, else 0
    struct coap_endpoint_stats stats;
    // The message that an event is about, while the owner looks at it.
    struct coap_datagram datagram;
    struct coap_message message;
    struct coap_options options;
    struct coap_handle current; // its exchange
};

// Writes the answer of an exchange into the transmit queue or as a message of our own, notes it for
// repeats, and ends the exchange.
void coap_reply_send(struct coap_endpoint *endpoint, struct mono now,
                     struct coap_exchange *exchange, const struct coap_reply *reply);
// The same for a request that never got an exchange: an ACK or NON with a code and a short text.
// Costs one place in the transmit queue; dropped when there is none.
void coap_reply_refuse(struct coap_endpoint *endpoint, struct mono now, uint8_t code,
                       const char *diagnostic);
// Ends an exchange, answered or not.
void coap_reply_end(struct coap_endpoint *endpoint, struct coap_exchange *exchange);
// An empty ACK or RST.
void coap_reply_empty(struct coap_endpoint *endpoint, const struct coap_peer *peer,
                      enum coap_type type, uint16_t mid);
// The answer that was given to a message before, for its repeat.
void coap_reply_repeat(struct coap_endpoint *endpoint, const struct coap_dedup_hit *hit);

// Keeps a representation under a key for the further blocks of it that its peer will ask for.
void coap_reply_keep(struct coap_endpoint *endpoint, struct mono now, uint64_t key,
                     const struct coap_reply *reply);
// The key of what is kept for a peer and a URI (coap_options_request_hash).
uint64_t coap_reply_key(const struct coap_endpoint *endpoint, const struct coap_peer *peer,
                        uint64_t uri_hash);
// Names a representation by its content.
uint64_t coap_reply_etag(struct slice payload);

// What `answers` holds under a key in front of the payload.
#define COAP_KEPT_HEAD 21U

// Takes the request in `endpoint->message` through all that needs no owner. True if `event` is for
// the owner.
bool coap_request_take(struct coap_endpoint *endpoint, struct mono now, struct coap_event *event);
