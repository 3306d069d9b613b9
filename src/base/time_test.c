// Times: saturation, days before 1970, and the text of a moment beside the C library's calendar.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "base/random.h"
#include "base/time.h"

static void spans_have_the_right_scale(void **state)
{
    (void)state;
    assert_true(span_us(3).ns == 3000);
    assert_true(span_ms(3).ns == 3000000);
    assert_true(span_s(3).ns == UINT64_C(3000000000));
}

static void adding_saturates_at_never(void **state)
{
    (void)state;
    assert_true(mono_add((struct mono){5}, (struct span){7}).ns == 12);
    assert_true(mono_add(MONO_NEVER, span_s(1)).ns == MONO_NEVER.ns);
    assert_true(mono_add((struct mono){1}, (struct span){UINT64_MAX}).ns == MONO_NEVER.ns);
    assert_true(mono_add((struct mono){1}, (struct span){UINT64_MAX - 1}).ns == UINT64_MAX);
}

static void since_is_never_negative(void **state)
{
    (void)state;
    assert_true(mono_since((struct mono){12}, (struct mono){5}).ns == 7);
    assert_true(mono_since((struct mono){5}, (struct mono){12}).ns == 0);
}

static void deadline_is_reached_at_its_moment(void **state)
{
    (void)state;
    assert_true(mono_reached((struct mono){5}, (struct mono){5}));
    assert_true(mono_reached((struct mono){6}, (struct mono){5}));
    assert_false(mono_reached((struct mono){4}, (struct mono){5}));
    assert_false(mono_reached((struct mono){UINT64_MAX - 1}, MONO_NEVER));
    assert_true(mono_earlier((struct mono){4}, (struct mono){5}).ns == 4);
    assert_true(mono_earlier(MONO_NEVER, (struct mono){5}).ns == 5);
}

static void days_are_floored_on_both_sides_of_1970(void **state)
{
    (void)state;
    assert_int_equal(wall_day((struct wall){0}), 0);
    assert_int_equal(wall_day((struct wall){86399999}), 0);
    assert_int_equal(wall_day((struct wall){86400000}), 1);
    assert_int_equal(wall_day((struct wall){-1}), -1);
    assert_int_equal(wall_day((struct wall){-86400000}), -1);
    assert_int_equal(wall_day((struct wall){-86400001}), -2);
    assert_true(wall_day((struct wall){INT64_MIN}) == INT64_C(-106751991168));
}

static void assert_text(int64_t ms, const char *expected)
{
    char text[25];
    wall_format((struct wall){ms}, text);
    assert_string_equal(text, expected);
}

static void known_moments_have_their_text(void **state)
{
    (void)state;
    assert_text(0, "1970-01-01T00:00:00.000Z");
    assert_text(-1, "1969-12-31T23:59:59.999Z");
    assert_text(951782400000, "2000-02-29T00:00:00.000Z");
    assert_text(INT64_C(4107542399999), "2100-02-28T23:59:59.999Z");
    assert_text(INT64_C(4107542400000), "2100-03-01T00:00:00.000Z");
}

static void years_outside_four_digits_are_clamped(void **state)
{
    (void)state;
    assert_text(INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z");
    assert_text(INT64_C(-62167219200001), "0000-01-01T00:00:00.000Z");
    assert_text(INT64_MIN, "0000-01-01T00:00:00.000Z");
    assert_text(INT64_C(253402300799999), "9999-12-31T23:59:59.999Z");
    assert_text(INT64_C(253402300800000), "9999-12-31T23:59:59.999Z");
    assert_text(INT64_MAX, "9999-12-31T23:59:59.999Z");
}

static void every_day_agrees_with_the_c_library(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 11);
    for (int64_t day = -719528; day <= 2932896; day += 1 + (int64_t)random_below(&random, 30)) {
        const int64_t ms = day * 86400000 + (int64_t)random_below(&random, 86400000);
        const time_t seconds = (time_t)((ms - (ms % 1000 + 1000) % 1000) / 1000);
        struct tm tm;
        char expected[64];
        assert_non_null(gmtime_r(&seconds, &tm));
        (void)snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                       tm.tm_sec, (int)((ms % 1000 + 1000) % 1000));
        assert_text(ms, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_have_the_right_scale),
        cmocka_unit_test(adding_saturates_at_never),
        cmocka_unit_test(since_is_never_negative),
        cmocka_unit_test(deadline_is_reached_at_its_moment),
        cmocka_unit_test(days_are_floored_on_both_sides_of_1970),
        cmocka_unit_test(known_moments_have_their_text),
        cmocka_unit_test(years_outside_four_digits_are_clamped),
        cmocka_unit_test(every_day_agrees_with_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
