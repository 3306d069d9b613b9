#include "codec/number.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <yyjson.h>

// A product or quotient of two exact doubles is the nearest double only without extra precision.
static_assert(FLT_EVAL_METHOD == 0, "doubles are evaluated as doubles");

// Above this no exponent changes anything: every literal of CODEC_NUMBER_DIGITS_MAX digits is zero
// or infinite long before.
#define EXPONENT_MAX 100000

#define UINT64_DIGITS_MAX 20
// So many digits always fit an int64_t.
#define SMALL_DIGITS_MAX 18

static const char too_many_digits[] = "a number has too many digits";
static const char too_large[] = "a number is too large";

// digits * 10^exponent, without leading and trailing zeros; zero has no digits.
struct decimal {
    bool negative;
    bool plain_point; // a point and no exponent
    uint32_t count;
    int64_t exponent;
    char digits[CODEC_NUMBER_DIGITS_MAX];
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

// The exponent after 'e', limited so that it cannot overflow.
static int64_t read_exponent(struct slice text)
{
    const bool negative = text.len > 0 && text.ptr[0] == '-';
    int64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (is_digit(text.ptr[i]) && value < EXPONENT_MAX) {
            value = value * 10 + (text.ptr[i] - '0');
        }
    }
    return negative ? -value : value;
}

static void strip_trailing_zeros(struct decimal *decimal)
{
    while (decimal->count > 0 && decimal->digits[decimal->count - 1] == '0') {
        decimal->count--;
        decimal->exponent++;
    }
    if (decimal->count == 0) {
        decimal->exponent = 0;
    }
}

// False if there are more digits than we take.
static bool read_decimal(struct slice literal, struct decimal *decimal)
{
    size_t digits = 0;
    bool point = false;
    size_t at = 0;

    decimal->negative = literal.len > 0 && literal.ptr[0] == '-';
    decimal->count = 0;
    decimal->exponent = 0;
    at = decimal->negative ? 1 : 0;
    for (; at < literal.len && (is_digit(literal.ptr[at]) || literal.ptr[at] == '.'); at++) {
        if (literal.ptr[at] == '.') {
            ASSERT(!point);
            point = true;
            continue;
        }
        if (++digits > CODEC_NUMBER_DIGITS_MAX) {
            return false;
        }
        decimal->exponent -= point ? 1 : 0;
        if (decimal->count > 0 || literal.ptr[at] != '0') {
            decimal->digits[decimal->count++] = (char)literal.ptr[at];
        }
    }
    decimal->plain_point = point && at == literal.len;
    if (at < literal.len) {
        ASSERT(literal.ptr[at] == 'e' || literal.ptr[at] == 'E');
        decimal->exponent += read_exponent(slice_sub(literal, at + 1, SIZE_MAX));
    }
    strip_trailing_zeros(decimal);
    return true;
}

// False if the integral decimal does not fit.
static bool decimal_to_int64(const struct decimal *decimal, int64_t *value)
{
    uint64_t sum = 0;

    ASSERT(decimal->exponent >= 0);
    if (decimal->count + (uint64_t)decimal->exponent > UINT64_DIGITS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < decimal->count; i++) {
        if (__builtin_mul_overflow(sum, 10U, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(decimal->digits[i] - '0'), &sum)) {
            return false;
        }
    }
    for (int64_t i = 0; i < decimal->exponent; i++) {
        if (__builtin_mul_overflow(sum, 10U, &sum)) {
            return false;
        }
    }
    if (sum > (uint64_t)INT64_MAX + (decimal->negative ? 1U : 0U)) {
        return false;
    }
    *value = decimal->negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

// The nearest double; infinite if it is too large. -0.0 does not come out.
static double decimal_to_double(const struct decimal *decimal)
{
    char text[CODEC_NUMBER_DIGITS_MAX + 16];
    yyjson_val number;

    if (decimal->count == 0) {
        return 0.0;
    }
    const int len = snprintf(text, sizeof(text), "%s%.*se%lld", decimal->negative ? "-" : "",
                             (int)decimal->count, decimal->digits, (long long)decimal->exponent);
    ASSERT(len > 0 && (size_t)len < sizeof(text));
    if (yyjson_read_number(text, &number, YYJSON_READ_NOFLAG, NULL, NULL) == NULL) {
        return decimal->negative ? -INFINITY : INFINITY;
    }
    // What is too small for a double becomes zero, and zero has no sign.
    const double value = yyjson_get_num(&number);
    return value == 0.0 ? 0.0 : value;
}

static enum err decimal_to_text(struct arena *arena, const struct decimal *decimal,
                                struct model_value *value, const char **reason)
{
    const uint64_t len = decimal->count + (uint64_t)decimal->exponent;

    if (len > CODEC_NUMBER_DIGITS_MAX) {
        *reason = too_many_digits;
        return ERR_INVALID;
    }
    uint8_t *text = arena_take(arena, len + 1);
    if (text == NULL) {
        *reason = "no memory left for a number";
        return ERR_EXHAUSTED;
    }
    const size_t sign = decimal->negative ? 1 : 0;
    text[0] = '-';
    memcpy(text + sign, decimal->digits, decimal->count);
    memset(text + sign + decimal->count, '0', (size_t)decimal->exponent);
    *value = (struct model_value){.type = MODEL_VALUE_STRING, .text = slice_of(text, sign + len)};
    return ERR_OK;
}

// Powers of ten that are exact doubles.
static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// Most literals: at most 18 characters and no exponent, so the digits fit a word, and if they fit
// 53 bits one division of exact doubles gives the nearest (Clinger 1990). False: take the long way.
static bool read_small(struct slice literal, struct model_value *value)
{
    const bool negative = literal.len > 0 && literal.ptr[0] == '-';
    const size_t start = negative ? 1 : 0;
    size_t point = literal.len;
    uint64_t sum = 0;

    if (literal.len - start > SMALL_DIGITS_MAX) {
        return false;
    }
    for (size_t i = start; i < literal.len; i++) {
        if (is_digit(literal.ptr[i])) {
            sum = sum * 10 + (uint64_t)(literal.ptr[i] - '0');
        } else if (literal.ptr[i] == '.') {
            point = i;
        } else {
            return false;
        }
    }
    if (point == literal.len) {
        const int64_t number = (int64_t)sum;
        *value =
            (struct model_value){.type = MODEL_VALUE_LONG, .number = negative ? -number : number};
        return true;
    }
    if (sum >= UINT64_C(1) << DBL_MANT_DIG) {
        return false;
    }
    const double real = (double)sum / exact_powers[literal.len - point - 1];
    *value = (struct model_value){.type = MODEL_VALUE_DOUBLE,
                                  .real = negative && sum != 0 ? -real : real};
    return true;
}

enum err codec_number_value(struct arena *arena, struct slice literal, bool type_cast,
                            struct model_value *value, const char **reason)
{
    struct decimal decimal;

    if (read_small(literal, value)) {
        return ERR_OK;
    }
    if (!read_decimal(literal, &decimal)) {
        *reason = too_many_digits;
        return ERR_INVALID;
    }
    if (decimal.exponent >= 0 && !decimal.plain_point) {
        int64_t number = 0;
        if (decimal_to_int64(&decimal, &number)) {
            *value = (struct model_value){.type = MODEL_VALUE_LONG, .number = number};
            return ERR_OK;
        }
        if (type_cast) {
            return decimal_to_text(arena, &decimal, value, reason);
        }
        *reason = too_large;
        return ERR_INVALID;
    }
    const double real = decimal_to_double(&decimal);
    if (isfinite(real)) {
        *value = (struct model_value){.type = MODEL_VALUE_DOUBLE, .real = real};
        return ERR_OK;
    }
    if (!type_cast) {
        *reason = too_large;
        return ERR_INVALID;
    }
    *value = (struct model_value){.type = MODEL_VALUE_STRING, .text = literal};
    return ERR_OK;
}

bool codec_number_int64(struct slice literal, bool truncate, int64_t *value)
{
    struct decimal decimal;

    if (slice_to_int64(literal, value)) {
        return true;
    }
    if (!read_decimal(literal, &decimal)) {
        return false;
    }
    if (decimal.exponent < 0) {
        if (!truncate) {
            return false;
        }
        const int64_t whole = (int64_t)decimal.count + decimal.exponent;
        decimal.count = whole > 0 ? (uint32_t)whole : 0;
        decimal.exponent = 0;
    }
    return decimal_to_int64(&decimal, value);
}

static size_t skip_digits(struct slice text, size_t at)
{
    while (at < text.len && is_digit(text.ptr[at])) {
        at++;
    }
    return at;
}

bool codec_number_is_json(struct slice text)
{
    const size_t start = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    size_t at = skip_digits(text, start);

    if (at == start || (text.ptr[start] == '0' && at > start + 1)) {
        return false;
    }
    if (at < text.len && text.ptr[at] == '.') {
        const size_t fraction = at + 1;
        at = skip_digits(text, fraction);
        if (at == fraction) {
            return false;
        }
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        if (at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-')) {
            at++;
        }
        const size_t exponent = at;
        at = skip_digits(text, exponent);
        if (at == exponent) {
            return false;
        }
    }
    return at == text.len;
}
