// Borrowed bytes: comparing, cutting, numbers at the edge of their range, and UTF-8 against the
// well-formed byte sequences of the Unicode standard (table 3-7).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"

static void assert_slice(struct slice s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.ptr, text, s.len);
}

static void case_is_ignored_for_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(slice_equal_nocase(SLICE("AZ-az09"), SLICE("az-AZ09")));
    assert_false(slice_equal_nocase(SLICE("abc"), SLICE("abcd")));
    assert_false(slice_equal_nocase(SLICE("abc"), SLICE("abd")));
    // '@' and '`', '[' and '{' differ by the case bit but are no letters; nor are bytes of UTF-8.
    assert_false(slice_equal_nocase(SLICE("@"), SLICE("`")));
    assert_false(slice_equal_nocase(SLICE("["), SLICE("{")));
    assert_false(slice_equal_nocase(SLICE("\xc4"), SLICE("\xe4")));
    assert_true(slice_equal_nocase(SLICE_EMPTY, SLICE("")));
}

static void a_part_is_found_whatever_its_case(void **state)
{
    (void)state;
    assert_true(slice_contains_nocase(SLICE("setLed"), SLICE("LED")));
    assert_true(slice_contains_nocase(SLICE("setLed"), SLICE("setled")));
    assert_true(slice_contains_nocase(SLICE("setLed"), SLICE("S")));
    assert_false(slice_contains_nocase(SLICE("setLed"), SLICE("leds")));
    assert_false(slice_contains_nocase(SLICE("led"), SLICE("setled")));
    assert_true(slice_contains_nocase(SLICE("led"), SLICE_EMPTY));
    assert_true(slice_contains_nocase(SLICE_EMPTY, SLICE_EMPTY));
    assert_false(slice_contains_nocase(SLICE_EMPTY, SLICE("a")));
}

static void sub_is_clamped_to_the_end(void **state)
{
    (void)state;
    assert_slice(slice_sub(SLICE("abcdef"), 2, 3), "cde");
    assert_slice(slice_sub(SLICE("abcdef"), 4, 10), "ef");
    assert_slice(slice_sub(SLICE("abcdef"), 4, SIZE_MAX), "ef");
    assert_int_equal(slice_sub(SLICE("abc"), 3, 1).len, 0);
    assert_int_equal(slice_sub(SLICE("abc"), SIZE_MAX, SIZE_MAX).len, 0);
    assert_int_equal(slice_sub(SLICE_EMPTY, 1, 1).len, 0);
}

static void prefix_may_be_empty_or_whole_but_not_longer(void **state)
{
    (void)state;
    assert_true(slice_starts_with(SLICE("abc"), SLICE("ab")));
    assert_true(slice_starts_with(SLICE("abc"), SLICE("abc")));
    assert_true(slice_starts_with(SLICE("abc"), SLICE_EMPTY));
    assert_true(slice_starts_with(SLICE_EMPTY, SLICE_EMPTY));
    assert_false(slice_starts_with(SLICE("abc"), SLICE("abcd")));
    assert_false(slice_starts_with(SLICE("abc"), SLICE("b")));
}

static void cut_tells_an_empty_rest_from_no_rest(void **state)
{
    (void)state;
    struct slice rest = SLICE("a//b/");
    assert_slice(slice_cut(&rest, '/'), "a");
    assert_slice(slice_cut(&rest, '/'), "");
    assert_slice(slice_cut(&rest, '/'), "b");
    assert_int_equal(rest.len, 0);
    assert_non_null(rest.ptr);
    assert_slice(slice_cut(&rest, '/'), "");
    assert_null(rest.ptr);
    assert_int_equal(slice_cut(&rest, '/').len, 0);
    assert_null(rest.ptr);
}

static void int64_takes_its_whole_range_and_no_more(void **state)
{
    (void)state;
    int64_t value = 7;
    assert_true(slice_to_int64(SLICE("0"), &value));
    assert_int_equal(value, 0);
    assert_true(slice_to_int64(SLICE("-0"), &value));
    assert_int_equal(value, 0);
    assert_true(slice_to_int64(SLICE("0042"), &value));
    assert_int_equal(value, 42);
    assert_true(slice_to_int64(SLICE("9223372036854775807"), &value));
    assert_true(value == INT64_MAX);
    assert_true(slice_to_int64(SLICE("-9223372036854775808"), &value));
    assert_true(value == INT64_MIN);
    value = 7;
    assert_false(slice_to_int64(SLICE("9223372036854775808"), &value));
    assert_false(slice_to_int64(SLICE("-9223372036854775809"), &value));
    assert_false(slice_to_int64(SLICE("18446744073709551616"), &value));
    assert_false(slice_to_int64(SLICE("99999999999999999999"), &value));
    assert_int_equal(value, 7);
}

static void int64_takes_nothing_but_digits(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "-",  "+1",  " 1", "1 ", "1.0",
                                      "--1", "1-", "0x1", "/",  ":"};
    int64_t value = 7;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(slice_to_int64(slice_text(bad[i]), &value));
    }
    assert_false(slice_to_int64(SLICE_EMPTY, &value));
    assert_int_equal(value, 7);
}

static bool decodes(const uint8_t *bytes, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    *code = bytes[0];
    if (len == 1) {
        return bytes[0] < 0x80;
    }
    const uint8_t marks = (uint8_t)(0xff << (7 - len));
    if ((bytes[0] & marks) != lead[len]) {
        return false;
    }
    *code = bytes[0] & (uint8_t)~marks;
    for (size_t i = 1; i < len; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return false;
        }
        *code = *code << 6 | (bytes[i] & 0x3f);
    }
    return *code >= least[len] && *code <= 0x10ffff && (*code < 0xd800 || *code > 0xdfff);
}

// The longest prefix that is one character by the arithmetic of RFC 3629.
static size_t step_by_arithmetic(const uint8_t bytes[4])
{
    uint32_t code;
    for (size_t len = 1; len <= 4; len++) {
        if (decodes(bytes, len, &code)) {
            return len;
        }
    }
    return 0;
}

static void utf8_step_agrees_with_arithmetic_on_all_leading_bytes(void **state)
{
    (void)state;
    static const uint8_t ends[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    for (unsigned first_two = 0; first_two < 0x10000; first_two++) {
        for (size_t i = 0; i < sizeof(ends); i++) {
            const uint8_t bytes[4] = {(uint8_t)(first_two >> 8), (uint8_t)first_two, ends[i],
                                      ends[(i + first_two) % sizeof(ends)]};
            assert_int_equal(slice_utf8_step(slice_of(bytes, 4)), step_by_arithmetic(bytes));
        }
    }
}

static void utf8_that_is_cut_short_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(slice_utf8_step(SLICE_EMPTY), 0);
    for (size_t len = 1; len < 4; len++) {
        assert_int_equal(slice_utf8_step(slice_of("\xf0\x9f\x98\x80", len)), 0);
        assert_false(slice_is_utf8(slice_of("\xf0\x9f\x98\x80", len)));
    }
}

static void a_bad_byte_is_found_at_every_place(void **state)
{
    (void)state;
    uint8_t text[40];
    memset(text, 'x', sizeof(text));
    assert_true(slice_is_utf8(slice_of(text, sizeof(text))));
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = 0x80;
        assert_false(slice_is_utf8(slice_of(text, sizeof(text))));
        text[i] = 'x';
    }
    assert_true(slice_is_utf8(SLICE_EMPTY));
    assert_true(slice_is_utf8(SLICE("12345678\xc3\xa4"
                                    "12345678\xf0\x9f\x98\x80")));
}

static void utf16_units_are_two_above_the_basic_plane(void **state)
{
    (void)state;
    assert_int_equal(slice_utf16_units(SLICE_EMPTY), 0);
    assert_int_equal(slice_utf16_units(SLICE("abc")), 3);
    assert_int_equal(slice_utf16_units(SLICE("\xc3\xa4\xe2\x82\xac")), 2);
    assert_int_equal(slice_utf16_units(SLICE("a\xf0\x9f\x98\x80z")), 4);
    // Malformed bytes count one each: here a cut sequence of three bytes and a lone 0xff.
    assert_int_equal(slice_utf16_units(SLICE("\xf0\x9f\x98\xff")), 4);
}

static void slices_are_ordered_bytewise(void **state)
{
    (void)state;
    static const char *const sorted[] = {"", "a", "aa", "ab", "b", "\xff"};
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned k = 0; k < 6; k++) {
            const int order = slice_compare(slice_text(sorted[i]), slice_text(sorted[k]));
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_are_ordered_bytewise),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_only),
        cmocka_unit_test(a_part_is_found_whatever_its_case),
        cmocka_unit_test(sub_is_clamped_to_the_end),
        cmocka_unit_test(prefix_may_be_empty_or_whole_but_not_longer),
        cmocka_unit_test(cut_tells_an_empty_rest_from_no_rest),
        cmocka_unit_test(int64_takes_its_whole_range_and_no_more),
        cmocka_unit_test(int64_takes_nothing_but_digits),
        cmocka_unit_test(utf8_step_agrees_with_arithmetic_on_all_leading_bytes),
        cmocka_unit_test(utf8_that_is_cut_short_is_malformed),
        cmocka_unit_test(a_bad_byte_is_found_at_every_place),
        cmocka_unit_test(utf16_units_are_two_above_the_basic_plane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
