// The path of readings through the plan into the store, over the reference back end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/core.h"
#include "core/plan.h"

static const struct store_limits limits = {
    .head_bytes_max = 4U << 20,
    .journal_bytes_max = 1U << 20,
    .journal_age_max = {300000000000U},
    .commit_delay_max = {200000},
    .commit_records_max = 64,
    .keys_per_device_max = 3,
    .keys_per_tenant_max = 20,
};

static struct store *store;
static struct core_worker worker;
static const struct model_index_entry entry = {.device = {5}, .tenant = {7}};
static const struct core_principal principal = {&entry};
static const struct store_trace trace = {{1}};
static const struct wall now = {1800000000000};

static int set_up(void **state)
{
    (void)state;
    if (store_memory_open(&limits, &store) != ERR_OK ||
        store_lane_open(store, 1U << 16, NULL, NULL, &worker.lane) != ERR_OK) {
        return -1;
    }
    return store_start(store) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    store_stop(store);
    store_close(store);
    return 0;
}

static enum err save(const struct model_readings *readings, enum core_step *step)
{
    return core_telemetry_save(&worker, &principal, readings, now, &trace, 9, step);
}

struct seen {
    char text[256];
};

static bool note(void *context, const struct store_point *point)
{
    struct seen *seen = context;
    const size_t len = strlen(seen->text);
    snprintf(seen->text + len, sizeof(seen->text) - len, "%.*s@%lld=%lld ", SLICE_ARGS(point->key),
             (long long)point->time_ms, (long long)point->value.number);
    return true;
}

static struct model_point number(const char *key, int64_t value)
{
    return (struct model_point){slice_text(key), {.type = MODEL_VALUE_LONG, .number = value}};
}

static void readings_of_one_message_are_one_completion(void **state)
{
    (void)state;
    const struct model_point first[] = {number("a", 1), number("b", 2)};
    const struct model_point second[] = {number("a", 3)};
    const struct model_reading items[] = {{.points = first, .point_count = 2},
                                          {true, 1234, second, 1}};
    const struct model_readings readings = {items, 2, 3};
    enum core_step step = CORE_DONE;
    assert_int_equal(save(&readings, &step), ERR_OK);
    assert_int_equal(step, CORE_PENDING);
    store_flush(worker.lane);
    struct store_completion completion;
    assert_int_equal(store_await(worker.lane, 9, &completion), ERR_OK);
    assert_int_equal(completion.err, ERR_OK);
    assert_int_equal(completion.time_ms, now.ms);

    struct seen latest = {""};
    assert_int_equal(store_latest(store, entry.tenant, entry.device, NULL, 0, &latest, note),
                     ERR_OK);
    assert_string_equal(latest.text, "a@1800000000000=1 b@1800000000000=2 ");
    struct seen series = {""};
    const struct store_range range = {.tenant = entry.tenant,
                                      .device = entry.device,
                                      .key = SLICE("a"),
                                      .end_ms = INT64_MAX,
                                      .now = now};
    assert_int_equal(store_range(store, &range, &series, note), ERR_OK);
    assert_string_equal(series.text, "a@1234=3 a@1800000000000=1 ");
}

static void nothing_to_save_is_done_at_once(void **state)
{
    (void)state;
    const struct model_reading empty = {.point_count = 0};
    const struct model_readings none = {NULL, 0, 0};
    const struct model_readings only_empty = {&empty, 1, 0};
    enum core_step step = CORE_PENDING;
    assert_int_equal(save(&none, &step), ERR_OK);
    assert_int_equal(step, CORE_DONE);
    step = CORE_PENDING;
    assert_int_equal(save(&only_empty, &step), ERR_OK);
    assert_int_equal(step, CORE_DONE);
}

static void too_many_points_are_refused(void **state)
{
    (void)state;
    static struct model_point points[MODEL_POINTS_MAX + 1];
    for (unsigned i = 0; i <= MODEL_POINTS_MAX; i++) {
        points[i] = number("a", i);
    }
    const struct model_reading item = {.points = points, .point_count = MODEL_POINTS_MAX + 1};
    const struct model_readings readings = {&item, 1, MODEL_POINTS_MAX + 1};
    enum core_step step = CORE_PENDING;
    assert_int_equal(save(&readings, &step), ERR_TOO_LARGE);
    assert_int_equal(step, CORE_DONE);
}

// Nothing takes the records, so the lane fills up; none of them is half in.
static void full_lane_is_said_to_the_sender(void **state)
{
    (void)state;
    const struct model_point point = number("a", 1);
    const struct model_reading item = {.points = &point, .point_count = 1};
    const struct model_readings readings = {&item, 1, 1};
    enum core_step step = CORE_DONE;
    enum err err = ERR_OK;
    for (unsigned i = 0; i < 100000 && err == ERR_OK; i++) {
        err = save(&readings, &step);
        assert_int_equal(step, err == ERR_OK ? CORE_PENDING : CORE_DONE);
    }
    assert_int_equal(err, ERR_EXHAUSTED);
}

static void refusal_of_the_store_comes_with_the_completion(void **state)
{
    (void)state;
    const struct model_point points[] = {number("a", 1), number("b", 1), number("c", 1),
                                         number("d", 1)};
    const struct model_reading item = {.points = points, .point_count = 4};
    const struct model_readings readings = {&item, 1, 4};
    enum core_step step = CORE_DONE;
    assert_int_equal(save(&readings, &step), ERR_OK);
    store_flush(worker.lane);
    struct store_completion completion;
    assert_int_equal(store_await(worker.lane, 9, &completion), ERR_OK);
    assert_int_equal(completion.err, ERR_KEY_LIMIT);
}

static void default_plan_saves_series_and_latest(void **state)
{
    (void)state;
    struct core_effects effects = {.count = 0};
    const struct model_reading reading = {.point_count = 0};
    const struct core_event event = {.kind = CORE_EVENT_TELEMETRY, .reading = &reading};
    core_plan_default.run(NULL, &event, &effects);
    assert_int_equal(effects.count, 1);
    assert_int_equal(effects.items[0].kind, CORE_EFFECT_SAVE_SERIES);
    assert_int_equal(effects.items[0].ttl_s, 0);
    assert_false(effects.items[0].skip_latest);
    assert_false(effects.items[0].skip_series);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readings_of_one_message_are_one_completion),
        TEST(nothing_to_save_is_done_at_once),
        TEST(too_many_points_are_refused),
        TEST(full_lane_is_said_to_the_sender),
        TEST(refusal_of_the_store_comes_with_the_completion),
        cmocka_unit_test(default_plan_saves_series_and_latest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
