// Shows logging in, staying logged in and logging out, with upstream's texts (server-api.md 1.1 and
// 1.5), and that the user of the caller has its whole shape.
#include "rest/fixture.h"

#include <string.h>

static char token[2048];
static char refresh[2048];

static int begin(void **state)
{
    (void)state;
    rest_fixture.now.ms += 60000;
    rest_fixture.mono.ns += 600000000000;
    rest_fixture_as(REST_NOBODY);
    return 0;
}

static void log_in(const char *email, const char *password)
{
    assert_int_equal(rest_fixture_log_in(email, password, token, refresh), 200);
}

static int status_with(const char *bearer)
{
    rest_fixture_as_bearer(bearer);
    return rest_fixture_get("/api/auth/user");
}

static void expect_stale(const char *bearer)
{
    (void)status_with(bearer);
    rest_fixture_expect_error(401, 11, "Token has expired");
}

static int refresh_with(const char *text)
{
    return rest_fixture_post("/api/auth/token",
                             rest_fixture_text("{\"refreshToken\":\"%s\"}", text));
}

static void logging_in_gives_two_tokens_and_nothing_else(void **state)
{
    (void)state;
    log_in("tenant@thingsboard.org", "tenant");
    const char *expected =
        rest_fixture_text("{\"token\":\"%s\",\"refreshToken\":\"%s\"}", token, refresh);
    assert_string_equal(rest_fixture.body, expected);
    assert_int_equal(status_with(token), 200);
}

static void an_email_in_other_case_logs_in(void **state)
{
    (void)state;
    log_in("TENANT@ThingsBoard.org", "tenant");
}

static void wrong_password_and_unknown_user_answer_the_same(void **state)
{
    (void)state;
    assert_int_equal(rest_fixture_log_in("tenant@thingsboard.org", "wrong", token, refresh), 401);
    rest_fixture_expect_error(401, 10, "Invalid username or password");
    assert_int_equal(rest_fixture_log_in("nobody@thingsboard.org", "tenant", token, refresh), 401);
    rest_fixture_expect_error(401, 10, "Invalid username or password");
}

static void a_log_in_without_name_or_password_is_401(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        "{\"username\":\"tenant@thingsboard.org\"}",
        "{\"password\":\"tenant\"}",
        "{\"username\":\"\",\"password\":\"tenant\"}",
        "{\"username\":\"tenant@thingsboard.org\",\"password\":\"\"}",
        "{\"username\":1,\"password\":\"tenant\"}",
        "{\"username\":null,\"password\":null}",
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)rest_fixture_post("/api/auth/login", rows[i]);
        rest_fixture_expect_error(401, 10, "Username or Password not provided");
    }
}

static void a_malformed_body_names_the_byte(void **state)
{
    (void)state;
    static const char *const paths[] = {"/api/auth/login", "/api/auth/token"};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(rest_fixture_post(paths[i], "{\"username\":x}"), 400);
        assert_non_null(strstr(rest_fixture.body, "Malformed JSON at byte 12: "));
        assert_int_equal(rest_fixture_post(paths[i], ""), 400);
        assert_int_equal(rest_fixture_post(paths[i], "{'username':'x'}"), 400);
        (void)rest_fixture_post(paths[i], "[]");
        rest_fixture_expect_error(400, 31, "The request body is not a JSON object");
    }
}

static void unknown_members_are_ignored(void **state)
{
    (void)state;
    assert_int_equal(rest_fixture_post("/api/auth/login",
                                       "{\"username\":\"tenant@thingsboard.org\",\"password\":"
                                       "\"tenant\",\"rememberMe\":true}"),
                     200);
}

static void logging_in_is_a_post(void **state)
{
    (void)state;
    (void)rest_fixture_get("/api/auth/login");
    rest_fixture_expect_error(401, 10, "Authentication method not supported");
    (void)rest_fixture_get("/api/auth/token");
    rest_fixture_expect_error(401, 10, "Authentication method not supported");
}

static void many_wrong_passwords_have_to_wait(void **state)
{
    (void)state;
    const char *email = "customerB@thingsboard.org";
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rest_fixture_log_in(email, "wrong", token, refresh), 401);
    }
    assert_int_equal(rest_fixture_log_in(email, "customer", token, refresh), 429);
    assert_non_null(strstr(rest_fixture.body, "\"errorCode\":33,"));
    assert_int_equal(rest_fixture.response.retry_after_s, 2);
}

static void refreshing_gives_a_new_pair_of_the_same_session(void **state)
{
    (void)state;
    char first[2048];
    log_in("tenant@thingsboard.org", "tenant");
    strcpy(first, token);
    rest_fixture.now.ms += 9000000;
    expect_stale(first);
    rest_fixture_as(REST_NOBODY);
    assert_int_equal(refresh_with(refresh), 200);
    rest_fixture_take_tokens(token, refresh);
    assert_string_not_equal(first, token);
    assert_int_equal(status_with(token), 200);
    rest_fixture.now.ms -= 9000000;
}

static void only_a_live_refresh_token_refreshes(void **state)
{
    (void)state;
    log_in("tenant@thingsboard.org", "tenant");
    (void)refresh_with(token);
    rest_fixture_expect_error(401, 10, "Invalid refresh token");
    (void)refresh_with("abc");
    rest_fixture_expect_error(401, 10, "Authentication failed");
    (void)rest_fixture_post("/api/auth/token", "{}");
    rest_fixture_expect_error(401, 10, "Refresh token is not provided");
    const int64_t now = rest_fixture.now.ms;
    rest_fixture.now.ms += 604800000;
    (void)refresh_with(refresh);
    rest_fixture_expect_error(401, 11, "Token has expired");
    rest_fixture.now.ms = now;
}

static void logging_out_ends_both_tokens_of_this_session_only(void **state)
{
    (void)state;
    char other[2048];
    log_in("tenant@thingsboard.org", "tenant");
    strcpy(other, token);
    log_in("tenant@thingsboard.org", "tenant");
    rest_fixture_as_bearer(token);
    assert_int_equal(rest_fixture_post("/api/auth/logout", "{}"), 200);
    assert_string_equal(rest_fixture.body, "");
    expect_stale(token);
    (void)refresh_with(refresh);
    rest_fixture_expect_error(401, 11, "Token has expired");
    assert_int_equal(status_with(other), 200);
}

static int change(const char *from, const char *to)
{
    return rest_fixture_post(
        "/api/auth/changePassword",
        rest_fixture_text("{\"currentPassword\":\"%s\",\"newPassword\":\"%s\"}", from, to));
}

static void changing_the_password_makes_older_tokens_stale(void **state)
{
    (void)state;
    char older[2048];
    log_in("customerC@thingsboard.org", "customer");
    strcpy(older, token);
    rest_fixture_as_bearer(token);
    rest_fixture.now.ms += 1;
    assert_int_equal(change("customer", "another-one"), 200);
    rest_fixture_take_tokens(token, refresh);
    expect_stale(older);
    assert_int_equal(status_with(token), 200);
    assert_int_equal(rest_fixture_log_in("customerC@thingsboard.org", "customer", token, refresh),
                     401);
    log_in("customerC@thingsboard.org", "another-one");
}

static void a_refused_password_changes_nothing(void **state)
{
    (void)state;
    log_in("customerA@thingsboard.org", "customer");
    rest_fixture_as_bearer(token);
    (void)change("wrong", "another-one");
    rest_fixture_expect_error(400, 31, "Current password doesn't match!");
    assert_int_equal(change("customer", "short"), 400);
    (void)rest_fixture_post("/api/auth/changePassword", "{\"currentPassword\":\"customer\"}");
    rest_fixture_expect_error(400, 31, "Validation error: 'newPassword' must be a text");
    (void)rest_fixture_post("/api/auth/changePassword", "{\"newPassword\":\"another-one\"}");
    rest_fixture_expect_error(400, 31, "Validation error: 'currentPassword' must be a text");
    assert_int_equal(status_with(token), 200);
}

static void nobody_has_no_user(void **state)
{
    (void)state;
    (void)rest_fixture_get("/api/auth/user");
    rest_fixture_expect_error(401, 10, "Authentication failed");
    (void)rest_fixture_post("/api/auth/logout", "{}");
    rest_fixture_expect_error(401, 10, "Authentication failed");
}

#define USER_SHAPE(tenant, customer, email, authority)                                             \
    "{\"id\":{\"entityType\":\"USER\",\"id\":\"<1>\"},\"createdTime\":1800000000000,"              \
    "\"tenantId\":{\"entityType\":\"TENANT\",\"id\":\"" tenant "\"},"                              \
    "\"customerId\":{\"entityType\":\"CUSTOMER\",\"id\":\"" customer "\"},"                        \
    "\"email\":\"" email "\",\"name\":\"" email "\",\"authority\":\"" authority "\","              \
    "\"firstName\":null,\"lastName\":null,\"phone\":null,\"version\":1,\"additionalInfo\":null}"

static void the_callers_user_has_its_whole_shape(void **state)
{
    (void)state;
    rest_fixture_as(REST_SYSADMIN);
    rest_fixture.now.ms = REST_FIXTURE_NOW;
    (void)rest_fixture_get("/api/auth/user");
    rest_fixture_expect(200,
                        USER_SHAPE("<null>", "<null>", "sysadmin@thingsboard.org", "SYS_ADMIN"));
    rest_fixture_as(REST_TENANT);
    (void)rest_fixture_get("/api/auth/user");
    rest_fixture_expect(200, USER_SHAPE("<2>", "<null>", "tenant@thingsboard.org", "TENANT_ADMIN"));
    rest_fixture_as(REST_CUSTOMER);
    (void)rest_fixture_get("/api/auth/user");
    rest_fixture_expect(200, USER_SHAPE("<2>", "<3>", "customer@thingsboard.org", "CUSTOMER_USER"));
    assert_string_equal(rest_fixture.response.content_type, "application/json");
}

#define AUTH_TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUTH_TEST(logging_in_gives_two_tokens_and_nothing_else),
        AUTH_TEST(an_email_in_other_case_logs_in),
        AUTH_TEST(wrong_password_and_unknown_user_answer_the_same),
        AUTH_TEST(a_log_in_without_name_or_password_is_401),
        AUTH_TEST(a_malformed_body_names_the_byte),
        AUTH_TEST(unknown_members_are_ignored),
        AUTH_TEST(logging_in_is_a_post),
        AUTH_TEST(many_wrong_passwords_have_to_wait),
        AUTH_TEST(refreshing_gives_a_new_pair_of_the_same_session),
        AUTH_TEST(only_a_live_refresh_token_refreshes),
        AUTH_TEST(logging_out_ends_both_tokens_of_this_session_only),
        AUTH_TEST(changing_the_password_makes_older_tokens_stale),
        AUTH_TEST(a_refused_password_changes_nothing),
        AUTH_TEST(nobody_has_no_user),
        AUTH_TEST(the_callers_user_has_its_whole_shape),
    };
    return cmocka_run_group_tests(tests, rest_fixture_set_up, rest_fixture_tear_down);
}
