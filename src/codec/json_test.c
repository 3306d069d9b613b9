// Documents: parsing strict first and lenient on request, walking, typed reads, places of errors
// and of values, depth, and an arena that is too small at every step.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json_priv.h"

static uint8_t memory[1 << 20] __attribute__((aligned(16)));

static struct arena fresh_arena(size_t size)
{
    struct arena arena;

    arena_init(&arena, memory, size);
    return arena;
}

static struct codec_json parsed(struct arena *arena, const char *text)
{
    struct codec_json root;
    struct err_place place;

    assert_int_equal(codec_json_parse(arena, slice_text(text), true, &root, &place), ERR_OK);
    return root;
}

static void a_document_is_read_as_it_stands(void **state)
{
    struct arena arena = fresh_arena(sizeof(memory));
    const struct codec_json root =
        parsed(&arena, "{\"n\":null,\"b\":true,\"i\":-7,\"s\":\"x\\ny\",\"a\":[1,2],\"o\":{}}");
    bool boolean = false;
    int64_t number = 0;
    struct slice text;

    (void)state;
    assert_int_equal(codec_json_type(root), CODEC_JSON_OBJECT);
    assert_int_equal(codec_json_count(root), 6);
    assert_true(codec_json_is(codec_json_get(root, "n"), CODEC_JSON_NULL));
    assert_true(codec_json_boolean(codec_json_get(root, "b"), &boolean));
    assert_true(boolean);
    assert_true(codec_json_int64(codec_json_get(root, "i"), &number));
    assert_int_equal(number, -7);
    assert_true(codec_json_string(codec_json_get(root, "s"), &text));
    assert_true(slice_equal(text, SLICE("x\ny")));
    assert_int_equal(codec_json_count(codec_json_get(root, "a")), 2);
    assert_int_equal(codec_json_count(codec_json_get(root, "o")), 0);
    assert_false(codec_json_exists(codec_json_get(root, "z")));
    assert_false(codec_json_is(codec_json_get(root, "z"), CODEC_JSON_NULL));
}

static void a_read_of_another_type_is_refused(void **state)
{
    struct arena arena = fresh_arena(sizeof(memory));
    const struct codec_json root = parsed(&arena, "[\"1\",true,1,null]");
    struct codec_json_walk walk = codec_json_walk_over(root);
    struct codec_json value;
    struct slice name;
    unsigned fits = 0;

    (void)state;
    while (codec_json_walk_next(&walk, &name, &value)) {
        bool boolean;
        int64_t number;
        struct slice text;
        assert_int_equal(name.len, 0);
        fits += codec_json_boolean(value, &boolean) ? 1 : 0;
        fits += codec_json_int64(value, &number) ? 1 : 0;
        fits += codec_json_string(value, &text) ? 1 : 0;
    }
    assert_int_equal(fits, 3);
}

static void integers_are_read_from_any_literal_of_theirs(void **state)
{
    static const struct {
        const char *literal;
        bool fits;
        int64_t value;
    } rows[] = {
        {"5", true, 5},
        {"5.0", true, 5},
        {"5e0", true, 5},
        {"500e-2", true, 5},
        {"-1.5e1", true, -15},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"5.5", false, 0},
        {"1e19", false, 0},
        {"1e-1", false, 0},
        {"1e999999999", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena = fresh_arena(sizeof(memory));
        const struct codec_json root = parsed(&arena, rows[i].literal);
        int64_t value = 0;
        assert_true(slice_equal(codec_json_literal(root), slice_text(rows[i].literal)));
        assert_int_equal(codec_json_int64(root, &value), rows[i].fits);
        if (rows[i].fits) {
            assert_int_equal(value, rows[i].value);
        }
    }
}

static void the_last_of_equal_names_counts_and_walks_see_all(void **state)
{
    struct arena arena = fresh_arena(sizeof(memory));
    const struct codec_json root = parsed(&arena, "{\"a\":1,\"b\":{\"c\":[]},\"a\":2}");
    struct codec_json_walk walk = codec_json_walk_over(root);
    struct codec_json value;
    struct slice name;
    int64_t number = 0;
    const char *const names[] = {"a", "b", "a"};

    (void)state;
    assert_true(codec_json_int64(codec_json_get(root, "a"), &number));
    assert_int_equal(number, 2);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(codec_json_walk_next(&walk, &name, &value));
        assert_true(slice_equal(name, slice_text(names[i])));
    }
    assert_false(codec_json_walk_next(&walk, &name, &value));
}

static void leniency_is_only_on_request(void **state)
{
    static const char *const texts[] = {"{a:1}", "", "\xEF\xBB\xBF{}", "[1,]", "\"\xFF\"", "TRUE"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct arena arena = fresh_arena(sizeof(memory));
        struct codec_json root;
        struct err_place place = {NULL, 0};
        const struct slice text = slice_text(texts[i]);
        assert_int_equal(codec_json_parse(&arena, text, false, &root, &place), ERR_SYNTAX);
        assert_non_null(place.reason);
        assert_int_equal(arena_mark(&arena), 0);
        assert_int_equal(codec_json_parse(&arena, text, true, &root, &place), ERR_OK);
    }
}

static void a_syntax_error_has_its_place_in_the_text_as_it_came(void **state)
{
    struct arena arena = fresh_arena(sizeof(memory));
    struct codec_json root;
    struct err_place place;

    (void)state;
    assert_int_equal(codec_json_parse(&arena, SLICE("{\"a\":}"), false, &root, &place), ERR_SYNTAX);
    assert_int_equal(place.offset, 5);
    assert_int_equal(codec_json_parse(&arena, SLICE("{a : 1,,}"), true, &root, &place), ERR_SYNTAX);
    assert_int_equal(place.offset, 7);
    assert_int_equal(arena_mark(&arena), 0);
}

// `depth` brackets around a text with brackets of its own, which do not count.
static size_t nested(char *text, size_t depth)
{
    const char *inside = "\"[[\\\"[[\"";

    memset(text, '[', depth);
    strcpy(text + depth, inside);
    memset(text + depth + strlen(inside), ']', depth);
    return 2 * depth + strlen(inside);
}

static void strict_documents_have_the_same_depth_limit(void **state)
{
    char text[1024];
    struct codec_json root;
    struct err_place place;

    (void)state;
    for (unsigned lenient = 0; lenient < 2; lenient++) {
        struct arena arena = fresh_arena(sizeof(memory));
        size_t len = nested(text, CODEC_JSON_DEPTH_MAX);
        assert_int_equal(codec_json_parse(&arena, slice_of(text, len), lenient, &root, &place),
                         ERR_OK);
        len = nested(text, CODEC_JSON_DEPTH_MAX + 1);
        assert_int_equal(codec_json_parse(&arena, slice_of(text, len), lenient, &root, &place),
                         ERR_SYNTAX);
        assert_string_equal(place.reason, "nested too deep");
        assert_int_equal(place.offset, CODEC_JSON_DEPTH_MAX);
    }
}

static void many_brackets_side_by_side_are_not_deep(void **state)
{
    struct arena arena = fresh_arena(sizeof(memory));
    char text[2048] = "[";

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        strcat(text, "[],");
    }
    strcat(text, "[]]");
    assert_int_equal(codec_json_count(parsed(&arena, text)), 401);
}

static void every_size_of_arena_is_enough_or_an_error(void **state)
{
    static const char *const texts[] = {
        "{\"a\":[1,2,{\"b\":\"c\"}],\"d\":[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]}",
        "{a:[1,2,{b:c}],d:[,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        enum err err = ERR_EXHAUSTED;
        for (size_t size = 0; err != ERR_OK; size += 16) {
            struct arena arena = fresh_arena(size);
            struct codec_json root;
            struct err_place place = {NULL, 0};
            assert_true(size < 8192);
            err = codec_json_parse(&arena, slice_text(texts[i]), true, &root, &place);
            assert_true(err == ERR_OK || err == ERR_EXHAUSTED);
            if (err != ERR_OK) {
                assert_int_equal(arena_mark(&arena), 0);
                assert_non_null(place.reason);
                assert_true(place.offset <= strlen(texts[i]));
            }
        }
    }
}

static void a_value_is_found_where_it_stands(void **state)
{
    static const struct {
        const char *text;
        const char *third; // where the third element starts
    } rows[] = {
        {"[ 1 , \"a[1,\\\"2\", {\"x\":[1]}, 3]", "{\"x\""},
        {"[true,[null,-1.5e3],false]", "false"},
        {"[TRUE,'a\\'[b', x /* 3 */]", "x /*"},
        {"[1;2,]", "]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena = fresh_arena(sizeof(memory));
        struct codec_json_document document;
        struct err_place place;
        struct codec_json value = {NULL};
        struct slice name;
        assert_int_equal(codec_json_read(&arena, slice_text(rows[i].text), true, &document, &place),
                         ERR_OK);
        struct codec_json_walk walk = codec_json_walk_over(document.root);
        for (unsigned n = 0; n < 3; n++) {
            assert_true(codec_json_walk_next(&walk, &name, &value));
        }
        assert_int_equal(codec_json_offset(&document, &arena, document.root), 0);
        assert_int_equal(codec_json_offset(&document, &arena, value),
                         strstr(rows[i].text, rows[i].third) - rows[i].text);
    }
}

static void a_place_without_memory_to_find_it_is_the_start(void **state)
{
    struct arena arena = fresh_arena(sizeof(memory));
    struct codec_json_document document;
    struct err_place place;

    (void)state;
    assert_int_equal(codec_json_read(&arena, SLICE("[x,y]"), true, &document, &place), ERR_OK);
    const struct codec_json last = {(const uint8_t *)document.root.inner + 2 * 16};
    assert_int_equal(codec_json_offset(&document, &arena, last), 3);
    arena.size = arena.used;
    assert_int_equal(codec_json_offset(&document, &arena, last), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_read_as_it_stands),
        cmocka_unit_test(a_read_of_another_type_is_refused),
        cmocka_unit_test(integers_are_read_from_any_literal_of_theirs),
        cmocka_unit_test(the_last_of_equal_names_counts_and_walks_see_all),
        cmocka_unit_test(leniency_is_only_on_request),
        cmocka_unit_test(a_syntax_error_has_its_place_in_the_text_as_it_came),
        cmocka_unit_test(strict_documents_have_the_same_depth_limit),
        cmocka_unit_test(many_brackets_side_by_side_are_not_deep),
        cmocka_unit_test(every_size_of_arena_is_enough_or_an_error),
        cmocka_unit_test(a_value_is_found_where_it_stands),
        cmocka_unit_test(a_place_without_memory_to_find_it_is_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
