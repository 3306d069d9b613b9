// Log lines: both formats, escaping, secrets, levels, and lines that do not fit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"

struct sink {
    char line[LOG_LINE_SIZE + 1];
    enum log_level level;
    unsigned count;
};

static struct sink sink;

static void keep_line(void *context, enum log_level level, struct slice line)
{
    struct sink *kept = context;
    assert_true(line.len <= LOG_LINE_SIZE);
    memcpy(kept->line, line.ptr, line.len);
    kept->line[line.len] = 0;
    kept->level = level;
    kept->count++;
}

static int64_t noon(void *context)
{
    assert_ptr_equal(context, &sink);
    return 1767182400123;
}

static void start(enum log_level least, enum log_format format)
{
    memset(&sink, 0, sizeof(sink));
    log_init(least, format, &sink, noon, keep_line);
}

static void text_line_has_time_level_event_and_fields(void **state)
{
    (void)state;
    start(LOG_DEBUG, LOG_FORMAT_TEXT);
    LOG(LOG_WARN, "coap.refused", LOG_TEXT("peer", "127.0.0.1:5683"), LOG_INT("count", -3),
        LOG_SLICE("path", SLICE("api/v1")));
    assert_string_equal(sink.line, "2025-12-31T12:00:00.123Z warn  coap.refused"
                                   " peer=127.0.0.1:5683 count=-3 path=api/v1\n");
    assert_int_equal(sink.level, LOG_WARN);
}

static void json_line_has_the_same(void **state)
{
    (void)state;
    start(LOG_DEBUG, LOG_FORMAT_JSON);
    LOG(LOG_ERROR, "store.failed", LOG_TEXT("reason", "no \"room\""), LOG_INT("bytes", INT64_MIN));
    assert_string_equal(sink.line, "{\"time\":\"2025-12-31T12:00:00.123Z\",\"level\":\"error\","
                                   "\"event\":\"store.failed\",\"reason\":\"no \\\"room\\\"\","
                                   "\"bytes\":-9223372036854775808}\n");
}

static void line_may_have_no_fields(void **state)
{
    (void)state;
    start(LOG_DEBUG, LOG_FORMAT_JSON);
    log_write(LOG_DEBUG, "a.b", NULL, 0);
    assert_string_equal(sink.line, "{\"time\":\"2025-12-31T12:00:00.123Z\",\"level\":\"debug\","
                                   "\"event\":\"a.b\"}\n");
    LOG(LOG_INFO, "c.d");
    assert_non_null(strstr(sink.line, "\"event\":\"c.d\"}"));
}

static void only_levels_from_the_least_on_are_written(void **state)
{
    (void)state;
    start(LOG_WARN, LOG_FORMAT_TEXT);
    LOG(LOG_DEBUG, "a");
    LOG(LOG_INFO, "a");
    assert_int_equal(sink.count, 0);
    LOG(LOG_WARN, "a");
    LOG(LOG_ERROR, "a");
    assert_int_equal(sink.count, 2);
    // And from another one on, later.
    const unsigned before = sink.count;
    log_set_level(LOG_ERROR);
    LOG(LOG_WARN, "b");
    assert_int_equal(sink.count, before);
    log_set_level(LOG_DEBUG);
    LOG(LOG_DEBUG, "c");
    assert_int_equal(sink.count, before + 1);
}

static void without_a_sink_nothing_happens(void **state)
{
    (void)state;
    log_init(LOG_DEBUG, LOG_FORMAT_TEXT, NULL, NULL, NULL);
    LOG(LOG_ERROR, "a", LOG_INT("n", 1));
}

static void no_value_can_forge_a_line_or_a_field(void **state)
{
    (void)state;
    start(LOG_DEBUG, LOG_FORMAT_TEXT);
    LOG(LOG_INFO, "e", LOG_TEXT("a", "x\ny\x1b\x7f"), LOG_TEXT("b", "x c=y"), LOG_TEXT("d", ""),
        LOG_TEXT("f", "\\"), LOG_TEXT("g", "x=y"));
    assert_non_null(strstr(sink.line, " a=\"x\\u000ay\\u001b\\u007f\" b=\"x c=y\" d=\"\" f=\"\\\\\""
                                      " g=\"x=y\"\n"));
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
    (void)state;
    start(LOG_DEBUG, LOG_FORMAT_JSON);
    LOG(LOG_INFO, "e",
        LOG_SLICE("a", SLICE("\xc3\xa4\xff\xc3"
                             "z\0")));
    assert_non_null(strstr(sink.line, "\"a\":\"\xc3\xa4\xef\xbf\xbd\xef\xbf\xbdz\\u0000\"}\n"));
}

static void token_shows_four_characters_at_most(void **state)
{
    (void)state;
    start(LOG_DEBUG, LOG_FORMAT_TEXT);
    LOG(LOG_INFO, "e", LOG_TOKEN("a", SLICE("A1_TEST_TOKEN")), LOG_TOKEN("b", SLICE("12345678")),
        LOG_TOKEN("c", SLICE("1234567")), LOG_TOKEN("d", SLICE_EMPTY));
    assert_non_null(strstr(sink.line, " a=A1_T... b=1234... c=... d=...\n"));
}

// Every length of a value around the end of the line, with characters of one, two and six bytes.
static void value_that_does_not_fit_is_cut_and_closed(void **state)
{
    (void)state;
    static const char *const units[] = {"x", "\xc3\xa4", "\x01", "\""};
    for (size_t u = 0; u < 4; u++) {
        char value[LOG_LINE_SIZE + 8] = {0};
        const size_t step = strlen(units[u]);
        for (size_t len = 0; len + step < LOG_LINE_SIZE + 4; len += step) {
            memcpy(value + len, units[u], step);
            value[len + step] = 0;
            start(LOG_DEBUG, LOG_FORMAT_JSON);
            LOG(LOG_INFO, "e", LOG_TEXT("first", value), LOG_INT("n", 1));
            const size_t line_len = strlen(sink.line);
            assert_true(line_len <= LOG_LINE_SIZE);
            assert_true(slice_is_utf8(slice_text(sink.line)));
            const char *end = sink.line + line_len;
            assert_true(strcmp(end - 3, "\"}\n") == 0 || strcmp(end - 8, ",\"n\":1}\n") == 0);
        }
        // The last was longer than a line; it is full but for less than one character.
        assert_true(strlen(sink.line) > LOG_LINE_SIZE - 6);
    }
}

static void field_that_does_not_fit_at_all_is_left_out(void **state)
{
    (void)state;
    char value[LOG_LINE_SIZE] = {0};
    memset(value, 'x', sizeof(value) - 1);
    start(LOG_DEBUG, LOG_FORMAT_TEXT);
    LOG(LOG_INFO, "e", LOG_TEXT("a", value), LOG_INT("number", 1));
    assert_int_equal(strlen(sink.line), LOG_LINE_SIZE - 1);
    assert_null(strstr(sink.line, "number"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_line_has_time_level_event_and_fields),
        cmocka_unit_test(json_line_has_the_same),
        cmocka_unit_test(line_may_have_no_fields),
        cmocka_unit_test(only_levels_from_the_least_on_are_written),
        cmocka_unit_test(without_a_sink_nothing_happens),
        cmocka_unit_test(no_value_can_forge_a_line_or_a_field),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(token_shows_four_characters_at_most),
        cmocka_unit_test(value_that_does_not_fit_is_cut_and_closed),
        cmocka_unit_test(field_that_does_not_fit_at_all_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
