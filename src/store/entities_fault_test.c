// The entity store on a file system that fails: between SQLite and the file stands a layer that
// refuses to write or to sync when told. And the power cut: a copy of the files, taken right after
// a write was acknowledged, must hold it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "store/entities_test.h"

static struct entities_test test;

// The failing file system

static sqlite3_vfs *real;
static sqlite3_vfs failing;
// The unix layer has a table of methods for each kind of locking; they share those used here.
#define KINDS 4U
static const sqlite3_io_methods *real_methods[KINDS];
static sqlite3_io_methods methods[KINDS];
static atomic_bool sync_fails;
static atomic_bool disk_full;
static atomic_uint syncs;

static int file_sync(sqlite3_file *file, int flags)
{
    atomic_fetch_add(&syncs, 1);
    return atomic_load(&sync_fails) ? SQLITE_IOERR_FSYNC : real_methods[0]->xSync(file, flags);
}

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at)
{
    return atomic_load(&disk_full) ? SQLITE_FULL : real_methods[0]->xWrite(file, bytes, count, at);
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    const int result = real->xOpen(real, name, file, flags, out);
    if (result != SQLITE_OK) {
        return result;
    }
    unsigned kind = 0;
    while (real_methods[kind] != NULL && real_methods[kind] != file->pMethods) {
        kind++;
        assert_true(kind < KINDS);
    }
    real_methods[kind] = file->pMethods;
    methods[kind] = *file->pMethods;
    methods[kind].xSync = file_sync;
    methods[kind].xWrite = file_write;
    file->pMethods = &methods[kind];
    return SQLITE_OK;
}

static int set_up(void **state)
{
    (void)state;
    atomic_store(&sync_fails, false);
    atomic_store(&disk_full, false);
    return entities_test_open(&test) == ERR_OK && entities_test_fill(&test) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&sync_fails, false);
    atomic_store(&disk_full, false);
    entities_test_close(&test);
    return 0;
}

struct put {
    const char *name;
    size_t size;
    unsigned after;
};

static enum err put_setting(struct store_tx *tx, void *context)
{
    static const uint8_t bytes[16];
    const struct put *put = context;
    return store_setting_put(tx, put->name, slice_of(bytes, put->size));
}

static void count_after(void *context)
{
    struct put *put = context;
    put->after++;
}

static enum err get_setting(struct store_tx *tx, void *context)
{
    const struct put *put = context;
    uint8_t byte = 0;
    return store_setting_get(tx, put->name, &byte, 1);
}

static enum err write_put(struct put *put)
{
    return store_entities_write(test.entities, put, put_setting, count_after);
}

static void every_commit_is_synced(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    for (unsigned i = 0; i < 3; i++) {
        struct put put = {names[i], 1, 0};
        const unsigned before = atomic_load(&syncs);
        assert_int_equal(write_put(&put), ERR_OK);
        assert_true(atomic_load(&syncs) > before);
    }
}

static void failed_sync_acknowledges_nothing_and_ends_all_writing(void **state)
{
    (void)state;
    struct put before = {"before", 1, 0};
    struct put during = {"during", 1, 0};
    struct put later = {"later", 1, 0};
    assert_int_equal(write_put(&before), ERR_OK);
    atomic_store(&sync_fails, true);
    assert_int_equal(write_put(&during), ERR_IO);
    assert_int_equal(during.after, 0);
    assert_true(store_entities_stats(test.entities).read_only);
    // A sync that succeeds says nothing about the one that did not.
    atomic_store(&sync_fails, false);
    assert_int_equal(write_put(&later), ERR_IO);
    assert_int_equal(later.after, 0);
    // Reading goes on, and sees what was acknowledged and nothing else.
    assert_int_equal(store_entities_read(test.entities, &before, get_setting), ERR_OK);
    assert_int_equal(store_entities_read(test.entities, &during, get_setting), ERR_NOT_FOUND);
    assert_int_equal(entities_test_reopen(&test), ERR_OK);
    assert_int_equal(store_entities_read(test.entities, &before, get_setting), ERR_OK);
    assert_int_equal(write_put(&later), ERR_OK);
    assert_int_equal(later.after, 1);
}

static void full_disk_is_an_error_until_there_is_room_again(void **state)
{
    (void)state;
    struct put put = {"a", 1, 0};
    atomic_store(&disk_full, true);
    assert_int_equal(write_put(&put), ERR_NO_SPACE);
    assert_int_equal(put.after, 0);
    assert_false(store_entities_stats(test.entities).read_only);
    atomic_store(&disk_full, false);
    assert_int_equal(store_entities_read(test.entities, &put, get_setting), ERR_NOT_FOUND);
    assert_int_equal(write_put(&put), ERR_OK);
    assert_int_equal(put.after, 1);
}

#define MUCH (6U << 20) // more than SQLite keeps in memory before it writes to the log

struct caller {
    struct put put;
    store_job_fn *run;
    pthread_t thread;
    enum err err;
};

static atomic_bool at_the_gate;
static atomic_bool gate_open;

static enum err wait_at_the_gate(struct store_tx *tx, void *context)
{
    (void)tx;
    (void)context;
    atomic_store(&at_the_gate, true);
    while (!atomic_load(&gate_open)) {
        usleep(1000);
    }
    return ERR_OK;
}

// The disk is full for this one job only.
static enum err put_much(struct store_tx *tx, void *context)
{
    static uint8_t bytes[MUCH];
    const struct put *put = context;
    atomic_store(&disk_full, true);
    const enum err err = store_setting_put(tx, put->name, slice_of(bytes, sizeof(bytes)));
    atomic_store(&disk_full, false);
    return err;
}

static void *write_caller(void *context)
{
    struct caller *caller = context;
    caller->err = store_entities_write(test.entities, &caller->put, caller->run, count_after);
    return NULL;
}

// The gate holds the writer until the three others stand in one group behind it.
static void group_that_was_undone_in_the_middle_is_undone_whole(void **state)
{
    (void)state;
    struct caller callers[] = {
        {.put = {"gate", 1, 0}, .run = wait_at_the_gate},
        {.put = {"first", 1, 0}, .run = put_setting},
        {.put = {"much", 1, 0}, .run = put_much},
        {.put = {"last", 1, 0}, .run = put_setting},
    };
    atomic_store(&at_the_gate, false);
    atomic_store(&gate_open, false);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&callers[i].thread, NULL, write_caller, &callers[i]), 0);
        // The first goes to the writer, the others wait in line behind it.
        while (i == 0 ? !atomic_load(&at_the_gate)
                      : store_entities_stats(test.entities).queued < i) {
            usleep(1000);
        }
    }
    atomic_store(&gate_open, true);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        assert_int_equal(callers[i].err, i == 0 ? ERR_OK : ERR_NO_SPACE);
        assert_int_equal(callers[i].put.after, i == 0 ? 1 : 0);
        if (i > 0) {
            assert_int_equal(store_entities_read(test.entities, &callers[i].put, get_setting),
                             ERR_NOT_FOUND);
        }
    }
    assert_int_equal(store_entities_stats(test.entities).group_max, 3);
    assert_int_equal(write_put(&callers[1].put), ERR_OK);
}

static void directory_without_room_is_refused_with_one_line(void **state)
{
    (void)state;
    char path[64];
    char message[256];
    struct store_entities *other = NULL;
    snprintf(path, sizeof(path), "%s/new", test.directory);
    atomic_store(&disk_full, true);
    assert_int_equal(store_entities_open(path, 1, &other, message), ERR_NO_SPACE);
    assert_non_null(strstr(message, "entities.db: no space left"));
    assert_null(other);
    atomic_store(&disk_full, false);
    assert_int_equal(store_entities_open(path, 1, &other, message), ERR_OK);
    store_entities_close(other);
    entities_test_remove(path);
}

static void copy_file(const char *from_directory, const char *to_directory, const char *name)
{
    char path[128];
    char buffer[4096];
    snprintf(path, sizeof(path), "%s/%s", from_directory, name);
    FILE *from = fopen(path, "r");
    snprintf(path, sizeof(path), "%s/%s", to_directory, name);
    FILE *to = fopen(path, "w");
    assert_non_null(from);
    assert_non_null(to);
    for (size_t len = fread(buffer, 1, sizeof(buffer), from); len > 0;
         len = fread(buffer, 1, sizeof(buffer), from)) {
        assert_int_equal(fwrite(buffer, 1, len, to), len);
    }
    fclose(from);
    fclose(to);
}

static void acknowledged_write_survives_the_end_of_the_process(void **state)
{
    (void)state;
    char directory[32] = "/tmp/motehub-XXXXXX";
    char message[256];
    struct store_entities *copy = NULL;
    struct put put = {"a", 1, 0};
    assert_non_null(mkdtemp(directory));
    assert_int_equal(write_put(&put), ERR_OK);
    copy_file(test.directory, directory, "entities.db");
    copy_file(test.directory, directory, "entities.db-wal");
    assert_int_equal(store_entities_open(directory, 1, &copy, message), ERR_OK);
    assert_int_equal(store_entities_read(copy, &put, get_setting), ERR_OK);
    store_entities_close(copy);
    entities_test_remove(directory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_commit_is_synced),
        TEST(failed_sync_acknowledges_nothing_and_ends_all_writing),
        TEST(full_disk_is_an_error_until_there_is_room_again),
        TEST(group_that_was_undone_in_the_middle_is_undone_whole),
        TEST(directory_without_room_is_refused_with_one_line),
        TEST(acknowledged_write_survives_the_end_of_the_process),
    };
    real = sqlite3_vfs_find(NULL);
    failing = *real;
    failing.zName = "failing";
    failing.xOpen = vfs_open;
    if (sqlite3_vfs_register(&failing, 1) != SQLITE_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
