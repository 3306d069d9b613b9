// base/meter.h: token buckets whose limit comes with each question, so that it may differ from
// sender to sender and change at any time: a new limit finds as many tokens missing as the old one
// left. Refill is continuous; each bucket of the limit (base/rate.h) must have the tokens.
//
// Of a limit that several parties share each has a part, from 0 to 1. A part that grows comes empty
// and one that shrinks gives its empty end away, so together they never have more than the limit.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/rate.h"

// Zero: all tokens are there.
struct meter {
    double missing[RATE_BUCKETS_MAX];
};

// What came in since the last time.
void meter_refill(struct meter *meter, const struct rate *rate, double part, struct span since);
// How long until so many tokens are there; zero: they are. More than a bucket ever holds: as long
// as it takes to fill.
struct span meter_wait(const struct meter *meter, const struct rate *rate, double part,
                       uint32_t tokens);
// The party's part changes.
void meter_move(struct meter *meter, const struct rate *rate, double from, double to);
void meter_take(struct meter *meter, const struct rate *rate, uint32_t tokens);
