// store/attempts.h: wrong log-ins, counted by user and source, shared by the threads that serve
// REST. Memory only: a restart forgets them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rate.h"

// Senders that are remembered; in a full set of four the one seen longest ago gives way.
#define STORE_ATTEMPTS_MAX 4096U

struct store_attempts;

// Bytes that it reserves.
size_t store_attempts_footprint(void);

// Start-up only.
MUST_USE enum err store_attempts_create(struct store_attempts **attempts, const struct rate *rate);
void store_attempts_destroy(struct store_attempts *attempts);

// Whether another attempt may be made; counts nothing.
bool store_attempts_allowed(struct store_attempts *attempts, struct mono now, uint64_t key);
void store_attempts_failed(struct store_attempts *attempts, struct mono now, uint64_t key);
// Senders that have a place.
uint32_t store_attempts_count(struct store_attempts *attempts);
