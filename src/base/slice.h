// base/slice.h: borrowed bytes. A slice never owns what it points to and is never freed; whoever
// hands one out says until when it lives.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *ptr;
    size_t len;
};

#define SLICE_EMPTY ((struct slice){NULL, 0})
// From a string literal, without its terminator.
#define SLICE(literal) ((struct slice){(const uint8_t *)("" literal), sizeof(literal) - 1})
// For printf's "%.*s".
#define SLICE_ARGS(s) (int)(s).len, (const char *)(s).ptr

static inline struct slice slice_of(const void *ptr, size_t len)
{
    return (struct slice){(const uint8_t *)ptr, len};
}

static inline struct slice slice_text(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

// Bytewise order, the shorter first where one begins the other: below 0, 0, or above.
static inline int slice_compare(struct slice a, struct slice b)
{
    const size_t common = a.len < b.len ? a.len : b.len;
    const int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

// ASCII case only.
bool slice_equal_nocase(struct slice a, struct slice b);
// ASCII letters are alike; an empty part is everywhere.
bool slice_contains_nocase(struct slice whole, struct slice part);

// The part from `start` (clamped to the end) with at most `len` bytes.
struct slice slice_sub(struct slice s, size_t start, size_t len);

bool slice_starts_with(struct slice s, struct slice prefix);

// Cuts `*rest` at the first `separator`: the part before it is returned, `*rest` becomes what
// follows, or empty with `ptr == NULL` when there was no separator left.
struct slice slice_cut(struct slice *rest, char separator);

// Decimal digits with an optional '-'; false if anything else stands there or it does not fit.
bool slice_to_int64(struct slice s, int64_t *value);

// Bytes of the well-formed UTF-8 sequence at the start: 1 to 4, or 0 if there is none.
size_t slice_utf8_step(struct slice s);

// True if the bytes are well-formed UTF-8 (no surrogates, no overlong forms).
bool slice_is_utf8(struct slice s);

// Length in UTF-16 code units; malformed bytes count one each.
size_t slice_utf16_units(struct slice s);
