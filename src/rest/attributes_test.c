// Shows attributes over REST: what is set is read back by scope, what is deleted is gone, and every
// failure is a plain text (server-api.md 3.1, 3.3, 3.5).
#include "rest/stored_test.h"

static void attributes_are_set_and_read_by_scope(void **state)
{
    (void)state;
    post("SERVER_SCOPE", "{\"b\":true,\"a\":\"5\"}", 200, "");
    post("attributes/SHARED_SCOPE", "{\"s\":42.0,\"j\":{\"x\":[1,null]}}", 200, "");
    get("keys/attributes", 200, "[\"j\",\"s\",\"a\",\"b\"]");
    get("keys/attributes/SERVER_SCOPE", 200, "[\"a\",\"b\"]");
    get("keys/attributes/CLIENT_SCOPE", 200, "[]");
    get("values/attributes/SERVER_SCOPE", 200,
        "[{\"lastUpdateTs\":1800000000000,\"key\":\"a\",\"value\":5},"
        "{\"lastUpdateTs\":1800000000000,\"key\":\"b\",\"value\":true}]");
    get("values/attributes?keys=s,a,nothing", 200,
        "[{\"lastUpdateTs\":1800000000000,\"key\":\"s\",\"value\":42.0},"
        "{\"lastUpdateTs\":1800000000000,\"key\":\"a\",\"value\":5}]");
    get("values/attributes/SHARED_SCOPE?keys=j", 200,
        "[{\"lastUpdateTs\":1800000000000,\"key\":\"j\",\"value\":{\"x\":[1,null]}}]");
}

static void attributes_are_set_and_deleted_by_the_id_alone(void **state)
{
    (void)state;
    const char *const path = rest_fixture_text("/api/plugins/telemetry/%s/SERVER_SCOPE", device);
    (void)rest_fixture_post(path, "{\"x\":1,\"y\":2,\"z\":3}");
    expect(200, "");
    (void)rest_fixture_delete(rest_fixture_text("%s?keys=x,none", path));
    expect(200, "");
    (void)rest_fixture_delete(url("SERVER_SCOPE?keys=y"));
    expect(200, "");
    get("values/attributes/SERVER_SCOPE?keys=x,y,z", 200,
        "[{\"lastUpdateTs\":1800000000000,\"key\":\"z\",\"value\":3}]");
}

static void bad_input_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const char nothing[] = "No attributes data found in request body!";
    post("CLIENT_SCOPE", "{\"a\":1}", 400, "Invalid scope: CLIENT_SCOPE");
    post("server_scope", "{\"a\":1}", 400, "Invalid scope: server_scope");
    post("SERVER_SCOPE", "[]", 400, nothing);
    post("SERVER_SCOPE", "{}", 400, nothing);
    post("SERVER_SCOPE", "", 400, nothing);
    post("SERVER_SCOPE", "{\"a\":", 400, nothing);
    post("SERVER_SCOPE", "\"{}\"", 400, nothing);
    post("SERVER_SCOPE", "{\"a\":null}", 400, "Can't parse value: null of key 'a'");
    (void)rest_fixture_post(url("SERVER_SCOPE"), "{\" \":1}");
    assert_int_equal(rest_fixture.response.status, 400);
    assert_memory_equal(rest_fixture.body, "byte ", 5);
    get("values/attributes/NO_SCOPE", 400, "Invalid scope: NO_SCOPE");
    (void)rest_fixture_delete(url("SERVER_SCOPE"));
    expect(400, "Empty keys: no attribute is named");
    (void)rest_fixture_post("/api/plugins/telemetry/x/SERVER_SCOPE", "{\"a\":1}");
    expect(400, "Invalid UUID string: x");
    (void)rest_fixture_post("/api/plugins/telemetry/ASSET/x/SERVER_SCOPE", "{\"a\":1}");
    expect(400, "Entities of type 'ASSET' hold no data in this version");
}

static void strangers_are_refused(void **state)
{
    (void)state;
    char other[37];
    rest_fixture_device("Test Device B1", other);
    rest_fixture_as(REST_SYSADMIN);
    get("values/attributes", 403, "System administrator is not allowed to perform this operation!");
    rest_fixture_as(REST_CUSTOMER);
    post("SHARED_SCOPE", "{\"c\":1}", 200, ""); // its own customer's device
    const char *const path = rest_fixture_text("/api/plugins/telemetry/%s/SHARED_SCOPE", other);
    assert_int_equal(rest_fixture_post(path, "{\"c\":1}"), 403);
    rest_fixture_as(REST_NOBODY);
    assert_int_equal(rest_fixture_get(url("values/attributes")), 401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(attributes_are_set_and_read_by_scope, begin),
        cmocka_unit_test_setup(attributes_are_set_and_deleted_by_the_id_alone, begin),
        cmocka_unit_test_setup(bad_input_is_refused_with_its_reason, begin),
        cmocka_unit_test_setup(strangers_are_refused, begin),
    };
    return cmocka_run_group_tests(tests, set_up, rest_fixture_tear_down);
}
