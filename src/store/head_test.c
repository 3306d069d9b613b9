// The head: streams over cells, who is dropped when room is needed, lists by age, key lists, and
// readers that copy while the writer appends.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plat/thread.h"
#include "store/head.h"

static uint8_t pattern[4096];

static void fill_pattern(void)
{
    for (size_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (uint8_t)(i * 7 + i / 256);
    }
}

static void streams_come_back_whatever_their_pieces(void **state)
{
    (void)state;
    static const uint32_t pieces[] = {1, 247, 248, 249, 500, 1000, 13};
    struct store_head head;
    struct store_bytes bytes = {0};
    store_head_init(&head, 1U << 20);
    struct store_head_device *const device = store_head_insert(&head, 5, 1);
    assert_non_null(device);
    uint32_t len = 0;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        assert_true(store_head_append(&head, device, slice_of(pattern + len, pieces[i]), 1));
        len += pieces[i];
        for (uint32_t cut = 0; cut <= len; cut += 61) {
            bytes.len = 0;
            store_head_copy(&device->readings, cut, &bytes);
            assert_int_equal(bytes.len, cut);
            assert_true(cut == 0 || memcmp(bytes.ptr, pattern, cut) == 0);
        }
    }
    assert_int_equal(device->reading_count, sizeof(pieces) / sizeof(pieces[0]));
    const uint64_t used = store_head_bytes(&head);
    store_head_clear_readings(&head, device);
    assert_true(store_head_bytes(&head) < used);
    assert_int_equal(device->readings.len, 0);
    store_bytes_deinit(&bytes);
    store_head_deinit(&head);
}

static void sealed_devices_give_way_oldest_first(void **state)
{
    (void)state;
    struct store_head head;
    store_head_init(&head, 10 * (uint64_t)STORE_HEAD_CELL);
    for (uint64_t number = 1; number <= 10; number++) {
        assert_non_null(store_head_insert(&head, number, 1));
    }
    assert_int_equal(head.taken, 10);
    struct store_head_device *const third = store_head_find(&head, 3);
    store_head_set_unsealed(&head, third, true);
    assert_true(store_head_append(&head, third, slice_of(pattern, 500), 1)); // three cells
    assert_null(store_head_find(&head, 1));
    assert_null(store_head_find(&head, 2));
    assert_ptr_equal(store_head_find(&head, 3), third);
    assert_null(store_head_find(&head, 4));
    assert_non_null(store_head_find(&head, 5));
    assert_int_equal(store_head_bytes(&head), 10 * STORE_HEAD_CELL);
    store_head_deinit(&head);
}

static void full_head_refuses_and_changes_nothing(void **state)
{
    (void)state;
    struct store_head head;
    store_head_init(&head, 4 * (uint64_t)STORE_HEAD_CELL);
    struct store_head_device *const device = store_head_insert(&head, 1, 1);
    store_head_set_unsealed(&head, device, true);
    assert_true(store_head_append(&head, device, slice_of(pattern, 248), 1));
    assert_false(store_head_append(&head, device, slice_of(pattern, 600), 1));
    assert_int_equal(device->readings.len, 248);
    assert_int_equal(device->reading_count, 1);
    assert_non_null(store_head_insert(&head, 2, 1));
    assert_true(store_head_append(&head, device, slice_of(pattern, 300), 1)); // 2 leaves
    assert_null(store_head_find(&head, 2));
    assert_null(store_head_insert(&head, 3, 1));
    assert_true(store_head_is_tight(&head));
    store_head_deinit(&head);
}

static void settled_and_own_device_are_not_dropped(void **state)
{
    (void)state;
    struct store_head head;
    store_head_init(&head, 4 * (uint64_t)STORE_HEAD_CELL);
    struct store_head_device *const settled = store_head_insert(&head, 1, 1);
    struct store_head_device *const own = store_head_insert(&head, 2, 1);
    settled->is_settled = true;
    assert_true(store_head_append(&head, own, slice_of(pattern, 400), 1));
    assert_false(store_head_append(&head, own, slice_of(pattern, 400), 1));
    assert_ptr_equal(store_head_find(&head, 1), settled);
    assert_ptr_equal(store_head_find(&head, 2), own);
    store_head_deinit(&head);
}

static void row_is_replaced_and_counted(void **state)
{
    (void)state;
    struct store_head head;
    struct store_bytes bytes = {0};
    store_head_init(&head, 16 * (uint64_t)STORE_HEAD_CELL);
    struct store_head_device *const device = store_head_insert(&head, 1, 1);
    assert_true(store_head_set_row(&head, device, slice_of(pattern, 1000)));
    assert_true(store_head_set_row(&head, device, slice_of(pattern + 5, 10)));
    store_head_copy(&device->row, device->row.len, &bytes);
    assert_true(slice_equal(store_bytes_view(&bytes), slice_of(pattern + 5, 10)));
    assert_int_equal(store_head_bytes(&head), 2 * STORE_HEAD_CELL);
    assert_int_equal(head.sealed_cells, 2);
    store_head_set_unsealed(&head, device, true);
    assert_int_equal(head.sealed_cells, 0);
    store_head_set_unsealed(&head, device, false);
    assert_false(store_head_set_row(&head, device, slice_of(pattern, 4096)));
    assert_int_equal(device->row.len, 0);
    store_head_drop(&head, device);
    assert_int_equal(store_head_bytes(&head), 0);
    assert_int_equal(head.sealed_cells, 0);
    store_bytes_deinit(&bytes);
    store_head_deinit(&head);
}

static void unsealed_devices_stand_in_the_order_of_their_oldest_record(void **state)
{
    (void)state;
    struct store_head head;
    store_head_init(&head, 1U << 20);
    assert_null(store_head_oldest(&head));
    assert_null(store_head_first_ready(&head));
    for (uint64_t number = 1; number <= 3; number++) {
        struct store_head_device *const device = store_head_insert(&head, number, 1);
        store_head_set_unsealed(&head, device, true);
        store_head_set_ready(&head, device, number != 1);
        store_head_set_ready(&head, device, number != 1);
    }
    const struct store_head_device *device = store_head_oldest(&head);
    for (uint64_t number = 1; number <= 3; number++) {
        assert_int_equal(device->number, number);
        device = store_head_next_oldest(&head, device);
    }
    assert_null(device);
    assert_int_equal(store_head_first_ready(&head)->number, 2);
    store_head_set_ready(&head, store_head_find(&head, 2), false);
    assert_int_equal(store_head_first_ready(&head)->number, 3);
    store_head_set_unsealed(&head, store_head_find(&head, 1), false);
    assert_int_equal(store_head_oldest(&head)->number, 2);
    store_head_deinit(&head);
}

static void key_list_grows_and_is_found_in_any_order(void **state)
{
    (void)state;
    struct store_head head;
    uint32_t keys[40];
    store_head_init(&head, 1U << 20);
    struct store_head_device *const device = store_head_insert(&head, 1, 1);
    for (uint32_t i = 0; i < 40; i++) {
        keys[i] = 1000 - i;
        assert_int_equal(store_head_find_key(device, keys[i]), UINT32_MAX);
        store_head_add_key(&head, device, keys[i]);
    }
    device->key_cursor = 0;
    for (uint32_t i = 0; i < 40; i++) {
        assert_int_equal(store_head_find_key(device, keys[i]), i);
    }
    for (uint32_t i = 40; i-- > 0;) {
        assert_int_equal(store_head_find_key(device, keys[i]), i);
    }
    assert_true(head.key_bytes > 0);
    store_head_set_keys(&head, device, keys, 3);
    assert_int_equal(store_head_find_key(device, keys[3]), UINT32_MAX);
    store_head_drop(&head, device);
    assert_int_equal(head.key_bytes, 0);
    store_head_deinit(&head);
}

static void numbers_are_found_after_many_came_and_went(void **state)
{
    (void)state;
    struct store_head head;
    store_head_init(&head, 100 * (uint64_t)STORE_HEAD_CELL);
    for (uint64_t number = 1; number <= 10000; number++) {
        assert_non_null(store_head_insert(&head, number, number));
        assert_int_equal(store_head_find(&head, number)->tenant, number);
    }
    assert_int_equal(head.taken, 100);
    for (uint64_t number = 1; number <= 10000; number++) {
        assert_int_equal(store_head_find(&head, number) != NULL, number > 9900);
    }
    store_head_deinit(&head);
}

// One thread appends and publishes, another copies: what it copies is a prefix of the pattern.

struct copier {
    struct store_head *head;
    struct plat_thread thread;
    struct plat_mutex mutex;
    bool is_over;
    bool is_sound;
};

static bool is_over(struct copier *copier)
{
    plat_mutex_lock(&copier->mutex);
    const bool over = copier->is_over;
    plat_mutex_unlock(&copier->mutex);
    return over;
}

static void copy_again_and_again(void *context)
{
    struct copier *const copier = context;
    struct store_bytes bytes = {0};
    while (!is_over(copier)) {
        bytes.len = 0;
        plat_rwlock_read(&copier->head->lock);
        const struct store_head_device *const device = store_head_find(copier->head, 1);
        if (device != NULL) {
            store_head_copy(&device->readings, device->published, &bytes);
        }
        plat_rwlock_unlock(&copier->head->lock);
        if (bytes.len > 0 && memcmp(bytes.ptr, pattern, bytes.len) != 0) {
            copier->is_sound = false;
        }
    }
    store_bytes_deinit(&bytes);
}

static void readers_see_what_is_published_and_no_more(void **state)
{
    (void)state;
    struct store_head head;
    store_head_init(&head, 1U << 20);
    struct copier copier = {.head = &head, .is_sound = true};
    plat_mutex_init(&copier.mutex);
    assert_int_equal(plat_thread_start(&copier.thread, "copier", -1, &copier, copy_again_and_again),
                     ERR_OK);
    plat_rwlock_write(&head.lock);
    struct store_head_device *const device = store_head_insert(&head, 1, 1);
    plat_rwlock_unlock(&head.lock);
    for (uint32_t round = 0; round < 300; round++) {
        for (uint32_t len = 0; len + 50 <= sizeof(pattern); len += 50) {
            assert_true(store_head_append(&head, device, slice_of(pattern + len, 50), 1));
            if (len % 200 == 0) {
                plat_rwlock_write(&head.lock);
                device->published = device->readings.len;
                plat_rwlock_unlock(&head.lock);
            }
        }
        plat_rwlock_write(&head.lock);
        store_head_clear_readings(&head, device);
        plat_rwlock_unlock(&head.lock);
    }
    plat_mutex_lock(&copier.mutex);
    copier.is_over = true;
    plat_mutex_unlock(&copier.mutex);
    plat_thread_join(&copier.thread);
    assert_true(copier.is_sound);
    plat_mutex_deinit(&copier.mutex);
    store_head_deinit(&head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_come_back_whatever_their_pieces),
        cmocka_unit_test(sealed_devices_give_way_oldest_first),
        cmocka_unit_test(full_head_refuses_and_changes_nothing),
        cmocka_unit_test(settled_and_own_device_are_not_dropped),
        cmocka_unit_test(row_is_replaced_and_counted),
        cmocka_unit_test(unsealed_devices_stand_in_the_order_of_their_oldest_record),
        cmocka_unit_test(key_list_grows_and_is_found_in_any_order),
        cmocka_unit_test(numbers_are_found_after_many_came_and_went),
        cmocka_unit_test(readers_see_what_is_published_and_no_more),
    };
    fill_pattern();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
