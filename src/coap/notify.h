// coap/notify.h: notifications of observed resources (RFC 7641), sent by the endpoint. Which
// observations there are, and what they are told when, is the owner's affair: here one notification
// goes out, and what became of it comes back as events (coap/endpoint.h).
#pragma once

#include "coap/endpoint.h"

// A notification (RFC 7641 4.2), or with `has_observe` false the end of an observation (4.2: a
// response without the option).
struct coap_notice {
    struct coap_peer peer;
    struct coap_token token; // of the registration
    uint8_t code;
    bool confirmable;
    bool has_observe;
    uint32_t observe; // 24 bits
    uint32_t content_format;
    uint32_t max_age_s;
    uint64_t uri_hash;    // of the registration; further blocks are found by it
    uint64_t ticket;      // not 0; comes back with every event about it
    bool skips_mids;      // the last message id to this peer before a restart was `mid_last`: it is
    uint16_t mid_last;    //   not one of those that follow (coap_peers_skip_mids)
    struct slice payload; // at most COAP_BODY_MAX; what is beyond one block is kept to be fetched
};

// Sends it, in its turn (NSTART). Events: TRANSMITTED; of a CON then UNANSWERED or not, and
// DELIVERED, REJECTED or LOST; of a NON LOST instead of TRANSMITTED when the peer's path is not
// proven and its allowance is used up, and REJECTED if an RST comes back while it is remembered
// (the last COAP_NOTED_MAX of all peers are). FETCHED when the last block of a larger one was asked
// for. ERR_EXHAUSTED when no slot is free; ERR_UNAVAILABLE while a request of this peer with this
// token is open (coap_endpoint_expect_notices). Nothing was sent then, nothing is told.
MUST_USE enum err coap_endpoint_notify(struct coap_endpoint *endpoint, struct mono now,
                                       const struct coap_notice *notice, struct coap_handle *sent);
// Stops one; no event about it follows.
void coap_endpoint_cancel(struct coap_endpoint *endpoint, struct mono now, struct coap_handle sent);
