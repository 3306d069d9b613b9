// Device rows: what goes in comes out, cuts are noticed, markers say which points are gone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/row.h"

static uint8_t value_bytes[16];

static struct slice encoded(int64_t number)
{
    const struct model_value value = {.type = MODEL_VALUE_LONG, .number = number};
    const uint8_t *const end = store_wire_put_value(value_bytes, &value);
    return slice_of(value_bytes, (size_t)(end - value_bytes));
}

static void make_row(struct store_row *row)
{
    store_row_init(row);
    row->tenant = 9;
    row->has_stamp = true;
    row->stamp_ms = -5;
    row->sealed_through = 1000;
    row->has_blocks = true;
    row->first_day = -2;
    row->last_day = 20000;
    row->block_span_ms = 86399999;
    for (uint32_t number = 5; number < 8; number++) {
        struct store_row_key *const key = store_row_add(row, number);
        key->has_latest = number != 6;
        key->time_ms = number == 6 ? 0 : -100;
        key->value = number == 6 ? SLICE_EMPTY : encoded(300);
    }
    store_row_mark(row, (struct store_marker){.sequence = 50, .first_ms = 10, .last_ms = 20});
    store_row_mark_key(row, 5);
    store_row_mark_key(row, 7);
    store_row_mark(row, (struct store_marker){.sequence = 60, .first_ms = INT64_MIN, .last_ms = 0});
}

static void row_comes_back(void **state)
{
    (void)state;
    struct store_row row;
    struct store_row back;
    struct store_bytes bytes = {0};
    make_row(&row);
    store_row_init(&back);
    store_row_encode(&row, &bytes);
    assert_int_equal(store_row_decode(store_bytes_view(&bytes), &back), ERR_OK);
    assert_int_equal(back.tenant, 9);
    assert_true(back.has_stamp && back.has_blocks && !back.is_purged);
    assert_int_equal(back.stamp_ms, -5);
    assert_int_equal(back.sealed_through, 1000);
    assert_int_equal(back.first_day, -2);
    assert_int_equal(back.last_day, 20000);
    assert_int_equal(back.block_span_ms, 86399999);
    assert_int_equal(back.marker_count, 2);
    assert_int_equal(back.key_count, 3);
    assert_null(store_row_find(&back, 4));
    assert_false(store_row_find(&back, 6)->has_latest);
    assert_int_equal(store_row_find(&back, 7)->time_ms, -100);
    assert_true(slice_equal(store_row_find(&back, 7)->value, encoded(300)));
    store_bytes_deinit(&bytes);
    store_row_deinit(&row);
    store_row_deinit(&back);
}

static void no_bytes_are_an_empty_row(void **state)
{
    (void)state;
    struct store_row row;
    make_row(&row);
    assert_int_equal(store_row_decode(SLICE_EMPTY, &row), ERR_OK);
    assert_int_equal(row.key_count, 0);
    assert_int_equal(row.marker_count, 0);
    assert_false(row.has_blocks || row.has_stamp || row.is_purged);
    store_row_deinit(&row);
}

static void cut_and_padded_rows_are_corrupt(void **state)
{
    (void)state;
    struct store_row row;
    struct store_bytes bytes = {0};
    make_row(&row);
    store_row_encode(&row, &bytes);
    for (size_t len = 1; len < bytes.len; len++) {
        assert_int_equal(store_row_decode(slice_of(bytes.ptr, len), &row), ERR_CORRUPT);
    }
    store_bytes_put(&bytes, SLICE("x"));
    assert_int_equal(store_row_decode(store_bytes_view(&bytes), &row), ERR_CORRUPT);
    bytes.ptr[0] = 99;
    assert_int_equal(store_row_decode(store_bytes_view(&bytes), &row), ERR_CORRUPT);
    store_bytes_deinit(&bytes);
    store_row_deinit(&row);
}

static void marker_hides_older_points_of_its_keys_in_its_range(void **state)
{
    (void)state;
    struct store_row row;
    make_row(&row);
    assert_true(store_row_is_deleted(&row, 5, 10, 49));
    assert_true(store_row_is_deleted(&row, 7, 20, 1));
    assert_false(store_row_is_deleted(&row, 5, 10, 50)); // as new as the marker
    assert_false(store_row_is_deleted(&row, 6, 10, 49)); // another key
    assert_false(store_row_is_deleted(&row, 5, 9, 49));
    assert_false(store_row_is_deleted(&row, 5, 21, 49));
    assert_true(store_row_is_deleted(&row, 6, 0, 59)); // all keys
    assert_true(store_row_is_deleted(&row, 1234, INT64_MIN, 59));
    store_row_unmark(&row, 50);
    assert_false(store_row_is_deleted(&row, 5, 10, 49));
    assert_true(store_row_is_deleted(&row, 6, 0, 59));
    store_row_deinit(&row);
}

static void removed_key_is_gone(void **state)
{
    (void)state;
    struct store_row row;
    make_row(&row);
    store_row_remove(&row, store_row_find(&row, 5));
    assert_null(store_row_find(&row, 5));
    assert_non_null(store_row_find(&row, 6));
    assert_non_null(store_row_find(&row, 7));
    assert_int_equal(row.key_count, 2);
    store_row_deinit(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_comes_back),
        cmocka_unit_test(no_bytes_are_an_empty_row),
        cmocka_unit_test(cut_and_padded_rows_are_corrupt),
        cmocka_unit_test(marker_hides_older_points_of_its_keys_in_its_range),
        cmocka_unit_test(removed_key_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
