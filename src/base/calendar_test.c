// Days and dates both ways over eight centuries, weekdays, and the beginnings of weeks, months and
// quarters with clocks that change in between.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/calendar.h"

static void days_and_dates_are_each_others_reverse(void **state)
{
    (void)state;
    static const struct {
        struct calendar_date date;
        int64_t days;
        int weekday;
    } known[] = {
        {{1970, 1, 1}, 0, 4},    {{2000, 2, 29}, 11016, 2},   {{2024, 12, 31}, 20088, 2},
        {{1969, 12, 31}, -1, 3}, {{1600, 2, 29}, -135081, 2}, {{1900, 3, 1}, -25508, 4},
        {{0, 3, 1}, -719468, 3},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_int_equal(calendar_days(known[i].date), known[i].days);
        assert_int_equal(calendar_weekday(known[i].days), known[i].weekday);
    }
    struct calendar_date last = calendar_date(-150001);
    for (int64_t day = -150000; day < 150000; day++) {
        const struct calendar_date date = calendar_date(day);
        assert_int_equal(calendar_days(date), day);
        const bool next_day = date.year == last.year && date.month == last.month;
        const bool next_month = date.day == 1 && date.month == last.month % 12 + 1 &&
                                date.year == last.year + (last.month == 12 ? 1 : 0);
        assert_true((next_day && date.day == last.day + 1) || next_month);
        last = date;
    }
}

static void units_hold_their_moments(void **state)
{
    (void)state;
    // Without transitions, all of it by a rule: Central Europe.
    const struct zone zone = {.rule = {.is_there = true,
                                       .has_summer = true,
                                       .winter_s = 3600,
                                       .summer_s = 7200,
                                       .to_summer = {'M', 3, 5, 0, 7200},
                                       .to_winter = {'M', 10, 5, 0, 10800}}};
    static const struct {
        enum calendar_unit unit;
        int64_t at_s;
        int64_t start_s;
        int64_t end_s;
    } rows[] = {
        // 2024-03-31 has 23 hours: from 23:00 the day before until 22:00.
        {CALENDAR_MONTH, 1710000000, 1709247600, 1711922400},
        {CALENDAR_QUARTER, 1710000000, 1704063600, 1711922400},
        // Sunday 2024-03-31 begins one week and ends the other.
        {CALENDAR_WEEK, 1711846800, 1711839600, 1712440800},
        {CALENDAR_WEEK_ISO, 1711846800, 1711321200, 1711922400},
        {CALENDAR_WEEK, 1711839599, 1711234800, 1711839600},
        // The year ends in the middle of a week.
        {CALENDAR_WEEK_ISO, 1735700000, 1735513200, 1736118000},
        {CALENDAR_QUARTER, 1735700000, 1735686000, 1743458400},
        {CALENDAR_MONTH, -1, -3600, 2674800},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct calendar_span span =
            calendar_span(&zone, rows[i].unit, (struct wall){rows[i].at_s * 1000});
        assert_int_equal(span.start.ms, rows[i].start_s * 1000);
        assert_int_equal(span.end.ms, rows[i].end_s * 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_dates_are_each_others_reverse),
        cmocka_unit_test(units_hold_their_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
