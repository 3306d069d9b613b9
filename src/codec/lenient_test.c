// The dialect of device-api.md 2.1, row by row: what is accepted and what it becomes, what is
// refused and where, and that memory that runs out is an error of its own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"
#include "codec/lenient.h"

struct row {
    const char *text;
    const char *strict;
};

static const struct row accepted[] = {
    // Names and texts without quotes, with single ones.
    {"{temperature:25}", "{\"temperature\":25}"},
    {"{'a':'b'}", "{\"a\":\"b\"}"},
    {"{1:2}", "{\"1\":2}"},
    {"{a:hello}", "{\"a\":\"hello\"}"},
    {"{a:he\"l'lo}", "{\"a\":\"he\\\"l'lo\"}"},
    {"{'a\"b':1}", "{\"a\\\"b\":1}"},
    {"{\"a'b\":'c\\'d'}", "{\"a'b\":\"c'd\"}"},
    {"hello", "\"hello\""},
    {"'x'", "\"x\""},
    // Separators.
    {"{\"a\"=1;\"b\"=>2}", "{\"a\":1,\"b\":2}"},
    {"[1;2]", "[1,2]"},
    // Comments, byte order mark, prefix.
    {"{a:1}// end", "{\"a\":1}"},
    {"# first\n{a:1}", "{\"a\":1}"},
    {"# first\r{a:1}", "{\"a\":1}"},
    {"{/* here */a/**/:/* and */1/*,b:2*/}", "{\"a\":1}"},
    {"{a:1/**/}", "{\"a\":1}"},
    {"[1/**/,2#x\n]", "[1,2]"},
    {"\xEF\xBB\xBF{\"a\":1}", "{\"a\":1}"},
    {")]}'\n{\"a\":1}", "{\"a\":1}"},
    {"\xEF\xBB\xBF \n)]}'\n{\"a\":1}", "{\"a\":1}"},
    // Missing elements.
    {"[1,,2]", "[1,null,2]"},
    {"[1,]", "[1,null]"},
    {"[,]", "[null,null]"},
    {"[;1]", "[null,1]"},
    {"[[,],]", "[[null,null],null]"},
    {"[]", "[]"},
    {"{}", "{}"},
    {" [ ] ", "[]"},
    // Keywords in any case; longer words are texts.
    {"TRUE", "true"},
    {"Null", "null"},
    {"[False,tRuE]", "[false,true]"},
    {"trues", "\"trues\""},
    {"nul", "\"nul\""},
    {"{true:true}", "{\"true\":true}"},
    // What only looks like a number is a text.
    {"NaN", "\"NaN\""},
    {"-Infinity", "\"-Infinity\""},
    {"01", "\"01\""},
    {"-01", "\"-01\""},
    {"+5", "\"+5\""},
    {".5", "\".5\""},
    {"5.", "\"5.\""},
    {"0x10", "\"0x10\""},
    {"1e", "\"1e\""},
    {"1e+", "\"1e+\""},
    {"1.2.3", "\"1.2.3\""},
    {"-", "\"-\""},
    {"12a", "\"12a\""},
    {"[-0,1.5e1,1E+1,0.1,10]", "[-0,1.5e1,1E+1,0.1,10]"},
    // Control characters and escapes.
    {"\"a\nb\tc\x01\"", "\"a\\u000ab\\u0009c\\u0001\""},
    {"'\\t\\b\\n\\r\\f\\\"\\\\\\/\\u0041'", "\"\\t\\b\\n\\r\\f\\\"\\\\\\/\\u0041\""},
    {"\"a\\\nb\"", "\"a\\nb\""},
    {"{a:\x7F}", "{\"a\":\"\x7F\"}"},
    // Malformed UTF-8: one replacement for each longest beginning of a sequence.
    {"\"\xFF\"", "\"\xEF\xBF\xBD\""},
    {"\"\xC3\"", "\"\xEF\xBF\xBD\""},
    {"\"\xE2\x82(\"", "\"\xEF\xBF\xBD(\""},
    {"\"\xF0\x9F\x92\"", "\"\xEF\xBF\xBD\""},
    {"\"\xC0\xAF\"", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"\"\xED\xA0\x80\"", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"{\xC3\xA4\xFF:\xC3\xB6}", "{\"\xC3\xA4\xEF\xBF\xBD\":\"\xC3\xB6\"}"},
    {"\"\\ud83d\\ude00\"", "\"\\ud83d\\ude00\""},
    {"\"\\ud83d!\"", "\"\xEF\xBF\xBD!\""},
    {"\"\\ud83d\\u0041\"", "\"\xEF\xBF\xBD\\u0041\""},
    {"\"\\ude00\"", "\"\xEF\xBF\xBD\""},
    // Nothing.
    {"", "null"},
    {" \t\r\n", "null"},
    {"// only this", "null"},
    // Duplicate names stay; whoever reads takes the last.
    {"{a:1,a:2}", "{\"a\":1,\"a\":2}"},
};

static const struct {
    const char *text;
    const char *reason;
    size_t offset;
} refused[] = {
    {"{\"a\":1,}", "a name is missing", 7},
    {"{,}", "a name is missing", 1},
    {"{\"a\"}", "':' is missing after a name", 4},
    {"{\"a\" 1}", "':' is missing after a name", 5},
    {"{\"a\":}", "a value is missing", 5},
    {"{\"a\":,}", "a value is missing", 5},
    {"{\"a\":1 \"b\":2}", "',' is missing", 7},
    {"{\"a\":1]", "',' is missing", 6},
    {"[1}", "',' is missing", 2},
    {"[1 2]", "',' is missing", 3},
    {"{a\\b:1}", "':' is missing after a name", 2},
    {"[\f1]", "a value is missing", 1},
    {"{\"a\":1} x", "something follows the document", 8},
    {"{\"a\":1}{", "something follows the document", 7},
    {"1,", "something follows the document", 1},
    {"]", "a value is missing", 0},
    {"}", "a value is missing", 0},
    {"/1", "a value is missing", 0},
    {"\"\\x\"", "unknown escape", 1},
    {"\"\\", "unknown escape", 1},
    {"\"\\u12g4\"", "four hexadecimal digits must follow \\u", 1},
    {"\"\\u12", "four hexadecimal digits must follow \\u", 1},
    {"[\"abc", "a text does not end", 1},
    {"['abc\"]", "a text does not end", 1},
    {"[1,", "the document does not end", 3},
    {"[1", "the document does not end", 2},
    {"{", "a name is missing", 1},
    {"{a", "':' is missing after a name", 2},
    {"{a:", "the document does not end", 3},
    {"[1 /* no end", "a comment does not end", 3},
    {"/*/", "a comment does not end", 0},
};

static enum err normalise(const char *text, char *out, size_t size, struct err_place *place)
{
    struct buf buf = buf_over(out, size - 1);
    const enum err err = codec_lenient_normalise(slice_text(text), &buf, place);

    out[buf.len] = 0;
    return err;
}

static void accepted_texts_become_strict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        char out[256];
        struct err_place place;
        assert_int_equal(normalise(accepted[i].text, out, sizeof(out), &place), ERR_OK);
        assert_string_equal(out, accepted[i].strict);
    }
}

static void strict_texts_stay_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        char out[256];
        struct err_place place;
        assert_int_equal(normalise(accepted[i].strict, out, sizeof(out), &place), ERR_OK);
        assert_string_equal(out, accepted[i].strict);
    }
}

static void refused_texts_name_reason_and_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char out[256];
        struct err_place place;
        assert_int_equal(normalise(refused[i].text, out, sizeof(out), &place), ERR_SYNTAX);
        assert_string_equal(place.reason, refused[i].reason);
        assert_int_equal(place.offset, refused[i].offset);
    }
}

static void nesting_ends_at_its_limit(void **state)
{
    char text[2 * (CODEC_JSON_DEPTH_MAX + 1) + 1];
    char out[sizeof(text)];
    struct err_place place;

    (void)state;
    for (size_t depth = CODEC_JSON_DEPTH_MAX; depth <= CODEC_JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = 0;
        const bool fits = depth == CODEC_JSON_DEPTH_MAX;
        assert_int_equal(normalise(text, out, sizeof(out), &place), fits ? ERR_OK : ERR_SYNTAX);
    }
    assert_string_equal(place.reason, "nested too deep");
    assert_int_equal(place.offset, CODEC_JSON_DEPTH_MAX);
}

static void levels_remember_what_they_are(void **state)
{
    // Objects and arrays in turn, past the words that the bits are kept in.
    char text[1024] = "";
    char out[2048];
    struct err_place place;

    (void)state;
    for (int i = 0; i < 100; i++) {
        strcat(text, i % 3 == 0 ? "{\"a\":" : "[");
    }
    strcat(text, "1");
    for (int i = 99; i >= 0; i--) {
        strcat(text, i % 3 == 0 ? "}" : "]");
    }
    assert_int_equal(normalise(text, out, sizeof(out), &place), ERR_OK);
    assert_string_equal(out, text);
}

static void every_size_of_memory_is_enough_or_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        const size_t len = strlen(accepted[i].strict);
        for (size_t size = 0; size <= len; size++) {
            char out[256];
            struct err_place place;
            const enum err err = normalise(accepted[i].text, out, size + 1, &place);
            assert_int_equal(err, size < len ? ERR_EXHAUSTED : ERR_OK);
        }
    }
}

static void every_token_is_found_where_it_came_from(void **state)
{
    const char *text = "  {a : 'b', /* c */ d=>[1,,TRUE]}";
    char out[64];
    char scratch[64];
    struct err_place place;
    static const struct {
        const char *written;
        const char *came_from;
    } tokens[] = {{"{", "{a"}, {"\"a\"", "a :"}, {"\"b\"", "'b'"},    {"\"d\"", "d=>"},
                  {"[", "[1"}, {"1", "1,,"},     {"null", ",TRUE]}"}, {"true", "TRUE"}};

    (void)state;
    assert_int_equal(normalise(text, out, sizeof(out), &place), ERR_OK);
    assert_string_equal(out, "{\"a\":\"b\",\"d\":[1,null,true]}");
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        const size_t offset = (size_t)(strstr(out, tokens[i].written) - out);
        const size_t origin = codec_lenient_origin(slice_text(text), offset, scratch);
        assert_int_equal(origin, strstr(text, tokens[i].came_from) - text);
    }
}

static void repair_replaces_only_what_is_malformed(void **state)
{
    char out[16];
    struct buf buf = buf_over(out, sizeof(out));

    (void)state;
    codec_lenient_repair(SLICE("a\xFF\xC3\xA4\n\""), &buf);
    assert_true(slice_equal(buf_view(&buf), SLICE("a\xEF\xBF\xBD\xC3\xA4\n\"")));
    buf = buf_over(out, 3);
    codec_lenient_repair(SLICE("a\xFF"), &buf);
    assert_true(buf.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_texts_become_strict),
        cmocka_unit_test(strict_texts_stay_what_they_are),
        cmocka_unit_test(refused_texts_name_reason_and_place),
        cmocka_unit_test(nesting_ends_at_its_limit),
        cmocka_unit_test(levels_remember_what_they_are),
        cmocka_unit_test(every_size_of_memory_is_enough_or_an_error),
        cmocka_unit_test(every_token_is_found_where_it_came_from),
        cmocka_unit_test(repair_replaces_only_what_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
