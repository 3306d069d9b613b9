// Shows which route of a table serves a method and a path: literal segments before parameters,
// whatever the order of the table; a known path with a wrong method is told from an unknown one.
#include "http/router.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const unsigned tags[] = {10, 11, 12, 13, 14, 15, 16, 17, 18};

static const struct http_route routes[] = {
    {HTTP_GET, "/api/device/{deviceId}", &tags[0]},
    {HTTP_POST, "/api/device/{deviceId}", &tags[1]},
    {HTTP_POST, "/api/device/credentials", &tags[2]},
    {HTTP_GET, "/api/device/{deviceId}/credentials", &tags[3]},
    {HTTP_DELETE, "/api/customer/device/{deviceId}", &tags[4]},
    {HTTP_POST, "/api/customer/{customerId}/device/{deviceId}", &tags[5]},
    {HTTP_GET, "/{a}/{b}/{c}/{d}/{e}/{f}", &tags[6]},
    {HTTP_GET, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}", &tags[7]},
    {HTTP_GET, "/", &tags[8]},
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

static enum http_match_verdict find(enum http_method method, const char *path,
                                    struct http_match *match)
{
    return http_router_match(routes, ROUTE_COUNT, method, slice_text(path), match);
}

static unsigned tag_of(enum http_method method, const char *path)
{
    struct http_match match;
    assert_int_equal(find(method, path, &match), HTTP_MATCH);
    return *(const unsigned *)match.route->target;
}

static void a_parameter_takes_one_segment(void **state)
{
    (void)state;
    struct http_match match;
    assert_int_equal(find(HTTP_GET, "/api/device/7", &match), HTTP_MATCH);
    assert_ptr_equal(match.route, &routes[0]);
    assert_int_equal(match.parameter_count, 1);
    assert_true(slice_equal(match.parameters[0], SLICE("7")));
    assert_int_equal(find(HTTP_GET, "/api/device/7/8", &match), HTTP_NO_PATH);
}

static void parameters_stand_in_the_order_of_the_pattern(void **state)
{
    (void)state;
    struct http_match match;
    assert_int_equal(find(HTTP_POST, "/api/customer/c/device/d", &match), HTTP_MATCH);
    assert_ptr_equal(match.route, &routes[5]);
    assert_int_equal(match.parameter_count, 2);
    assert_true(slice_equal(match.parameters[0], SLICE("c")));
    assert_true(slice_equal(match.parameters[1], SLICE("d")));
}

static void a_literal_wins_over_a_parameter(void **state)
{
    (void)state;
    assert_int_equal(tag_of(HTTP_POST, "/api/device/credentials"), 12);
    assert_int_equal(tag_of(HTTP_POST, "/api/device/7"), 11);
}

static void a_parameter_serves_where_the_literal_has_another_method(void **state)
{
    (void)state;
    assert_int_equal(tag_of(HTTP_GET, "/api/device/credentials"), 10);
}

static void an_empty_segment_is_no_parameter(void **state)
{
    (void)state;
    struct http_match match;
    assert_int_equal(find(HTTP_GET, "/api/device/", &match), HTTP_NO_PATH);
    assert_int_equal(find(HTTP_GET, "/api/device//credentials", &match), HTTP_NO_PATH);
}

static void a_longer_or_shorter_path_is_unknown(void **state)
{
    (void)state;
    struct http_match match;
    assert_int_equal(find(HTTP_GET, "/api/device/7/credentials/x", &match), HTTP_NO_PATH);
    assert_int_equal(find(HTTP_GET, "/api", &match), HTTP_NO_PATH);
    assert_int_equal(find(HTTP_GET, "", &match), HTTP_NO_PATH);
    assert_int_equal(tag_of(HTTP_GET, "/"), 18);
}

static void a_known_path_with_a_wrong_method_is_told(void **state)
{
    (void)state;
    struct http_match match;
    assert_int_equal(find(HTTP_PUT, "/api/device/7", &match), HTTP_NO_METHOD);
    assert_null(match.route);
    assert_int_equal(match.methods, 1U << HTTP_GET | 1U << HTTP_POST);
    assert_int_equal(find(HTTP_PUT, "/api/devices/7", &match), HTTP_NO_PATH);
}

static void case_matters(void **state)
{
    (void)state;
    struct http_match match;
    assert_int_equal(find(HTTP_GET, "/api/Device/7", &match), HTTP_NO_PATH);
}

static void more_parameters_than_fit_never_match(void **state)
{
    (void)state;
    struct http_match match;
    assert_int_equal(find(HTTP_GET, "/1/2/3/4/5/6", &match), HTTP_MATCH);
    assert_int_equal(match.parameter_count, HTTP_ROUTE_PARAMETERS_MAX);
    assert_int_equal(find(HTTP_GET, "/1/2/3/4/5/6/7", &match), HTTP_NO_PATH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parameter_takes_one_segment),
        cmocka_unit_test(parameters_stand_in_the_order_of_the_pattern),
        cmocka_unit_test(a_literal_wins_over_a_parameter),
        cmocka_unit_test(a_parameter_serves_where_the_literal_has_another_method),
        cmocka_unit_test(an_empty_segment_is_no_parameter),
        cmocka_unit_test(a_longer_or_shorter_path_is_unknown),
        cmocka_unit_test(a_known_path_with_a_wrong_method_is_told),
        cmocka_unit_test(case_matters),
        cmocka_unit_test(more_parameters_than_fit_never_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
