// base/wheel.h: timers by hierarchical wheel. Insert, cancel and move cost O(1); ticks are 1/64 s.
// A timer is a node embedded in what it times; the wheel owns nothing.
//
// Bounds: 4 levels of 64 slots, so deadlines up to 64^4 ticks (72 h) ahead are exact to a tick,
// later ones wait in the last slot and are re-sorted. A timer never fires early.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

#define WHEEL_TICK_NS 15625000U
#define WHEEL_LEVELS 4
#define WHEEL_SLOTS 64

struct wheel_timer {
    struct wheel_timer *next;
    struct wheel_timer *previous; // NULL while not in the wheel
    uint64_t deadline_tick;
};

struct wheel {
    uint64_t tick; // all timers before it have fired
    uint32_t count;
    uint64_t occupied[WHEEL_LEVELS];
    struct wheel_timer slots[WHEEL_LEVELS][WHEEL_SLOTS];
    struct wheel_timer due; // taken out by expiry, not yet handed over
};

// A timer that was never set must be zero. The wheel points into itself: it must not be moved.
void wheel_init(struct wheel *wheel, struct mono now);
// Starts the timer, or moves it if it runs. A deadline in the past fires at the next tick, so a
// timer that is set again while it is handled cannot hold up `wheel_expire` for ever.
void wheel_set(struct wheel *wheel, struct wheel_timer *timer, struct mono deadline);
// Does nothing if the timer does not run.
void wheel_cancel(struct wheel *wheel, struct wheel_timer *timer);
bool wheel_timer_runs(const struct wheel_timer *timer);

// The next timer that is due at `now`, taken out of the wheel, or NULL when none is left.
struct wheel_timer *wheel_expire(struct wheel *wheel, struct mono now);
// When to call `wheel_expire` next: not later than the tick of the earliest deadline (exactly it
// when it is within one turn of the lowest level); MONO_NEVER when no timer runs.
struct mono wheel_deadline(const struct wheel *wheel);

// Asserts every invariant. For tests and the simulator.
void wheel_check(const struct wheel *wheel);
