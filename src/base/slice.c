#include "base/slice.h"

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
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

bool slice_contains_nocase(struct slice whole, struct slice part)
{
    for (size_t at = 0; at + part.len <= whole.len; at++) {
        if (slice_equal_nocase(slice_sub(whole, at, part.len), part)) {
            return true;
        }
    }
    return false;
}

struct slice slice_sub(struct slice s, size_t start, size_t len)
{
    const size_t from = start < s.len ? start : s.len;
    const size_t left = s.len - from;
    // An empty slice may have no memory behind it, and NULL takes no offset.
    return slice_of(from == 0 ? s.ptr : s.ptr + from, len < left ? len : left);
}

bool slice_starts_with(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_equal(slice_sub(s, 0, prefix.len), prefix);
}

struct slice slice_cut(struct slice *rest, char separator)
{
    const struct slice all = *rest;
    const uint8_t *found = all.len == 0 ? NULL : memchr(all.ptr, separator, all.len);

    if (found == NULL) {
        *rest = SLICE_EMPTY;
        return all;
    }
    const size_t len = (size_t)(found - all.ptr);
    *rest = slice_of(found + 1, all.len - len - 1);
    return slice_of(all.ptr, len);
}

bool slice_to_int64(struct slice s, int64_t *value)
{
    const bool negative = s.len > 0 && s.ptr[0] == '-';
    const struct slice digits = slice_sub(s, negative ? 1 : 0, s.len);
    // |INT64_MIN| is one more than INT64_MAX, so the magnitude is gathered unsigned.
    const uint64_t magnitude_max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t magnitude = 0;

    if (digits.len == 0) {
        return false;
    }
    for (size_t i = 0; i < digits.len; i++) {
        const unsigned digit = (unsigned)digits.ptr[i] - '0';
        if (digit > 9 || magnitude > (magnitude_max - digit) / 10) {
            return false;
        }
        magnitude = magnitude * 10 + digit;
    }
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

// The smallest and largest second byte shut out overlong forms, surrogates and what lies above
// U+10FFFF (RFC 3629 section 4).
static bool second_byte_fits(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return is_continuation(second);
    }
}

static size_t sequence_len(uint8_t first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return 2;
    }
    if (first >= 0xe0 && first <= 0xef) {
        return 3;
    }
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

size_t slice_utf8_step(struct slice s)
{
    const size_t len = s.len == 0 ? 0 : sequence_len(s.ptr[0]);

    if (len <= 1) {
        return len;
    }
    if (len > s.len || !second_byte_fits(s.ptr[0], s.ptr[1])) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if (!is_continuation(s.ptr[i])) {
            return 0;
        }
    }
    return len;
}

// Payloads are mostly ASCII, so eight bytes are looked at in one step.
static size_t ascii_prefix_len(struct slice s)
{
    size_t len = 0;
    while (s.len - len >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, s.ptr + len, sizeof(word));
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
        len += sizeof(word);
    }
    return len;
}

bool slice_is_utf8(struct slice s)
{
    size_t at = 0;
    while (at < s.len) {
        at += ascii_prefix_len(slice_sub(s, at, s.len));
        if (at == s.len) {
            break;
        }
        const size_t step = slice_utf8_step(slice_sub(s, at, s.len));
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
    size_t at = 0;
    while (at < s.len) {
        const size_t step = slice_utf8_step(slice_sub(s, at, s.len));
        units += step == 4 ? 2 : 1;
        at += step == 0 ? 1 : step;
    }
    return units;
}
