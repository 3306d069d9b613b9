#include "base/slice.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

struct slice slice_sub(struct slice s, size_t start, size_t len)
{
    if (start >= s.len) {
        return SLICE_EMPTY;
    }
    const size_t rest = s.len - start;
    return slice_of(s.ptr + start, len < rest ? len : rest);
}

bool slice_starts_with(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_equal(slice_sub(s, 0, prefix.len), prefix);
}

struct slice slice_cut(struct slice *rest, char separator)
{
    const struct slice whole = *rest;
    const uint8_t *at = whole.len > 0 ? memchr(whole.ptr, separator, whole.len) : NULL;
    if (at == NULL) {
        *rest = SLICE_EMPTY;
        return whole;
    }
    const size_t len = (size_t)(at - whole.ptr);
    *rest = slice_of(at + 1, whole.len - len - 1);
    return slice_of(whole.ptr, len);
}

bool slice_to_int64(struct slice s, int64_t *value)
{
    const bool negative = s.len > 0 && s.ptr[0] == '-';
    size_t at = negative ? 1 : 0;
    if (at == s.len) {
        return false;
    }
    // Collected below zero, where there is room for the smallest number.
    int64_t sum = 0;
    for (; at < s.len; at++) {
        if (s.ptr[at] < '0' || s.ptr[at] > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_sub_overflow(sum, s.ptr[at] - '0', &sum)) {
            return false;
        }
    }
    if (!negative && sum == INT64_MIN) {
        return false;
    }
    *value = negative ? sum : -sum;
    return true;
}

// Bytes of the well-formed UTF-8 sequence at `p`, 0 if there is none (Unicode table 3-7).
static size_t utf8_sequence(const uint8_t *p, size_t len)
{
    const uint8_t first = p[0];
    if (first < 0x80) {
        return 1;
    }
    size_t need = 0;
    uint8_t least = 0x80;
    uint8_t most = 0xBF;
    if (first >= 0xC2 && first <= 0xDF) {
        need = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        need = 3;
        least = first == 0xE0 ? 0xA0 : 0x80;
        most = first == 0xED ? 0x9F : 0xBF;
    } else if (first >= 0xF0 && first <= 0xF4) {
        need = 4;
        least = first == 0xF0 ? 0x90 : 0x80;
        most = first == 0xF4 ? 0x8F : 0xBF;
    }
    if (need == 0 || need > len || p[1] < least || p[1] > most) {
        return 0;
    }
    for (size_t i = 2; i < need; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return need;
}

bool slice_is_utf8(struct slice s)
{
    for (size_t at = 0; at < s.len;) {
        const size_t step = utf8_sequence(s.ptr + at, s.len - at);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

size_t slice_utf16_units(struct slice s)
{
    size_t units = 0;
    for (size_t at = 0; at < s.len;) {
        const size_t step = utf8_sequence(s.ptr + at, s.len - at);
        units += step == 4 ? 2 : 1;
        at += step == 0 ? 1 : step;
    }
    return units;
}
