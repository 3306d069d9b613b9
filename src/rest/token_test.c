// Shows what a token says, byte for byte, and which tokens are taken: ours, while they live, and
// for what they were made.
#include "rest/token.h"

#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "crypto/jwt.h"
#include "rest/fixture.h"

static char token[2048];
static char refresh[2048];

static int log_in(void **state)
{
    (void)state;
    assert_int_equal(rest_fixture_log_in("customer@thingsboard.org", "customer", token, refresh),
                     200);
    return 0;
}

static int go_on(void **state)
{
    (void)state;
    rest_fixture.now.ms = REST_FIXTURE_NOW;
    rest_fixture_as(REST_TENANT);
    return 0;
}

static struct slice key(void)
{
    return slice_of(rest_fixture.rest.core->token_key, CORE_TOKEN_KEY_SIZE);
}

// The claims as a shape.
static const char *claims_of(const char *text)
{
    static char claims[4096];
    struct buf out = buf_over(claims, sizeof(claims) - 1);
    assert_int_equal(crypto_jwt_verify(&out, key(), slice_text(text)), ERR_OK);
    claims[out.len] = 0;
    rest_fixture.body = claims;
    return rest_fixture_shape();
}

// A token of ours with these claims.
static const char *signed_claims(const char *claims)
{
    static char text[4096];
    struct buf out = buf_over(text, sizeof(text) - 1);
    crypto_jwt_sign(&out, key(), slice_text(claims));
    assert_false(out.overflow);
    text[out.len] = 0;
    return text;
}

static void access_token_has_upstreams_claims(void **state)
{
    (void)state;
    assert_string_equal(
        claims_of(token),
        "{\"sub\":\"customer@thingsboard.org\",\"userId\":\"<1>\",\"scopes\":[\"CUSTOMER_USER\"],"
        "\"sessionId\":\"<2>\",\"exp\":1800009000,\"iss\":\"thingsboard.io\",\"iat\":1800000000,"
        "\"enabled\":true,\"isPublic\":false,\"tenantId\":\"<3>\",\"customerId\":\"<4>\"}");
}

static void refresh_token_has_upstreams_claims(void **state)
{
    (void)state;
    assert_string_equal(
        claims_of(refresh),
        "{\"sub\":\"customer@thingsboard.org\",\"userId\":\"<1>\",\"scopes\":[\"REFRESH_TOKEN\"],"
        "\"sessionId\":\"<2>\",\"exp\":1800604800,\"iss\":\"thingsboard.io\",\"iat\":1800000000,"
        "\"isPublic\":false,\"jti\":\"<3>\"}");
}

static void both_tokens_are_of_one_session(void **state)
{
    (void)state;
    char access[4096];
    (void)claims_of(token);
    const char *session = strstr(rest_fixture.body, "\"sessionId\":");
    assert_non_null(session);
    memcpy(access, session, 51);
    (void)claims_of(refresh);
    session = strstr(rest_fixture.body, "\"sessionId\":");
    assert_non_null(session);
    assert_memory_equal(access, session, 51);
}

static void a_live_token_is_taken(void **state)
{
    (void)state;
    rest_fixture_as_bearer(token);
    rest_fixture.now.ms += 8999999;
    assert_int_equal(rest_fixture_get("/api/auth/user"), 200);
}

static void bearer_is_told_in_any_case(void **state)
{
    (void)state;
    snprintf(rest_fixture.authorization, sizeof(rest_fixture.authorization), "bEARER %s", token);
    assert_int_equal(rest_fixture_get("/api/auth/user"), 200);
}

static void a_token_whose_life_is_over_has_expired(void **state)
{
    (void)state;
    rest_fixture_as_bearer(token);
    rest_fixture.now.ms += 9000000;
    (void)rest_fixture_get("/api/auth/user");
    rest_fixture_expect_error(401, 11, "Token has expired");
}

static void what_is_no_token_fails(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",        "Bearer",        "Bearer ",          "Bearer abc",
        "Basic a", "Bearer a.b",    "Bearer a.b.c.d",   "Bearer ..",
        "a.b.c",   "Bearer a.b.c ", "Bearer a.b.c\xff", "ApiKey tb_x",
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        strcpy(rest_fixture.authorization, rows[i]);
        (void)rest_fixture_get("/api/auth/user");
        rest_fixture_expect_error(401, 10, "Authentication failed");
    }
}

static void a_foreign_signature_counts_as_expired(void **state)
{
    (void)state;
    char changed[2048];
    strcpy(changed, token);
    char *last = changed + strlen(changed) - 2;
    *last = *last == 'A' ? 'B' : 'A';
    rest_fixture_as_bearer(changed);
    (void)rest_fixture_get("/api/auth/user");
    rest_fixture_expect_error(401, 11, "Token has expired");
    rest_fixture_as_bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.AA");
    (void)rest_fixture_get("/api/auth/user");
    rest_fixture_expect_error(401, 11, "Token has expired");
}

#define NULL_ID "\"13814000-1dd2-11b2-8080-808080808080\""

static void signed_claims_that_say_too_little_count_as_expired(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        "[]",
        "no json",
        "{\"userId\":\"x\",\"sessionId\":\"x\",\"iat\":1,\"exp\":9999999999,\"scopes\":[]}",
        "{\"userId\":" NULL_ID ",\"iat\":1,\"exp\":9999999999}",
        "{\"userId\":" NULL_ID ",\"sessionId\":" NULL_ID ",\"iat\":\"1\",\"exp\":9999999999}",
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rest_fixture_as_bearer(signed_claims(rows[i]));
        (void)rest_fixture_get("/api/auth/user");
        rest_fixture_expect_error(401, 11, "Token has expired");
    }
}

static void a_token_of_nobody_has_expired(void **state)
{
    (void)state;
    rest_fixture_as_bearer(
        signed_claims("{\"userId\":" NULL_ID ",\"sessionId\":" NULL_ID ","
                      "\"iat\":1800000000,\"exp\":1800009000,\"scopes\":[\"TENANT_ADMIN\"]}"));
    (void)rest_fixture_get("/api/auth/user");
    rest_fixture_expect_error(401, 11, "Token has expired");
}

static void a_refresh_token_opens_nothing(void **state)
{
    (void)state;
    rest_fixture_as_bearer(refresh);
    (void)rest_fixture_get("/api/auth/user");
    rest_fixture_expect_error(401, 10, "Authentication failed");
}

#define TOKEN_TEST(name) cmocka_unit_test_setup_teardown(name, log_in, go_on)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(access_token_has_upstreams_claims),
        TOKEN_TEST(refresh_token_has_upstreams_claims),
        TOKEN_TEST(both_tokens_are_of_one_session),
        TOKEN_TEST(a_live_token_is_taken),
        TOKEN_TEST(bearer_is_told_in_any_case),
        TOKEN_TEST(a_token_whose_life_is_over_has_expired),
        TOKEN_TEST(what_is_no_token_fails),
        TOKEN_TEST(a_foreign_signature_counts_as_expired),
        TOKEN_TEST(signed_claims_that_say_too_little_count_as_expired),
        TOKEN_TEST(a_token_of_nobody_has_expired),
        TOKEN_TEST(a_refresh_token_opens_nothing),
    };
    return cmocka_run_group_tests(tests, rest_fixture_set_up, rest_fixture_tear_down);
}
