// Values are equal when type and content are; keys are checked as upstream stores them.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/reading.h"

static void values_are_equal_to_themselves_only(void **state)
{
    const struct model_value values[] = {
        {.type = MODEL_VALUE_BOOLEAN, .boolean = true},
        {.type = MODEL_VALUE_BOOLEAN, .boolean = false},
        {.type = MODEL_VALUE_LONG, .number = 1},
        {.type = MODEL_VALUE_LONG, .number = 2},
        {.type = MODEL_VALUE_DOUBLE, .real = 1},
        {.type = MODEL_VALUE_DOUBLE, .real = 2},
        {.type = MODEL_VALUE_DOUBLE, .real = NAN},
        {.type = MODEL_VALUE_STRING, .text = SLICE("1")},
        {.type = MODEL_VALUE_STRING, .text = SLICE("")},
        {.type = MODEL_VALUE_JSON, .text = SLICE("1")},
        {.type = MODEL_VALUE_JSON, .text = SLICE("[]")},
    };
    const size_t count = sizeof(values) / sizeof(values[0]);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < count; n++) {
            assert_int_equal(model_value_equal(&values[i], &values[n]), i == n);
        }
    }
    const struct model_value unknown = {.type = (enum model_value_type)200};
    assert_false(model_value_equal(&unknown, &unknown));
}

static const char *reason_of(struct slice key)
{
    const char *reason = "good";

    if (model_key_check(key, &reason) == ERR_OK) {
        assert_string_equal(reason, "good");
    } else {
        assert_string_not_equal(reason, "good");
    }
    return reason;
}

static void keys_are_good_or_refused_with_a_reason(void **state)
{
    static const char good[] = "good";
    static const char blank[] = "a key is blank";
    static const char control[] = "a key holds a control character";
    static const char markup[] = "a key looks like markup";
    static const struct {
        struct slice key;
        const char *reason;
    } rows[] = {
        {SLICE("temperature"), good},
        {SLICE("a b"), good},
        {SLICE(" a"), good},
        {SLICE("\xC3\xA4\xF0\x9F\x98\x80"), good},
        {SLICE("a<5"), good},
        {SLICE("a < b"), good},
        {SLICE("<"), good},
        {SLICE("a>b&c\"'"), good},
        {SLICE("\xC2\xA1"), good},
        {SLICE("\xE2\x80\x8B"), good}, // zero width space is no white space
        {SLICE("\xE3\x80"), good},     // malformed, but not blank
        {SLICE(""), blank},
        {SLICE("   "), blank},
        {SLICE("\xC2\xA0 \xE2\x80\x83\xE3\x80\x80\xE1\x9A\x80"), blank},
        {SLICE("\xE2\x80\xA8\xE2\x80\xAF\xE2\x81\x9F"), blank},
        {SLICE("a\nb"), control},
        {SLICE("\t"), control},
        {SLICE("a\0b"), control},
        {SLICE("a\x7F"), control},
        {SLICE("a\xC2\x85"), control},
        {SLICE("<b>"), markup},
        {SLICE("x<Script"), markup},
        {SLICE("</a"), markup},
        {SLICE("<!--"), markup},
        {SLICE("<?xml"), markup},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(reason_of(rows[i].key), rows[i].reason);
    }
}

static void keys_are_measured_in_utf16_units(void **state)
{
    char key[4 * MODEL_KEY_UNITS_MAX];
    const char *too_long = "a key is longer than 255 characters";

    (void)state;
    memset(key, 'k', sizeof(key));
    assert_string_equal(reason_of(slice_of(key, 255)), "good");
    assert_string_equal(reason_of(slice_of(key, 256)), too_long);
    // Two bytes and one unit each, then four bytes and two units each.
    for (size_t i = 0; i < sizeof(key) - 1; i += 2) {
        memcpy(key + i, "\xC3\xA4", 2);
    }
    assert_string_equal(reason_of(slice_of(key, 2 * 255)), "good");
    assert_string_equal(reason_of(slice_of(key, 2 * 256)), too_long);
    for (size_t i = 0; i < sizeof(key) - 3; i += 4) {
        memcpy(key + i, "\xF0\x9F\x98\x80", 4);
    }
    assert_string_equal(reason_of(slice_of(key, 4 * 127)), "good");
    assert_string_equal(reason_of(slice_of(key, 4 * 128)), too_long);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_equal_to_themselves_only),
        cmocka_unit_test(keys_are_good_or_refused_with_a_reason),
        cmocka_unit_test(keys_are_measured_in_utf16_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
