// Shows the table of routes: that it makes sense, what an unknown path or method answers, and that
// health needs no log-in.
#include "rest/routes.h"

#include "rest/fixture.h"

static void every_route_is_found_by_its_pattern(void **state)
{
    (void)state;
    rest_routes_check();
}

static void an_unknown_path_is_an_error_object(void **state)
{
    (void)state;
    static const char *const paths[] = {"/",       "/api",       "/api/nothing", "/api/device/",
                                        "/api/v1", "/API/device"};
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        (void)rest_fixture_get(paths[i]);
        rest_fixture_expect_error(404, 32, "Requested item wasn't found!");
        assert_null(rest_fixture.response.allow);
    }
}

static void a_wrong_method_names_the_right_ones(void **state)
{
    (void)state;
    (void)rest_fixture_ask(HTTP_PUT, "/api/device/7", "{}");
    rest_fixture_expect_error(405, 31, "Request method is not supported");
    assert_string_equal(rest_fixture.response.allow, "GET, HEAD, DELETE, OPTIONS");
    (void)rest_fixture_get("/api/device");
    rest_fixture_expect_error(405, 31, "Request method is not supported");
    assert_string_equal(rest_fixture.response.allow, "POST, OPTIONS");
}

static void options_are_plain(void **state)
{
    (void)state;
    rest_fixture_as(REST_NOBODY);
    assert_int_equal(rest_fixture_ask(HTTP_OPTIONS, "/api/auth/login", NULL), 200);
    assert_string_equal(rest_fixture.body, "");
    assert_string_equal(rest_fixture.response.allow, "POST, OPTIONS");
    assert_int_equal(rest_fixture_ask(HTTP_OPTIONS, "/api/nothing", NULL), 404);
    rest_fixture_as(REST_TENANT);
}

static void head_is_served_like_get(void **state)
{
    (void)state;
    assert_int_equal(rest_fixture_ask(HTTP_HEAD, "/api/auth/user", NULL), 200);
    assert_int_equal(rest_fixture_ask(HTTP_HEAD, "/api/auth/login", NULL), 401);
}

static void health_needs_no_log_in(void **state)
{
    (void)state;
    rest_fixture_as(REST_NOBODY);
    assert_int_equal(rest_fixture_get("/livez"), 200);
    assert_string_equal(rest_fixture.body, "ok\n");
    assert_string_equal(rest_fixture.response.content_type, "text/plain");
    assert_int_equal(rest_fixture_get("/readyz"), 200);
    rest_fixture.ready = false;
    assert_int_equal(rest_fixture_get("/readyz"), 503);
    assert_int_equal(rest_fixture_get("/livez"), 200);
    rest_fixture.ready = true;
    rest_fixture_as(REST_TENANT);
}

static void figures_are_for_this_machine_unless_said_otherwise(void **state)
{
    (void)state;
    static const struct {
        enum rest_metrics_access access;
        const char *remote;
        int status;
    } rows[] = {
        {REST_METRICS_LOOPBACK, "127.0.0.1:1", 200}, {REST_METRICS_LOOPBACK, "[::1]:1", 200},
        {REST_METRICS_LOOPBACK, "192.0.2.1:1", 403}, {REST_METRICS_ALL, "192.0.2.1:1", 200},
        {REST_METRICS_OFF, "127.0.0.1:1", 404},
    };
    rest_fixture_as(REST_NOBODY);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rest_fixture.rest.settings.metrics_access = rows[i].access;
        assert_int_equal(address_parse(slice_text(rows[i].remote), &rest_fixture.remote), ERR_OK);
        assert_int_equal(rest_fixture_get("/metrics"), rows[i].status);
    }
    assert_int_equal(address_parse(SLICE("127.0.0.1:1"), &rest_fixture.remote), ERR_OK);
    rest_fixture.rest.settings.metrics_access = REST_METRICS_LOOPBACK;
    (void)rest_fixture_get("/metrics");
    assert_string_equal(rest_fixture.body, "motehub_up 1\n");
    assert_int_equal(address_parse(SLICE("192.0.2.1:1"), &rest_fixture.remote), ERR_OK);
    rest_fixture_as(REST_TENANT);
}

static void only_those_whom_the_table_names_get_in(void **state)
{
    (void)state;
    rest_fixture_as(REST_SYSADMIN);
    (void)rest_fixture_get("/api/tenant/devices?pageSize=1&page=0");
    rest_fixture_expect_error(403, 20, "You don't have permission to perform this operation!");
    rest_fixture_as(REST_CUSTOMER);
    (void)rest_fixture_get("/api/customers?pageSize=1&page=0");
    rest_fixture_expect_error(403, 20, "You don't have permission to perform this operation!");
    rest_fixture_as(REST_TENANT);
}

static void a_url_that_is_no_text_is_refused(void **state)
{
    (void)state;
    (void)rest_fixture_get("/api/tenant/device?deviceName=\xff");
    rest_fixture_expect_error(400, 31, "The URL is not UTF-8");
    (void)rest_fixture_get("/api/device/\xc3");
    rest_fixture_expect_error(400, 31, "The URL is not UTF-8");
}

static void an_answer_that_does_not_fit_says_so(void **state)
{
    (void)state;
    // Room for the error, not for the page.
    struct http_response response = {.status = 200};
    uint8_t small[256];
    (void)rest_fixture_get("/api/tenant/devices?pageSize=100&page=0");
    response.body = buf_over(small, sizeof(small));
    arena_reset(rest_fixture.request.memory);
    rest_handle(&rest_fixture.rest, &rest_fixture.request, &response);
    assert_int_equal(response.status, 400);
    assert_false(response.body.overflow);
    assert_non_null(memmem(small, response.body.len, "larger than 256 bytes", 21));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_found_by_its_pattern),
        cmocka_unit_test(an_unknown_path_is_an_error_object),
        cmocka_unit_test(a_wrong_method_names_the_right_ones),
        cmocka_unit_test(options_are_plain),
        cmocka_unit_test(head_is_served_like_get),
        cmocka_unit_test(health_needs_no_log_in),
        cmocka_unit_test(figures_are_for_this_machine_unless_said_otherwise),
        cmocka_unit_test(only_those_whom_the_table_names_get_in),
        cmocka_unit_test(a_url_that_is_no_text_is_refused),
        cmocka_unit_test(an_answer_that_does_not_fit_says_so),
    };
    return cmocka_run_group_tests(tests, rest_fixture_set_up, rest_fixture_tear_down);
}
