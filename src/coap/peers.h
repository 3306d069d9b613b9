// coap/peers.h: what is remembered of remote endpoints beyond single exchanges: the next message id
// towards them, whether their return path is proven, how many bytes they may still be sent, the
// measured round trip, and how many confirmable messages are in flight (NSTART).
//
// An endpoint without a proven path receives at most three times the bytes it sent, counted over
// 60 s. A request pays for its own answer first; this table is touched only when that is not
// enough, when a message id of ours is needed, or when a CON of ours is sent, so the plain path of
// a piggybacked answer never pays for it.
//
// Bounds: `peers_max` peers; when full the one used longest ago goes, but none with a message in
// flight. A forgotten peer starts at zero allowance, unproven, with a random message id.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/time.h"
#include "coap/code.h"
#include "coap/peer.h"

struct coap_peers;

#define COAP_ALLOWANCE_FACTOR 3U
#define COAP_ALLOWANCE_SPAN_MS 60000U
#define COAP_MIDS_SKIPPED 256U

struct coap_peer_state {
    struct coap_peer peer;
    uint16_t mid_next;
    uint8_t in_flight; // confirmable messages of ours that are not acknowledged
    bool path_proven;
    uint32_t waiting_first; // chain of messages that wait for NSTART (coap/sent.h), 0: none
    uint32_t waiting_last;
    uint32_t flying_first;    // chain of those counted in `in_flight` (coap/sent.h), 0: none
    uint32_t allowance_bytes; // that may still be sent in this span
    uint32_t round_trip_ms;   // smoothed; 0 until measured
    uint32_t round_trip_var_ms;
    struct mono allowance_start;
};

size_t coap_peers_footprint(uint32_t peers_max);
// `memory` is zeroed, aligned to 64, and outlives it.
struct coap_peers *coap_peers_init(void *memory, uint32_t peers_max, struct hash_key key,
                                   struct random *random);

// The state of a peer, or NULL if it is not known. Valid until the next coap_peers_take.
struct coap_peer_state *coap_peers_find(struct coap_peers *peers, const struct coap_peer *peer);
// The state of a peer, made if need be; NULL when every entry has a message in flight.
MUST_USE struct coap_peer_state *coap_peers_take(struct coap_peers *peers, struct mono now,
                                                 const struct coap_peer *peer);

// Bytes arrived from it that did not pay for an answer yet.
void coap_peers_received(struct coap_peer_state *state, struct mono now, uint32_t bytes);
// True, and counted, if that many bytes may be sent to it.
MUST_USE bool coap_peers_allow(struct coap_peer_state *state, struct mono now, uint32_t bytes);
// How many bytes may be sent now; UINT32_MAX when the path is proven.
uint32_t coap_peers_allowance(const struct coap_peer_state *state, struct mono now);

uint16_t coap_peers_mid(struct coap_peer_state *state);
// The next message ids are none of the 256 that follow `last`, which a run before this one may have
// used (RFC 7252 4.4).
void coap_peers_skip_mids(struct coap_peer_state *state, struct random *random, uint16_t last);
// A round trip of an exchange without retransmission (RFC 6298 smoothing).
void coap_peers_measured(struct coap_peer_state *state, struct span round_trip);
// First ACK time-out towards it: 2 s until measured, then adapted, 1 to 60 s.
struct span coap_peers_ack_timeout(const struct coap_peer_state *state);

uint32_t coap_peers_count(const struct coap_peers *peers);
void coap_peers_check(const struct coap_peers *peers);
