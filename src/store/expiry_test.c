// What has expired leaves the disk, and nothing else does: the search for it over a simulated disk,
// with times around the clock's own.
#include "plat/clock.h"
#include "plat/thread.h"
#include "store/disk_test.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define DAY_S 86400U
#define EVERY_MS 5U

// Opens an empty store; `every_ms` 0: without the search.
static void open_store(struct store_fixture *f, uint64_t every_ms)
{
    struct store_limits limits = store_fixture_limits;
    limits.expiry_every = span_ms(every_ms);
    store_fixture_open(f, &backend, &limits);
}

static void restart_with(struct store_fixture *f, uint64_t every_ms)
{
    f->limits.expiry_every = span_ms(every_ms);
    store_fixture_restart(f);
}

// Points of "t" from `first_ms` on, every `step_ms`; the value is the position.
struct run {
    uint64_t device;
    int64_t first_ms;
    int64_t step_ms;
    uint32_t count;
    uint64_t ttl_s;
    int64_t arrival_ms; // 0: each at its own time
};

static void save(struct store_fixture *f, struct run run)
{
    for (uint32_t i = 0; i < run.count; i++) {
        const int64_t time_ms = run.first_ms + i * run.step_ms;
        const struct model_point point = {SLICE("t"), {.type = MODEL_VALUE_LONG, .number = i}};
        const struct model_reading reading = {true, time_ms, &point, 1};
        const struct model_readings readings = {&reading, 1, 1};
        const struct store_record record = {
            .verb = STORE_SAVE,
            .tenant = STORE_FIXTURE_TENANT,
            .device = {run.device},
            .save = {&readings,
                     {run.arrival_ms != 0 ? run.arrival_ms : time_ms},
                     run.ttl_s,
                     true,
                     true},
        };
        assert_int_equal(store_fixture_do(f, &record).err, ERR_OK);
    }
}

// Everything that is in memory goes into blocks: a delete settles its device.
static void seal(struct store_fixture *f, uint64_t device)
{
    const struct slice key = SLICE("none");
    const struct store_record record = {.verb = STORE_DELETE,
                                        .tenant = STORE_FIXTURE_TENANT,
                                        .device = {device},
                                        .delete = {&key, 1, false, 0, 1, false, false}};
    assert_int_equal(store_fixture_do(f, &record).err, ERR_OK);
}

static bool count_point(void *context, const struct store_point *point)
{
    (void)point;
    (*(uint32_t *)context)++;
    return true;
}

static uint32_t points_at(struct store_fixture *f, uint64_t device, struct wall now)
{
    uint32_t count = 0;
    const struct store_range range = {.tenant = STORE_FIXTURE_TENANT,
                                      .device = {device},
                                      .key = SLICE("t"),
                                      .start_ms = INT64_MIN,
                                      .end_ms = INT64_MAX,
                                      .now = now};
    assert_int_equal(store_range(f->store, &range, &count, count_point), ERR_OK);
    return count;
}

static uint32_t points(struct store_fixture *f, uint64_t device)
{
    return points_at(f, device, plat_clock_wall());
}

// Readings that are on disk, expired or not: a look before anything expired.
static uint32_t points_kept(struct store_fixture *f, uint64_t device)
{
    return points_at(f, device, (struct wall){INT64_MIN});
}

static void set_life(struct store_fixture *f, uint64_t device, uint64_t life_s)
{
    metric_set(&f->lives_s[device], life_s);
}

static void wait_until_kept(struct store_fixture *f, uint64_t device, uint32_t count)
{
    const struct mono end = mono_add(plat_clock_mono(), span_s(20));
    while (points_kept(f, device) > count && !mono_reached(plat_clock_mono(), end)) {
        plat_thread_sleep(span_ms(2));
    }
    assert_int_equal(points_kept(f, device), count);
}

// Some rounds of the search.
static void wait_rounds(void)
{
    plat_thread_sleep(span_ms(20 * EVERY_MS));
}

static void points_of_a_device_with_a_life_leave_the_disk(void **state)
{
    (void)state;
    const int64_t now_ms = plat_clock_wall().ms;
    struct store_fixture f;
    open_store(&f, EVERY_MS);
    for (uint64_t device = 1; device <= 3; device++) {
        save(&f, (struct run){device, now_ms - 10 * DAY_MS, HOUR_MS, 240, 0, 0});
        seal(&f, device);
    }
    wait_rounds();
    assert_int_equal(points_kept(&f, 1), 240);
    const uint32_t rows = store_disk_rows(disk, STORE_FAMILY_SERIES);
    set_life(&f, 1, 3 * DAY_S);
    set_life(&f, 2, 20 * DAY_S);
    // A block stays as long as one of its readings lives.
    const struct mono end = mono_add(plat_clock_mono(), span_s(20));
    while (points_kept(&f, 1) > 3 * 24 + 128 && !mono_reached(plat_clock_mono(), end)) {
        plat_thread_sleep(span_ms(2));
    }
    assert_in_range(points_kept(&f, 1), 3 * 24 - 1, 3 * 24 + 24);
    assert_in_range(points(&f, 1), 3 * 24 - 1, 3 * 24);
    assert_int_equal(points_kept(&f, 2), 240);
    assert_int_equal(points_kept(&f, 3), 240);
    assert_in_range(store_disk_rows(disk, STORE_FAMILY_SERIES), 1, rows - 6);
    assert_in_range(store_stats(f.store).expired, 240 - 4 * 24, 240 - 3 * 24 + 1);
    // A longer life brings back what is still there, and nothing more.
    const uint32_t kept = points_kept(&f, 1);
    set_life(&f, 1, 0);
    assert_int_equal(points(&f, 1), kept);
    store_fixture_restart(&f);
    assert_int_equal(points_kept(&f, 1), kept);
    assert_int_equal(points_kept(&f, 2), 240);
    store_fixture_close(&f);
}

static void days_that_are_empty_are_forgotten_and_can_be_filled_again(void **state)
{
    (void)state;
    const int64_t now_ms = plat_clock_wall().ms;
    struct store_fixture f;
    open_store(&f, EVERY_MS);
    save(&f, (struct run){1, now_ms - 400 * DAY_MS, DAY_MS, 399, 0, 0});
    seal(&f, 1);
    set_life(&f, 1, 10 * DAY_S);
    wait_until_kept(&f, 1, 8);
    wait_rounds();
    struct store_row row;
    read_row(1, &row);
    assert_in_range(row.last_day - row.first_day, 7, 8);
    assert_int_equal(row.profile_day, row.first_day);
    store_row_deinit(&row);
    // Older than that: not seen, gone at once, and no harm to the rest.
    save(&f, (struct run){1, now_ms - 300 * DAY_MS, DAY_MS, 20, 0, now_ms});
    assert_int_equal(points(&f, 1), 8);
    assert_int_equal(points_kept(&f, 1), 28);
    seal(&f, 1);
    wait_until_kept(&f, 1, 8);
    assert_int_equal(points(&f, 1), 8);
    store_fixture_close(&f);
}

// The walk over many days takes several steps; a block that comes behind it in between stays known.
static void old_block_that_comes_during_the_search_is_seen(void **state)
{
    (void)state;
    const int64_t now_ms = plat_clock_wall().ms;
    struct store_fixture f;
    open_store(&f, EVERY_MS);
    save(&f, (struct run){1, now_ms - 1500 * DAY_MS, DAY_MS, 1499, 0, 0});
    seal(&f, 1);
    set_life(&f, 1, 10 * DAY_S);
    while (store_stats(f.store).expired == 0) {
        plat_thread_sleep(span_us(100));
    }
    save(&f, (struct run){1, now_ms - 2000 * DAY_MS, DAY_MS, 3, 100 * DAY_S, now_ms});
    seal(&f, 1);
    assert_in_range(points_kept(&f, 1), 100, 1499); // it is still under way
    wait_until_kept(&f, 1, 11);
    wait_rounds();
    assert_int_equal(points(&f, 1), 11);
    store_fixture_close(&f);
}

static void points_with_an_end_of_their_own_leave_the_disk(void **state)
{
    (void)state;
    const int64_t now_ms = plat_clock_wall().ms;
    struct store_fixture f;
    open_store(&f, EVERY_MS);
    // All of a block, most of a block, few of a block.
    save(&f, (struct run){1, now_ms - 5 * HOUR_MS, 1, 20, 3600, 0});
    save(&f, (struct run){2, now_ms - 5 * HOUR_MS, 1, 20, 3600, 0});
    save(&f, (struct run){2, now_ms - 4 * HOUR_MS, 1, 5, 100 * DAY_S, 0});
    save(&f, (struct run){3, now_ms - 5 * HOUR_MS, 1, 5, 3600, 0});
    save(&f, (struct run){3, now_ms - 4 * HOUR_MS, 1, 20, 100 * DAY_S, 0});
    save(&f, (struct run){4, now_ms - 5 * HOUR_MS, 1, 2, 3600, 0});
    save(&f, (struct run){4, now_ms - 4 * HOUR_MS, 1, 20, 0, 0});
    for (uint64_t device = 1; device <= 4; device++) {
        seal(&f, device);
    }
    wait_until_kept(&f, 1, 0);
    wait_until_kept(&f, 2, 5);
    wait_until_kept(&f, 4, 20);
    wait_rounds();
    assert_int_equal(points_kept(&f, 3), 25); // until half of them are over
    assert_int_equal(points(&f, 3), 20);
    assert_int_equal(store_stats(f.store).expired, 42);
    // Left are the version, one key name, and when to look at the blocks of devices 2 and 3.
    assert_int_equal(store_disk_rows(disk, STORE_FAMILY_META), 4);
    store_fixture_restart(&f);
    assert_int_equal(points(&f, 2), 5);
    assert_int_equal(points(&f, 4), 20);
    store_fixture_close(&f);
}

static void life_by_profile_and_of_their_own_do_not_mix(void **state)
{
    (void)state;
    const int64_t now_ms = plat_clock_wall().ms;
    const int64_t old_ms = now_ms - 50 * DAY_MS;
    struct store_fixture f;
    open_store(&f, EVERY_MS);
    // One block whose readings by profile are over, the others not; and another day of each kind.
    save(&f, (struct run){1, old_ms, 1, 10, 0, 0});
    save(&f, (struct run){1, old_ms + 10, 1, 10, 100 * DAY_S, 0});
    save(&f, (struct run){1, old_ms + DAY_MS, 1, 10, 100 * DAY_S, 0});
    save(&f, (struct run){1, old_ms + 2 * DAY_MS, 1, 10, 0, 0});
    seal(&f, 1);
    set_life(&f, 1, 10 * DAY_S);
    wait_until_kept(&f, 1, 20);
    wait_rounds();
    assert_int_equal(points(&f, 1), 20);
    struct store_row row;
    read_row(1, &row);
    assert_int_equal(row.first_day, wall_day((struct wall){old_ms}));
    assert_true(row.profile_day > row.last_day);
    store_row_deinit(&row);
    store_fixture_restart(&f);
    assert_int_equal(points(&f, 1), 20);
    store_fixture_close(&f);
}

static void points_far_ahead_leave_the_disk_after_their_arrival(void **state)
{
    (void)state;
    const int64_t now_ms = plat_clock_wall().ms;
    struct store_fixture f;
    open_store(&f, EVERY_MS);
    save(&f, (struct run){1, now_ms + 500 * DAY_MS, DAY_MS, 20, 0, now_ms - 2 * HOUR_MS});
    save(&f, (struct run){1, now_ms + 600 * DAY_MS, DAY_MS, 5, 0, now_ms});
    save(&f, (struct run){1, now_ms - HOUR_MS / 2, 1, 5, 0, 0});
    seal(&f, 1);
    assert_int_equal(points(&f, 1), 30);
    set_life(&f, 1, 3600);
    assert_int_equal(points(&f, 1), 10);
    wait_until_kept(&f, 1, 10);
    wait_rounds();
    assert_int_equal(points(&f, 1), 10);
    store_fixture_close(&f);
}

static void nothing_leaves_without_the_search(void **state)
{
    (void)state;
    const int64_t now_ms = plat_clock_wall().ms;
    struct store_fixture f;
    open_store(&f, 0);
    save(&f, (struct run){1, now_ms - 10 * DAY_MS, HOUR_MS, 100, 0, 0});
    save(&f, (struct run){2, now_ms - 10 * DAY_MS, HOUR_MS, 100, 1, 0});
    seal(&f, 1);
    seal(&f, 2);
    set_life(&f, 1, DAY_S);
    wait_rounds();
    assert_int_equal(points(&f, 1) + points(&f, 2), 0);
    assert_int_equal(points_kept(&f, 1) + points_kept(&f, 2), 200);
    store_fixture_close(&f);
}

// The first round comes one interval after the start, and takes what expired an interval before.
static void what_has_just_expired_stays_for_a_round(void **state)
{
    (void)state;
    const int64_t now_ms = plat_clock_wall().ms;
    struct store_fixture f;
    open_store(&f, 0);
    save(&f, (struct run){1, now_ms - 2 * DAY_MS - 100, 1, 10, 0, 0});
    seal(&f, 1);
    set_life(&f, 1, 2 * DAY_S);
    restart_with(&f, 1000);
    assert_int_equal(points(&f, 1), 0);
    assert_int_equal(points_kept(&f, 1), 10);
    wait_until_kept(&f, 1, 0);
    assert_true(plat_clock_wall().ms - now_ms >= 1000);
    store_fixture_close(&f);
}

static void damage_first_block(void)
{
    struct store_blocks *const blocks = store_disk_open(disk);
    struct store_scan *const scan =
        blocks->ops->scan_open(blocks, STORE_FAMILY_SERIES, STORE_SCAN_AGAIN);
    const uint8_t least = 0;
    blocks->ops->scan_move(scan, STORE_SCAN_SEEK, slice_of(&least, 1));
    assert_true(scan->is_valid);
    blocks->ops->put(blocks, STORE_FAMILY_SERIES, scan->key, SLICE("?"));
    blocks->ops->scan_close(scan);
    assert_int_equal(blocks->ops->write(blocks), ERR_OK);
    blocks->ops->close(blocks);
}

static void damaged_block_does_not_end_the_search(void **state)
{
    (void)state;
    const int64_t now_ms = plat_clock_wall().ms;
    struct store_fixture f;
    open_store(&f, 0);
    save(&f, (struct run){1, now_ms - 10 * DAY_MS, 1, 20, 0, 0});
    seal(&f, 1);
    save(&f, (struct run){2, now_ms - 9 * DAY_MS, 1, 20, 0, 0});
    seal(&f, 2);
    set_life(&f, 1, DAY_S);
    set_life(&f, 2, DAY_S);
    damage_first_block();
    restart_with(&f, EVERY_MS);
    wait_until_kept(&f, 2, 0);
    assert_int_equal(store_stats(f.store).read_only, false);
    assert_int_equal(store_disk_rows(disk, STORE_FAMILY_SERIES), 1);
    store_fixture_close(&f);
}

static void data_of_the_layout_before_is_taken_over(void **state)
{
    (void)state;
    const int64_t now_ms = plat_clock_wall().ms;
    struct store_fixture f;
    open_store(&f, 0);
    save(&f, (struct run){1, now_ms - 10 * DAY_MS, DAY_MS, 10, 0, 0});
    seal(&f, 1);
    const uint8_t key = STORE_META_VERSION;
    uint8_t version[8];
    store_wire_put_u64(version, 2);
    put_and_write(STORE_FAMILY_META, slice_of(&key, 1), slice_of(version, sizeof(version)));
    set_life(&f, 1, 5 * DAY_S);
    restart_with(&f, EVERY_MS);
    assert_int_equal(points(&f, 1), 4);
    wait_until_kept(&f, 1, 4);
    store_fixture_close(&f);
}

// Power loss at any operation of the search: what lives is there, what is over is not seen.

static bool cut_once(uint64_t operation)
{
    const int64_t now_ms = plat_clock_wall().ms;
    struct store_fixture f;
    open_store(&f, 0);
    save(&f, (struct run){1, now_ms - 6 * DAY_MS, 6 * HOUR_MS, 22, 0, 0});
    save(&f, (struct run){1, now_ms - 6 * DAY_MS + 1, DAY_MS, 3, 100 * DAY_S, 0});
    save(&f, (struct run){2, now_ms - 6 * DAY_MS, HOUR_MS, 40, DAY_S, 0});
    save(&f, (struct run){3, now_ms - 6 * DAY_MS, HOUR_MS, 10, 0, 0});
    seal(&f, 1);
    seal(&f, 2);
    seal(&f, 3);
    set_life(&f, 1, 3 * DAY_S);
    const uint32_t living = points(&f, 1);
    store_disk_cut(disk, store_disk_operations(disk) + operation, operation % 2 == 0);
    restart_with(&f, 1);
    const struct mono end = mono_add(plat_clock_mono(), span_ms(60));
    while (!store_stats(f.store).read_only && !mono_reached(plat_clock_mono(), end)) {
        plat_thread_sleep(span_ms(1));
    }
    const bool is_cut = store_stats(f.store).read_only;
    store_disk_cut(disk, UINT64_MAX, false);
    restart_with(&f, EVERY_MS);
    assert_int_equal(points(&f, 1), living);
    assert_int_equal(points(&f, 2), 0);
    assert_int_equal(points(&f, 3), 10);
    wait_until_kept(&f, 2, 0);
    assert_int_equal(points(&f, 1), living);
    assert_int_equal(points(&f, 3), 10);
    store_fixture_close(&f);
    return is_cut;
}

static void power_loss_in_the_search_harms_nothing(void **state)
{
    (void)state;
    uint64_t operation = 1;
    while (cut_once(operation)) {
        operation++;
    }
    assert_in_range(operation, 10, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_of_a_device_with_a_life_leave_the_disk),
        cmocka_unit_test(days_that_are_empty_are_forgotten_and_can_be_filled_again),
        cmocka_unit_test(old_block_that_comes_during_the_search_is_seen),
        cmocka_unit_test(points_with_an_end_of_their_own_leave_the_disk),
        cmocka_unit_test(life_by_profile_and_of_their_own_do_not_mix),
        cmocka_unit_test(points_far_ahead_leave_the_disk_after_their_arrival),
        cmocka_unit_test(nothing_leaves_without_the_search),
        cmocka_unit_test(what_has_just_expired_stays_for_a_round),
        cmocka_unit_test(damaged_block_does_not_end_the_search),
        cmocka_unit_test(data_of_the_layout_before_is_taken_over),
        cmocka_unit_test(power_loss_in_the_search_harms_nothing),
    };
    disk = store_disk_create();
    const int failed = cmocka_run_group_tests_name("store expiry", tests, NULL, NULL);
    store_disk_destroy(disk);
    return failed;
}
