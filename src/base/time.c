#include "base/time.h"

#include <stdio.h>

#include "base/calendar.h"

#define DAY_MS INT64_C(86400000)
// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
#define WALL_FORMAT_MIN INT64_C(-62167219200000)
#define WALL_FORMAT_MAX INT64_C(253402300799999)

int64_t wall_day(struct wall at)
{
    const int64_t day = at.ms / DAY_MS;
    return at.ms % DAY_MS < 0 ? day - 1 : day;
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
    const struct calendar_date date = calendar_date(day);
    const unsigned year = (unsigned)date.year;
    const unsigned ms = (unsigned)(shown.ms - day * DAY_MS);

    // The remainders change no value; they show the compiler that 25 bytes are enough.
    (void)snprintf(text, 25, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year % 10000,
                   (unsigned)date.month % 100, (unsigned)date.day % 100, ms / 3600000 % 100,
                   ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}
