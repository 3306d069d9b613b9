#include "base/time.h"

#include <stdio.h>

#define DAY_MS INT64_C(86400000)
// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
#define WALL_FORMAT_MIN INT64_C(-62167219200000)
#define WALL_FORMAT_MAX INT64_C(253402300799999)

int64_t wall_day(struct wall at)
{
    const int64_t day = at.ms / DAY_MS;
    return at.ms % DAY_MS < 0 ? day - 1 : day;
}

struct date {
    unsigned year;
    unsigned month;
    unsigned day;
};

// The years are counted from March, so that the leap day is the last of its year; 400 years have
// 146,097 days, and in such a year the months have 30.6 days on average from March to February.
static struct date date_of(int64_t days_since_1970)
{
    // From 0000-03-01 of the era before year 0, so that all numbers are positive.
    const unsigned days = (unsigned)(days_since_1970 + 719468 + 146097);
    const unsigned era = days / 146097;
    const unsigned day_of_era = days % 146097;
    const unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const unsigned day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned month_from_march = (5 * day_of_year + 2) / 153;
    const bool next_year = month_from_march >= 10;

    return (struct date){
        .year = era * 400 + year_of_era + (next_year ? 1 : 0) - 400,
        .month = next_year ? month_from_march - 9 : month_from_march + 3,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
    };
}

void wall_format(struct wall at, char text[25])
{
    struct wall shown = at;
    if (shown.ms < WALL_FORMAT_MIN) {
        shown.ms = WALL_FORMAT_MIN;
    }
    if (shown.ms > WALL_FORMAT_MAX) {
        shown.ms = WALL_FORMAT_MAX;
    }
    const int64_t day = wall_day(shown);
    const struct date date = date_of(day);
    const unsigned ms = (unsigned)(shown.ms - day * DAY_MS);

    // The remainders change no value; they show the compiler that 25 bytes are enough.
    (void)snprintf(text, 25, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", date.year % 10000,
                   date.month % 100, date.day % 100, ms / 3600000 % 100, ms / 60000 % 60,
                   ms / 1000 % 60, ms % 1000);
}
