// Records and values in bytes: what goes in comes out, at the edges of every number; damaged bytes
// end in `bad` and nowhere else.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/record.h"

static void numbers_come_back(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0,   1,         -1,        63,        64,      -64,
                                      -65, INT64_MAX, INT64_MIN, INT32_MAX, 1 << 20, 300};
    uint8_t memory[64];
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const uint8_t *const end = store_wire_put_ordered(
            store_wire_put_varint(store_wire_put_signed(memory, numbers[i]), (uint64_t)numbers[i]),
            numbers[i]);
        struct store_wire wire = store_wire_over(slice_of(memory, (size_t)(end - memory)));
        assert_int_equal(store_wire_get_signed(&wire), numbers[i]);
        assert_int_equal(store_wire_get_varint(&wire), (uint64_t)numbers[i]);
        assert_int_equal(store_wire_get_ordered(&wire), numbers[i]);
        assert_int_equal(store_wire_left(&wire), 0);
        assert_false(wire.bad);
    }
}

static void ordered_numbers_sort_as_bytes(void **state)
{
    (void)state;
    static const int64_t sorted[] = {INT64_MIN, -256, -1, 0, 1, 255, 256, INT64_MAX};
    for (size_t i = 1; i < sizeof(sorted) / sizeof(sorted[0]); i++) {
        uint8_t less[8];
        uint8_t more[8];
        (void)store_wire_put_ordered(less, sorted[i - 1]);
        (void)store_wire_put_ordered(more, sorted[i]);
        assert_true(memcmp(less, more, 8) < 0);
    }
}

static const struct model_value values[] = {
    {.type = MODEL_VALUE_BOOLEAN, .boolean = true},
    {.type = MODEL_VALUE_BOOLEAN, .boolean = false},
    {.type = MODEL_VALUE_LONG, .number = INT64_MIN},
    {.type = MODEL_VALUE_DOUBLE, .real = -1e-300},
    {.type = MODEL_VALUE_STRING, .text = {(const uint8_t *)"text", 4}},
    {.type = MODEL_VALUE_JSON, .text = {(const uint8_t *)"{}", 2}},
};

#define VALUE_COUNT (sizeof(values) / sizeof(values[0]))

static void values_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALUE_COUNT; i++) {
        uint8_t memory[64];
        struct model_value value = {0};
        const size_t len = (size_t)(store_wire_put_value(memory, &values[i]) - memory);
        assert_in_range(len, 1, store_wire_value_room(&values[i]));
        struct store_wire wire = store_wire_over(slice_of(memory, len));
        store_wire_get_value(&wire, &value);
        assert_false(wire.bad);
        assert_true(model_value_equal(&value, &values[i]));
        wire = store_wire_over(slice_of(memory, len));
        assert_int_equal(store_wire_get_value_bytes(&wire).len, len);
    }
}

static void cut_values_are_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALUE_COUNT; i++) {
        uint8_t memory[64];
        struct model_value value = {0};
        const size_t len = (size_t)(store_wire_put_value(memory, &values[i]) - memory);
        for (size_t cut = 0; cut < len; cut++) {
            struct store_wire wire = store_wire_over(slice_of(memory, cut));
            store_wire_get_value(&wire, &value);
            assert_true(wire.bad);
            wire = store_wire_over(slice_of(memory, cut));
            assert_null(store_wire_get_value_bytes(&wire).ptr);
            assert_true(wire.bad);
        }
    }
    static const uint8_t unknown_type[] = {0x0f, 0, 0};
    struct store_wire wire = store_wire_over(slice_of(unknown_type, sizeof(unknown_type)));
    (void)store_wire_get_value_bytes(&wire);
    assert_true(wire.bad);
    static const uint8_t endless[11] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    wire = store_wire_over(slice_of(endless, sizeof(endless)));
    (void)store_wire_get_varint(&wire);
    assert_true(wire.bad);
}

static struct store_record_view round_trip(const struct store_record *record,
                                           uint8_t **owned_memory)
{
    struct store_record_view view;
    const size_t room = store_record_room(record);
    assert_true(room > 0);
    *owned_memory = malloc(room);
    assert_non_null(*owned_memory);
    const size_t len = store_record_encode(record, *owned_memory);
    assert_in_range(len, 1, room);
    store_record_decode(slice_of(*owned_memory, len), &view);
    assert_int_equal(view.verb, record->verb);
    assert_int_equal(view.ticket, record->ticket);
    assert_int_equal(view.tenant.number, record->tenant.number);
    assert_int_equal(view.device.number, record->device.number);
    assert_memory_equal(view.trace.bytes, record->trace.bytes, STORE_TRACE_SIZE);
    return view;
}

static void save_comes_back(void **state)
{
    (void)state;
    const struct model_point points[] = {{SLICE("a"), values[2]}, {SLICE("b"), values[4]}};
    const struct model_reading items[] = {{true, -5, points, 2}, {false, 0, points, 1}};
    const struct model_readings readings = {items, 2, 3};
    const struct store_record record = {.verb = STORE_SAVE,
                                        .ticket = UINT64_MAX,
                                        .tenant = {UINT64_MAX},
                                        .device = {UINT64_MAX},
                                        .trace = {{1, 2, 3}},
                                        .save = {&readings, {INT64_MIN}, 7, true, false}};
    uint8_t *memory = NULL;
    const struct store_record_view view = round_trip(&record, &memory);
    assert_int_equal(view.proposed.ms, INT64_MIN);
    assert_int_equal(view.ttl_s, 7);
    assert_true(view.series);
    assert_false(view.latest);
    assert_int_equal(view.count, 2);
    assert_int_equal(view.point_count, 3);
    assert_int_equal(view.kinds, 0);
    struct store_wire body = store_wire_over(view.body);
    for (uint32_t i = 0; i < view.count; i++) {
        const struct store_record_reading reading = store_record_next_reading(&body);
        assert_int_equal(reading.has_time, items[i].has_time);
        assert_int_equal(reading.time_ms, items[i].time_ms);
        assert_int_equal(reading.point_count, items[i].point_count);
        for (uint32_t p = 0; p < reading.point_count; p++) {
            struct model_value value = {0};
            assert_true(slice_equal(store_record_next_key(&body), points[p].key));
            store_wire_get_value(&body, &value);
            assert_true(model_value_equal(&value, &points[p].value));
        }
    }
    assert_int_equal(store_wire_left(&body), 0);
    free(memory);
}

static void delete_comes_back_with_both_ends_inside(void **state)
{
    (void)state;
    static const struct {
        bool all_time;
        int64_t start_ms, end_ms, first_ms, last_ms;
    } cases[] = {
        {false, 10, 20, 10, 19},
        {true, 10, 20, INT64_MIN, INT64_MAX},
        {false, 20, 10, 1, 0},
        {false, 10, 10, 1, 0},
        {false, INT64_MIN, INT64_MIN, 1, 0},
        {false, INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX - 1},
    };
    const struct slice keys[] = {SLICE("a"), SLICE("b")};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct store_record record = {.verb = STORE_DELETE,
                                            .delete = {keys, 2, cases[i].all_time,
                                                       cases[i].start_ms, cases[i].end_ms, true,
                                                       false}};
        uint8_t *memory = NULL;
        const struct store_record_view view = round_trip(&record, &memory);
        assert_int_equal(view.first_ms, cases[i].first_ms);
        assert_int_equal(view.last_ms, cases[i].last_ms);
        assert_int_equal(view.all_time, cases[i].all_time);
        assert_true(view.latest);
        assert_false(view.rewrite_latest);
        assert_int_equal(view.count, 2);
        free(memory);
    }
}

static void purge_comes_back(void **state)
{
    (void)state;
    const struct store_record record = {.verb = STORE_PURGE, .device = {9}};
    uint8_t *memory = NULL;
    const struct store_record_view view = round_trip(&record, &memory);
    assert_int_equal(view.kinds, UINT32_MAX);
    free(memory);
}

static void change_comes_back_and_says_what_it_is_about(void **state)
{
    (void)state;
    const struct store_state_change items[] = {{STORE_STATE_SHARED, SLICE("a"), false, SLICE("1")},
                                               {STORE_STATE_COUNTER, SLICE("n"), false, SLICE("")},
                                               {STORE_STATE_SHARED, SLICE("b"), true, SLICE_EMPTY}};
    const struct store_record record = {.verb = STORE_CHANGE, .device = {9}, .change = {items, 3}};
    uint8_t *memory = NULL;
    const struct store_record_view view = round_trip(&record, &memory);
    assert_int_equal(view.kinds,
                     STORE_STATE_BIT(STORE_STATE_SHARED) | STORE_STATE_BIT(STORE_STATE_COUNTER));
    assert_int_equal(view.count, 3);
    struct store_wire body = store_wire_over(view.body);
    for (uint32_t i = 0; i < view.count; i++) {
        const struct store_state_change change = store_record_next_change(&body);
        assert_int_equal(change.kind, items[i].kind);
        assert_int_equal(change.is_removed, items[i].is_removed);
        assert_true(slice_equal(change.name, items[i].name));
        assert_true(slice_equal(change.value, items[i].value));
    }
    assert_int_equal(store_wire_left(&body), 0);
    free(memory);
}

static void expiry_never_overflows(void **state)
{
    (void)state;
    struct store_record_view view = {.proposed = {1000}, .ttl_s = 5};
    assert_int_equal(store_record_expiry(&view), 6000);
    view.ttl_s = 0;
    assert_int_equal(store_record_expiry(&view), 0);
    view.ttl_s = UINT64_MAX;
    assert_int_equal(store_record_expiry(&view), 0);
    view.ttl_s = (uint64_t)INT64_MAX / 1000;
    assert_int_equal(store_record_expiry(&view), 0);
}

static void keys_sort_by_bytes_then_length(void **state)
{
    (void)state;
    assert_true(store_record_compare_keys(SLICE("a"), SLICE("b")) < 0);
    assert_true(store_record_compare_keys(SLICE("b"), SLICE("aa")) > 0);
    assert_true(store_record_compare_keys(SLICE("a"), SLICE("aa")) < 0);
    assert_true(store_record_compare_keys(SLICE(""), SLICE("a")) < 0);
    assert_int_equal(store_record_compare_keys(SLICE("a"), SLICE("a")), 0);
    assert_int_equal(store_record_compare_keys(SLICE_EMPTY, SLICE("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(ordered_numbers_sort_as_bytes),
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(cut_values_are_bad),
        cmocka_unit_test(save_comes_back),
        cmocka_unit_test(delete_comes_back_with_both_ends_inside),
        cmocka_unit_test(purge_comes_back),
        cmocka_unit_test(change_comes_back_and_says_what_it_is_about),
        cmocka_unit_test(expiry_never_overflows),
        cmocka_unit_test(keys_sort_by_bytes_then_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
