#include "store/conformance_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "plat/clock.h"
#include "store/walk.h"

#define DAY_MS INT64_C(86400000)
#define DEVICE ((struct device_id){42})

static const struct store_fixture_backend *suite_backend;

// Verbs in short.

struct save_options {
    const char *key;
    int64_t time_ms;
    int64_t number;
    const char *text; // in place of the number
    uint64_t ttl_s;
    uint64_t device; // 0: DEVICE
    bool no_series;
    bool no_latest;
    bool no_time; // the server assigns; time_ms is what is proposed
};

static struct store_completion save_with(struct store_fixture *fixture, struct save_options options)
{
    struct model_point point = {.key = slice_text(options.key)};
    point.value.type = options.text != NULL ? MODEL_VALUE_STRING : MODEL_VALUE_LONG;
    if (options.text != NULL) {
        point.value.text = slice_text(options.text);
    } else {
        point.value.number = options.number;
    }
    const struct model_reading reading = {!options.no_time, options.time_ms, &point, 1};
    const struct model_readings readings = {&reading, 1, 1};
    const struct store_record record = {
        .verb = STORE_SAVE,
        .tenant = STORE_FIXTURE_TENANT,
        .device = {options.device == 0 ? DEVICE.number : options.device},
        .save =
            {&readings, {options.time_ms}, options.ttl_s, !options.no_series, !options.no_latest},
    };
    return store_fixture_do(fixture, &record);
}

static void save(struct store_fixture *fixture, const char *key, int64_t time_ms, int64_t number)
{
    const struct save_options options = {.key = key, .time_ms = time_ms, .number = number};
    assert_int_equal(save_with(fixture, options).err, ERR_OK);
}

struct delete_options {
    const char *key; // NULL: all keys
    bool all_time;
    int64_t start_ms;
    int64_t end_ms;
    bool latest;
    bool rewrite;
};

static void delete_with(struct store_fixture *fixture, struct delete_options options)
{
    const struct slice key = options.key == NULL ? SLICE_EMPTY : slice_text(options.key);
    const struct store_record record = {
        .verb = STORE_DELETE,
        .tenant = STORE_FIXTURE_TENANT,
        .device = DEVICE,
        .delete = {&key, options.key != NULL, options.all_time, options.start_ms, options.end_ms,
                   options.latest, options.rewrite},
    };
    assert_int_equal(store_fixture_do(fixture, &record).err, ERR_OK);
}

static struct store_completion purge(struct store_fixture *fixture)
{
    const struct store_record record = {
        .verb = STORE_PURGE, .tenant = STORE_FIXTURE_TENANT, .device = DEVICE};
    return store_fixture_do(fixture, &record);
}

static struct store_range whole_range(const char *key)
{
    return (struct store_range){.tenant = STORE_FIXTURE_TENANT,
                                .device = DEVICE,
                                .key = slice_text(key),
                                .start_ms = INT64_MIN,
                                .end_ms = INT64_MAX};
}

static void expect_text(char *owned_actual, const char *expected)
{
    assert_string_equal(owned_actual, expected);
    free(owned_actual);
}

static void expect_range(struct store_fixture *fixture, const char *key, const char *expected)
{
    const struct store_range range = whole_range(key);
    expect_text(store_fixture_range(fixture->store, &range), expected);
}

static void expect_latest(struct store_fixture *fixture, const char *expected)
{
    expect_text(store_fixture_latest(fixture->store, DEVICE), expected);
}

// Runs the check as it is and again after a restart: memory and disk must say the same.
#define NOW_AND_AFTER_RESTART(fixture, statements)                                                 \
    do {                                                                                           \
        statements;                                                                                \
        store_fixture_restart(fixture);                                                            \
        statements;                                                                                \
    } while (0)

// The scenarios.

static void saved_points_are_read_back_in_order(struct store_fixture *f)
{
    save(f, "t", 3000, 3);
    save(f, "t", 1000, 1);
    save(f, "other", 1500, 9);
    save(f, "t", 2000, 2);
    NOW_AND_AFTER_RESTART(f, {
        expect_range(f, "t", "1000=1 2000=2 3000=3 ");
        expect_range(f, "other", "1500=9 ");
        expect_range(f, "never", "");
    });
}

static void range_is_half_open_and_limited_both_ways(struct store_fixture *f)
{
    for (int64_t i = 0; i < 10; i++) {
        save(f, "t", i * 1000, i);
    }
    struct store_range range = whole_range("t");
    range.start_ms = 2000;
    range.end_ms = 6000;
    for (int round = 0; round < 2; round++) {
        range.limit = 0;
        range.descending = false;
        expect_text(store_fixture_range(f->store, &range), "2000=2 3000=3 4000=4 5000=5 ");
        range.descending = true;
        expect_text(store_fixture_range(f->store, &range), "5000=5 4000=4 3000=3 2000=2 ");
        range.limit = 2;
        expect_text(store_fixture_range(f->store, &range), "5000=5 4000=4 ");
        range.descending = false;
        expect_text(store_fixture_range(f->store, &range), "2000=2 3000=3 ");
        store_fixture_restart(f);
    }
}

static void later_save_of_the_same_time_wins(struct store_fixture *f)
{
    save(f, "t", 1000, 1);
    save(f, "t", 1000, 2);
    store_fixture_restart(f);
    expect_range(f, "t", "1000=2 ");
    save(f, "t", 1000, 3);
    NOW_AND_AFTER_RESTART(f, expect_range(f, "t", "1000=3 "));
}

static void negative_and_extreme_times_sort(struct store_fixture *f)
{
    save(f, "t", -1, 2);
    save(f, "t", -DAY_MS, 1);
    save(f, "t", 0, 3);
    save(f, "t", INT64_MIN, 0);
    save(f, "t", INT64_MAX - 1, 9);
    NOW_AND_AFTER_RESTART(f, expect_range(f, "t",
                                          "-9223372036854775808=0 -86400000=1 -1=2 0=3 "
                                          "9223372036854775806=9 "));
}

static void latest_is_replaced_by_a_time_equal_or_later(struct store_fixture *f)
{
    save(f, "t", 2000, 1);
    save(f, "t", 1000, 2);
    NOW_AND_AFTER_RESTART(f, expect_latest(f, "t@2000=1 "));
    save(f, "t", 2000, 3);
    NOW_AND_AFTER_RESTART(f, expect_latest(f, "t@2000=3 "));
}

static void series_and_latest_are_saved_apart(struct store_fixture *f)
{
    const struct save_options only_latest = {
        .key = "l", .time_ms = 5, .number = 1, .no_series = true};
    const struct save_options only_series = {
        .key = "s", .time_ms = 5, .number = 2, .no_latest = true};
    assert_int_equal(save_with(f, only_latest).err, ERR_OK);
    assert_int_equal(save_with(f, only_series).err, ERR_OK);
    NOW_AND_AFTER_RESTART(f, {
        expect_range(f, "l", "");
        expect_range(f, "s", "5=2 ");
        expect_latest(f, "l@5=1 ");
        expect_text(store_fixture_keys(f->store, DEVICE), "l ");
    });
}

static void all_types_come_back(struct store_fixture *f)
{
    const struct model_point points[] = {
        {SLICE("b"), {.type = MODEL_VALUE_BOOLEAN, .boolean = true}},
        {SLICE("d"), {.type = MODEL_VALUE_DOUBLE, .real = 0.1}},
        {SLICE("j"), {.type = MODEL_VALUE_JSON, .text = SLICE("{\"a\":1}")}},
        {SLICE("l"), {.type = MODEL_VALUE_LONG, .number = INT64_MIN}},
        {SLICE("s"), {.type = MODEL_VALUE_STRING, .text = SLICE("")}},
    };
    const struct model_reading reading = {true, 77, points, 5};
    const struct model_readings readings = {&reading, 1, 5};
    const struct store_record record = {.verb = STORE_SAVE,
                                        .tenant = STORE_FIXTURE_TENANT,
                                        .device = DEVICE,
                                        .save = {&readings, {0}, 0, true, true}};
    assert_int_equal(store_fixture_do(f, &record).err, ERR_OK);
    NOW_AND_AFTER_RESTART(f, {
        expect_latest(f, "b@77=true d@77=0x1.999999999999ap-4 j@77=j{\"a\":1} "
                         "l@77=-9223372036854775808 s@77='' ");
        expect_range(f, "b", "77=true ");
        expect_range(f, "d", "77=0x1.999999999999ap-4 ");
        expect_range(f, "j", "77=j{\"a\":1} ");
        expect_range(f, "l", "77=-9223372036854775808 ");
        expect_range(f, "s", "77='' ");
    });
}

static void one_key_may_change_its_type(struct store_fixture *f)
{
    save(f, "t", 1, 1);
    assert_int_equal(
        save_with(f, (struct save_options){.key = "t", .time_ms = 2, .text = "two"}).err, ERR_OK);
    save(f, "t", 3, 3);
    NOW_AND_AFTER_RESTART(f, expect_range(f, "t", "1=1 2='two' 3=3 "));
}

static void last_of_a_key_twice_in_one_reading_counts(struct store_fixture *f)
{
    const struct model_point points[] = {
        {SLICE("t"), {.type = MODEL_VALUE_LONG, .number = 1}},
        {SLICE("u"), {.type = MODEL_VALUE_LONG, .number = 5}},
        {SLICE("t"), {.type = MODEL_VALUE_LONG, .number = 2}},
    };
    const struct model_reading reading = {true, 9, points, 3};
    const struct model_readings readings = {&reading, 1, 3};
    const struct store_record record = {.verb = STORE_SAVE,
                                        .tenant = STORE_FIXTURE_TENANT,
                                        .device = DEVICE,
                                        .save = {&readings, {0}, 0, true, true}};
    assert_int_equal(store_fixture_do(f, &record).err, ERR_OK);
    NOW_AND_AFTER_RESTART(f, {
        expect_range(f, "t", "9=2 ");
        expect_latest(f, "t@9=2 u@9=5 ");
    });
}

static void server_times_strictly_increase_per_device(struct store_fixture *f)
{
    struct save_options options = {.key = "t", .time_ms = 1000, .number = 1, .no_time = true};
    assert_int_equal(save_with(f, options).time_ms, 1000);
    assert_int_equal(save_with(f, options).time_ms, 1001);
    options.time_ms = 900; // the clock was set back
    assert_int_equal(save_with(f, options).time_ms, 1002);
    store_fixture_restart(f);
    assert_int_equal(save_with(f, options).time_ms, 1003);
    options.device = 43;
    assert_int_equal(save_with(f, options).time_ms, 900);
    expect_range(f, "t", "1000=1 1001=1 1002=1 1003=1 ");
}

static void given_times_do_not_move_server_times(struct store_fixture *f)
{
    save(f, "t", 5000, 1);
    const struct save_options options = {.key = "t", .time_ms = 1000, .number = 2, .no_time = true};
    assert_int_equal(save_with(f, options).time_ms, 1000);
    expect_range(f, "t", "1000=2 5000=1 ");
}

static void expired_points_are_not_seen(struct store_fixture *f)
{
    save(f, "t", 10000, 1);
    const struct save_options options = {.key = "t", .time_ms = 10000, .number = 2, .ttl_s = 5};
    assert_int_equal(save_with(f, options).err, ERR_OK);
    struct store_range range = whole_range("t");
    for (int round = 0; round < 2; round++) {
        range.now.ms = 14999;
        expect_text(store_fixture_range(f->store, &range), "10000=2 ");
        range.now.ms = 15000;
        expect_text(store_fixture_range(f->store, &range), "10000=1 ");
        expect_latest(f, "t@10000=2 ");
        store_fixture_restart(f);
    }
}

static void deleted_range_is_gone_and_can_be_filled_again(struct store_fixture *f)
{
    for (int64_t i = 0; i < 6; i++) {
        save(f, "t", i * DAY_MS, i);
        save(f, "u", i * DAY_MS, i);
    }
    delete_with(f, (struct delete_options){.key = "t", .start_ms = DAY_MS, .end_ms = 4 * DAY_MS});
    NOW_AND_AFTER_RESTART(f, {
        expect_range(f, "t", "0=0 345600000=4 432000000=5 ");
        expect_range(f, "u", "0=0 86400000=1 172800000=2 259200000=3 345600000=4 432000000=5 ");
    });
    save(f, "t", 2 * DAY_MS, 22);
    NOW_AND_AFTER_RESTART(f, expect_range(f, "t", "0=0 172800000=22 345600000=4 432000000=5 "));
}

static void delete_keeps_or_removes_latest_as_asked(struct store_fixture *f)
{
    save(f, "t", 1000, 1);
    save(f, "t", 2000, 2);
    delete_with(f, (struct delete_options){.key = "t", .all_time = true});
    NOW_AND_AFTER_RESTART(f, {
        expect_range(f, "t", "");
        expect_latest(f, "t@2000=2 ");
    });
    delete_with(f,
                (struct delete_options){.key = "t", .start_ms = 0, .end_ms = 2000, .latest = true});
    expect_latest(f, "t@2000=2 ");
    delete_with(f,
                (struct delete_options){.key = "t", .start_ms = 0, .end_ms = 2001, .latest = true});
    NOW_AND_AFTER_RESTART(f, expect_latest(f, ""));
}

static void deleted_latest_is_rewritten_from_before_the_range(struct store_fixture *f)
{
    save(f, "t", -DAY_MS, 1);
    save(f, "t", 500, 2);
    store_fixture_restart(f);
    save(f, "t", 500, 3);
    save(f, "t", 1000, 4);
    save(f, "t", 2000, 5);
    const struct delete_options options = {
        .key = "t", .start_ms = 1000, .end_ms = 3000, .latest = true, .rewrite = true};
    delete_with(f, options);
    NOW_AND_AFTER_RESTART(f, {
        expect_latest(f, "t@500=3 ");
        expect_range(f, "t", "-86400000=1 500=3 ");
    });
    delete_with(f, (struct delete_options){
                       .key = "t", .start_ms = 0, .end_ms = 600, .latest = true, .rewrite = true});
    NOW_AND_AFTER_RESTART(f, expect_latest(f, "t@-86400000=1 "));
}

static void all_keys_are_deleted_at_once(struct store_fixture *f)
{
    save(f, "t", 1000, 1);
    save(f, "u", 1000, 2);
    delete_with(f, (struct delete_options){.all_time = true, .latest = true});
    save(f, "u", 500, 3);
    NOW_AND_AFTER_RESTART(f, {
        expect_range(f, "t", "");
        expect_range(f, "u", "500=3 ");
        expect_latest(f, "u@500=3 ");
        expect_text(store_fixture_keys(f->store, DEVICE), "u ");
    });
}

static void empty_range_deletes_nothing(struct store_fixture *f)
{
    save(f, "t", 1000, 1);
    delete_with(
        f, (struct delete_options){.key = "t", .start_ms = 2000, .end_ms = 1000, .latest = true});
    delete_with(f, (struct delete_options){
                       .key = "t", .start_ms = INT64_MIN, .end_ms = INT64_MIN, .latest = true});
    delete_with(f, (struct delete_options){.key = "never", .all_time = true, .latest = true});
    NOW_AND_AFTER_RESTART(f, {
        expect_range(f, "t", "1000=1 ");
        expect_latest(f, "t@1000=1 ");
    });
}

static void many_deletes_stay_exact(struct store_fixture *f)
{
    for (int64_t i = 0; i < 100; i++) {
        save(f, "t", i, i);
    }
    for (int64_t i = 0; i < 99; i++) {
        delete_with(f, (struct delete_options){.key = "t", .start_ms = i, .end_ms = i + 1});
    }
    NOW_AND_AFTER_RESTART(f, expect_range(f, "t", "99=99 "));
}

static void purged_device_is_gone_for_good(struct store_fixture *f)
{
    save(f, "t", 1000, 1);
    store_fixture_restart(f);
    save(f, "t", 2000, 2);
    const struct save_options neighbour = {.key = "t", .time_ms = 1000, .number = 5, .device = 43};
    assert_int_equal(save_with(f, neighbour).err, ERR_OK);
    assert_int_equal(purge(f).err, ERR_OK);
    const struct save_options late = {.key = "t", .time_ms = 3000, .number = 3};
    for (int round = 0; round < 2; round++) {
        expect_range(f, "t", "");
        expect_latest(f, "");
        assert_int_equal(save_with(f, late).err, ERR_UNAVAILABLE);
        assert_int_equal(purge(f).err, ERR_OK);
        expect_text(store_fixture_latest(f->store, (struct device_id){43}), "t@1000=5 ");
        store_fixture_restart(f);
    }
}

static void keys_are_bounded_per_device_and_tenant(struct store_fixture *f)
{
    char key[8];
    for (int i = 0; i < 12; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        save(f, key, 1, i);
    }
    store_fixture_restart(f);
    const struct save_options beyond = {.key = "beyond", .time_ms = 1};
    assert_int_equal(save_with(f, beyond).err, ERR_KEY_LIMIT);
    save(f, "k3", 2, 3);
    for (int i = 12; i < 20; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        const struct save_options other = {.key = key, .time_ms = 1, .device = 43};
        assert_int_equal(save_with(f, other).err, ERR_OK);
    }
    const struct save_options other = {.key = "beyond", .time_ms = 1, .device = 43};
    assert_int_equal(save_with(f, other).err, ERR_KEY_LIMIT);
    store_fixture_restart(f);
    assert_int_equal(save_with(f, other).err, ERR_KEY_LIMIT);
    const struct save_options known = {.key = "k0", .time_ms = 1, .device = 43};
    assert_int_equal(save_with(f, known).err, ERR_OK);
}

static void names_of_keys_are_bounded_in_bytes(struct store_fixture *f)
{
    char key[STORE_KEY_NAME_MAX + 2];
    memset(key, 'k', sizeof(key) - 1);
    key[STORE_KEY_NAME_MAX + 1] = 0;
    const struct save_options beyond = {.key = key, .time_ms = 1};
    assert_int_equal(save_with(f, beyond).err, ERR_KEY_LIMIT);
    key[STORE_KEY_NAME_MAX] = 0;
    save(f, key, 1, 1);
}

static void deleted_key_no_longer_counts_for_its_device(struct store_fixture *f)
{
    char key[8];
    for (int i = 0; i < 12; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        save(f, key, 1, i);
    }
    delete_with(f, (struct delete_options){.key = "k5", .all_time = true, .latest = true});
    store_fixture_restart(f);
    save(f, "another", 1, 1);
    const struct save_options beyond = {.key = "k5", .time_ms = 1};
    assert_int_equal(save_with(f, beyond).err, ERR_KEY_LIMIT);
}

static void refused_record_leaves_no_trace(struct store_fixture *f)
{
    struct model_point points[14];
    char keys[14][8];
    for (int i = 0; i < 14; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "n%d", i);
        points[i] = (struct model_point){slice_text(keys[i]), {.type = MODEL_VALUE_LONG}};
    }
    const struct model_reading reading = {true, 1, points, 14};
    const struct model_readings readings = {&reading, 1, 14};
    const struct store_record record = {.verb = STORE_SAVE,
                                        .tenant = STORE_FIXTURE_TENANT,
                                        .device = DEVICE,
                                        .save = {&readings, {0}, 0, true, true}};
    assert_int_equal(store_fixture_do(f, &record).err, ERR_KEY_LIMIT);
    expect_latest(f, "");
    for (int i = 0; i < 12; i++) {
        save(f, keys[13 - i], 1, i);
    }
    NOW_AND_AFTER_RESTART(f, expect_range(f, "n13", "1=0 "));
}

static void long_series_is_whole_after_seals(struct store_fixture *f)
{
    for (int64_t i = 0; i < 300; i++) {
        save(f, "t", i * 1000000, i);
    }
    struct store_range range = whole_range("t");
    for (int round = 0; round < 2; round++) {
        range.descending = round == 1;
        struct store_fixture_text expected = {0};
        for (int64_t i = 0; i < 300; i++) {
            const int64_t n = range.descending ? 299 - i : i;
            store_fixture_append(&expected, "%lld=%lld ", (long long)(n * 1000000), (long long)n);
        }
        expect_text(store_fixture_range(f->store, &range), expected.text);
        free(expected.text);
        store_fixture_restart(f);
    }
}

static void record_of_many_readings_is_whole(struct store_fixture *f)
{
    enum { COUNT = 2000 };
    struct model_point *const points = calloc(COUNT, sizeof(*points));
    struct model_reading *const items = calloc(COUNT, sizeof(*items));
    assert_non_null(points);
    assert_non_null(items);
    for (int64_t i = 0; i < COUNT; i++) {
        points[i] = (struct model_point){SLICE("t"), {.type = MODEL_VALUE_LONG, .number = i}};
        items[i] = (struct model_reading){true, (COUNT - i) * 600000, &points[i], 1};
    }
    const struct model_readings readings = {items, COUNT, COUNT};
    const struct store_record record = {.verb = STORE_SAVE,
                                        .tenant = STORE_FIXTURE_TENANT,
                                        .device = DEVICE,
                                        .save = {&readings, {0}, 0, true, true}};
    assert_int_equal(store_fixture_do(f, &record).err, ERR_OK);
    struct store_range range = whole_range("t");
    range.limit = 3;
    NOW_AND_AFTER_RESTART(f, {
        expect_text(store_fixture_range(f->store, &range),
                    "600000=1999 1200000=1998 1800000=1997 ");
        expect_latest(f, "t@1200000000=0 ");
    });
    free(points);
    free(items);
}

static bool stop_at_second(void *context, const struct store_point *point)
{
    (void)point;
    int *const seen = context;
    return ++*seen < 2;
}

static void reader_may_stop_early(struct store_fixture *f)
{
    save(f, "t", 1, 1);
    save(f, "t", 2, 2);
    save(f, "t", 3, 3);
    const struct store_range range = whole_range("t");
    int seen = 0;
    assert_int_equal(store_range(f->store, &range, &seen, stop_at_second), ERR_OK);
    assert_int_equal(seen, 2);
}

static void latest_of_named_keys_only(struct store_fixture *f)
{
    save(f, "t", 1, 1);
    save(f, "u", 2, 2);
    save(f, "v", 3, 3);
    const struct slice keys[] = {SLICE("v"), SLICE("never"), SLICE("t")};
    struct store_fixture_text out = {.with_keys = true};
    assert_int_equal(
        store_latest(f->store, STORE_FIXTURE_TENANT, DEVICE, keys, 3, &out, store_fixture_point),
        ERR_OK);
    expect_text(out.text, "t@1=1 v@3=3 ");
}

// Gives the same batch to both; batches make real groups.
static void walk_batch(struct store_fixture *f, struct store_fixture *reference,
                       struct store_walk *walk)
{
    const uint64_t count = 1 + random_below(&walk->random, 40);
    for (uint64_t i = 0; i < count; i++) {
        struct store_record record = store_walk_next(walk);
        record.ticket = ++f->ticket;
        reference->ticket = f->ticket;
        assert_int_equal(store_submit(f->lane, &record), ERR_OK);
        assert_int_equal(store_submit(reference->lane, &record), ERR_OK);
    }
    store_flush(f->lane);
    store_flush(reference->lane);
    for (uint64_t ticket = f->ticket - count + 1; ticket <= f->ticket; ticket++) {
        struct store_completion ours = {0};
        struct store_completion theirs = {0};
        assert_int_equal(store_await(f->lane, ticket, &ours), ERR_OK);
        assert_int_equal(store_await(reference->lane, ticket, &theirs), ERR_OK);
        assert_int_equal(ours.err, theirs.err);
        assert_int_equal(ours.time_ms, theirs.time_ms);
    }
}

static void expect_same(struct store *store, struct store *reference)
{
    const struct wall now = plat_clock_wall();
    char *const ours = store_walk_dump(store, now);
    char *const theirs = store_walk_dump(reference, now);
    assert_string_equal(ours, theirs);
    free(ours);
    free(theirs);
}

// Reaches back into the walk's own time, whose clock stands still beside ours.
static uint64_t walk_life_s(const struct store_walk *walk, uint64_t device)
{
    const int64_t since_ms = plat_clock_wall().ms - walk->clock_ms;
    return (uint64_t)(since_ms / 1000) + device * 86400 - 90000;
}

static void random_walk_agrees_with_the_reference(struct store_fixture *f)
{
    // The background takes away what has expired meanwhile.
    f->limits.expiry_every = span_ms(3);
    store_fixture_restart(f);
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct store_fixture reference;
        struct store_walk walk;
        store_fixture_open(&reference, &store_fixture_reference, &f->limits);
        store_walk_init(&walk, seed);
        walk.with_expiry = seed > 3;
        for (uint64_t device = 0; device < 4; device++) {
            const uint64_t life_s = seed > 3 && device > 0 ? walk_life_s(&walk, device) : 0;
            metric_set(&f->lives_s[device], life_s);
            metric_set(&reference.lives_s[device], life_s);
        }
        for (int batch = 0; batch < 60; batch++) {
            walk_batch(f, &reference, &walk);
            if (random_chance(&walk.random, 1, 12)) {
                store_fixture_restart(f);
            }
            if (batch % 20 == 19) {
                expect_same(f->store, reference.store);
            }
        }
        store_fixture_close(&reference);
        store_fixture_close(f);
        store_fixture_open(f, f->backend, &f->limits);
    }
}

// Running them.

struct scenario {
    const char *name;
    store_conformance_fn *run;
};

// clang-format off
#define SCENARIO(name) {#name, name}
#define OTHER_SCENARIO(name) {#name, store_conformance_##name}
// clang-format on

static const struct scenario scenarios[] = {
    SCENARIO(saved_points_are_read_back_in_order),
    SCENARIO(range_is_half_open_and_limited_both_ways),
    SCENARIO(later_save_of_the_same_time_wins),
    SCENARIO(negative_and_extreme_times_sort),
    SCENARIO(latest_is_replaced_by_a_time_equal_or_later),
    SCENARIO(series_and_latest_are_saved_apart),
    SCENARIO(all_types_come_back),
    SCENARIO(one_key_may_change_its_type),
    SCENARIO(last_of_a_key_twice_in_one_reading_counts),
    SCENARIO(server_times_strictly_increase_per_device),
    SCENARIO(given_times_do_not_move_server_times),
    SCENARIO(expired_points_are_not_seen),
    SCENARIO(deleted_range_is_gone_and_can_be_filled_again),
    SCENARIO(delete_keeps_or_removes_latest_as_asked),
    SCENARIO(deleted_latest_is_rewritten_from_before_the_range),
    SCENARIO(all_keys_are_deleted_at_once),
    SCENARIO(empty_range_deletes_nothing),
    SCENARIO(many_deletes_stay_exact),
    SCENARIO(purged_device_is_gone_for_good),
    SCENARIO(keys_are_bounded_per_device_and_tenant),
    SCENARIO(names_of_keys_are_bounded_in_bytes),
    SCENARIO(deleted_key_no_longer_counts_for_its_device),
    SCENARIO(refused_record_leaves_no_trace),
    SCENARIO(long_series_is_whole_after_seals),
    SCENARIO(record_of_many_readings_is_whole),
    SCENARIO(reader_may_stop_early),
    SCENARIO(latest_of_named_keys_only),
    SCENARIO(random_walk_agrees_with_the_reference),
    OTHER_SCENARIO(points_live_as_long_as_their_device_says),
    OTHER_SCENARIO(a_life_of_their_own_comes_first),
    OTHER_SCENARIO(a_time_far_ahead_counts_from_its_arrival),
    OTHER_SCENARIO(extreme_times_expire_like_others),
    OTHER_SCENARIO(latest_is_rewritten_from_what_lives),
    OTHER_SCENARIO(changes_are_read_back),
    OTHER_SCENARIO(last_of_a_name_twice_in_one_change_counts),
    OTHER_SCENARIO(scans_go_both_ways_from_a_name),
    OTHER_SCENARIO(scans_of_every_device_go_on_from_a_place),
    OTHER_SCENARIO(purge_takes_the_state_too),
    OTHER_SCENARIO(a_load_brings_the_kinds_asked_for),
    OTHER_SCENARIO(a_load_brings_only_the_names_asked_for),
    OTHER_SCENARIO(what_was_loaded_is_recalled),
    OTHER_SCENARIO(what_changed_is_not_recalled),
    OTHER_SCENARIO(a_load_under_way_is_not_recalled),
    OTHER_SCENARIO(loads_are_bounded),
    OTHER_SCENARIO(a_load_beyond_its_bound_is_refused),
    OTHER_SCENARIO(a_name_that_is_too_long_is_refused),
};

#define SCENARIO_COUNT (sizeof(scenarios) / sizeof(scenarios[0]))

static void run_scenario(void **state)
{
    const struct scenario *const scenario = *state;
    struct store_fixture fixture;
    store_fixture_open(&fixture, suite_backend, &store_fixture_limits);
    scenario->run(&fixture);
    store_fixture_close(&fixture);
}

int store_conformance_run(const char *name, const struct store_fixture_backend *backend,
                          const struct CMUnitTest *more, size_t more_count)
{
    struct CMUnitTest tests[SCENARIO_COUNT + STORE_CONFORMANCE_MORE_MAX];
    assert_in_range(more_count, 0, STORE_CONFORMANCE_MORE_MAX);
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        tests[i] = (struct CMUnitTest){scenarios[i].name, run_scenario, NULL, NULL,
                                       (void *)(uintptr_t)&scenarios[i]};
    }
    for (size_t i = 0; i < more_count; i++) {
        tests[SCENARIO_COUNT + i] = more[i];
    }
    suite_backend = backend;
    return _cmocka_run_group_tests(name, tests, SCENARIO_COUNT + more_count, NULL, NULL);
}
