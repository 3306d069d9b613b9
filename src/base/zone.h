// base/zone.h: a time zone as the tz database writes it (TZif, RFC 8536): how far local time is
// from UTC at a moment. Pure; the bytes come from whoever may read files.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

// One of the two changes a year of a rule (POSIX TZ, RFC 8536 3.3.1).
struct zone_change {
    char kind; // 'M' month, week, weekday; 'J' day 1 to 365 without 29 February; 'n' day 0 to 365
    int month; // M
    int week;  // M: 1 to 5, 5 is the last
    int day;   // M: 0 is Sunday; J, n: the day
    int32_t time; // seconds after local midnight, may be negative or beyond a day
};

// What holds behind the last transition.
struct zone_rule {
    bool is_there;
    bool has_summer;
    int32_t winter_s; // local time minus UTC
    int32_t summer_s;
    struct zone_change to_summer;
    struct zone_change to_winter;
};

struct zone {
    struct slice times; // of transitions, 8 bytes each; a view into the bytes
    struct slice types; // one byte for each transition
    struct slice infos; // 6 bytes for each type
    uint32_t count;
    struct zone_rule rule;
};

// ERR_CORRUPT if it is no TZif of version 2 or later. `bytes` outlive the zone.
MUST_USE enum err zone_open(struct zone *zone, struct slice bytes);
// Local time minus UTC, in seconds, at a moment in seconds since 1970.
int32_t zone_offset(const struct zone *zone, int64_t utc_s);
// The moment at which clocks show this local time: the first of two, and where clocks jump over it
// the moment after the jump.
int64_t zone_moment(const struct zone *zone, int64_t local_s);
