// What a terminal gets: texts without commands to it, columns, times; and words as JSON.
#include "cli/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/read.h"

static char printed[1024];

// Standard output goes to a file for as long as `print` runs.
static void capture(void (*print)(const void *what), const void *what)
{
    (void)fflush(stdout);
    const int screen = dup(STDOUT_FILENO);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    print(what);
    (void)fflush(stdout);
    assert_true(dup2(screen, STDOUT_FILENO) >= 0);
    close(screen);
    rewind(file);
    printed[fread(printed, 1, sizeof(printed) - 1, file)] = 0;
    (void)fclose(file);
}

static void print_text(const void *what)
{
    cli_print_text(slice_text(what));
}

static void print_column(const void *what)
{
    cli_print_column(slice_text(what), 6);
    printf("|");
}

static void print_time(const void *what)
{
    cli_print_time(*(const int64_t *)what);
}

static void control_characters_are_shown(void **state)
{
    (void)state;
    capture(print_text, "a\x1b[2Jb\n\x7f");
    assert_string_equal(printed, "a\\x1b[2Jb\\x0a\\x7f");
    // C1, as UTF-8; what stands beside it in the table is text.
    capture(print_text, "\xc2\x9b"
                        "2J \xc2\xb0"
                        "C \xc3\xa4");
    assert_string_equal(printed, "\\x9b2J \xc2\xb0"
                                 "C \xc3\xa4");
}

static void columns_count_characters(void **state)
{
    (void)state;
    capture(print_column, "ab");
    assert_string_equal(printed, "ab    |");
    capture(print_column, "\xc3\xa4"
                          "b");
    assert_string_equal(printed, "\xc3\xa4"
                                 "b    |");
    capture(print_column, "\x01");
    assert_string_equal(printed, "\\x01  |");
    capture(print_column, "longer than that");
    assert_string_equal(printed, "longer than that|");
}

static void times_are_utc(void **state)
{
    (void)state;
    const int64_t at = 1700000000007;
    capture(print_time, &at);
    assert_string_equal(printed, "2023-11-14T22:13:20.007Z");
    const int64_t before = -1;
    capture(print_time, &before);
    assert_string_equal(printed, "1969-12-31T23:59:59.999Z");
}

static void a_word_is_json_or_a_text(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        const char *json;
    } rows[] = {
        {"5", "5"},         {"true", "true"}, {"{\"a\":1}", "{\"a\":1}"}, {"eco", "\"eco\""},
        {"\"5\"", "\"5\""}, {"", "\"\""},     {"05", "\"05\""},           {"a\"b", "\"a\\\"b\""},
    };
    static uint8_t memory[65536];
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena;
        char text[64] = "";
        struct buf out = buf_over(text, sizeof(text) - 1);
        struct codec_json_writer writer = codec_json_writer_over(&out);
        arena_init(&arena, memory, sizeof(memory));
        cli_read_word(&arena, slice_text(rows[i].word), &writer);
        assert_string_equal(text, rows[i].json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_are_shown),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(times_are_utc),
        cmocka_unit_test(a_word_is_json_or_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
