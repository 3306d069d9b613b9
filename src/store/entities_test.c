// The entity store on a real directory: opening, many callers in one commit, and readers beside
// them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "store/entities_jobs_test.h"

static void file_and_directory_are_for_the_owner_only(void **state)
{
    (void)state;
    static const char *const names[] = {"entities.db", "entities.db-wal", "entities.db-shm"};
    char path[128];
    struct stat about;
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", test.directory, names[i]);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_mode & 0777, 0600);
    }
    snprintf(path, sizeof(path), "%s/below", test.directory);
    struct store_entities *other = NULL;
    assert_int_equal(store_entities_open(path, 1, &other, test.message), ERR_OK);
    store_entities_close(other);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    entities_test_remove(path);
}

static void what_was_written_is_there_after_opening_again(void **state)
{
    (void)state;
    struct device_job job = {.device = entities_test_device(&test, "meter-1", 10)};
    job.device.label = SLICE("a label");
    job.device.device_data = SLICE("{\"a\":1}");
    job.device.customer = test.customers[1].id;
    assert_int_equal(write_job(insert_device, &job), ERR_OK);
    assert_int_equal(entities_test_reopen(&test), ERR_OK);
    struct device_job read = {.device = {.id = job.device.id, .tenant = test.tenant.number}};
    assert_int_equal(read_job(get_device, &read), ERR_OK);
    assert_int_equal(read.device.number.number, job.device.number.number);
    assert_true(slice_equal(read.device.name, SLICE("meter-1")));
    assert_true(slice_equal(read.device.type, SLICE("default")));
    assert_true(slice_equal(read.device.label, SLICE("a label")));
    assert_true(slice_equal(read.device.device_data, SLICE("{\"a\":1}")));
    assert_null(read.device.additional_info.ptr);
    assert_true(slice_equal(read.device.customer_title, SLICE("Customer B")));
    assert_true(uuid_equal(&read.device.customer, &test.customers[1].id));
    assert_true(uuid_equal(&read.device.profile, &test.profile.id));
    assert_int_equal(read.device.version, 1);
}

static void set_version(int version)
{
    char path[128];
    char text[64];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/entities.db", test.directory);
    snprintf(text, sizeof(text), "PRAGMA user_version=%d", version);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void newer_version_is_refused_with_one_line(void **state)
{
    (void)state;
    set_version(4711);
    assert_int_equal(entities_test_reopen(&test), ERR_NEWER_VERSION);
    assert_non_null(strstr(test.message, "entities.db: written by a newer version"));
    assert_null(strchr(test.message, '\n'));
}

static void damaged_file_is_refused(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof(path), "%s/entities.db", test.directory);
    store_entities_close(test.entities);
    test.entities = NULL;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < 1000; i++) {
        fputs("this is no database ", file);
    }
    fclose(file);
    assert_int_equal(store_entities_open(test.directory, 1, &test.entities, test.message),
                     ERR_CORRUPT);
    assert_non_null(strstr(test.message, "damaged"));
    assert_null(test.entities);
}

static enum err insert_then_fail(struct store_tx *tx, void *context)
{
    const enum err err = insert_device(tx, context);
    return err != ERR_OK ? err : ERR_LIMITED;
}

static void failed_job_leaves_nothing(void **state)
{
    (void)state;
    struct device_job job = {.device = entities_test_device(&test, "meter-1", 10)};
    assert_int_equal(write_job(insert_then_fail, &job), ERR_LIMITED);
    assert_int_equal(read_job(get_device, &job), ERR_NOT_FOUND);
    assert_int_equal(write_job(insert_device, &job), ERR_OK);
}

static void note_committed(void *context)
{
    unsigned *count = context;
    *count += 1;
}

static enum err do_nothing(struct store_tx *tx, void *context)
{
    (void)tx;
    (void)context;
    return ERR_OK;
}

static enum err refuse(struct store_tx *tx, void *context)
{
    (void)tx;
    (void)context;
    return ERR_FORBIDDEN;
}

static void after_is_called_for_jobs_that_went_well_only(void **state)
{
    (void)state;
    unsigned count = 0;
    assert_int_equal(store_entities_write(test.entities, &count, do_nothing, note_committed),
                     ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(store_entities_write(test.entities, &count, refuse, note_committed),
                     ERR_FORBIDDEN);
    assert_int_equal(count, 1);
}

#define WRITERS 16U
#define WRITES 40U

struct writer {
    unsigned number;
    unsigned refused;
    unsigned failed;
};

static unsigned inside;   // touched by jobs only
static unsigned together; // two jobs at the same time
static unsigned commits;  // touched by `after` only

struct setting_job {
    char name[32];
    bool fails;
};

static enum err put_setting(struct store_tx *tx, void *context)
{
    struct setting_job *job = context;
    together += inside != 0;
    inside++;
    const enum err err = store_setting_put(tx, job->name, SLICE("12345678"));
    sched_yield();
    inside--;
    return err != ERR_OK ? err : job->fails ? ERR_INVALID : ERR_OK;
}

static void count_commit(void *context)
{
    (void)context;
    commits++;
}

static void *write_many(void *context)
{
    struct writer *writer = context;
    for (unsigned i = 0; i < WRITES; i++) {
        struct setting_job job = {.fails = i % 4 == 3};
        snprintf(job.name, sizeof(job.name), "%u-%u", writer->number, i);
        const enum err err = store_entities_write(test.entities, &job, put_setting, count_commit);
        writer->refused += err == ERR_INVALID;
        writer->failed += err != ERR_OK && err != ERR_INVALID;
    }
    return NULL;
}

static enum err get_setting(struct store_tx *tx, void *context)
{
    const char *name = context;
    char value[8];
    const enum err err = store_setting_get(tx, name, value, sizeof(value));
    return err == ERR_OK && memcmp(value, "12345678", 8) != 0 ? ERR_CORRUPT : err;
}

static void many_callers_share_commits_and_each_keeps_its_own_outcome(void **state)
{
    (void)state;
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    char name[32];
    commits = 0;
    const struct store_entities_stats before = store_entities_stats(test.entities);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(writers[i].refused, WRITES / 4);
        assert_int_equal(writers[i].failed, 0);
    }
    const struct store_entities_stats stats = store_entities_stats(test.entities);
    assert_int_equal(stats.jobs - before.jobs, WRITERS * WRITES);
    assert_true(stats.groups - before.groups < WRITERS * WRITES);
    assert_true(stats.group_max > 1 && stats.group_max <= WRITERS);
    assert_int_equal(together, 0);
    assert_int_equal(commits, WRITERS * WRITES * 3 / 4);
    for (unsigned i = 0; i < WRITERS * WRITES; i++) {
        snprintf(name, sizeof(name), "%u-%u", i / WRITES, i % WRITES);
        assert_int_equal(read_job(get_setting, name), i % 4 == 3 ? ERR_NOT_FOUND : ERR_OK);
    }
}

static atomic_bool is_inside;
static atomic_bool may_go;

static void wait_for_leave(void)
{
    atomic_store(&is_inside, true);
    while (!atomic_load(&may_go)) {
        sched_yield();
    }
}

// A thread whose job stops at wait_for_leave, and has come there.
static pthread_t start_and_stop(void *(*run)(void *context), void *context)
{
    pthread_t thread;
    atomic_store(&is_inside, false);
    atomic_store(&may_go, false);
    assert_int_equal(pthread_create(&thread, NULL, run, context), 0);
    while (!atomic_load(&is_inside)) {
        sched_yield();
    }
    return thread;
}

static enum err read_twice(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    enum err first = get_device(tx, job);
    wait_for_leave();
    const enum err second = get_device(tx, job);
    return first == ERR_NOT_FOUND && second == ERR_NOT_FOUND ? ERR_OK : ERR_CONFLICT;
}

static void *read_in_thread(void *context)
{
    static enum err err;
    err = read_job(read_twice, context);
    return &err;
}

static void reader_sees_one_moment_and_hinders_no_writer(void **state)
{
    (void)state;
    struct device_job job = {.device = entities_test_device(&test, "meter-1", 10)};
    struct device_job reading = job;
    void *result = NULL;
    const pthread_t thread = start_and_stop(read_in_thread, &reading);
    assert_int_equal(write_job(insert_device, &job), ERR_OK);
    // The second of two connections: it sees what the first does not.
    assert_int_equal(read_job(get_device, &job), ERR_OK);
    atomic_store(&may_go, true);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal(*(enum err *)result, ERR_OK);
}

static void *read_often(void *context)
{
    unsigned *failures = context;
    for (unsigned i = 0; i < 200; i++) {
        struct store_entities *entities = test.entities;
        *failures += store_entities_read(entities, NULL, do_nothing) != ERR_OK;
    }
    return NULL;
}

static void more_readers_than_connections_take_turns(void **state)
{
    (void)state;
    pthread_t threads[8];
    unsigned failures[8] = {0};
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_often, &failures[i]), 0);
    }
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(failures[i], 0);
    }
}

#define CALLERS (STORE_ENTITY_JOBS_MAX + 3)
// Small stacks, since there are so many of them.
#define STACK_BYTES (256U << 10)

static atomic_uint refusals;
static atomic_uint failures;

static enum err hold_writer(struct store_tx *tx, void *context)
{
    (void)tx;
    (void)context;
    wait_for_leave();
    return ERR_OK;
}

static void *write_and_hold(void *context)
{
    *(enum err *)context = write_job(hold_writer, NULL);
    return NULL;
}

static void *write_nothing(void *context)
{
    const enum err err = write_job(do_nothing, NULL);
    atomic_fetch_add(&refusals, err == ERR_EXHAUSTED ? 1 : 0);
    atomic_fetch_add(&failures, err != ERR_EXHAUSTED && err != ERR_OK ? 1 : 0);
    return context;
}

static void jobs_beyond_the_bound_are_refused(void **state)
{
    (void)state;
    static pthread_t threads[CALLERS];
    pthread_attr_t small;
    enum err held = ERR_IO;
    atomic_store(&refusals, 0);
    atomic_store(&failures, 0);
    const pthread_t holder = start_and_stop(write_and_hold, &held);
    assert_int_equal(pthread_attr_init(&small), 0);
    assert_int_equal(pthread_attr_setstacksize(&small, STACK_BYTES), 0);
    for (unsigned i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_create(&threads[i], &small, write_nothing, NULL), 0);
    }
    while (store_entities_stats(test.entities).queued + atomic_load(&refusals) < CALLERS) {
        sched_yield();
    }
    const unsigned queued = store_entities_stats(test.entities).queued;
    atomic_store(&may_go, true);
    for (unsigned i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(pthread_join(holder, NULL), 0);
    assert_int_equal(held, ERR_OK);
    assert_int_equal(queued, STORE_ENTITY_JOBS_MAX);
    assert_int_equal(atomic_load(&refusals), CALLERS - STORE_ENTITY_JOBS_MAX);
    assert_int_equal(atomic_load(&failures), 0);
    assert_int_equal(write_job(do_nothing, NULL), ERR_OK);
    pthread_attr_destroy(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(file_and_directory_are_for_the_owner_only),
        TEST(what_was_written_is_there_after_opening_again),
        TEST(newer_version_is_refused_with_one_line),
        TEST(damaged_file_is_refused),
        TEST(failed_job_leaves_nothing),
        TEST(after_is_called_for_jobs_that_went_well_only),
        TEST(many_callers_share_commits_and_each_keeps_its_own_outcome),
        TEST(reader_sees_one_moment_and_hinders_no_writer),
        TEST(more_readers_than_connections_take_turns),
        TEST(jobs_beyond_the_bound_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
