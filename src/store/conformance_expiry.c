// The part of the suite about how long points stay.
#include <stdlib.h>

#include "store/conformance_priv.h"

#define DEVICE ((struct device_id){42})
#define DAY_MS INT64_C(86400000)

struct given {
    int64_t time_ms;
    int64_t number;
    int64_t arrival_ms;
    uint64_t ttl_s;
};

static void save(struct store_fixture *f, struct given given)
{
    const struct model_point point = {SLICE("t"),
                                      {.type = MODEL_VALUE_LONG, .number = given.number}};
    const struct model_reading reading = {true, given.time_ms, &point, 1};
    const struct model_readings readings = {&reading, 1, 1};
    const struct store_record record = {
        .verb = STORE_SAVE,
        .tenant = STORE_FIXTURE_TENANT,
        .device = DEVICE,
        .save = {&readings, {given.arrival_ms}, given.ttl_s, true, true},
    };
    assert_int_equal(store_fixture_do(f, &record).err, ERR_OK);
}

static void set_life(struct store_fixture *f, uint64_t life_s)
{
    metric_set(&f->lives_s[DEVICE.number], life_s);
}

static void expect_at(struct store_fixture *f, int64_t now_ms, const char *expected)
{
    struct store_range range = {.tenant = STORE_FIXTURE_TENANT,
                                .device = DEVICE,
                                .key = SLICE("t"),
                                .start_ms = INT64_MIN,
                                .end_ms = INT64_MAX,
                                .now = {now_ms}};
    for (int round = 0; round < 2; round++) {
        char *const actual = store_fixture_range(f->store, &range);
        assert_string_equal(actual, expected);
        free(actual);
        store_fixture_restart(f);
    }
}

static void expect_latest(struct store_fixture *f, const char *expected)
{
    char *const actual = store_fixture_latest(f->store, DEVICE);
    assert_string_equal(actual, expected);
    free(actual);
}

void store_conformance_points_live_as_long_as_their_device_says(struct store_fixture *f)
{
    save(f, (struct given){.time_ms = 1000, .number = 1, .arrival_ms = 90000});
    save(f, (struct given){.time_ms = 5000, .number = 2, .arrival_ms = 90000});
    set_life(f, 10);
    expect_at(f, 10999, "1000=1 5000=2 ");
    expect_at(f, 11000, "5000=2 ");
    expect_at(f, 15000, "");
    expect_latest(f, "t@5000=2 ");
    set_life(f, 12);
    expect_at(f, 12999, "1000=1 5000=2 ");
    set_life(f, 0);
    expect_at(f, INT64_MAX, "1000=1 5000=2 ");
}

void store_conformance_a_life_of_their_own_comes_first(struct store_fixture *f)
{
    save(f, (struct given){.time_ms = 1000, .number = 1, .arrival_ms = 1000, .ttl_s = 100});
    save(f, (struct given){.time_ms = 2000, .number = 2, .arrival_ms = 2000, .ttl_s = 1});
    save(f, (struct given){.time_ms = 3000, .number = 3, .arrival_ms = 3000});
    set_life(f, 10);
    expect_at(f, 2999, "1000=1 2000=2 3000=3 ");
    expect_at(f, 3000, "1000=1 3000=3 ");
    expect_at(f, 13000, "1000=1 ");
    expect_at(f, 101000, "");
}

void store_conformance_a_time_far_ahead_counts_from_its_arrival(struct store_fixture *f)
{
    const int64_t day = DAY_MS;
    save(f, (struct given){.time_ms = 1000 + day, .number = 1, .arrival_ms = 1000});
    save(f, (struct given){.time_ms = 1001 + day, .number = 2, .arrival_ms = 1000});
    save(f, (struct given){.time_ms = INT64_MAX - 1, .number = 3, .arrival_ms = 2000});
    save(f, (struct given){.time_ms = 9 * day, .number = 4, .arrival_ms = 0, .ttl_s = 3600});
    set_life(f, 60);
    expect_at(f, 60999, "86401000=1 86401001=2 777600000=4 9223372036854775806=3 ");
    expect_at(f, 61000, "86401000=1 777600000=4 9223372036854775806=3 ");
    expect_at(f, 62000, "86401000=1 777600000=4 ");
    expect_at(f, 3600000, "86401000=1 ");
    expect_at(f, day + 60999, "86401000=1 ");
    expect_at(f, day + 61000, "");
}

void store_conformance_extreme_times_expire_like_others(struct store_fixture *f)
{
    save(f, (struct given){.time_ms = INT64_MIN, .number = 1, .arrival_ms = 5000});
    save(f, (struct given){.time_ms = -5000, .number = 2, .arrival_ms = 5000});
    save(f, (struct given){.time_ms = 5000, .number = 3, .arrival_ms = 5000});
    set_life(f, 8);
    expect_at(f, 2999, "-5000=2 5000=3 ");
    expect_at(f, 3000, "5000=3 ");
    set_life(f, UINT64_MAX);
    expect_at(f, INT64_MAX - 1, "-9223372036854775808=1 -5000=2 5000=3 ");
    set_life(f, INT64_MAX / 1000);
    expect_at(f, 3000, "-5000=2 5000=3 ");
    expect_at(f, -9000, "-9223372036854775808=1 -5000=2 5000=3 ");
}

void store_conformance_latest_is_rewritten_from_what_lives(struct store_fixture *f)
{
    const struct slice key = SLICE("t");
    const struct store_record record = {.verb = STORE_DELETE,
                                        .tenant = STORE_FIXTURE_TENANT,
                                        .device = DEVICE,
                                        .delete = {&key, 1, false, 3000, 4000, true, true}};
    save(f, (struct given){.time_ms = 1000, .number = 1, .arrival_ms = 1000});
    save(f, (struct given){.time_ms = 2000, .number = 2, .arrival_ms = 2000, .ttl_s = 1});
    save(f, (struct given){.time_ms = 3000, .number = 3, .arrival_ms = 3000});
    assert_int_equal(store_fixture_do(f, &record).err, ERR_OK);
    expect_latest(f, "t@1000=1 ");
    save(f, (struct given){.time_ms = 3000, .number = 3, .arrival_ms = 3000});
    set_life(f, 3600);
    assert_int_equal(store_fixture_do(f, &record).err, ERR_OK);
    expect_latest(f, "");
}
