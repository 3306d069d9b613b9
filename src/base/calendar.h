// base/calendar.h: days of the proleptic Gregorian calendar, and the beginnings of weeks, months
// and quarters in a time zone.
#pragma once

#include <stdint.h>

#include "base/time.h"
#include "base/zone.h"

struct calendar_date {
    int64_t year;
    int month; // 1 to 12
    int day;   // 1 to 31
};

// Days since 1970-01-01.
int64_t calendar_days(struct calendar_date date);
struct calendar_date calendar_date(int64_t days);
// 0 is Sunday.
int calendar_weekday(int64_t days);

enum calendar_unit {
    CALENDAR_WEEK,     // begins on Sunday
    CALENDAR_WEEK_ISO, // begins on Monday
    CALENDAR_MONTH,
    CALENDAR_QUARTER,
};

// The unit that holds the moment: [start, end).
struct calendar_span {
    struct wall start;
    struct wall end;
};
struct calendar_span calendar_span(const struct zone *zone, enum calendar_unit unit,
                                   struct wall at);
