// UUIDs as text and as time, and the spread of devices over shards.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert_test.h"
#include "model/ids.h"

static struct uuid parsed(const char *text)
{
    struct uuid uuid;
    assert_true(uuid_parse(slice_text(text), &uuid));
    return uuid;
}

static void text_survives_the_way(void **state)
{
    const char *text = "784f394c-42b6-435a-983c-b7beff2784f9";
    char written[UUID_TEXT_SIZE];
    const struct uuid uuid = parsed(text);
    const struct uuid upper = parsed("784F394C-42B6-435A-983C-B7BEFF2784F9");

    (void)state;
    assert_string_equal(uuid_format(&uuid, written), text);
    assert_true(uuid_equal(&uuid, &upper));
    assert_false(uuid_equal(&uuid, &uuid_null));
}

static void anything_else_is_no_uuid(void **state)
{
    static const char *const bad[] = {
        "",
        "784f394c-42b6-435a-983c-b7beff2784f",
        "784f394c-42b6-435a-983c-b7beff2784f90",
        "784f394c042b6-435a-983c-b7beff2784f9",
        "784f394c-42b6-435a-983c+b7beff2784f9",
        "784f394c-42b6-435a-983c-b7beff2784fg",
        "784f394c-42b6-435a-983c-b7beff2784/9",
        "{84f394c-42b6-435a-983c-b7beff2784f}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct uuid uuid = uuid_null;
        assert_false(uuid_parse(slice_text(bad[i]), &uuid));
        assert_true(uuid_equal(&uuid, &uuid_null));
    }
}

static void the_null_uuid_is_upstreams(void **state)
{
    char text[UUID_TEXT_SIZE];

    (void)state;
    assert_string_equal(uuid_format(&uuid_null, text), "13814000-1dd2-11b2-8080-808080808080");
    assert_int_equal(uuid_time(&uuid_null).ms, 0);
}

static void time_is_inside(void **state)
{
    static const int64_t times[] = {0, 1, -1, 1782986400123, -12219292800000, 95617584000000};

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        const struct wall at = {times[i]};
        const struct uuid first = uuid_make(at, 0, UINT64_MAX);
        const struct uuid last = uuid_make(at, 9999, 0);
        assert_int_equal(uuid_time(&first).ms, at.ms);
        assert_int_equal(uuid_time(&last).ms, at.ms);
    }
}

static void a_made_uuid_has_version_variant_and_multicast_bit(void **state)
{
    const uint64_t randoms[] = {0, UINT64_MAX, UINT64_C(0x0123456789abcdef)};

    (void)state;
    for (size_t i = 0; i < sizeof(randoms) / sizeof(randoms[0]); i++) {
        const struct uuid uuid = uuid_make((struct wall){1782986400123}, 5, randoms[i]);
        assert_int_equal(uuid.bytes[6] >> 4, 1);
        assert_int_equal(uuid.bytes[8] >> 6, 2);
        assert_int_equal(uuid.bytes[10] & 1, 1);
    }
    // The field layout of RFC 4122 4.1.2, worked out by hand.
    char text[UUID_TEXT_SIZE];
    const struct uuid known = uuid_make((struct wall){0}, 1, UINT64_C(0x0123456789abcdef));
    assert_string_equal(uuid_format(&known, text), "13814001-1dd2-11b2-8123-4567"
                                                   "89abcdef");
}

static void tick_orders_the_ids_of_one_millisecond(void **state)
{
    const struct uuid first = uuid_make((struct wall){1782986400123}, 0, 7);
    const struct uuid second = uuid_make((struct wall){1782986400123}, 1, 7);

    (void)state;
    assert_false(uuid_equal(&first, &second));
}

static void make_with_large_tick(void *context)
{
    (void)context;
    (void)uuid_make((struct wall){0}, 10000, 0);
}

static void a_tick_of_the_next_millisecond_stops_the_process(void **state)
{
    (void)state;
    assert_true(assert_stops(make_with_large_tick, NULL));
}

static void devices_spread_evenly_over_shards(void **state)
{
    unsigned counts[SHARD_COUNT] = {0};

    (void)state;
    for (uint64_t number = 1; number <= 100 * SHARD_COUNT; number++) {
        counts[device_shard((struct device_id){number})]++;
    }
    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        assert_in_range(counts[i], 50, 160);
    }
    // Stored data depends on it: the shard of a device never changes.
    assert_int_equal(device_shard((struct device_id){1}), 193);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_survives_the_way),
        cmocka_unit_test(anything_else_is_no_uuid),
        cmocka_unit_test(the_null_uuid_is_upstreams),
        cmocka_unit_test(time_is_inside),
        cmocka_unit_test(a_made_uuid_has_version_variant_and_multicast_bit),
        cmocka_unit_test(tick_orders_the_ids_of_one_millisecond),
        cmocka_unit_test(a_tick_of_the_next_millisecond_stops_the_process),
        cmocka_unit_test(devices_spread_evenly_over_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
