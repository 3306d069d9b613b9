// The local back end on RocksDB in a directory of its own: the conformance suite, and what only a
// real directory shows: exclusive use, a newer version, damage, restart after a kill.
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rocksdb/c.h>

#include "plat/clock.h"
#include "store/blocks.h"
#include "store/conformance.h"
#include "store/series.h"

#define HOUR span_s(3600)

static char directory[64];

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static void remove_directory(void)
{
    if (directory[0] != '\0') {
        (void)nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    directory[0] = '\0';
}

static void reset(void *context)
{
    (void)context;
    remove_directory();
    (void)snprintf(directory, sizeof(directory), "/tmp/motehub-rocks-XXXXXX");
    assert_non_null(mkdtemp(directory));
}

static struct store *open_rocks(void *context, const struct store_limits *limits)
{
    char message[256] = "";
    struct store *store = NULL;
    (void)context;
    const enum err err = store_local_open(directory, limits, &store, message);
    if (store_fixture_replay(err, &store, message) != ERR_OK) {
        print_error("%s\n", message);
    }
    return store;
}

static const struct store_fixture_backend backend = {
    .is_lasting = true, .reset = reset, .open = open_rocks};

static void directory_in_use_is_refused(void **state)
{
    (void)state;
    struct store_fixture fixture;
    struct store *second = NULL;
    char message[256] = "";
    store_fixture_open(&fixture, &backend, &store_fixture_limits);
    assert_int_equal(store_local_open(directory, &store_fixture_limits, &second, message),
                     ERR_IN_USE);
    assert_null(second);
    assert_true(message[0] != '\0' && strchr(message, '\n') == NULL);
    store_fixture_close(&fixture);
}

static void newer_layout_is_refused(void **state)
{
    (void)state;
    static const uint8_t version[8] = {0, 0, 0, 0, 0, 0, 0, 99};
    struct store_blocks *blocks = NULL;
    struct store *store = NULL;
    char message[256] = "";
    reset(NULL);
    assert_int_equal(store_rocks_open(directory, 1U << 20, HOUR, &blocks, message), ERR_OK);
    blocks->ops->put(blocks, STORE_FAMILY_META, SLICE("v"), slice_of(version, sizeof(version)));
    assert_int_equal(blocks->ops->write(blocks), ERR_OK);
    blocks->ops->close(blocks);
    assert_int_equal(store_local_open(directory, &store_fixture_limits, &store, message),
                     ERR_NEWER_VERSION);
    assert_non_null(strstr(message, "99"));
}

static void missing_directory_is_an_error(void **state)
{
    (void)state;
    struct store *store = NULL;
    char message[256] = "";
    assert_int_not_equal(
        store_local_open("/proc/nowhere/at/all", &store_fixture_limits, &store, message), ERR_OK);
    assert_null(store);
    assert_true(message[0] != '\0');
}

static void damaged_manifest_is_one_clear_error(void **state)
{
    (void)state;
    struct store_fixture fixture;
    struct store *store = NULL;
    char message[256] = "";
    char path[128];
    store_fixture_open(&fixture, &backend, &store_fixture_limits);
    store_fixture_close(&fixture);
    (void)snprintf(path, sizeof(path), "%s/CURRENT", directory);
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("nonsense\n", file);
    (void)fclose(file);
    assert_int_equal(store_local_open(directory, &store_fixture_limits, &store, message),
                     ERR_CORRUPT);
    assert_null(strchr(message, '\n'));
}

// A process whose files may not grow any more fails to write; closing is still clean.

static int fail_and_close(void)
{
    static uint8_t bytes[1 << 16];
    const struct rlimit none = {0, 0};
    const struct slice value = slice_of(bytes, sizeof(bytes));
    char message[256] = "";
    struct store_blocks *blocks = NULL;
    if (store_rocks_open(directory, 1U << 20, HOUR, &blocks, message) != ERR_OK) {
        return 2;
    }
    blocks->ops->put(blocks, STORE_FAMILY_META, SLICE("before"), value);
    if (blocks->ops->write(blocks) != ERR_OK) {
        return 3;
    }
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &none) != 0) {
        return 4;
    }
    blocks->ops->put(blocks, STORE_FAMILY_META, SLICE("after"), value);
    if (blocks->ops->write(blocks) == ERR_OK) {
        return 5;
    }
    blocks->ops->close(blocks);
    return 0;
}

static void failed_write_leaves_a_clean_close_and_all_before_it(void **state)
{
    (void)state;
    int status = 0;
    char message[256] = "";
    struct store_bytes value = {0};
    struct store_blocks *blocks = NULL;
    reset(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(fail_and_close());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(store_rocks_open(directory, 1U << 20, HOUR, &blocks, message), ERR_OK);
    assert_int_equal(blocks->ops->get(blocks, STORE_FAMILY_META, SLICE("before"), &value), ERR_OK);
    assert_int_equal(blocks->ops->get(blocks, STORE_FAMILY_META, SLICE("after"), &value),
                     ERR_NOT_FOUND);
    blocks->ops->close(blocks);
    store_bytes_deinit(&value);
}

// Compaction asks about each block (--wrap): the test does.

typedef unsigned char filter_fn(void *, int, const char *, size_t, const char *, size_t, char **,
                                size_t *, unsigned char *);
typedef rocksdb_compactionfilter_t *factory_fn(void *, rocksdb_compactionfiltercontext_t *);

rocksdb_compactionfilterfactory_t *
__real_rocksdb_compactionfilterfactory_create(void *state, void (*destroy)(void *),
                                              factory_fn *create, const char *(*name)(void *));
rocksdb_compactionfilterfactory_t *
__wrap_rocksdb_compactionfilterfactory_create(void *state, void (*destroy)(void *),
                                              factory_fn *create, const char *(*name)(void *));
rocksdb_compactionfilter_t *__real_rocksdb_compactionfilter_create(void *state,
                                                                   void (*destroy)(void *),
                                                                   filter_fn *filter,
                                                                   const char *(*name)(void *));
rocksdb_compactionfilter_t *__wrap_rocksdb_compactionfilter_create(void *state,
                                                                   void (*destroy)(void *),
                                                                   filter_fn *filter,
                                                                   const char *(*name)(void *));

static struct {
    void *factory;
    factory_fn *create;
    void *state;
    filter_fn *filter;
} compaction;

rocksdb_compactionfilterfactory_t *
__wrap_rocksdb_compactionfilterfactory_create(void *state, void (*destroy)(void *),
                                              factory_fn *create, const char *(*name)(void *))
{
    compaction.factory = state;
    compaction.create = create;
    return __real_rocksdb_compactionfilterfactory_create(state, destroy, create, name);
}

rocksdb_compactionfilter_t *__wrap_rocksdb_compactionfilter_create(void *state,
                                                                   void (*destroy)(void *),
                                                                   filter_fn *filter,
                                                                   const char *(*name)(void *))
{
    compaction.state = state;
    compaction.filter = filter;
    return __real_rocksdb_compactionfilter_create(state, destroy, filter, name);
}

// What becomes of a block with one reading.
static bool is_dropped(int64_t expires_ms)
{
    static const uint32_t key = 1;
    static const uint8_t value[] = {0};
    const struct store_reading reading = {.time_ms = 1, .sequence = 1, .expires_ms = expires_ms};
    const struct store_cell cell = {0, 0, {value, 1}};
    const struct store_block_plan plan = {.readings = &reading,
                                          .reading_count = 1,
                                          .cells = &cell,
                                          .cell_count = 1,
                                          .column_keys = &key,
                                          .column_count = 1};
    struct store_builder builder;
    struct store_bytes bytes = {0};
    unsigned char is_changed = 0;
    store_builder_init(&builder);
    store_builder_encode(&builder, &plan, &bytes);
    const bool is_gone = compaction.filter(compaction.state, 0, "", 0, (const char *)bytes.ptr,
                                           bytes.len, NULL, NULL, &is_changed) != 0;
    store_builder_deinit(&builder);
    store_bytes_deinit(&bytes);
    return is_gone;
}

// The clock may be wrong, so only what expired one round ago goes.
static void compaction_drops_what_expired_a_round_ago(void **state)
{
    (void)state;
    char message[256] = "";
    struct store_blocks *blocks = NULL;
    const int64_t hour_ms = 3600000;
    reset(NULL);
    assert_int_equal(store_rocks_open(directory, 1U << 20, HOUR, &blocks, message), ERR_OK);
    rocksdb_compactionfilter_t *const filter = compaction.create(compaction.factory, NULL);
    const int64_t now_ms = plat_clock_wall().ms;
    assert_true(is_dropped(now_ms - 2 * hour_ms));
    assert_false(is_dropped(now_ms - hour_ms / 2));
    assert_false(is_dropped(now_ms + hour_ms));
    assert_false(is_dropped(0)); // for ever, or by profile
    rocksdb_compactionfilter_destroy(filter);
    blocks->ops->close(blocks);
}

// A process is killed while it saves as fast as it can; it tells each acknowledgement through a
// pipe.

static void save_until_killed(int told)
{
    char message[256];
    struct store *store = NULL;
    struct store_lane *lane = NULL;
    const bool is_open =
        store_local_open(directory, &store_fixture_limits, &store, message) == ERR_OK &&
        store_lane_open(store, 1U << 16, NULL, NULL, &lane) == ERR_OK &&
        store_replay(store, message) == ERR_OK && store_start(store) == ERR_OK;
    for (uint64_t ticket = 1; is_open; ticket++) {
        const struct model_point point = {SLICE("t"),
                                          {.type = MODEL_VALUE_LONG, .number = (int64_t)ticket}};
        const struct model_reading reading = {true, (int64_t)ticket, &point, 1};
        const struct model_readings readings = {&reading, 1, 1};
        const struct store_record record = {.verb = STORE_SAVE,
                                            .ticket = ticket,
                                            .tenant = STORE_FIXTURE_TENANT,
                                            .device = {1},
                                            .save = {&readings, {0}, 0, true, true}};
        struct store_completion completion;
        if (store_submit(lane, &record) != ERR_OK) {
            break;
        }
        store_flush(lane);
        if (store_await(lane, ticket, &completion) != ERR_OK || completion.err != ERR_OK ||
            write(told, &ticket, sizeof(ticket)) != (ssize_t)sizeof(ticket)) {
            break;
        }
    }
    _exit(1);
}

static bool count_point(void *context, const struct store_point *point)
{
    int64_t *const count = context;
    *count += 1;
    return point->time_ms == *count && point->value.number == *count;
}

static void killed_process_loses_nothing_acknowledged(void **state)
{
    (void)state;
    struct store_fixture fixture = {.backend = &backend, .limits = store_fixture_limits};
    int ends[2];
    uint64_t acknowledged = 0;
    reset(NULL);
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        save_until_killed(ends[1]);
    }
    (void)close(ends[1]);
    while (acknowledged < 500 &&
           read(ends[0], &acknowledged, sizeof(acknowledged)) == (ssize_t)sizeof(acknowledged)) {
    }
    (void)kill(child, SIGKILL);
    while (read(ends[0], &acknowledged, sizeof(acknowledged)) == (ssize_t)sizeof(acknowledged)) {
    }
    (void)waitpid(child, NULL, 0);
    (void)close(ends[0]);
    assert_true(acknowledged >= 500);
    fixture.store = open_rocks(NULL, &fixture.limits);
    assert_non_null(fixture.store);
    int64_t count = 0;
    const struct store_range range = {.device = {1}, .key = SLICE("t"), .end_ms = INT64_MAX};
    assert_int_equal(store_range(fixture.store, &range, &count, count_point), ERR_OK);
    assert_in_range(count, acknowledged, acknowledged + 1);
    store_close(fixture.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directory_in_use_is_refused),
        cmocka_unit_test(newer_layout_is_refused),
        cmocka_unit_test(missing_directory_is_an_error),
        cmocka_unit_test(damaged_manifest_is_one_clear_error),
        cmocka_unit_test(failed_write_leaves_a_clean_close_and_all_before_it),
        cmocka_unit_test(compaction_drops_what_expired_a_round_ago),
        cmocka_unit_test(killed_process_loses_nothing_acknowledged),
    };
    const int failed =
        store_conformance_run("rocks", &backend, tests, sizeof(tests) / sizeof(tests[0]));
    remove_directory();
    return failed;
}
