#include "base/time.h"

#include <stdio.h>

#define DAY_MS 86400000

int64_t wall_day(struct wall at)
{
    const int64_t day = at.ms / DAY_MS;
    return at.ms % DAY_MS < 0 ? day - 1 : day;
}

struct date {
    int64_t year;
    unsigned month;
    unsigned day;
};

// Days since 1970 to the Gregorian date, in years that begin in March.
static struct date date_of(int64_t days)
{
    const int64_t shifted = days + 719468;
    const int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    const int64_t in_era = shifted - era * 146097;
    const int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    const int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    const int64_t month = (5 * in_year + 2) / 153;
    struct date date;
    date.day = (unsigned)(in_year - (153 * month + 2) / 5 + 1);
    date.month = (unsigned)(month < 10 ? month + 3 : month - 9);
    date.year = year + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

void wall_format(struct wall at, char text[25])
{
    const int64_t least = -62167219200000;  // 0000-01-01T00:00:00.000Z
    const int64_t most = 253402300799999;   // 9999-12-31T23:59:59.999Z
    at.ms = at.ms < least ? least : at.ms;
    at.ms = at.ms > most ? most : at.ms;
    const int64_t day = wall_day(at);
    const unsigned rest = (unsigned)(at.ms - day * DAY_MS);
    const struct date date = date_of(day);
    // The moduli only tell the compiler what the clamping has made sure of.
    snprintf(text, 25, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)date.year % 10000,
             date.month % 100, date.day % 100, rest / 3600000 % 100, rest / 60000 % 60,
             rest / 1000 % 60, rest % 1000);
}
