// coap/dedup.h: remembers which messages were seen, and what was answered.
//
// A confirmable message may arrive many times: the device repeats it until it hears an ACK. The
// handler must run once. So each (peer, message id) is remembered for EXCHANGE_LIFETIME (NON:
// NON_LIFETIME) together with the code of its answer, and with its bytes if it had a payload and
// there is room for them (RFC 7252 4.5).
//
// Bounds: `entries_max` entries of 16 bytes in buckets of four with two choices, touched as used;
// `answer_bytes_max` bytes of answers, the oldest overwritten first. When both buckets of a
// newcomer are full the oldest entry in them goes, but none younger than 60 s (its sender may still
// repeat); if there is no such entry the newcomer is refused. An answer without payload is rebuilt
// from its code; a longer one that was overwritten is rebuilt without its payload. One worker owns
// it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/slice.h"
#include "base/time.h"
#include "coap/message.h"
#include "coap/peer.h"

struct coap_dedup;

struct coap_dedup_limits {
    uint32_t entries_max; // a power of two
    uint32_t answer_bytes_max;
};

// What names a message here, and travels with every durable effect that it causes, so that the
// table can be refilled after a restart. 16 bytes when stored.
struct coap_dedup_key {
    uint64_t peer_and_mid; // keyed hash of (peer, message id)
    uint16_t token;        // hash of the CoAP token: a recycled message id is told from a repeat
    bool confirmable;
};

enum coap_dedup_verdict {
    COAP_DEDUP_NEW,      // never seen: run it
    COAP_DEDUP_ANSWERED, // seen and answered: send `code`, and `answer` if there is one, again
    COAP_DEDUP_IN_HAND,  // seen, answer not ready: repeat the empty ACK if one was sent
    COAP_DEDUP_FULL,     // no room to remember it: refuse with 5.03, do not run it
};

struct coap_dedup_hit {
    enum coap_dedup_verdict verdict;
    uint8_t code;        // of the answer, 0 while open
    bool ack_sent;       // an empty ACK has left; the answer was or will be a message of its own
    struct slice answer; // encoded options and payload marker and payload, as after the token;
                         // a view, valid until the next call on this table
};

struct coap_dedup_stats {
    uint64_t forgotten_early; // entries that gave way before their lifetime was over
    uint64_t refused;
    uint64_t answers_lost; // answers with payload that no longer had room
    uint32_t entries;      // living and dead, an upper bound
    uint32_t answer_bytes; // likewise
};

size_t coap_dedup_footprint(struct coap_dedup_limits limits);
// `memory` is zeroed (fresh from mmap, so that pages are touched as used), aligned to 64, and
// outlives the table.
struct coap_dedup *coap_dedup_init(void *memory, struct coap_dedup_limits limits, struct mono now);

// `peer_hash` is coap_peer_hash under the key of the data directory.
struct coap_dedup_key coap_dedup_key(uint64_t peer_hash, const struct coap_message *message);

// Asks the processor for the lines that `coap_dedup_seen` will read; for batches.
void coap_dedup_prefetch(const struct coap_dedup *dedup, uint64_t peer_hash, uint16_t mid);
// Likewise for `coap_dedup_restore`, which mostly needs one line.
void coap_dedup_prefetch_key(const struct coap_dedup *dedup, struct coap_dedup_key key);

// Looks the message up and, if new, remembers it as open.
MUST_USE struct coap_dedup_hit coap_dedup_seen(struct coap_dedup *dedup, struct mono now,
                                               struct coap_dedup_key key);
void coap_dedup_ack_sent(struct coap_dedup *dedup, struct coap_dedup_key key);
// Keeps the answer for later repeats. `answer` is empty for one without options and payload. Does
// nothing if the message was forgotten meanwhile.
void coap_dedup_answered(struct coap_dedup *dedup, struct coap_dedup_key key, uint8_t code,
                         struct slice answer);
// A refusal had no effect and needs no entry (RFC 7252 4.5).
void coap_dedup_forget(struct coap_dedup *dedup, struct coap_dedup_key key);
// Refill after a restart, oldest first, before the first `coap_dedup_seen`: a message that was
// answered `age` ago with an empty answer of `code`.
void coap_dedup_restore(struct coap_dedup *dedup, struct mono now, struct coap_dedup_key key,
                        uint8_t code, struct span age);

// The part of the table that a key belongs to, below COAP_DEDUP_PARTS: what is restored part by
// part stays in the caches of the processor.
#define COAP_DEDUP_PARTS 256U
unsigned coap_dedup_part(const struct coap_dedup *dedup, struct coap_dedup_key key);
// The memory of its entries, for a caller that knows that all of it will be touched soon.
void *coap_dedup_memory(const struct coap_dedup *dedup, size_t *size);

struct coap_dedup_stats coap_dedup_stats(const struct coap_dedup *dedup);
// Asserts every invariant. For tests and the simulator.
void coap_dedup_check(const struct coap_dedup *dedup);
