// base/rate.h: limits of events per time, by token buckets with continuous refill. A limit has up
// to four buckets, and every one must have a token. A table keeps the buckets of many senders by a
// 64-bit key.
//
// Bound: `senders_max` senders in sets of four; in a full set the one seen longest ago gives way.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"

#define RATE_BUCKETS_MAX 4

struct rate {
    uint32_t capacity[RATE_BUCKETS_MAX];
    uint32_t seconds[RATE_BUCKETS_MAX];
    unsigned count; // 0: no limit
};

// "capacity:seconds[,capacity:seconds...]", numbers of up to ten digits; an empty text is no limit.
// ERR_INVALID for anything else, and for more than four.
MUST_USE enum err rate_parse(struct slice text, struct rate *rate);

struct rate_table;

size_t rate_table_footprint(uint32_t senders_max);
// `memory` is zeroed and outlives it; `senders_max` is a power of two, at least 4.
struct rate_table *rate_table_init(void *memory, uint32_t senders_max, const struct rate *rate);

// Takes a token of each bucket of this sender. False, and nothing taken, if one is empty.
MUST_USE bool rate_table_take(struct rate_table *table, struct mono now, uint64_t key);
// Whether a take would succeed now.
bool rate_table_has(struct rate_table *table, struct mono now, uint64_t key);
// Senders that have a place.
uint32_t rate_table_count(const struct rate_table *table);
// How long from now a take will fail, if nothing else is taken; zero if it would succeed.
struct span rate_table_wait(struct rate_table *table, struct mono now, uint64_t key);
