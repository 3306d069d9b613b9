// Writing: the writer puts commas and escapes, values are rendered by type, and a parsed value
// comes out compact, whole and at any depth.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert_test.h"
#include "codec/json.h"

static uint8_t memory[1 << 18] __attribute__((aligned(16)));

struct output {
    char text[1024];
    struct buf buf;
    struct codec_json_writer writer;
};

static void output_open(struct output *output)
{
    output->buf = buf_over(output->text, sizeof(output->text) - 1);
    output->writer = codec_json_writer_over(&output->buf);
}

static const char *output_text(struct output *output)
{
    assert_false(output->buf.overflow);
    output->text[output->buf.len] = 0;
    return output->text;
}

static void commas_stand_between_and_nowhere_else(void **state)
{
    struct output output;
    struct codec_json_writer *w = &output.writer;

    (void)state;
    output_open(&output);
    codec_json_begin_object(w);
    codec_json_name(w, SLICE("empty"));
    codec_json_begin_array(w);
    codec_json_end_array(w);
    codec_json_name(w, SLICE("list"));
    codec_json_begin_array(w);
    codec_json_put_int64(w, 1);
    codec_json_begin_object(w);
    codec_json_end_object(w);
    codec_json_begin_array(w);
    codec_json_put_null(w);
    codec_json_put_boolean(w, false);
    codec_json_end_array(w);
    codec_json_put_raw(w, SLICE("{\"raw\":1}"));
    codec_json_end_array(w);
    codec_json_field_string(w, "s", SLICE("x"));
    codec_json_field_int64(w, "i", -5);
    codec_json_field_boolean(w, "b", true);
    codec_json_field_null(w, "n");
    codec_json_end_object(w);
    assert_string_equal(output_text(&output),
                        "{\"empty\":[],\"list\":[1,{},[null,false],{\"raw\":1}],"
                        "\"s\":\"x\",\"i\":-5,\"b\":true,\"n\":null}");
}

static void texts_are_escaped(void **state)
{
    static const struct {
        struct slice text;
        const char *written;
    } rows[] = {
        {SLICE(""), "\"\""},
        {SLICE("plain / text"), "\"plain / text\""},
        {SLICE("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {SLICE("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
        {SLICE("\0\x01\x1F\x7F"), "\"\\u0000\\u0001\\u001f\x7F\""},
        {SLICE("\xC3\xA4\xF0\x9F\x98\x80"), "\"\xC3\xA4\xF0\x9F\x98\x80\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct output output;
        output_open(&output);
        codec_json_put_string(&output.writer, rows[i].text);
        assert_string_equal(output_text(&output), rows[i].written);
    }
}

static void values_are_rendered_by_type(void **state)
{
    static const struct {
        struct model_value value;
        const char *json;
        const char *text;
    } rows[] = {
        {{.type = MODEL_VALUE_BOOLEAN, .boolean = true}, "true", "true"},
        {{.type = MODEL_VALUE_BOOLEAN, .boolean = false}, "false", "false"},
        {{.type = MODEL_VALUE_LONG, .number = 25}, "25", "25"},
        {{.type = MODEL_VALUE_LONG, .number = 0}, "0", "0"},
        {{.type = MODEL_VALUE_LONG, .number = INT64_MIN},
         "-9223372036854775808",
         "-9223372036854775808"},
        {{.type = MODEL_VALUE_LONG, .number = INT64_MAX},
         "9223372036854775807",
         "9223372036854775807"},
        {{.type = MODEL_VALUE_DOUBLE, .real = 42.0}, "42.0", "42.0"},
        {{.type = MODEL_VALUE_DOUBLE, .real = 1e7}, "1.0E7", "1.0E7"},
        {{.type = MODEL_VALUE_DOUBLE, .real = INFINITY}, "\"Infinity\"", "Infinity"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct output output;
        output_open(&output);
        codec_json_put_value(&output.writer, &rows[i].value);
        assert_string_equal(output_text(&output), rows[i].json);
        output_open(&output);
        codec_value_text(&rows[i].value, &output.buf);
        assert_string_equal(output_text(&output), rows[i].text);
    }
}

static void texts_are_quoted_and_json_is_not(void **state)
{
    const struct model_value text = {.type = MODEL_VALUE_STRING, .text = SLICE("a\"b")};
    const struct model_value json = {.type = MODEL_VALUE_JSON, .text = SLICE("[\"x\"]")};
    struct output output;

    (void)state;
    output_open(&output);
    codec_json_begin_array(&output.writer);
    codec_json_put_value(&output.writer, &text);
    codec_json_put_value(&output.writer, &json);
    codec_json_end_array(&output.writer);
    assert_string_equal(output_text(&output), "[\"a\\\"b\",[\"x\"]]");
    output_open(&output);
    codec_value_text(&text, &output.buf);
    codec_value_text(&json, &output.buf);
    assert_string_equal(output_text(&output), "a\"b[\"x\"]");
}

static const char *rewritten(const char *text, struct output *output)
{
    struct arena arena;
    struct codec_json root;
    struct err_place place;

    arena_init(&arena, memory, sizeof(memory));
    assert_int_equal(codec_json_parse(&arena, slice_text(text), true, &root, &place), ERR_OK);
    output_open(output);
    codec_json_write(root, &output->buf);
    return output_text(output);
}

static void a_parsed_value_comes_out_compact_and_whole(void **state)
{
    static const char *const rows[][2] = {
        {"null", "null"},
        {" 5 ", "5"},
        {"\"x\"", "\"x\""},
        {"{}", "{}"},
        {"[ ]", "[]"},
        {"[[],[[]],{}]", "[[],[[]],{}]"},
        {"{ \"a\" : [ 1 , { } , null ] , \"b\" : null }", "{\"a\":[1,{},null],\"b\":null}"},
        // Numbers as they were written, nulls kept, equal names kept.
        {"[1.50,1E+2,-0,1e999]", "[1.50,1E+2,-0,1e999]"},
        {"{\"a\":{\"b\":null},\"a\":2}", "{\"a\":{\"b\":null},\"a\":2}"},
        {"[\"\\u00e4\\/\\n\\u0001\"]", "[\"\xC3\xA4/\\n\\u0001\"]"},
        {"{a:[x,TRUE,,01]}", "{\"a\":[\"x\",true,null,\"01\"]}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct output output;
        assert_string_equal(rewritten(rows[i][0], &output), rows[i][1]);
    }
}

static void the_deepest_document_can_be_written(void **state)
{
    char text[2 * CODEC_JSON_DEPTH_MAX + 1];
    struct output output;

    (void)state;
    memset(text, '[', CODEC_JSON_DEPTH_MAX);
    memset(text + CODEC_JSON_DEPTH_MAX, ']', CODEC_JSON_DEPTH_MAX);
    text[sizeof(text) - 1] = 0;
    assert_string_equal(rewritten(text, &output), text);
}

static void a_part_of_a_document_is_written_alone(void **state)
{
    struct arena arena;
    struct codec_json root;
    struct err_place place;
    struct output output;

    (void)state;
    arena_init(&arena, memory, sizeof(memory));
    assert_int_equal(
        codec_json_parse(&arena, SLICE("{\"a\":[1,{\"b\":2}],\"c\":3}"), false, &root, &place),
        ERR_OK);
    output_open(&output);
    codec_json_write(codec_json_get(root, "a"), &output.buf);
    assert_string_equal(output_text(&output), "[1,{\"b\":2}]");
}

static void a_full_buffer_is_told(void **state)
{
    struct arena arena;
    struct codec_json root;
    struct err_place place;
    const char *text = "{\"a\":[1,2,3]}";
    char out[32];

    (void)state;
    arena_init(&arena, memory, sizeof(memory));
    assert_int_equal(codec_json_parse(&arena, slice_text(text), false, &root, &place), ERR_OK);
    for (size_t size = 0; size <= strlen(text); size++) {
        struct buf buf = buf_over(out, size);
        codec_json_write(root, &buf);
        assert_int_equal(buf.overflow, size < strlen(text));
    }
}

static void end_without_begin(void *context)
{
    struct output *output = context;
    codec_json_end_object(&output->writer);
}

static void name_twice(void *context)
{
    struct output *output = context;
    codec_json_begin_object(&output->writer);
    codec_json_name(&output->writer, SLICE("a"));
    codec_json_name(&output->writer, SLICE("b"));
}

static void too_many_levels(void *context)
{
    struct output *output = context;
    for (unsigned i = 0; i < 64; i++) {
        codec_json_begin_array(&output->writer);
    }
}

static void misuse_of_the_writer_stops_the_process(void **state)
{
    struct output output;

    (void)state;
    output_open(&output);
    assert_true(assert_stops(end_without_begin, &output));
    assert_true(assert_stops(name_twice, &output));
    assert_true(assert_stops(too_many_levels, &output));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_and_nowhere_else),
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(values_are_rendered_by_type),
        cmocka_unit_test(texts_are_quoted_and_json_is_not),
        cmocka_unit_test(a_parsed_value_comes_out_compact_and_whole),
        cmocka_unit_test(the_deepest_document_can_be_written),
        cmocka_unit_test(a_part_of_a_document_is_written_alone),
        cmocka_unit_test(a_full_buffer_is_told),
        cmocka_unit_test(misuse_of_the_writer_stops_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
