// coap/bodies.h: request bodies that arrive in blocks (RFC 7959 2.5, Block1), put together here.
//
// A body is named by a key over method, URI and Request-Tag, and over the peer too unless the URI
// holds the credential. Its bytes stand in chunks of 1 KiB out of one pool and are made contiguous
// when the last block has come.
//
// Bounds: bodies, bytes of all together, bytes of one; bodies of one sender, and of all senders
// without identity together, whose oldest gives way. Kept 247 s after the last block. One worker
// owns it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "coap/options.h"

#define COAP_BODY_CHUNK 1024U
// Of one sender: an eighth of what default bounds hold together, if each is as large as it may be.
#define COAP_BODIES_OF_ONE 8U

struct coap_bodies;

struct coap_bodies_limits {
    uint32_t bodies_max;
    uint32_t unproven_max;
    uint32_t bytes_max;
};

size_t coap_bodies_footprint(struct coap_bodies_limits limits);
// `memory` is zeroed, aligned to 64, and outlives it.
struct coap_bodies *coap_bodies_init(void *memory, struct coap_bodies_limits limits);

struct coap_body_terms {
    uint64_t key;
    uint32_t bytes_max;
    uint32_t content_format;
    uint64_t owner; // who the sender showed to be, or 0
};

// Starts a body, in place of an older one under the same key. ERR_EXHAUSTED when there is no room.
MUST_USE enum err coap_bodies_begin(struct coap_bodies *bodies, struct mono now,
                                    const struct coap_body_terms *terms);

enum coap_body_verdict {
    COAP_BODY_CONTINUE,  // taken, more to come
    COAP_BODY_COMPLETE,  // `*whole` is the body, valid until the next call
    COAP_BODY_GAP,       // unknown body, block out of order, or another content format: 4.08
    COAP_BODY_TOO_LARGE, // over its bound: 4.13, and forgotten
    COAP_BODY_EXHAUSTED, // the pool is full: 5.03, and forgotten
};

// Takes one block. `*limit` is the body's bound, for Size1.
enum coap_body_verdict coap_bodies_take(struct coap_bodies *bodies, struct mono now, uint64_t key,
                                        struct coap_block block, uint32_t content_format,
                                        struct slice payload, struct slice *whole, uint32_t *limit);
bool coap_bodies_known(const struct coap_bodies *bodies, uint64_t key);

// Forgets what is too old; returns when to call again.
struct mono coap_bodies_expire(struct coap_bodies *bodies, struct mono now);
struct mono coap_bodies_deadline(const struct coap_bodies *bodies);
struct coap_bodies_stats {
    uint32_t count;
    uint32_t unproven; // of these
    uint32_t bytes;    // of all, in whole chunks
};
struct coap_bodies_stats coap_bodies_stats(const struct coap_bodies *bodies);
void coap_bodies_check(const struct coap_bodies *bodies);
