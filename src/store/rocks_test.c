// The local back end on RocksDB in a directory of its own: the conformance suite, and what only a
// real directory shows: exclusive use, a newer version, damage, restart after a kill.
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/blocks.h"
#include "store/conformance.h"

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
    if (store_local_open(directory, limits, &store, message) != ERR_OK) {
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
    assert_int_equal(store_rocks_open(directory, 1U << 20, &blocks, message), ERR_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directory_in_use_is_refused),
        cmocka_unit_test(newer_layout_is_refused),
        cmocka_unit_test(missing_directory_is_an_error),
        cmocka_unit_test(damaged_manifest_is_one_clear_error),
    };
    const int failed =
        store_conformance_run("rocks", &backend, tests, sizeof(tests) / sizeof(tests[0]));
    remove_directory();
    return failed;
}
