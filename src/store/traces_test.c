// Which messages are remembered on disk: in order, whatever became of the journal, as long as they
// may be repeated, within the bound; over a restart; and when an older layout is brought forward.
#include "plat/clock.h"
#include "store/disk_test.h"

#define TRACES_MAX 4096U

struct seen {
    uint32_t count;
    uint32_t numbers[TRACES_MAX];
};

static struct store_trace trace_of(uint32_t number)
{
    struct store_trace trace = {{1}};
    memcpy(trace.bytes + 4, &number, sizeof(number));
    return trace;
}

static void note(void *context, const struct store_trace *trace, struct wall at)
{
    struct seen *const seen = context;
    (void)at;
    assert_true(seen->count < TRACES_MAX);
    memcpy(&seen->numbers[seen->count++], trace->bytes + 4, sizeof(uint32_t));
}

static void expect(struct seen *seen, uint32_t first, uint32_t end)
{
    assert_int_equal(seen->count, end - first);
    for (uint32_t i = 0; i < seen->count; i++) {
        assert_int_equal(seen->numbers[i], first + i);
    }
    seen->count = 0;
}

// The rows by themselves.

static struct store_limits limits_of(uint64_t age_s, uint64_t bytes)
{
    return (struct store_limits){.trace_age_max = span_s(age_s), .trace_bytes_max = bytes};
}

static void commit_one(struct store_traces *traces, struct store_blocks *blocks, uint32_t number,
                       uint64_t at_s)
{
    const struct store_trace trace = trace_of(number);
    const struct mono now = {at_s * 1000000000U};
    store_traces_begin(traces);
    store_traces_add(traces, &trace);
    store_traces_put(traces, blocks, (struct wall){(int64_t)at_s * 1000});
    (void)store_traces_trim(traces, blocks, now);
    assert_int_equal(blocks->ops->write(blocks), ERR_OK);
    store_traces_done(traces, now);
}

static void old_rows_go_and_young_ones_stay(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct store_traces traces;
    const struct store_limits limits = limits_of(60, 1U << 20);
    struct store_blocks *const blocks = store_disk_open(disk);
    store_traces_init(&traces, &limits);
    for (uint32_t i = 0; i < 200; i++) {
        commit_one(&traces, blocks, i, 1000 + i);
    }
    store_traces_emit(blocks, (struct wall){0}, &seen, note);
    // A row goes with its step, once the step behind it is old enough.
    assert_in_range(seen.count, 60, 62);
    expect(&seen, 200 - seen.count, 200);
    store_traces_emit(blocks, (struct wall){1190 * 1000}, &seen, note);
    expect(&seen, 190, 200);
    store_traces_deinit(&traces);
    blocks->ops->close(blocks);
}

static void bytes_stay_within_the_bound_and_the_newest_stay(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct store_traces traces;
    const struct store_limits limits = limits_of(60, 2400); // a hundred rows of one trace
    struct store_blocks *const blocks = store_disk_open(disk);
    store_traces_init(&traces, &limits);
    for (uint32_t i = 0; i < 2000; i++) {
        commit_one(&traces, blocks, i, 1000);
        assert_true(store_traces_bytes(&traces) <= limits.trace_bytes_max);
    }
    store_traces_emit(blocks, (struct wall){0}, &seen, note);
    assert_in_range(seen.count, 95, 100);
    expect(&seen, 2000 - seen.count, 2000);
    store_traces_deinit(&traces);
    blocks->ops->close(blocks);
}

static void a_new_process_goes_on_where_the_old_one_was(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct store_traces traces;
    const struct store_limits limits = limits_of(60, 1U << 20);
    struct store_blocks *const blocks = store_disk_open(disk);
    store_traces_init(&traces, &limits);
    for (uint32_t i = 0; i < 50; i++) {
        commit_one(&traces, blocks, i, 1000 + i);
    }
    const uint64_t bytes = store_traces_bytes(&traces);
    store_traces_deinit(&traces);
    // Another machine clock, the same wall clock: 30 s later.
    store_traces_init(&traces, &limits);
    assert_int_equal(store_traces_load(&traces, blocks, (struct wall){1080 * 1000},
                                       (struct mono){UINT64_C(500000000000)}),
                     ERR_OK);
    assert_int_equal(store_traces_bytes(&traces), bytes);
    commit_one(&traces, blocks, 50, 500);
    store_traces_emit(blocks, (struct wall){0}, &seen, note);
    assert_in_range(seen.count, 30, 33);
    expect(&seen, 51 - seen.count, 51);
    store_traces_deinit(&traces);
    blocks->ops->close(blocks);
}

static void a_row_cut_short_is_noticed(void **state)
{
    (void)state;
    struct store_traces traces;
    const struct store_limits limits = limits_of(60, 1U << 20);
    struct store_blocks *const blocks = store_disk_open(disk);
    uint8_t key[8] = {0};
    blocks->ops->put(blocks, STORE_FAMILY_TRACES, slice_of(key, sizeof(key)), SLICE("too short"));
    assert_int_equal(blocks->ops->write(blocks), ERR_OK);
    store_traces_init(&traces, &limits);
    assert_int_equal(store_traces_load(&traces, blocks, (struct wall){0}, (struct mono){1}),
                     ERR_CORRUPT);
    store_traces_deinit(&traces);
    blocks->ops->close(blocks);
}

// In the store.

static enum err save(struct store_fixture *f, uint32_t number, uint32_t key)
{
    char name[16];
    const int len = snprintf(name, sizeof(name), "key %u", key);
    const struct model_point point = {slice_of(name, (size_t)len), {.type = MODEL_VALUE_LONG}};
    const struct model_reading reading = {false, 0, &point, 1};
    const struct model_readings readings = {&reading, 1, 1};
    const struct store_record record = {.verb = STORE_SAVE,
                                        .tenant = STORE_FIXTURE_TENANT,
                                        .device = {1},
                                        .trace = number == 0 ? (struct store_trace){{0}}
                                                             : trace_of(number),
                                        .save = {&readings, {5}, 0, true, true}};
    return store_fixture_do(f, &record).err;
}

static void traces_outlive_the_journal(void **state)
{
    (void)state;
    struct store_fixture f;
    struct seen seen = {0};
    struct store_limits limits = store_fixture_limits;
    limits.journal_bytes_max = 4096;
    store_fixture_open(&f, &backend, &limits);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(save(&f, i, 0), ERR_OK);
    }
    assert_in_range(store_stats(f.store).journal_rows, 1, 200);
    // Twice: what is not repeated after the first restart may be after the second.
    for (unsigned i = 0; i < 2; i++) {
        store_fixture_restart(&f);
        store_traces(f.store, (struct wall){0}, &seen, note);
        expect(&seen, 1, 1000); // all zero is none
    }
    store_traces(f.store, (struct wall){INT64_MAX}, &seen, note);
    expect(&seen, 0, 0);
    store_fixture_close(&f);
}

static void a_refused_record_is_not_remembered(void **state)
{
    (void)state;
    struct store_fixture f;
    struct seen seen = {0};
    store_fixture_open(&f, &backend, &store_fixture_limits);
    for (uint32_t i = 0; i < store_fixture_limits.keys_per_device_max; i++) {
        assert_int_equal(save(&f, i + 1, i), ERR_OK);
    }
    assert_int_equal(save(&f, 99, 99), ERR_KEY_LIMIT);
    store_traces(f.store, (struct wall){0}, &seen, note);
    expect(&seen, 1, store_fixture_limits.keys_per_device_max + 1);
    store_fixture_close(&f);
}

// As layout 1 was: the trace stands in the record.
static void put_old_row(struct store_blocks *blocks, uint64_t number)
{
    struct store_bytes bytes = {0};
    uint8_t key[STORE_JOURNAL_KEY];
    const struct store_journal_record record = {.verb = STORE_PURGE,
                                                .device = 5,
                                                .tenant = 2,
                                                .has_trace = true,
                                                .trace = trace_of((uint32_t)number)};
    const struct store_journal_row row = {.number = number,
                                          .at = plat_clock_wall(),
                                          .sequence_first = number,
                                          .sequence_next = number + 1,
                                          .record_count = 1};
    store_journal_begin(&bytes);
    uint8_t *const at = store_bytes_room(&bytes, STORE_JOURNAL_RECORD_MAX);
    store_bytes_end(&bytes, store_journal_put_record(at, &record));
    store_journal_end(&bytes, &row);
    store_journal_key(key, number);
    blocks->ops->put(blocks, STORE_FAMILY_JOURNAL, slice_of(key, sizeof(key)),
                     store_bytes_view(&bytes));
    store_bytes_deinit(&bytes);
}

static void put_layout_1(void)
{
    uint8_t version[8];
    const uint8_t key = STORE_META_VERSION;
    struct store_blocks *const blocks = store_disk_open(disk);
    store_wire_put_u64(version, 1);
    blocks->ops->put(blocks, STORE_FAMILY_META, slice_of(&key, 1),
                     slice_of(version, sizeof(version)));
    for (uint64_t number = 1; number < 6; number++) {
        put_old_row(blocks, number);
    }
    assert_int_equal(blocks->ops->write(blocks), ERR_OK);
    blocks->ops->close(blocks);
}

static void layout_1_is_brought_forward(void **state)
{
    (void)state;
    struct store_fixture f = {.backend = &backend, .limits = store_fixture_limits};
    struct seen seen = {0};
    put_layout_1();
    for (unsigned i = 0; i < 2; i++) {
        f.store = open_local(NULL, &f.limits);
        assert_non_null(f.store);
        store_traces(f.store, (struct wall){0}, &seen, note);
        expect(&seen, 1, 6);
        store_close(f.store);
    }
}

// Opens on a disk whose power goes at an operation; false when it came through.
static bool open_is_cut(uint64_t operation, bool keeps_last)
{
    char message[256];
    struct store *store = NULL;
    store_disk_cut(disk, operation, keeps_last);
    const enum err err = try_open(&store_fixture_limits, &store, message);
    store_disk_cut(disk, UINT64_MAX, false);
    if (err == ERR_OK) {
        store_close(store);
    }
    return err != ERR_OK;
}

static void power_loss_on_the_way_forward_loses_nothing(void **state)
{
    (void)state;
    uint64_t cuts = 0;
    bool is_cut = true;
    for (uint64_t after = 0; is_cut; after++) {
        for (unsigned keeps_last = 0; keeps_last < 2; keeps_last++) {
            struct seen seen = {0};
            store_disk_clear(disk);
            put_layout_1();
            is_cut = open_is_cut(store_disk_operations(disk) + after, keeps_last != 0);
            cuts += is_cut ? 1 : 0;
            struct store *const store = open_local(NULL, &store_fixture_limits);
            assert_non_null(store);
            store_traces(store, (struct wall){0}, &seen, note);
            expect(&seen, 1, 6);
            store_close(store);
        }
    }
    assert_true(cuts >= 8);
}

static int setup(void **state)
{
    (void)state;
    disk = store_disk_create();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_disk_destroy(disk);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(old_rows_go_and_young_ones_stay),
        TEST(bytes_stay_within_the_bound_and_the_newest_stay),
        TEST(a_new_process_goes_on_where_the_old_one_was),
        TEST(a_row_cut_short_is_noticed),
        TEST(traces_outlive_the_journal),
        TEST(a_refused_record_is_not_remembered),
        TEST(layout_1_is_brought_forward),
        TEST(power_loss_on_the_way_forward_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
