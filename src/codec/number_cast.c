// Strings that look like numbers (device-api.md 2.2: "parsable"). Upstream counts every decimal
// digit of Unicode's basic plane; the rest of the program sees ASCII digits only.
#include "codec/number.h"

// The zeros of the scripts: category Nd comes in runs of ten.
static const uint16_t script_zeros[] = {
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
    0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
};

// The ASCII digit of the character at `at`, and its length; 0 if it is no digit.
static char digit_at(struct slice text, size_t at, size_t *step)
{
    const uint8_t *p = text.ptr + at;
    uint32_t point = 0;

    *step = slice_utf8_step(slice_sub(text, at, SIZE_MAX));
    if (*step == 1) {
        return p[0] >= '0' && p[0] <= '9' ? (char)p[0] : 0;
    }
    if (*step == 2) {
        point = (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    } else if (*step == 3) {
        point = (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    } else {
        return 0;
    }
    for (size_t i = 0; i < sizeof(script_zeros) / sizeof(script_zeros[0]); i++) {
        if (point >= script_zeros[i] && point < script_zeros[i] + 10U) {
            return (char)('0' + (point - script_zeros[i]));
        }
    }
    return 0;
}

// Reads a castable string; its ASCII form goes to `out`. False if it is none.
static bool read_castable(struct slice text, struct buf *out)
{
    bool point = false;
    size_t at = text.len > 1 && text.ptr[0] == '-' ? 1 : 0;

    if (text.len == 0 || text.ptr[text.len - 1] == '.') {
        return false;
    }
    if (at == 1) {
        buf_put_u8(out, '-');
    }
    while (at < text.len) {
        size_t step = 1;
        char c = '.';
        if (text.ptr[at] == '.') {
            if (point) {
                return false;
            }
            point = true;
        } else {
            c = digit_at(text, at, &step);
            if (c == 0) {
                return false;
            }
        }
        buf_put_u8(out, (uint8_t)c);
        at += step;
    }
    return true;
}

bool codec_number_cast(struct slice text, struct model_value *value)
{
    uint8_t ascii[CODEC_NUMBER_DIGITS_MAX + 2];
    struct buf out = buf_over(ascii, sizeof(ascii));
    const char *reason = NULL;

    // Most strings are words: one look at the first byte.
    if (text.len > 0 && text.ptr[0] > '9' && text.ptr[0] < 0x80) {
        return false;
    }
    if (!read_castable(text, &out) || out.overflow) {
        return false;
    }
    // With the cast off no text is made, so no arena is needed.
    return codec_number_value(NULL, buf_view(&out), false, value, &reason) == ERR_OK;
}
