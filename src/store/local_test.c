// The local back end over a simulated disk: the conformance suite; power loss at every operation;
// damage; the bounds of head, journal and disk; seals and sweeps as seen from outside.
#include "plat/clock.h"
#include "plat/thread.h"
#include "store/conformance.h"
#include "store/disk_test.h"
#include "store/walk.h"

static enum err save_text(struct store_fixture *f, uint64_t device, int64_t time_ms,
                          struct slice text)
{
    const struct model_point point = {SLICE("t"), {.type = MODEL_VALUE_STRING, .text = text}};
    const struct model_reading reading = {true, time_ms, &point, 1};
    const struct model_readings readings = {&reading, 1, 1};
    const struct store_record record = {.verb = STORE_SAVE,
                                        .tenant = STORE_FIXTURE_TENANT,
                                        .device = {device},
                                        .save = {&readings, {time_ms}, 0, true, true}};
    return store_fixture_do(f, &record).err;
}

static void expect_range(struct store *store, uint64_t device, const char *expected)
{
    const struct store_range range = {.tenant = STORE_FIXTURE_TENANT,
                                      .device = {device},
                                      .key = SLICE("t"),
                                      .start_ms = INT64_MIN,
                                      .end_ms = INT64_MAX};
    char *const actual = store_fixture_range(store, &range);
    assert_string_equal(actual, expected);
    free(actual);
}

// Power loss. A walk runs until the disk stops working at a given operation. After opening again
// the store holds exactly what was acknowledged, or that and the one group that was in doubt.

#define CRASH_GROUPS 25U
#define CRASH_GROUP_MAX 4U

struct crash_run {
    uint64_t seed;
    uint32_t groups_done; // acknowledged
    bool is_cut;
};

// Submits one group; false when the disk failed under it.
static bool run_group(struct store_fixture *f, struct store_walk *walk)
{
    const uint64_t count = 1 + random_below(&walk->random, CRASH_GROUP_MAX);
    bool is_done = true;
    for (uint64_t i = 0; i < count; i++) {
        struct store_record record = store_walk_next(walk);
        record.ticket = ++f->ticket;
        assert_int_equal(store_submit(f->lane, &record), ERR_OK);
    }
    store_flush(f->lane);
    for (uint64_t ticket = f->ticket - count + 1; ticket <= f->ticket; ticket++) {
        struct store_completion completion;
        assert_int_equal(store_await(f->lane, ticket, &completion), ERR_OK);
        is_done = is_done && completion.err != ERR_IO && completion.err != ERR_UNAVAILABLE;
    }
    return is_done;
}

static struct store_limits crash_limits(void)
{
    struct store_limits limits = store_fixture_limits;
    limits.journal_bytes_max = 600; // seals and trims all the time
    return limits;
}

static char *expected_dump(uint64_t seed, uint32_t groups)
{
    struct store_fixture reference;
    struct store_walk walk;
    const struct store_limits limits = crash_limits();
    store_fixture_open(&reference, &store_fixture_reference, &limits);
    store_walk_init(&walk, seed);
    for (uint32_t i = 0; i < groups; i++) {
        (void)run_group(&reference, &walk);
    }
    char *const text = store_walk_dump(reference.store, (struct wall){0});
    store_fixture_close(&reference);
    return text;
}

// A purged device answers ERR_UNAVAILABLE as a dead store does; seeds that purge are not used here.
static bool crash_once(uint64_t seed, uint64_t cut_at, bool keeps_last)
{
    struct store_fixture f;
    struct store_walk walk;
    const struct store_limits limits = crash_limits();
    uint32_t done = 0;
    store_fixture_open(&f, &backend, &limits);
    store_walk_init(&walk, seed);
    store_disk_cut(disk, cut_at, keeps_last);
    while (done < CRASH_GROUPS && run_group(&f, &walk)) {
        done++;
    }
    store_fixture_close(&f);
    store_disk_cut(disk, UINT64_MAX, false);
    f.store = open_local(NULL, &limits);
    assert_non_null(f.store);
    char *const actual = store_walk_dump(f.store, (struct wall){0});
    char *const expected = expected_dump(seed, done);
    char *const in_doubt = expected_dump(seed, done + 1);
    if (strcmp(actual, expected) != 0 && strcmp(actual, in_doubt) != 0) {
        print_error("seed %u, cut at %u: ", (unsigned)seed, (unsigned)cut_at);
        assert_string_equal(actual, expected);
    }
    free(actual);
    free(expected);
    free(in_doubt);
    store_close(f.store);
    return done < CRASH_GROUPS;
}

static void power_loss_keeps_what_was_acknowledged_and_nothing_half(void **state)
{
    (void)state;
    static const uint64_t seeds[] = {3, 4};
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
        bool is_cut = true;
        for (uint64_t operation = 1; is_cut; operation += 1 + operation / 40) {
            is_cut = crash_once(seeds[i], operation, operation % 2 == 0);
        }
    }
}

static void store_goes_on_after_power_loss(void **state)
{
    (void)state;
    const struct store_limits limits = crash_limits();
    struct store_fixture f;
    struct store_walk walk;
    store_fixture_open(&f, &backend, &limits);
    for (uint64_t round = 1; round <= 40; round++) {
        store_walk_init(&walk, 100 + round);
        store_disk_cut(disk, store_disk_operations(disk) + 3 * round, round % 2 == 0);
        while (run_group(&f, &walk)) {
        }
        store_disk_cut(disk, UINT64_MAX, false);
        store_fixture_restart(&f);
        assert_int_equal(save_text(&f, 77, (int64_t)round, SLICE("x")), ERR_OK);
    }
    char *expected = calloc(40, 16);
    assert_non_null(expected);
    for (int round = 1; round <= 40; round++) {
        (void)snprintf(expected + strlen(expected), 16, "%d='x' ", round);
    }
    expect_range(f.store, 77, expected);
    free(expected);
    store_fixture_close(&f);
}

static void nothing_unacknowledged_is_seen_after_a_failed_write(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_open(&f, &backend, &store_fixture_limits);
    assert_int_equal(save_text(&f, 1, 1, SLICE("a")), ERR_OK);
    store_disk_cut(disk, 0, false);
    assert_int_equal(save_text(&f, 1, 2, SLICE("b")), ERR_IO);
    assert_int_equal(save_text(&f, 1, 3, SLICE("c")), ERR_UNAVAILABLE);
    expect_range(f.store, 1, "1='a' ");
    assert_true(store_stats(f.store).read_only);
    store_disk_cut(disk, UINT64_MAX, false);
    store_fixture_restart(&f);
    expect_range(f.store, 1, "1='a' ");
    assert_int_equal(save_text(&f, 1, 4, SLICE("d")), ERR_OK);
    store_fixture_close(&f);
}

// Damage.

static void damaged_journal_row_is_a_clear_error(void **state)
{
    (void)state;
    struct store_fixture f;
    struct store *store = NULL;
    char message[256];
    store_fixture_open(&f, &backend, &store_fixture_limits);
    assert_int_equal(save_text(&f, 1, 1, SLICE("a")), ERR_OK);
    assert_int_equal(save_text(&f, 1, 2, SLICE("b")), ERR_OK);
    store_fixture_close(&f);
    assert_true(store_disk_damage(disk, STORE_FAMILY_JOURNAL));
    assert_int_equal(try_open(&store_fixture_limits, &store, message), ERR_CORRUPT);
    assert_null(store);
    assert_string_equal(message, "row 1 of the journal cannot be replayed: stored data is damaged");
}

static void missing_journal_row_is_a_clear_error(void **state)
{
    (void)state;
    struct store_fixture f;
    struct store *store = NULL;
    char message[256];
    uint8_t key[STORE_JOURNAL_KEY];
    store_fixture_open(&f, &backend, &store_fixture_limits);
    for (int64_t i = 1; i <= 3; i++) {
        assert_int_equal(save_text(&f, 1, i, SLICE("a")), ERR_OK);
    }
    store_fixture_close(&f);
    struct store_blocks *const blocks = store_disk_open(disk);
    store_journal_key(key, 2);
    blocks->ops->remove(blocks, STORE_FAMILY_JOURNAL, slice_of(key, sizeof(key)));
    assert_int_equal(blocks->ops->write(blocks), ERR_OK);
    blocks->ops->close(blocks);
    assert_int_equal(try_open(&store_fixture_limits, &store, message), ERR_CORRUPT);
}

static void version_is_checked(void **state)
{
    (void)state;
    static const uint8_t newer[8] = {0, 0, 0, 0, 0, 0, 0, 4};
    struct store *store = NULL;
    char message[256];
    store_disk_clear(disk);
    put_and_write(STORE_FAMILY_META, SLICE("v"), slice_of(newer, sizeof(newer)));
    assert_int_equal(try_open(&store_fixture_limits, &store, message), ERR_NEWER_VERSION);
    assert_string_equal(message, "device data of version 4; this program knows up to 3");
    put_and_write(STORE_FAMILY_META, SLICE("v"), SLICE("?"));
    assert_int_equal(try_open(&store_fixture_limits, &store, message), ERR_CORRUPT);
    store_disk_clear(disk);
    put_and_write(STORE_FAMILY_SERIES, SLICE("x"), SLICE("y"));
    assert_int_equal(try_open(&store_fixture_limits, &store, message), ERR_CORRUPT);
    assert_string_equal(message, "device data without a version");
}

static void damaged_names_are_a_clear_error(void **state)
{
    (void)state;
    struct store_fixture f;
    struct store *store = NULL;
    char message[256];
    store_fixture_open(&f, &backend, &store_fixture_limits);
    store_fixture_close(&f);
    put_and_write(STORE_FAMILY_META, slice_of("k\0\0\0\5", 5), SLICE("\1gap"));
    assert_int_equal(try_open(&store_fixture_limits, &store, message), ERR_CORRUPT);
    assert_string_equal(message, "the list of key names is damaged");
}

static void damaged_device_row_harms_that_device_alone(void **state)
{
    (void)state;
    struct store_fixture f;
    uint8_t key[STORE_DEVICE_KEY];
    store_fixture_open(&f, &backend, &store_fixture_limits);
    store_wire_put_u64(key, 5);
    put_and_write(STORE_FAMILY_DEVICES, slice_of(key, sizeof(key)), SLICE("\1\0broken"));
    assert_int_equal(save_text(&f, 5, 1, SLICE("a")), ERR_CORRUPT);
    assert_int_equal(save_text(&f, 6, 1, SLICE("a")), ERR_OK);
    struct store_fixture_text out = {0};
    assert_int_equal(store_latest(f.store, STORE_FIXTURE_TENANT, (struct device_id){5}, NULL, 0,
                                  &out, store_fixture_point),
                     ERR_CORRUPT);
    expect_range(f.store, 6, "1='a' ");
    store_fixture_close(&f);
}

// Bounds.

static void full_disk_refuses_and_recovers(void **state)
{
    (void)state;
    struct store_fixture f;
    struct store_limits limits = store_fixture_limits;
    limits.free_space_min = 1000;
    store_fixture_open(&f, &backend, &limits);
    store_disk_set_free_space(disk, 999);
    assert_int_equal(save_text(&f, 1, 1, SLICE("a")), ERR_NO_SPACE);
    expect_range(f.store, 1, "");
    store_disk_set_free_space(disk, 1000);
    assert_int_equal(save_text(&f, 1, 2, SLICE("b")), ERR_OK);
    expect_range(f.store, 1, "2='b' ");
    assert_false(store_stats(f.store).read_only);
    store_fixture_close(&f);
}

static const uint8_t letters[40000] = {'l'};

static void small_head_seals_in_time(void **state)
{
    (void)state;
    struct store_fixture f;
    struct store_limits limits = store_fixture_limits;
    limits.head_bytes_max = 64 * 1024;
    store_fixture_open(&f, &backend, &limits);
    for (uint64_t i = 0; i < 3000; i++) {
        assert_int_equal(save_text(&f, i % 1000, (int64_t)i, slice_of(letters, 300)), ERR_OK);
        assert_in_range(store_stats(f.store).head_bytes, 0, limits.head_bytes_max);
    }
    // What does not fit now makes room for itself: the next try is served.
    (void)save_text(&f, 5000, 1, slice_of(letters, 40000));
    assert_int_equal(save_text(&f, 5000, 2, slice_of(letters, 40000)), ERR_OK);
    store_fixture_close(&f);
}

static void record_beyond_the_head_is_refused_whole(void **state)
{
    (void)state;
    struct store_fixture f;
    struct store_limits limits = store_fixture_limits;
    limits.head_bytes_max = 32 * 1024;
    store_fixture_open(&f, &backend, &limits);
    assert_int_equal(save_text(&f, 1, 1, slice_of(letters, 40000)), ERR_EXHAUSTED);
    assert_int_equal(save_text(&f, 1, 2, SLICE("b")), ERR_OK);
    store_fixture_restart(&f);
    expect_range(f.store, 1, "2='b' ");
    store_fixture_close(&f);
}

static void head_may_be_smaller_at_the_next_start(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_open(&f, &backend, &store_fixture_limits);
    for (uint64_t i = 0; i < 2000; i++) {
        assert_int_equal(save_text(&f, i, (int64_t)i, SLICE("a")), ERR_OK);
    }
    store_fixture_close(&f);
    f.limits.head_bytes_max = 16 * 1024;
    f.store = open_local(NULL, &f.limits);
    assert_non_null(f.store);
    for (uint64_t i = 0; i < 2000; i++) {
        char expected[32];
        (void)snprintf(expected, sizeof(expected), "%u='a' ", (unsigned)i);
        expect_range(f.store, i, expected);
    }
    assert_in_range(store_stats(f.store).head_bytes, 0, f.limits.head_bytes_max);
    store_close(f.store);
}

static void journal_stays_within_its_bound(void **state)
{
    (void)state;
    struct store_fixture f;
    struct store_limits limits = store_fixture_limits;
    limits.journal_bytes_max = 20000;
    store_fixture_open(&f, &backend, &limits);
    for (uint64_t i = 0; i < 3000; i++) {
        assert_int_equal(save_text(&f, i % 500, (int64_t)i, SLICE("some text")), ERR_OK);
        assert_in_range(store_stats(f.store).journal_bytes, 1, 23000);
    }
    const struct store_stats stats = store_stats(f.store);
    assert_int_equal(stats.journal_rows, store_disk_rows(disk, STORE_FAMILY_JOURNAL));
    assert_true(stats.seals > 0);
    store_fixture_close(&f);
}

static void idle_store_seals_by_age(void **state)
{
    (void)state;
    struct store_fixture f;
    struct store_limits limits = store_fixture_limits;
    limits.journal_age_max = span_ms(20);
    store_fixture_open(&f, &backend, &limits);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(save_text(&f, i, 1, SLICE("a")), ERR_OK);
    }
    const struct mono end = mono_add(plat_clock_mono(), span_s(10));
    while (store_stats(f.store).journal_rows > 1 && !mono_reached(plat_clock_mono(), end)) {
        plat_thread_sleep(span_ms(5));
    }
    assert_int_equal(store_stats(f.store).journal_rows, 1);
    assert_int_equal(store_stats(f.store).seals, 3);
    store_fixture_restart(&f);
    expect_range(f.store, 2, "1='a' ");
    assert_int_equal(save_text(&f, 2, 1, SLICE("b")), ERR_OK);
    expect_range(f.store, 2, "1='b' ");
    store_fixture_close(&f);
}

static int64_t save_now(struct store_fixture *f, uint64_t device, int64_t now_ms)
{
    const struct model_point point = {SLICE("t"), {.type = MODEL_VALUE_LONG}};
    const struct model_reading reading = {false, 0, &point, 1};
    const struct model_readings readings = {&reading, 1, 1};
    const struct store_record record = {.verb = STORE_SAVE,
                                        .tenant = STORE_FIXTURE_TENANT,
                                        .device = {device},
                                        .save = {&readings, {now_ms}, 0, true, true}};
    return store_fixture_do(f, &record).time_ms;
}

// The last server time of a device outlives its records in the journal and its place in memory.
static void server_time_survives_seal_and_restart(void **state)
{
    (void)state;
    struct store_fixture f;
    struct store_limits limits = store_fixture_limits;
    limits.journal_bytes_max = 600;
    store_fixture_open(&f, &backend, &limits);
    assert_int_equal(save_now(&f, 1, 5000), 5000);
    for (uint64_t device = 2; device < 50; device++) {
        assert_int_equal(save_now(&f, device, 1000), 1000);
    }
    store_fixture_restart(&f);
    assert_int_equal(save_now(&f, 1, 4000), 5001);
    assert_int_equal(save_now(&f, 50, 4000), 4000);
    store_fixture_close(&f);
}

static void latest_of_an_equal_time_is_replaced_across_seals(void **state)
{
    (void)state;
    struct store_fixture f;
    struct store_limits limits = store_fixture_limits;
    limits.journal_bytes_max = 600;
    store_fixture_open(&f, &backend, &limits);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(save_text(&f, 1, 5, round == 0 ? SLICE("old") : SLICE("new")), ERR_OK);
        for (uint64_t device = 2; device < 50; device++) {
            assert_int_equal(save_text(&f, device, 1, SLICE("x")), ERR_OK);
        }
    }
    char *const latest = store_fixture_latest(f.store, (struct device_id){1});
    assert_string_equal(latest, "t@5='new' ");
    free(latest);
    store_fixture_close(&f);
}

// Deletes and purges.

static void wait_for_rows(enum store_family family, uint32_t rows)
{
    const struct mono end = mono_add(plat_clock_mono(), span_s(10));
    while (store_disk_rows(disk, family) > rows && !mono_reached(plat_clock_mono(), end)) {
        plat_thread_sleep(span_ms(2));
    }
    assert_int_equal(store_disk_rows(disk, family), rows);
}

static void expect_no_markers(uint64_t device)
{
    struct store_row row;
    read_row(device, &row);
    assert_int_equal(row.marker_count, 0);
    store_row_deinit(&row);
}

static void group_of_more_deletes_than_markers_is_served(void **state)
{
    (void)state;
    struct store_fixture f;
    const struct slice key = SLICE("t");
    store_fixture_open(&f, &backend, &store_fixture_limits);
    for (int64_t i = 0; i < 200; i++) {
        assert_int_equal(save_text(&f, 1, i, SLICE("a")), ERR_OK);
    }
    for (int64_t i = 0; i < 199; i++) {
        const struct store_record record = {.verb = STORE_DELETE,
                                            .ticket = ++f.ticket,
                                            .tenant = STORE_FIXTURE_TENANT,
                                            .device = {1},
                                            .delete = {&key, 1, false, i, i + 1, false, false}};
        assert_int_equal(store_submit(f.lane, &record), ERR_OK);
    }
    store_flush(f.lane);
    struct store_completion completion;
    for (uint64_t ticket = f.ticket - 198; ticket <= f.ticket; ticket++) {
        assert_int_equal(store_await(f.lane, ticket, &completion), ERR_OK);
        assert_int_equal(completion.err, ERR_OK);
    }
    expect_range(f.store, 1, "199='a' ");
    wait_for_rows(STORE_FAMILY_META, 2); // the version and the key name: nothing left to sweep
    expect_no_markers(1);
    expect_range(f.store, 1, "199='a' ");
    store_fixture_close(&f);
}

static void purged_blocks_leave_the_disk(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_open(&f, &backend, &store_fixture_limits);
    for (uint64_t i = 0; i < 4000; i++) {
        // Device 1 has many blocks on a day, device 2 few; a third stays.
        const int64_t time_ms = (int64_t)i * (i % 3 == 0 ? 10 : 86400000 / 40);
        assert_int_equal(save_text(&f, 1 + i % 3, time_ms, SLICE("a")), ERR_OK);
    }
    for (uint64_t device = 1; device <= 2; device++) {
        const struct store_record record = {
            .verb = STORE_PURGE, .tenant = STORE_FIXTURE_TENANT, .device = {device}};
        assert_int_equal(store_fixture_do(&f, &record).err, ERR_OK);
    }
    // The third device's blocks: one per day and seal at most; the others' must go.
    const struct store_record last = {
        .verb = STORE_PURGE, .tenant = STORE_FIXTURE_TENANT, .device = {3}};
    assert_int_equal(store_fixture_do(&f, &last).err, ERR_OK);
    wait_for_rows(STORE_FAMILY_SERIES, 0);
    wait_for_rows(STORE_FAMILY_META, 2); // the version and one key name: the sweep's list is empty
    store_fixture_close(&f);
}

static void deleted_points_leave_the_disk(void **state)
{
    (void)state;
    struct store_fixture f;
    const struct slice key = SLICE("t");
    store_fixture_open(&f, &backend, &store_fixture_limits);
    for (int64_t i = 0; i < 500; i++) {
        assert_int_equal(save_text(&f, 1, i * 1000, SLICE("a")), ERR_OK);
    }
    const struct store_record record = {.verb = STORE_DELETE,
                                        .tenant = STORE_FIXTURE_TENANT,
                                        .device = {1},
                                        .delete = {&key, 1, false, 0, 499000, false, false}};
    assert_int_equal(store_fixture_do(&f, &record).err, ERR_OK);
    wait_for_rows(STORE_FAMILY_SERIES, 1);
    expect_range(f.store, 1, "499000='a' ");
    store_fixture_restart(&f);
    expect_range(f.store, 1, "499000='a' ");
    store_fixture_close(&f);
}

// Readers beside the writer: a device's points are seen in the order of their commits, without
// gaps, through seals and trims.

#define READ_ROUNDS 300U
#define READ_DEVICES 3U

struct reader {
    struct store *store;
    struct plat_thread thread;
    struct plat_mutex mutex;
    bool is_over;
    uint32_t reads;
    bool is_whole;
};

struct row_check {
    int64_t next;
    bool is_whole;
};

static bool expect_next(void *context, const struct store_point *point)
{
    struct row_check *const check = context;
    check->is_whole = check->is_whole && point->time_ms == check->next;
    check->next = point->time_ms + 1;
    return true;
}

static bool is_over(struct reader *reader)
{
    plat_mutex_lock(&reader->mutex);
    const bool over = reader->is_over;
    plat_mutex_unlock(&reader->mutex);
    return over;
}

static void read_all(void *context)
{
    struct reader *const reader = context;
    int64_t seen[READ_DEVICES] = {0};
    while (!is_over(reader)) {
        for (uint64_t device = 0; device < READ_DEVICES; device++) {
            struct row_check check = {0, true};
            const struct store_range range = {
                .device = {device + 1}, .key = SLICE("t"), .start_ms = 0, .end_ms = INT64_MAX};
            const enum err err = store_range(reader->store, &range, &check, expect_next);
            reader->is_whole =
                reader->is_whole && err == ERR_OK && check.is_whole && check.next >= seen[device];
            seen[device] = check.next;
            reader->reads++;
        }
    }
}

static void readers_see_every_commit_whole(void **state)
{
    (void)state;
    struct store_fixture f;
    struct store_limits limits = store_fixture_limits;
    limits.journal_bytes_max = 2000;
    store_fixture_open(&f, &backend, &limits);
    struct reader reader = {.store = f.store, .is_whole = true};
    plat_mutex_init(&reader.mutex);
    assert_int_equal(plat_thread_start(&reader.thread, "reader", -1, &reader, read_all), ERR_OK);
    for (uint64_t i = 0; i < READ_ROUNDS * READ_DEVICES; i++) {
        const uint64_t device = 1 + i % READ_DEVICES;
        assert_int_equal(save_text(&f, device, (int64_t)(i / READ_DEVICES), SLICE("a")), ERR_OK);
    }
    plat_mutex_lock(&reader.mutex);
    reader.is_over = true;
    plat_mutex_unlock(&reader.mutex);
    plat_thread_join(&reader.thread);
    assert_true(reader.is_whole);
    assert_true(reader.reads > 0);
    plat_mutex_deinit(&reader.mutex);
    store_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_loss_keeps_what_was_acknowledged_and_nothing_half),
        cmocka_unit_test(store_goes_on_after_power_loss),
        cmocka_unit_test(nothing_unacknowledged_is_seen_after_a_failed_write),
        cmocka_unit_test(damaged_journal_row_is_a_clear_error),
        cmocka_unit_test(missing_journal_row_is_a_clear_error),
        cmocka_unit_test(version_is_checked),
        cmocka_unit_test(damaged_names_are_a_clear_error),
        cmocka_unit_test(damaged_device_row_harms_that_device_alone),
        cmocka_unit_test(full_disk_refuses_and_recovers),
        cmocka_unit_test(small_head_seals_in_time),
        cmocka_unit_test(record_beyond_the_head_is_refused_whole),
        cmocka_unit_test(head_may_be_smaller_at_the_next_start),
        cmocka_unit_test(journal_stays_within_its_bound),
        cmocka_unit_test(idle_store_seals_by_age),
        cmocka_unit_test(server_time_survives_seal_and_restart),
        cmocka_unit_test(latest_of_an_equal_time_is_replaced_across_seals),
        cmocka_unit_test(group_of_more_deletes_than_markers_is_served),
        cmocka_unit_test(purged_blocks_leave_the_disk),
        cmocka_unit_test(deleted_points_leave_the_disk),
        cmocka_unit_test(readers_see_every_commit_whole),
    };
    disk = store_disk_create();
    const int failed =
        store_conformance_run("local", &backend, tests, sizeof(tests) / sizeof(tests[0]));
    store_disk_destroy(disk);
    return failed;
}
