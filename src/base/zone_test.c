// Time zones of the tz database at chosen moments, made-up rules of every form, moments that clocks
// show twice or never, and files that are no time zones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/zone.h"

#define FILE_MAX 65536U

static uint8_t file_bytes[FILE_MAX];

static struct slice file_of(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    FILE *const file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s is not there: the package tzdata is needed", path);
    }
    const size_t len = fread(file_bytes, 1, sizeof(file_bytes), file);
    (void)fclose(file);
    return slice_of(file_bytes, len);
}

static struct zone zone_of(const char *name)
{
    struct zone zone;
    assert_int_equal(zone_open(&zone, file_of(name)), ERR_OK);
    return zone;
}

#define MOMENTS 9

static void zones_of_the_database_are_where_they_should_be(void **state)
{
    (void)state;
    // The changes of 2024 in Europe to the second, then days far behind the last transition.
    static const int64_t moments[MOMENTS] = {
        0,          1711846799, 1711846800, 1729990799, 1729990800,
        4102444799, 4119724800, 5000000000, 1696089600,
    };
    static const struct {
        const char *name;
        int32_t offsets[MOMENTS];
    } rows[] = {
        {"UTC", {0, 0, 0, 0, 0, 0, 0, 0, 0}},
        {"Europe/Berlin", {3600, 3600, 7200, 7200, 3600, 3600, 7200, 7200, 7200}},
        {"America/New_York",
         {-18000, -14400, -14400, -14400, -14400, -18000, -14400, -14400, -14400}},
        {"Australia/Sydney", {36000, 39600, 39600, 39600, 39600, 39600, 36000, 36000, 39600}},
        {"Australia/Lord_Howe", {36000, 39600, 39600, 39600, 39600, 39600, 37800, 37800, 39600}},
        {"Europe/Dublin", {3600, 0, 3600, 3600, 0, 0, 3600, 3600, 3600}},
        {"Asia/Kolkata", {19800, 19800, 19800, 19800, 19800, 19800, 19800, 19800, 19800}},
        {"Asia/Kathmandu", {19800, 20700, 20700, 20700, 20700, 20700, 20700, 20700, 20700}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct zone zone = zone_of(rows[i].name);
        for (unsigned n = 0; n < MOMENTS; n++) {
            if (zone_offset(&zone, moments[n]) != rows[i].offsets[n]) {
                fail_msg("%s at %lld: %d", rows[i].name, (long long)moments[n],
                         zone_offset(&zone, moments[n]));
            }
        }
    }
    const struct zone berlin = zone_of("Europe/Berlin");
    assert_int_equal(zone_offset(&berlin, -3000000000), 3208); // before standard time
}

// A file with this rule and no transitions.
static struct slice made_of(const char *rule)
{
    static uint8_t memory[512];
    static const uint8_t counts[24] = {[19] = 1, [23] = 4}; // one type, four letters
    struct buf out = buf_over(memory, sizeof(memory));
    for (unsigned block = 0; block < 2; block++) {
        buf_put_text(&out, "TZif2");
        for (unsigned i = 0; i < 15; i++) {
            buf_put_u8(&out, 0);
        }
        buf_put_slice(&out, slice_of(counts, sizeof(counts)));
        buf_put_slice(&out, slice_of("\0\0\x0e\x10\0\0XXX", 10)); // 3600
    }
    buf_put_u8(&out, '\n');
    buf_put_text(&out, rule);
    buf_put_u8(&out, '\n');
    assert_false(out.overflow);
    return buf_view(&out);
}

static void rules_of_every_form_are_understood(void **state)
{
    (void)state;
    static const int64_t winter = 1704067200; // 2024-01-01T00:00:00Z
    static const int64_t summer = 1719792000; // 2024-07-01
    static const struct {
        const char *rule;
        int32_t in_winter;
        int32_t in_summer;
    } rows[] = {
        {"", 3600, 3600}, // no rule: the first type
        {"UTC0", 0, 0},
        {"EST5EDT,M3.2.0,M11.1.0", -18000, -14400},
        {"<+0530>-5:30", 19800, 19800},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, -3600},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 0, 3600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 39600, 36000},
        {"X-1Y-3:00:30,J60,J300", 3600, 10830},
        {"X-1Y,59/26:00,304", 3600, 7200},
        {"<+10>-10<+11>,M1.2.1/0,M12.5.0", 36000, 39600},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct zone zone;
        assert_int_equal(zone_open(&zone, made_of(rows[i].rule)), ERR_OK);
        assert_int_equal(zone_offset(&zone, winter), rows[i].in_winter);
        assert_int_equal(zone_offset(&zone, summer), rows[i].in_summer);
    }
}

static void a_day_of_a_leap_year_is_counted_by_its_form(void **state)
{
    (void)state;
    struct zone zone;
    // J60 is the first of March in every year; day 59 is 29 February in a leap year.
    assert_int_equal(zone_open(&zone, made_of("X0Y,J60/0,J300")), ERR_OK);
    assert_int_equal(zone_offset(&zone, 1709251199), 0);    // 2024-02-29T23:59:59Z
    assert_int_equal(zone_offset(&zone, 1709251200), 3600); // 2024-03-01
    assert_int_equal(zone_open(&zone, made_of("X0Y,59/0,300")), ERR_OK);
    assert_int_equal(zone_offset(&zone, 1709164799), 0);    // 2024-02-28T23:59:59Z
    assert_int_equal(zone_offset(&zone, 1709164800), 3600); // 2024-02-29
}

static void local_times_that_come_twice_or_never_are_moments(void **state)
{
    (void)state;
    const struct zone zone = zone_of("Europe/Berlin");
    assert_int_equal(zone_moment(&zone, 1704067200), 1704063600); // an ordinary midnight
    // 2024-10-27 02:30 comes twice: the first.
    assert_int_equal(zone_moment(&zone, 1729996200), 1729989000);
    // 2024-03-31 02:30 never comes: the moment after the jump, 03:30.
    assert_int_equal(zone_moment(&zone, 1711852200), 1711848600);
    assert_int_equal(zone_offset(&zone, 1711848600), 7200);
}

static void what_is_no_time_zone_is_refused(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "5",         "X",         "X0Y", "X0Y,M13.1.0,M1.1.1", "X0Y,M1.1,", "X0Y,M1.6.0,M1.1.1",
        "X0Y,Jx,J1", "X0Y,1,2,3", "<X0"};
    struct zone zone;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const bool is_ok = zone_open(&zone, made_of(rules[i])) == ERR_OK;
        // A name alone is UTC.
        assert_int_equal(is_ok, rules[i][0] == 'X' && rules[i][1] == 0);
    }
    const struct slice whole = file_of("Europe/Berlin");
    for (size_t len = 0; len + 40 < whole.len; len++) {
        assert_int_equal(zone_open(&zone, slice_sub(whole, 0, len)), ERR_CORRUPT);
    }
    file_bytes[4] = 0; // version 1 has 32 bits only
    assert_int_equal(zone_open(&zone, whole), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_of_the_database_are_where_they_should_be),
        cmocka_unit_test(rules_of_every_form_are_understood),
        cmocka_unit_test(a_day_of_a_leap_year_is_counted_by_its_form),
        cmocka_unit_test(local_times_that_come_twice_or_never_are_moments),
        cmocka_unit_test(what_is_no_time_zone_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
