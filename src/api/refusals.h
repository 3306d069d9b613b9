// api/refusals.h: limits refused kinds of message by source, so that guessing tokens costs the
// guesser more than us (protocol-rules.md section 1). A message with a valid credential is never
// delayed for its address: a carrier's NAT holds a whole fleet.
//
// A source is an IPv4 address or an IPv6 /64; the bound is that of base/rate.h.
#pragma once

#include <stdbool.h>

#include "base/hash.h"
#include "base/rate.h"
#include "coap/peer.h"

struct api_refusals {
    struct rate_table *table;
    struct hash_key key;
};

// Counts one refusal of this source. False when the source is over its limit: the message is
// dropped without an answer.
MUST_USE bool api_refusals_answer(struct api_refusals *refusals, struct mono now,
                                  const struct coap_peer *peer);
