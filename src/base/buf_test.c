// The bounded writer and its reader: byte order, the sticky overflow, and varints at their edges.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void numbers_are_written_big_endian(void **state)
{
    (void)state;
    uint8_t memory[15];
    struct buf buf = buf_over(memory, sizeof(memory));
    buf_put_u8(&buf, 0x01);
    buf_put_u16(&buf, 0x0203);
    buf_put_u32(&buf, 0x04050607);
    buf_put_u64(&buf, UINT64_C(0x08090a0b0c0d0e0f));
    static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    assert_false(buf.overflow);
    assert_int_equal(buf.len, sizeof(expected));
    assert_memory_equal(memory, expected, sizeof(expected));
    assert_int_equal(buf_room(&buf), 0);

    struct buf_reader reader = buf_reader_over(buf_view(&buf));
    assert_int_equal(buf_read_u8(&reader), 0x01);
    assert_int_equal(buf_read_u16(&reader), 0x0203);
    assert_int_equal(buf_read_u32(&reader), 0x04050607);
    assert_true(buf_read_u64(&reader) == UINT64_C(0x08090a0b0c0d0e0f));
    assert_false(reader.overflow);
    assert_int_equal(reader.rest.len, 0);
}

static void overflow_writes_nothing_and_stays_set(void **state)
{
    (void)state;
    uint8_t memory[8];
    memset(memory, 0xee, sizeof(memory));
    struct buf buf = buf_over(memory, 4);
    buf_put_text(&buf, "abc");
    buf_put_u16(&buf, 0);
    assert_true(buf.overflow);
    // Now there is room for one byte, but a text with a hole in it would be worse than none.
    buf_put_u8(&buf, 'd');
    buf_put_slice(&buf, SLICE("d"));
    buf_put_varint(&buf, 1);
    buf_put_format(&buf, "%c", 'd');
    assert_true(buf.overflow);
    assert_true(slice_equal(buf_view(&buf), SLICE("abc")));
    for (size_t i = 3; i < sizeof(memory); i++) {
        assert_int_equal(memory[i], 0xee);
    }
}

static void nothing_fits_into_no_memory_but_nothing(void **state)
{
    (void)state;
    struct buf buf = buf_over(NULL, 0);
    buf_put(&buf, NULL, 0);
    buf_put_slice(&buf, SLICE_EMPTY);
    buf_put_text(&buf, "");
    assert_false(buf.overflow);
    assert_int_equal(buf_view(&buf).len, 0);
    buf_put_format(&buf, "%d", 1);
    assert_true(buf.overflow);
}

static void format_needs_one_byte_more_than_its_text(void **state)
{
    (void)state;
    uint8_t memory[6];
    struct buf buf = buf_over(memory, sizeof(memory));
    buf_put_u8(&buf, '<');
    buf_put_format(&buf, "%d%s", 42, "xy");
    assert_false(buf.overflow);
    assert_true(slice_equal(buf_view(&buf), SLICE("<42xy")));
    buf_put_format(&buf, "%c", '>');
    assert_true(buf.overflow);
    assert_int_equal(buf.len, 5);
}

static void varints_survive_the_way_and_have_the_least_length(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit <= 64; bit++) {
        const uint64_t edge = bit == 64 ? 0 : UINT64_C(1) << bit;
        const uint64_t values[] = {edge - 1, edge, edge + 1};
        for (size_t i = 0; i < 3; i++) {
            uint8_t memory[10];
            struct buf buf = buf_over(memory, sizeof(memory));
            buf_put_varint(&buf, values[i]);
            const unsigned bits = values[i] == 0 ? 1 : 64 - (unsigned)__builtin_clzll(values[i]);
            assert_int_equal(buf.len, (bits + 6) / 7);
            struct buf_reader reader = buf_reader_over(buf_view(&buf));
            assert_true(buf_read_varint(&reader) == values[i]);
            assert_int_equal(reader.rest.len, 0);
            assert_false(reader.overflow);
        }
    }
}

static void signed_varints_are_short_on_both_sides_of_zero(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        size_t len;
    } rows[] = {{0, 1},   {-1, 1},   {63, 1},         {-64, 1},       {64, 2},
                {-65, 2}, {8191, 2}, {INT64_MAX, 10}, {INT64_MIN, 10}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t memory[10];
        struct buf buf = buf_over(memory, sizeof(memory));
        buf_put_varint_signed(&buf, rows[i].value);
        assert_int_equal(buf.len, rows[i].len);
        struct buf_reader reader = buf_reader_over(buf_view(&buf));
        assert_true(buf_read_varint_signed(&reader) == rows[i].value);
    }
}

static void varint_beyond_64_bits_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[11];
    memset(bytes, 0xff, sizeof(bytes));
    bytes[9] = 0x01;
    struct buf_reader reader = buf_reader_over(slice_of(bytes, 10));
    assert_true(buf_read_varint(&reader) == UINT64_MAX);
    assert_false(reader.overflow);
    bytes[9] = 0x02;
    reader = buf_reader_over(slice_of(bytes, 10));
    assert_true(buf_read_varint(&reader) == 0);
    assert_true(reader.overflow);
    bytes[9] = 0x81;
    bytes[10] = 0x00;
    reader = buf_reader_over(slice_of(bytes, 11));
    assert_true(buf_read_varint(&reader) == 0);
    assert_true(reader.overflow);
}

static void reader_past_the_end_gives_zeros_from_then_on(void **state)
{
    (void)state;
    struct buf_reader reader = buf_reader_over(SLICE("\x01\x02\x03"));
    assert_int_equal(buf_read_u32(&reader), 0);
    assert_true(reader.overflow);
    assert_int_equal(buf_read_u8(&reader), 0);
    assert_int_equal(buf_read_slice(&reader, 0).len, 0);
    assert_int_equal(buf_read_varint(&reader), 0);
    assert_true(reader.overflow);

    reader = buf_reader_over(SLICE("\x80"));
    assert_int_equal(buf_read_varint_signed(&reader), 0);
    assert_true(reader.overflow);
    reader = buf_reader_over(SLICE_EMPTY);
    assert_int_equal(buf_read_slice(&reader, 0).len, 0);
    assert_false(reader.overflow);
    assert_int_equal(buf_read_slice(&reader, SIZE_MAX).len, 0);
    assert_true(reader.overflow);
}

static void slices_are_views_of_the_input(void **state)
{
    (void)state;
    const struct slice input = SLICE("abcdef");
    struct buf_reader reader = buf_reader_over(input);
    const struct slice first = buf_read_slice(&reader, 2);
    assert_ptr_equal(first.ptr, input.ptr);
    assert_true(slice_equal(buf_read_slice(&reader, 4), SLICE("cdef")));
    assert_int_equal(reader.rest.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_big_endian),
        cmocka_unit_test(overflow_writes_nothing_and_stays_set),
        cmocka_unit_test(nothing_fits_into_no_memory_but_nothing),
        cmocka_unit_test(format_needs_one_byte_more_than_its_text),
        cmocka_unit_test(varints_survive_the_way_and_have_the_least_length),
        cmocka_unit_test(signed_varints_are_short_on_both_sides_of_zero),
        cmocka_unit_test(varint_beyond_64_bits_is_refused),
        cmocka_unit_test(reader_past_the_end_gives_zeros_from_then_on),
        cmocka_unit_test(slices_are_views_of_the_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
