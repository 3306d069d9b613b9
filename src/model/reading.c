#include "model/reading.h"

#include <stdint.h>

bool model_value_equal(const struct model_value *a, const struct model_value *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case MODEL_VALUE_BOOLEAN:
        return a->boolean == b->boolean;
    case MODEL_VALUE_LONG:
        return a->number == b->number;
    case MODEL_VALUE_DOUBLE:
        // By bits, so that a value is always equal to itself.
        return memcmp(&a->real, &b->real, sizeof(a->real)) == 0;
    case MODEL_VALUE_STRING:
    case MODEL_VALUE_JSON:
        return slice_equal(a->text, b->text);
    }
    return false;
}

// What may follow '<' in markup.
static bool opens_markup(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || c == '!' || c == '?';
}

// Bytes of the white space at `at` (Unicode property White_Space without controls), 0 if there is
// none.
static size_t space_at(struct slice key, size_t at)
{
    const uint8_t *p = key.ptr + at;
    if (p[0] == ' ') {
        return 1;
    }
    if (key.len - at >= 2 && p[0] == 0xC2 && p[1] == 0xA0) { // U+00A0
        return 2;
    }
    if (key.len - at < 3) {
        return 0;
    }
    const uint32_t three = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
    const bool space = three == 0xE19A80 ||                        // U+1680
                       (three >= 0xE28080 && three <= 0xE2808A) || // U+2000 to U+200A
                       three == 0xE280A8 || three == 0xE280A9 ||   // U+2028, U+2029
                       three == 0xE280AF || three == 0xE2819F ||   // U+202F, U+205F
                       three == 0xE38080;                          // U+3000
    return space ? 3 : 0;
}

static bool is_blank(struct slice key)
{
    size_t at = 0;
    while (at < key.len) {
        const size_t step = space_at(key, at);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

#define SUBJECT "a key "

enum err model_key_check(struct slice key, const char **reason)
{
    for (size_t i = 0; i < key.len; i++) {
        const uint8_t c = key.ptr[i];
        const uint8_t next = i + 1 < key.len ? key.ptr[i + 1] : 0;
        if (c < 0x20 || c == 0x7F || (c == 0xC2 && next >= 0x80 && next <= 0x9F)) {
            *reason = SUBJECT "holds a control character";
            return ERR_INVALID;
        }
        if (c == '<' && opens_markup(next)) {
            *reason = SUBJECT "looks like markup";
            return ERR_INVALID;
        }
    }
    if (is_blank(key)) {
        *reason = SUBJECT "is blank";
        return ERR_INVALID;
    }
    // There are never more units than bytes.
    if (key.len > MODEL_KEY_UNITS_MAX && slice_utf16_units(key) > MODEL_KEY_UNITS_MAX) {
        *reason = SUBJECT "is longer than 255 characters";
        return ERR_INVALID;
    }
    return ERR_OK;
}

enum err model_name_check(struct slice name, const char **fault)
{
    const char *reason = NULL;
    const enum err err = model_key_check(name, &reason);
    if (err != ERR_OK) {
        *fault = reason + sizeof(SUBJECT) - 1;
    }
    return err;
}
