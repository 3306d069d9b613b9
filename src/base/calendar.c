#include "base/calendar.h"

#include "base/assert.h"

#define DAY_S INT64_C(86400)

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

// Years begin in March here, so that the leap day is the last of its year.
int64_t calendar_days(struct calendar_date date)
{
    const int64_t months = date.year * 12 + date.month - 3;
    const int64_t year = floor_div(months, 12);
    const int64_t month = months - year * 12;
    const int64_t leap_days = floor_div(year, 4) - floor_div(year, 100) + floor_div(year, 400);
    const int64_t day_of_year = (month * 153 + 2) / 5 + date.day - 1;
    return year * 365 + leap_days + day_of_year - 719468;
}

struct calendar_date calendar_date(int64_t days)
{
    const int64_t shifted = days + 719468;
    const int64_t era = floor_div(shifted, 146097);
    const int64_t of_era = shifted - era * 146097;
    const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
    const int64_t month = (of_year * 5 + 2) / 153;
    struct calendar_date date = {.year = era * 400 + year_of_era + (month >= 10 ? 1 : 0),
                                 .month = (int)(month < 10 ? month + 3 : month - 9),
                                 .day = (int)(of_year - (month * 153 + 2) / 5 + 1)};
    return date;
}

int calendar_weekday(int64_t days)
{
    // 1970-01-01 was a Thursday.
    return (int)(days + 4 - floor_div(days + 4, 7) * 7);
}

static int64_t month_days(int64_t year, int month)
{
    return calendar_days((struct calendar_date){year, month, 1});
}

// The days at which the unit with this day begins and ends.
static void find_days(enum calendar_unit unit, int64_t day, int64_t *start, int64_t *end)
{
    const struct calendar_date date = calendar_date(day);
    int weekday = calendar_weekday(day);
    const int quarter = (date.month - 1) / 3 * 3 + 1;
    switch (unit) {
    case CALENDAR_WEEK:
        *start = day - weekday;
        *end = *start + 7;
        return;
    case CALENDAR_WEEK_ISO:
        weekday = weekday == 0 ? 7 : weekday;
        *start = day - (weekday - 1);
        *end = *start + 7;
        return;
    case CALENDAR_MONTH:
        *start = month_days(date.year, date.month);
        *end = month_days(date.year, date.month + 1);
        return;
    case CALENDAR_QUARTER:
        *start = month_days(date.year, quarter);
        *end = month_days(date.year, quarter + 3);
        return;
    }
    ASSERT(false);
}

static struct wall moment_of(const struct zone *zone, int64_t day)
{
    return (struct wall){zone_moment(zone, day * DAY_S) * 1000};
}

struct calendar_span calendar_span(const struct zone *zone, enum calendar_unit unit, struct wall at)
{
    const int64_t utc_s = floor_div(at.ms, 1000);
    int64_t start = 0;
    int64_t end = 0;
    find_days(unit, floor_div(utc_s + zone_offset(zone, utc_s), DAY_S), &start, &end);
    return (struct calendar_span){moment_of(zone, start), moment_of(zone, end)};
}
