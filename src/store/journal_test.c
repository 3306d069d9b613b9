// Journal rows: what goes in comes out; every flipped bit and every cut is noticed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/journal.h"
#include "store/reading.h"

static const struct store_journal_record records[] = {
    {.verb = STORE_SAVE,
     .device = 3,
     .tenant = 1,
     .has_trace = true,
     .trace = {{9, 8}},
     .has_stamp = true,
     .stamp_ms = -77,
     .reading_count = 1},
    {.verb = STORE_DELETE, .device = UINT64_MAX, .tenant = 2},
    {.verb = STORE_PURGE, .device = 4, .tenant = 2, .has_trace = true, .trace = {{7}}},
};

#define RECORD_COUNT 3U

static void make_row(struct store_bytes *bytes)
{
    const struct store_reading reading = {.series = true,
                                          .latest = true,
                                          .time_ms = 55,
                                          .sequence = 1000,
                                          .expires_ms = 66,
                                          .point_count = 1};
    const struct model_value value = {.type = MODEL_VALUE_LONG, .number = 5};
    const struct store_journal_row row = {.number = 12,
                                          .at = {-3},
                                          .sequence_first = 1000,
                                          .sequence_next = 1003,
                                          .record_count = RECORD_COUNT};
    store_journal_begin(bytes);
    for (uint32_t i = 0; i < RECORD_COUNT; i++) {
        uint8_t *at = store_bytes_room(bytes, 200);
        at = store_journal_put_record(at, &records[i]);
        if (records[i].reading_count > 0) {
            at = store_reading_put(at, &reading);
            at = store_wire_put_varint(at, 300);
            at = store_wire_put_value(at, &value);
        }
        store_bytes_end(bytes, at);
    }
    store_journal_end(bytes, &row);
}

static void row_comes_back(void **state)
{
    (void)state;
    struct store_bytes bytes = {0};
    struct store_journal_row row;
    make_row(&bytes);
    assert_int_equal(store_journal_open(store_bytes_view(&bytes), &row), ERR_OK);
    assert_int_equal(row.number, 12);
    assert_int_equal(row.at.ms, -3);
    assert_int_equal(row.sequence_first, 1000);
    assert_int_equal(row.sequence_next, 1003);
    assert_int_equal(row.record_count, RECORD_COUNT);
    for (uint32_t i = 0; i < RECORD_COUNT; i++) {
        struct store_journal_record record;
        store_journal_next(&row, &record);
        assert_int_equal(record.verb, records[i].verb);
        assert_int_equal(record.device, records[i].device);
        assert_int_equal(record.tenant, records[i].tenant);
        assert_int_equal(record.has_trace, records[i].has_trace);
        assert_memory_equal(record.trace.bytes, records[i].trace.bytes, STORE_TRACE_SIZE);
        assert_int_equal(record.has_stamp, records[i].has_stamp);
        assert_int_equal(record.stamp_ms, records[i].stamp_ms);
        assert_int_equal(record.reading_count, records[i].reading_count);
        if (record.reading_count > 0) {
            const struct store_reading reading = store_reading_get(&row.records);
            assert_true(reading.series && reading.latest);
            assert_int_equal(reading.time_ms, 55);
            assert_int_equal(reading.sequence, 1000);
            assert_int_equal(reading.expires_ms, 66);
            assert_int_equal(reading.point_count, 1);
            store_reading_skip_points(&row.records, 1);
        }
    }
    assert_int_equal(store_wire_left(&row.records), 0);
    assert_false(row.records.bad);
    store_bytes_deinit(&bytes);
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    struct store_bytes bytes = {0};
    struct store_journal_row row;
    make_row(&bytes);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_not_equal(store_journal_open(store_bytes_view(&bytes), &row), ERR_OK);
        bytes.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    store_bytes_deinit(&bytes);
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    struct store_bytes bytes = {0};
    struct store_journal_row row;
    make_row(&bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_equal(store_journal_open(slice_of(bytes.ptr, len), &row), ERR_CORRUPT);
    }
    store_bytes_deinit(&bytes);
}

static void newer_version_is_told_apart_from_damage(void **state)
{
    (void)state;
    struct store_bytes bytes = {0};
    struct store_journal_row row;
    make_row(&bytes);
    bytes.ptr[0] = 2;
    assert_int_equal(store_journal_open(store_bytes_view(&bytes), &row), ERR_NEWER_VERSION);
    store_bytes_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_comes_back),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(newer_version_is_told_apart_from_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
