// Doubles as text. The shortest digits come from yyjson's writer, the form is Java's.
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <yyjson.h>

#include "codec/number.h"

// 0.digits * 10^point
struct shortest {
    char digits[CODEC_NUMBER_TEXT_MAX];
    int count;
    int point;
};

// Takes the digits and the place of the point out of any usual form: 12.5, 1e-7, 1250.0.
static void read_digits(const char *text, struct shortest *shortest)
{
    bool point = false;

    shortest->count = 0;
    shortest->point = 0;
    for (; *text != 0 && *text != 'e'; text++) {
        if (*text == '.') {
            point = true;
        } else if (*text >= '0' && *text <= '9') {
            const bool leading_zero = shortest->count == 0 && *text == '0';
            if (!leading_zero) {
                ASSERT((size_t)shortest->count < sizeof(shortest->digits));
                shortest->digits[shortest->count++] = *text;
            }
            shortest->point += point ? (leading_zero ? -1 : 0) : (leading_zero ? 0 : 1);
        }
    }
    if (*text == 'e') {
        int exponent = 0;
        (void)sscanf(text + 1, "%d", &exponent);
        shortest->point += exponent;
    }
    while (shortest->count > 1 && shortest->digits[shortest->count - 1] == '0') {
        shortest->count--;
    }
}

static void shortest_digits(double value, struct shortest *shortest)
{
    char memory[256];
    yyjson_alc alc;
    size_t len = 0;
    yyjson_val number = {.tag = YYJSON_TYPE_NUM | YYJSON_SUBTYPE_REAL, .uni.f64 = value};

    ASSERT(yyjson_alc_pool_init(&alc, memory, sizeof(memory)));
    const char *text = yyjson_val_write_opts(&number, YYJSON_WRITE_NOFLAG, &alc, &len, NULL);
    ASSERT(text != NULL);
    read_digits(text, shortest);
    if (shortest->count == 1 && value < DBL_MIN) {
        // Java gives two digits, and where one would do several pairs may read back the same: it
        // takes the nearest, so the least double is 4.9E-324.
        char two[CODEC_NUMBER_TEXT_MAX];
        (void)snprintf(two, sizeof(two), "%.1e", value);
        read_digits(two, shortest);
    }
}

static void put_plain(struct buf *out, const struct shortest *shortest)
{
    const int point = shortest->point;

    for (int i = 0; i < point; i++) {
        buf_put_u8(out, i < shortest->count ? (uint8_t)shortest->digits[i] : '0');
    }
    buf_put_text(out, point <= 0 ? "0." : ".");
    for (int i = point; i < 0; i++) {
        buf_put_u8(out, '0');
    }
    const int rest = point > 0 ? point : 0;
    if (rest >= shortest->count) {
        buf_put_u8(out, '0');
    } else {
        buf_put(out, shortest->digits + rest, (size_t)(shortest->count - rest));
    }
}

static void put_scientific(struct buf *out, const struct shortest *shortest)
{
    char exponent[CODEC_NUMBER_TEXT_MAX];

    buf_put(out, shortest->digits, 1);
    buf_put_u8(out, '.');
    if (shortest->count == 1) {
        buf_put_u8(out, '0');
    } else {
        buf_put(out, shortest->digits + 1, (size_t)(shortest->count - 1));
    }
    (void)snprintf(exponent, sizeof(exponent), "E%d", shortest->point - 1);
    buf_put_text(out, exponent);
}

void codec_number_put_double(struct buf *out, double value)
{
    struct shortest shortest;

    if (isnan(value)) {
        buf_put_text(out, "NaN");
        return;
    }
    if (value < 0) {
        buf_put_u8(out, '-');
        value = -value;
    }
    if (isinf(value)) {
        buf_put_text(out, "Infinity");
        return;
    }
    if (value == 0) {
        buf_put_text(out, "0.0");
        return;
    }
    shortest_digits(value, &shortest);
    if (value >= 1e-3 && value < 1e7) {
        put_plain(out, &shortest);
    } else {
        put_scientific(out, &shortest);
    }
}
