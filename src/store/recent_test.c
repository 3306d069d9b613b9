// What a lane remembers: found while its stamp is right, overwritten oldest first, whatever the
// sizes are.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "store/recent.h"

#define BYTES 8192U

static struct store_recent *make(void)
{
    void *const memory = calloc(1, store_recent_footprint(BYTES));
    assert_non_null(memory);
    return store_recent_init(memory, BYTES);
}

static struct store_recent_key key_of(uint64_t device)
{
    return (struct store_recent_key){{device}, 6};
}

static void expect(const struct store_recent *recent, uint64_t device, uint32_t stamp,
                   const char *text)
{
    struct slice rows;
    assert_true(store_recent_find(recent, key_of(device), stamp, &rows));
    assert_true(slice_equal(rows, slice_text(text)));
}

static void what_is_kept_is_found_under_its_stamp(void **state)
{
    (void)state;
    struct store_recent *const recent = make();
    const struct store_recent_key other_kinds = {{1}, 2};
    struct slice rows;
    assert_false(store_recent_find(recent, key_of(1), 0, &rows));
    store_recent_keep(recent, key_of(1), 7, SLICE("one"));
    store_recent_keep(recent, key_of(2), 7, SLICE_EMPTY);
    expect(recent, 1, 7, "one");
    expect(recent, 2, 7, "");
    assert_false(store_recent_find(recent, key_of(1), 8, &rows));
    assert_false(store_recent_find(recent, other_kinds, 7, &rows));
    store_recent_check(recent);
    free(recent);
}

static void a_newer_entry_replaces_the_older(void **state)
{
    (void)state;
    struct store_recent *const recent = make();
    struct slice rows;
    store_recent_keep(recent, key_of(1), 1, SLICE("old"));
    store_recent_keep(recent, key_of(1), 2, SLICE("new"));
    expect(recent, 1, 2, "new");
    assert_false(store_recent_find(recent, key_of(1), 1, &rows));
    assert_int_equal(store_recent_count(recent), 1);
    store_recent_check(recent);
    free(recent);
}

static void the_oldest_gives_way(void **state)
{
    (void)state;
    struct store_recent *const recent = make();
    static const char text[200];
    struct slice rows;
    for (uint64_t device = 1; device <= 100; device++) {
        store_recent_keep(recent, key_of(device), 1, slice_of(text, sizeof(text)));
        store_recent_check(recent);
    }
    assert_true(store_recent_find(recent, key_of(100), 1, &rows));
    assert_true(store_recent_find(recent, key_of(70), 1, &rows));
    assert_false(store_recent_find(recent, key_of(1), 1, &rows));
    assert_false(store_recent_find(recent, key_of(60), 1, &rows));
    free(recent);
}

static void many_small_entries_are_bounded_as_well(void **state)
{
    (void)state;
    struct store_recent *const recent = make();
    for (uint64_t device = 1; device <= 1000; device++) {
        store_recent_keep(recent, key_of(device), 1, SLICE_EMPTY);
    }
    assert_true(store_recent_count(recent) <= BYTES / 96);
    expect(recent, 1000, 1, "");
    store_recent_check(recent);
    free(recent);
}

static void what_is_too_large_is_not_kept(void **state)
{
    (void)state;
    struct store_recent *const recent = make();
    static const char text[BYTES / 8];
    struct slice rows;
    store_recent_keep(recent, key_of(1), 1, SLICE("small"));
    store_recent_keep(recent, key_of(2), 1, slice_of(text, sizeof(text)));
    assert_false(store_recent_find(recent, key_of(2), 1, &rows));
    expect(recent, 1, 1, "small");
    free(recent);
}

static void a_random_walk_never_tells_a_lie(void **state)
{
    (void)state;
    struct store_recent *const recent = make();
    struct random random;
    static uint8_t text[600];
    uint32_t last[32] = {0}; // length that was kept under the stamp of the same number
    random_init(&random, 42);
    for (uint32_t step = 1; step <= 20000; step++) {
        const uint64_t device = random_below(&random, 32);
        struct slice rows;
        if (random_below(&random, 2) == 0) {
            const uint32_t len = (uint32_t)random_below(&random, sizeof(text));
            memset(text, (int)(len & 0xff), len);
            store_recent_keep(recent, key_of(device), len, slice_of(text, len));
            last[device] = len;
        } else if (store_recent_find(recent, key_of(device), last[device], &rows)) {
            assert_int_equal(rows.len, last[device]);
            assert_true(rows.len == 0 || rows.ptr[rows.len - 1] == (rows.len & 0xff));
        }
    }
    store_recent_check(recent);
    free(recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_found_under_its_stamp),
        cmocka_unit_test(a_newer_entry_replaces_the_older),
        cmocka_unit_test(the_oldest_gives_way),
        cmocka_unit_test(many_small_entries_are_bounded_as_well),
        cmocka_unit_test(what_is_too_large_is_not_kept),
        cmocka_unit_test(a_random_walk_never_tells_a_lie),
    };
    return cmocka_run_group_tests_name("recent", tests, NULL, NULL);
}
