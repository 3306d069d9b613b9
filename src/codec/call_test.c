// Calls of devices to the server: what is a method, what are parameters.
#include "codec/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static _Alignas(16) uint8_t memory[16384];
static struct arena arena;

static enum err read(const char *text, struct codec_call *call)
{
    struct codec_json object;
    struct err_place place;
    arena_init(&arena, memory, sizeof(memory));
    assert_int_equal(codec_json_parse(&arena, slice_text(text), true, &object, &place), ERR_OK);
    return codec_call_read(&arena, object, call);
}

static void methods_are_texts_numbers_and_booleans(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"{\"method\":\"getTime\"}", "getTime"},
                                          {"{\"method\":\"\"}", ""},
                                          {"{\"method\":5.0}", "5.0"},
                                          {"{method:true}", "true"}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct codec_call call;
        assert_int_equal(read(rows[i][0], &call), ERR_OK);
        assert_true(slice_equal(call.method, slice_text(rows[i][1])));
        assert_int_equal(call.params.len, 0);
    }
}

static void without_a_method_it_is_no_call(void **state)
{
    (void)state;
    static const char *const rows[] = {"{}", "{\"method\":null}", "{\"method\":{}}",
                                       "{\"method\":[\"a\"],\"params\":1}"};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct codec_call call;
        assert_int_equal(read(rows[i], &call), ERR_INVALID);
    }
}

static void parameters_are_any_json_but_null(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{\"method\":1,\"params\":{ \"a\" : [1, null] }}", "{\"a\":[1,null]}"},
        {"{\"method\":1,\"params\":\"x\"}", "\"x\""},
        {"{\"method\":1,\"params\":0}", "0"},
        {"{\"method\":1,\"params\":null}", ""},
        {"{\"method\":1}", ""}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct codec_call call;
        assert_int_equal(read(rows[i][0], &call), ERR_OK);
        assert_true(slice_equal(call.params, slice_text(rows[i][1])));
    }
}

static void no_room_is_said(void **state)
{
    (void)state;
    struct codec_call call;
    struct codec_json object;
    struct err_place place;
    arena_init(&arena, memory, sizeof(memory));
    assert_int_equal(codec_json_parse(&arena, SLICE("{\"method\":1,\"params\":[1,2,3,4,5,6,7,8]}"),
                                      true, &object, &place),
                     ERR_OK);
    while (arena_take(&arena, 1) != NULL) {
    }
    assert_int_equal(codec_call_read(&arena, object, &call), ERR_EXHAUSTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_are_texts_numbers_and_booleans),
        cmocka_unit_test(without_a_method_it_is_no_call),
        cmocka_unit_test(parameters_are_any_json_but_null),
        cmocka_unit_test(no_room_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
