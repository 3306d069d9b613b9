// Shows what a person gets for each error: upstream's status and number (server-api.md 1.5), and
// that no error is without a text.
#include "rest/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    enum err err;
    int http;
    int code;
} rows[] = {
    {ERR_INVALID, 400, 31},        {ERR_SYNTAX, 400, 31},
    {ERR_TOO_LARGE, 413, 31},      {ERR_NOT_FOUND, 404, 32},
    {ERR_ALREADY_EXISTS, 400, 31}, {ERR_CONFLICT, 409, 35},
    {ERR_UNAUTHORIZED, 401, 10},   {ERR_EXPIRED, 401, 11},
    {ERR_FORBIDDEN, 403, 20},      {ERR_WRONG_TRANSPORT, 403, 20},
    {ERR_EXHAUSTED, 503, 2},       {ERR_LIMITED, 429, 33},
    {ERR_UNSUPPORTED, 400, 31},    {ERR_UNSUPPORTED_FORMAT, 415, 31},
    {ERR_NOT_ACCEPTABLE, 406, 31}, {ERR_TIMEOUT, 504, 2},
    {ERR_UNAVAILABLE, 503, 2},     {ERR_IO, 500, 46},
    {ERR_NO_SPACE, 503, 2},        {ERR_CORRUPT, 500, 46},
    {ERR_NEWER_VERSION, 500, 2},   {ERR_IN_USE, 500, 2},
    {ERR_STOPPING, 503, 2},        {ERR_ENTITY_LIMIT, 403, 41},
    {ERR_KEY_LIMIT, 400, 31},
};

static void each_error_has_upstreams_status_and_number(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct rest_status status = rest_status(rows[i].err);
        assert_int_equal(status.http, rows[i].http);
        assert_int_equal(status.code, rows[i].code);
    }
    // All but ERR_OK are in the table.
    assert_int_equal(sizeof(rows) / sizeof(rows[0]), ERR_COUNT - 1);
}

static void each_error_says_something(void **state)
{
    (void)state;
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
        assert_true(rest_status((enum err)err).text[0] != 0);
    }
}

static void success_is_200(void **state)
{
    (void)state;
    assert_int_equal(rest_status(ERR_OK).http, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_upstreams_status_and_number),
        cmocka_unit_test(each_error_says_something),
        cmocka_unit_test(success_is_200),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
