// Number literals to values, by the tables of device-api.md 2.2 and 10.11 with the differences of
// architecture.md section 6; strings that look like numbers; doubles to text and back.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "codec/number.h"

static uint8_t memory[4096] __attribute__((aligned(16)));

// A value in words: "LONG 1", "DOUBLE 1.5", "STRING abc", or the reason of an error.
static const char *read_number(struct slice literal, bool type_cast, char text[512])
{
    struct arena arena;
    struct buf out = buf_over(text, 511);
    struct model_value value;
    const char *reason = NULL;

    arena_init(&arena, memory, sizeof(memory));
    if (codec_number_value(&arena, literal, type_cast, &value, &reason) != ERR_OK) {
        return reason;
    }
    if (value.type == MODEL_VALUE_LONG) {
        buf_put_format(&out, "LONG %lld", (long long)value.number);
    } else if (value.type == MODEL_VALUE_DOUBLE) {
        buf_put_text(&out, signbit(value.real) ? "DOUBLE -" : "DOUBLE ");
        codec_number_put_double(&out, fabs(value.real));
    } else {
        buf_put_text(&out, "STRING ");
        buf_put_slice(&out, value.text);
    }
    text[out.len] = 0;
    return text;
}

static const struct {
    const char *literal;
    const char *value;    // with the type cast on
    const char *cast_off; // NULL: the same
} typed[] = {
    {"1", "LONG 1", NULL},
    {"0", "LONG 0", NULL},
    {"-0", "LONG 0", NULL},
    {"11", "LONG 11", NULL},
    {"-12345678901234567", "LONG -12345678901234567", NULL},
    {"999999999999999999", "LONG 999999999999999999", NULL},
    {"1000000000000000000", "LONG 1000000000000000000", NULL},
    {"9223372036854775807", "LONG 9223372036854775807", NULL},
    {"-9223372036854775808", "LONG -9223372036854775808", NULL},
    {"9223372036854775808", "STRING 9223372036854775808", "a number is too large"},
    {"-9223372036854775809", "STRING -9223372036854775809", "a number is too large"},
    {"18446744073709551616", "STRING 18446744073709551616", "a number is too large"},
    {"89701010051400054084", "STRING 89701010051400054084", "a number is too large"},
    {"99701010061400066001", "STRING 99701010061400066001", "a number is too large"},
    // Integral with an exponent.
    {"1e2", "LONG 100", NULL},
    {"1E+1", "LONG 10", NULL},
    {"1E1", "LONG 10", NULL},
    {"1.5e1", "LONG 15", NULL},
    {"0.1e1", "LONG 1", NULL},
    {"100e-2", "LONG 1", NULL},
    {"-2.50e2", "LONG -250", NULL},
    {"0e999999999", "LONG 0", NULL},
    {"0.0e-5", "LONG 0", NULL},
    {"9.223372036854775807e18", "LONG 9223372036854775807", NULL},
    {"-9223372036854775808e0", "LONG -9223372036854775808", NULL},
    {"1e18", "LONG 1000000000000000000", NULL},
    {"1e19", "STRING 10000000000000000000", "a number is too large"},
    {"1E19", "STRING 10000000000000000000", "a number is too large"},
    {"-1e20", "STRING -100000000000000000000", "a number is too large"},
    {"9.9701010061400066E19", "STRING 99701010061400066000", "a number is too large"},
    // With a plain point, or not integral.
    {"1.0", "DOUBLE 1.0", NULL},
    {"100.00", "DOUBLE 100.0", NULL},
    {"42.0", "DOUBLE 42.0", NULL},
    {"1.1", "DOUBLE 1.1", NULL},
    {"25.5", "DOUBLE 25.5", NULL},
    {"-1013.25", "DOUBLE -1013.25", NULL},
    {"0.1", "DOUBLE 0.1", NULL},
    {"-0.0", "DOUBLE 0.0", NULL},
    {"0.0", "DOUBLE 0.0", NULL},
    {"-0.000000000000000000000", "DOUBLE 0.0", NULL},
    {"1.5e0", "DOUBLE 1.5", NULL},
    {"101E-1", "DOUBLE 10.1", NULL},
    {"10000000.0", "DOUBLE 1.0E7", NULL},
    {"12345678901234567890.5", "DOUBLE 1.2345678901234567E19", NULL},
    {"12345678901234567890.0", "DOUBLE 1.2345678901234567E19", NULL},
    {"0.30000000000000004", "DOUBLE 0.30000000000000004", NULL},
    {"90071992547409.93", "DOUBLE 9.007199254740994E13", NULL},
    {"9007199254740993.0", "DOUBLE 9.007199254740992E15", NULL},
    {"1e-16", "DOUBLE 1.0E-16", NULL},
    {"1e-17", "DOUBLE 1.0E-17", NULL},
    {"1.2345678901234568E-5", "DOUBLE 1.2345678901234568E-5", NULL},
    {"4.9e-324", "DOUBLE 4.9E-324", NULL},
    {"1e-400", "DOUBLE 0.0", NULL},
    {"-1e-999999999999999999999", "DOUBLE 0.0", NULL},
    // As the type cast hands them over.
    {"007", "LONG 7", NULL},
    {".5", "DOUBLE 0.5", NULL},
    {"-.5", "DOUBLE -0.5", NULL},
    {"00000000000000000000000000001", "LONG 1", NULL},
    // Capped.
    {"1e399", NULL, "a number is too large"},
    {"1e400", "a number has too many digits", "a number is too large"},
    {"1e999999999", "a number has too many digits", "a number is too large"},
    {"1e99999999999999999999999999", "a number has too many digits", "a number is too large"},
};

static void literals_get_their_types(void **state)
{
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
        const struct slice literal = slice_text(typed[i].literal);
        const char *off = typed[i].cast_off != NULL ? typed[i].cast_off : typed[i].value;
        if (typed[i].value != NULL) {
            assert_string_equal(read_number(literal, true, text), typed[i].value);
        }
        assert_string_equal(read_number(literal, false, text), off);
    }
}

// `digits` of them, all nines, then `end`.
static struct slice nines(char *text, size_t digits, const char *end)
{
    memset(text, '9', digits);
    strcpy(text + digits, end);
    return slice_text(text);
}

static void the_largest_numbers_are_texts_of_all_their_digits(void **state)
{
    char literal[512];
    char text[512];

    (void)state;
    const char *max = read_number(SLICE("1.7976931348623157E308"), true, text);
    assert_int_equal(strlen(max), strlen("STRING ") + 309);
    assert_memory_equal(max, "STRING 179769313486231570000", 28);
    assert_int_equal(strlen(read_number(SLICE("1.5E300"), true, text)), strlen("STRING ") + 301);
    assert_int_equal(strlen(read_number(SLICE("1e399"), true, text)), strlen("STRING ") + 400);
    // Not integral and above every double.
    const struct slice huge = nines(literal, 320, ".5");
    assert_true(slice_equal(slice_text(read_number(huge, true, text) + 7), huge));
    assert_string_equal(read_number(huge, false, text), "a number is too large");
}

static void digits_are_capped(void **state)
{
    char literal[512];
    char text[512];

    (void)state;
    const struct slice most = nines(literal, CODEC_NUMBER_DIGITS_MAX, "");
    assert_int_equal(strlen(read_number(most, true, text)), strlen("STRING ") + most.len);
    const struct slice more = nines(literal, CODEC_NUMBER_DIGITS_MAX + 1, "");
    assert_string_equal(read_number(more, true, text), "a number has too many digits");
    const struct slice fraction = nines(literal, CODEC_NUMBER_DIGITS_MAX, ".9");
    assert_string_equal(read_number(fraction, true, text), "a number has too many digits");
}

static void a_full_arena_is_an_error(void **state)
{
    struct arena arena;
    struct model_value value;
    const char *reason = NULL;

    (void)state;
    arena_init(&arena, memory, 16);
    assert_int_equal(codec_number_value(&arena, SLICE("1e19"), true, &value, &reason),
                     ERR_EXHAUSTED);
    assert_non_null(reason);
}

static void doubles_are_the_nearest(void **state)
{
    struct random random;
    char literal[64];

    (void)state;
    random_init(&random, 1);
    for (unsigned i = 0; i < 20000; i++) {
        const unsigned long long digits = random_next(&random) >> random_below(&random, 60);
        struct model_value value;
        const char *reason = NULL;
        if (i % 2 == 0) {
            snprintf(literal, sizeof(literal), "%llu.%llu", digits,
                     (unsigned long long)random_below(&random, 100000));
        } else {
            snprintf(literal, sizeof(literal), "%lluE-%u", digits | 1,
                     (unsigned)random_below(&random, 340) + 20);
        }
        assert_int_equal(codec_number_value(NULL, slice_text(literal), false, &value, &reason),
                         ERR_OK);
        assert_int_equal(value.type, MODEL_VALUE_DOUBLE);
        assert_true(value.real == strtod(literal, NULL));
    }
}

static void integers_are_cut_or_refused(void **state)
{
    static const struct {
        const char *literal;
        bool whole; // without cutting
        bool cut;
        int64_t value;
    } rows[] = {
        {"1782986400000", true, true, 1782986400000},
        {"1.782986400123E12", true, true, 1782986400123},
        {"5.9", false, true, 5},
        {"-5.9", false, true, -5},
        {"0.9", false, true, 0},
        {"123e-2", false, true, 1},
        {"1e-999999", false, true, 0},
        {"9223372036854775807.9", false, true, INT64_MAX},
        {"9223372036854775808", false, false, 0},
        {"-9223372036854775809.5", false, false, 0},
        {"1e30", false, false, 0},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct slice literal = slice_text(rows[i].literal);
        int64_t value = 0;
        assert_int_equal(codec_number_int64(literal, false, &value), rows[i].whole);
        assert_int_equal(codec_number_int64(literal, true, &value), rows[i].cut);
        if (rows[i].cut) {
            assert_int_equal(value, rows[i].value);
        }
    }
    int64_t value = 0;
    assert_false(codec_number_int64(nines(text, CODEC_NUMBER_DIGITS_MAX + 1, ""), true, &value));
}

static void json_numbers_are_told_from_others(void **state)
{
    static const char *const good[] = {"0",   "-0",   "10",    "1.5", "-1.50",  "0.0",
                                       "1e5", "1E+5", "1e-05", "0e0", "-1.5E10"};
    static const char *const bad[] = {"",   "-",   "01",    "-01", "+1", ".5",  "5.", "1.e5",
                                      "1e", "1e+", "1e5.5", "0x1", "1a", "--1", "1 ", "NaN"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(codec_number_is_json(slice_text(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(codec_number_is_json(slice_text(bad[i])));
    }
}

static void strings_that_look_like_numbers_become_numbers(void **state)
{
    static const struct {
        const char *text;
        enum model_value_type type; // STRING: stays one
        double value;
    } rows[] = {
        {"5", MODEL_VALUE_LONG, 5},
        {"007", MODEL_VALUE_LONG, 7},
        {"-12", MODEL_VALUE_LONG, -12},
        {"-0", MODEL_VALUE_LONG, 0},
        {"5.0", MODEL_VALUE_DOUBLE, 5.0},
        {".5", MODEL_VALUE_DOUBLE, 0.5},
        {"-.5", MODEL_VALUE_DOUBLE, -0.5},
        {"\xD9\xA3", MODEL_VALUE_LONG, 3},                        // Arabic-Indic three
        {"-\xEF\xBC\x91.\xEF\xBC\x95", MODEL_VALUE_DOUBLE, -1.5}, // full-width
        {"\xE0\xA5\xA7"
         "2",
         MODEL_VALUE_LONG, 12}, // Devanagari one
        {"5\xC3\xA4", MODEL_VALUE_STRING, 0},
        {"5\xC3", MODEL_VALUE_STRING, 0},
        {"\xF0\x9D\x9F\x8E", MODEL_VALUE_STRING, 0}, // outside the basic plane
        {"1e5", MODEL_VALUE_STRING, 0},
        {"+7", MODEL_VALUE_STRING, 0},
        {"5.", MODEL_VALUE_STRING, 0},
        {" 5", MODEL_VALUE_STRING, 0},
        {"5 ", MODEL_VALUE_STRING, 0},
        {"", MODEL_VALUE_STRING, 0},
        {"-", MODEL_VALUE_STRING, 0},
        {".", MODEL_VALUE_STRING, 0},
        {"-.", MODEL_VALUE_STRING, 0},
        {"1.2.3", MODEL_VALUE_STRING, 0},
        {"1-2", MODEL_VALUE_STRING, 0},
        {"0x10", MODEL_VALUE_STRING, 0},
        {"on", MODEL_VALUE_STRING, 0},
        {"99999999999999999999", MODEL_VALUE_STRING, 0},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model_value value = {.type = MODEL_VALUE_STRING};
        const bool number = codec_number_cast(slice_text(rows[i].text), &value);
        assert_int_equal(number, rows[i].type != MODEL_VALUE_STRING);
        if (number) {
            assert_int_equal(value.type, rows[i].type);
            const double got = value.type == MODEL_VALUE_LONG ? (double)value.number : value.real;
            assert_true(got == rows[i].value);
        }
    }
    struct model_value value;
    assert_false(codec_number_cast(nines(text, CODEC_NUMBER_DIGITS_MAX + 1, ""), &value));
    assert_false(codec_number_cast(nines(text, 350, ".5"), &value));
}

static const char *written(double value, char text[64])
{
    struct buf out = buf_over(text, 63);

    codec_number_put_double(&out, value);
    text[out.len] = 0;
    return text;
}

static void doubles_are_written_as_java_does(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0.0, "0.0"},
        {-0.0, "0.0"},
        {1.0, "1.0"},
        {42.0, "42.0"},
        {-1.5, "-1.5"},
        {100.0, "100.0"},
        {25.5, "25.5"},
        {1013.25, "1013.25"},
        {0.001, "0.001"},
        {0.00123, "0.00123"},
        {0.05, "0.05"},
        {0.00099, "9.9E-4"},
        {1e-5, "1.0E-5"},
        {1.2345678901234568E-5, "1.2345678901234568E-5"},
        {9999999.0, "9999999.0"},
        {9999999.5, "9999999.5"},
        {1e7, "1.0E7"},
        {12345678.9, "1.23456789E7"},
        {1e10, "1.0E10"},
        {1e22, "1.0E22"},
        {1e23, "1.0E23"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {1.7976931348623157E308, "1.7976931348623157E308"},
        {2.2250738585072014E-308, "2.2250738585072014E-308"},
        {4.9e-324, "4.9E-324"},
        {9.88e-324, "9.9E-324"},
        {-2e-323, "-2.0E-323"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {NAN, "NaN"},
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(written(rows[i].value, text), rows[i].text);
    }
}

static void written_doubles_read_back_the_same_and_are_shortest(void **state)
{
    struct random random;
    char text[64];
    char shorter[64];

    (void)state;
    random_init(&random, 2);
    for (unsigned i = 0; i < 20000; i++) {
        const uint64_t bits = random_next(&random);
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (i % 2 == 0) {
            value = (double)(int64_t)random_below(&random, 2000000) / 100;
        }
        if (!isfinite(value) || value == 0) {
            continue;
        }
        assert_true(strtod(written(value, text), NULL) == value);
        assert_true(strlen(text) <= CODEC_NUMBER_TEXT_MAX);
        // One digit less does not do: count the digits without zeros at the ends.
        int digits = 0;
        int trailing = 0;
        for (const char *at = text; *at != 0 && *at != 'E'; at++) {
            if (*at >= '0' && *at <= '9' && (digits > 0 || *at != '0')) {
                digits++;
                trailing = *at == '0' ? trailing + 1 : 0;
            }
        }
        digits -= trailing;
        if (digits > 1) {
            snprintf(shorter, sizeof(shorter), "%.*e", digits - 2, value);
            assert_true(strtod(shorter, NULL) != value);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_get_their_types),
        cmocka_unit_test(the_largest_numbers_are_texts_of_all_their_digits),
        cmocka_unit_test(digits_are_capped),
        cmocka_unit_test(a_full_arena_is_an_error),
        cmocka_unit_test(doubles_are_the_nearest),
        cmocka_unit_test(integers_are_cut_or_refused),
        cmocka_unit_test(json_numbers_are_told_from_others),
        cmocka_unit_test(strings_that_look_like_numbers_become_numbers),
        cmocka_unit_test(doubles_are_written_as_java_does),
        cmocka_unit_test(written_doubles_read_back_the_same_and_are_shortest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
