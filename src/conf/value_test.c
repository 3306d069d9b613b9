// Texts to values: units, ranges, forms of texts, and the reason for each refusal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf_priv.h"

static const struct conf_key flag = {"t.flag", CONF_BOOL, NULL, "true", 0, 1, false, ""};
static const struct conf_key number = {"t.number", CONF_INT, NULL, "0", -5, 1000, false, ""};
static const struct conf_key size = {"t.size", CONF_SIZE, NULL, "1K", 1024, 1 << 30, false, ""};
static const struct conf_key span = {"t.span", CONF_SPAN_MS, NULL, "1s", 10, 86400000, false, ""};
static const struct conf_key text = {"t.text", CONF_TEXT, NULL, "x", 1, 8, false, ""};
static const struct conf_key choice = {"t.choice", CONF_CHOICE, "one two", "one", 1, 99, false, ""};
static const struct conf_key address = {"t.addr", CONF_ADDRESS, NULL, "", 1, 64, false, ""};
static const struct conf_key list = {"t.list", CONF_ADDRESSES, NULL, "", 1, 99, false, ""};
static const struct conf_key rates = {"t.rates", CONF_RATES, NULL, "", 0, 64, false, ""};
static const struct conf_key cpus = {"t.cpus", CONF_CPUS, NULL, "", 0, 64, false, ""};

static void numbers_have_units(void **state)
{
    static const struct {
        const struct conf_key *key;
        const char *text;
        int64_t number;
    } rows[] = {
        {&flag, "true", 1},     {&flag, "False", 0},     {&number, "7", 7},
        {&number, "-5", -5},    {&number, "1000", 1000}, {&size, "2048", 2048},
        {&size, "64K", 65536},  {&size, "1m", 1 << 20},  {&size, "1G", 1 << 30},
        {&span, "500", 500},    {&span, "500ms", 500},   {&span, "9s", 9000},
        {&choice, "one", 0},    {&choice, "two", 1},     {&span, "2m", 120000},
        {&span, "1h", 3600000}, {&span, "1d", 86400000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct conf_value value;
        char memory[128];
        struct buf reason = buf_over(memory, sizeof(memory));
        assert_int_equal(conf_value_parse(rows[i].key, slice_text(rows[i].text), &value, &reason),
                         ERR_OK);
        assert_int_equal(value.number, rows[i].number);
        assert_string_equal(value.text, rows[i].text);
    }
}

static void texts_have_forms(void **state)
{
    static const struct {
        const struct conf_key *key;
        const char *text;
        const char *kept;
    } rows[] = {
        {&text, "12345678", "12345678"},
        {&text, " a b ", " a b "},
        {&choice, "two", "two"},
        {&address, "127.0.0.1:80", "127.0.0.1:80"},
        {&list, "[::1]:5683", "[::1]:5683"},
        {&list, " 0.0.0.0:1 ,\t[::]:2", "0.0.0.0:1,[::]:2"},
        {&rates, "", ""},
        {&rates, "20:1, 200:60", "20:1,200:60"},
        {&cpus, "", ""},
        {&cpus, "0, 3,1023", "0,3,1023"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct conf_value value;
        char memory[128];
        struct buf reason = buf_over(memory, sizeof(memory));
        assert_int_equal(conf_value_parse(rows[i].key, slice_text(rows[i].text), &value, &reason),
                         ERR_OK);
        assert_string_equal(value.text, rows[i].kept);
    }
}

static void refusals_say_what_is_wrong(void **state)
{
    static const char no_address[] = "\" is no address with a port, as 0.0.0.0:5683 or [::]:5683";
    static const struct {
        const struct conf_key *key;
        const char *text;
        const char *reason;
        const char *rest;
    } rows[] = {
        {&flag, "yes", "\"yes", "\" is neither true nor false"},
        {&flag, "", "\"", "\" is neither true nor false"},
        {&number, "x", "\"x", "\" is not a number"},
        {&number, "", "\"", "\" is not a number"},
        {&number, "7s", "\"7s", "\" is not a number"},
        {&number, "-", "\"-", "\" is no number in range"},
        {&number, "-6", "is -6, below -5", ""},
        {&number, "1001", "is 1001, above 1000", ""},
        {&number, "99999999999999999999", "\"99999999999999999999", "\" is no number in range"},
        {&size, "K", "\"K", "\" is not a number of bytes (with K, M or G)"},
        {&size, "1KB", "\"1KB", "\" is not a number of bytes (with K, M or G)"},
        {&size, "1", "is 1, below 1K", ""},
        {&size, "1536M", "is 1536M, above 1G", ""},
        {&size, "9999999999G", "\"9999999999G", "\" is no number in range"},
        {&span, "5w", "\"5w", "\" is not a time (a number with ms, s, m, h or d)"},
        {&span, "9", "is 9ms, below 10ms", ""},
        {&span, "25h", "is 25h, above 1d", ""},
        {&text, "", "must not be empty", ""},
        {&text, "123456789", "is longer than 8 characters", ""},
        {&choice, "three", "\"three", "\" is none of: one two"},
        {&choice, "on", "\"on", "\" is none of: one two"},
        {&address, "1.2.3.4", "\"1.2.3.4", no_address},
        {&address, "1.2.3.4:5,1.2.3.4:6", "\"1.2.3.4:5,1.2.3.4:6", no_address},
        {&list, "1.2.3.4:5,,", "\"", no_address},
        {&list, "1.2.3.4:5,here:1", "\"here:1", no_address},
        {&rates, "20", "\"20", "\" is no count:seconds"},
        {&rates, "0:1", "\"0:1", "\" is no count:seconds"},
        {&rates, "1:86401", "\"1:86401", "\" is no count:seconds"},
        {&rates, "1:1,", "\"", "\" is no count:seconds"},
        {&cpus, "1024", "\"1024", "\" is no core"},
        {&cpus, "0-3", "\"0-3", "\" is no core"},
        {&list, "[::]:1,[::]:2,[::]:3,[::]:4,[::]:5,[::]:6,[::]:7,[::]:8,[::]:9",
         "has more than 8 entries", ""},
        {&rates, "1:1,1:2,1:3,1:4,1:5", "has more than 4 entries", ""},
        {&rates, "2147483648:1", "\"2147483648:1", "\" is no count:seconds"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct conf_value value;
        char memory[160];
        char expected[160];
        struct buf reason = buf_over(memory, sizeof(memory) - 1);
        assert_int_equal(conf_value_parse(rows[i].key, slice_text(rows[i].text), &value, &reason),
                         ERR_INVALID);
        memory[reason.len] = 0;
        strcpy(expected, rows[i].reason);
        strcat(expected, rows[i].rest);
        assert_string_equal(memory, expected);
    }
    struct conf_value value;
    char memory[160];
    struct buf reason = buf_over(memory, sizeof(memory));
    assert_int_equal(conf_value_parse(&text, SLICE("a\0b"), &value, &reason), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_units),
        cmocka_unit_test(texts_have_forms),
        cmocka_unit_test(refusals_say_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
