// Shows customers, tenants and users over REST: whole shapes, lists, and who may read what
// (server-api.md 1.6 and 2.4).
#include "rest/fixture.h"

#include <string.h>

static const char denied[] = "You don't have permission to perform this operation!";

static int begin(void **state)
{
    (void)state;
    rest_fixture_as(REST_TENANT);
    return 0;
}

static void take_own(enum rest_fixture_who who, char user[37], char tenant[37])
{
    rest_fixture_as(who);
    assert_int_equal(rest_fixture_get("/api/auth/user"), 200);
    rest_fixture_take_id(0, user);
    rest_fixture_take_id(1, tenant);
    rest_fixture_as(REST_TENANT);
}

static void the_smallest_customer_gets_everything_else(void **state)
{
    (void)state;
    static const char shape[] =
        "{\"id\":{\"entityType\":\"CUSTOMER\",\"id\":\"<1>\"},\"createdTime\":1800000000000,"
        "\"title\":\"small\",\"name\":\"small\",\"tenantId\":{\"entityType\":\"TENANT\",\"id\":"
        "\"<2>\"},\"externalId\":null,\"version\":1,\"country\":null,\"state\":null,\"city\":null,"
        "\"address\":null,\"address2\":null,\"zip\":null,\"phone\":null,\"email\":null,"
        "\"additionalInfo\":null}";
    (void)rest_fixture_post("/api/customer", "{\"title\":\"small\"}");
    rest_fixture_expect(200, shape);
    char id[37];
    rest_fixture_take_id(0, id);
    (void)rest_fixture_get(rest_fixture_text("/api/customer/%s", id));
    rest_fixture_expect(200, shape);
    (void)rest_fixture_get("/api/tenant/customers?customerTitle=small");
    rest_fixture_expect(200, shape);
}

static void what_a_customer_says_is_kept_and_changed(void **state)
{
    (void)state;
    char id[37];
    (void)rest_fixture_post("/api/customer",
                            "{\"title\":\"full\",\"country\":\"1\",\"state\":\"2\",\"city\":\"3\","
                            "\"address\":\"4\",\"address2\":\"5\",\"zip\":\"6\",\"phone\":\"7\","
                            "\"email\":\"8\",\"additionalInfo\":{\"a\": 1},\"name\":\"ignored\"}");
    rest_fixture_expect(
        200, "{\"id\":{\"entityType\":\"CUSTOMER\",\"id\":\"<1>\"},\"createdTime\":1800000000000,"
             "\"title\":\"full\",\"name\":\"full\",\"tenantId\":{\"entityType\":\"TENANT\","
             "\"id\":\"<2>\"},\"externalId\":null,\"version\":1,\"country\":\"1\",\"state\":\"2\","
             "\"city\":\"3\",\"address\":\"4\",\"address2\":\"5\",\"zip\":\"6\",\"phone\":\"7\","
             "\"email\":\"8\",\"additionalInfo\":{\"a\":1}}");
    rest_fixture_take_id(0, id);
    (void)rest_fixture_post(
        "/api/customer",
        rest_fixture_text(
            "{\"id\":{\"entityType\":\"CUSTOMER\",\"id\":\"%s\"},\"title\":\"fuller\"}", id));
    assert_int_equal(rest_fixture.response.status, 200);
    assert_non_null(strstr(rest_fixture.body, "\"title\":\"fuller\",\"name\":\"fuller\","));
    assert_non_null(strstr(rest_fixture.body, "\"version\":2,\"country\":null,"));
}

static void bad_customers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *message;
    } rows[] = {
        {"{}", "Validation error: Customer title should be specified!"},
        {"{\"title\":[]}", "Validation error: 'title' must be a text"},
        {"{\"title\":\"x\",\"zip\":1}", "Validation error: 'zip' must be a text"},
        {"{\"title\":\"x\",\"id\":{\"id\":1}}", "Validation error: 'id' must hold an id"},
        {"{\"title\":\"Customer A\"}", "Customer with such title already exists!"},
        {"null", "The request body is not a JSON object"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)rest_fixture_post("/api/customer", rows[i].body);
        rest_fixture_expect_error(400, 31, rows[i].message);
    }
    (void)rest_fixture_get("/api/tenant/customers");
    rest_fixture_expect_error(400, 31, "Required request parameter 'customerTitle' is not present");
    (void)rest_fixture_get("/api/tenant/customers?customerTitle=none");
    rest_fixture_expect_error(404, 32, "Customer with title [none] is not found");
}

static void a_deleted_customer_is_gone(void **state)
{
    (void)state;
    char id[37];
    assert_int_equal(rest_fixture_post("/api/customer", "{\"title\":\"gone\"}"), 200);
    rest_fixture_take_id(0, id);
    assert_int_equal(rest_fixture_delete(rest_fixture_text("/api/customer/%s", id)), 200);
    assert_string_equal(rest_fixture.body, "");
    const char *message = rest_fixture_text("Customer with id [%s] is not found", id);
    (void)rest_fixture_get(rest_fixture_text("/api/customer/%s", id));
    rest_fixture_expect_error(404, 32, message);
    (void)rest_fixture_delete(rest_fixture_text("/api/customer/%s", id));
    rest_fixture_expect_error(404, 32, message);
}

static void customers_are_listed(void **state)
{
    (void)state;
    assert_int_equal(rest_fixture_get("/api/customers?pageSize=2&page=0&textSearch=customer"
                                      "&sortProperty=title&sortOrder=DESC"),
                     200);
    const char *first = strstr(rest_fixture.body, "\"title\":\"Customer C\"");
    const char *second = strstr(rest_fixture.body, "\"title\":\"Customer B\"");
    assert_true(first != NULL && second != NULL && first < second);
    assert_non_null(
        strstr(rest_fixture.body, "],\"totalPages\":2,\"totalElements\":3,\"hasNext\":true}"));
}

static void a_customer_user_reads_its_own_customer_only(void **state)
{
    (void)state;
    char own[37];
    char other[37];
    rest_fixture_customer("Customer A", own);
    rest_fixture_customer("Customer B", other);
    rest_fixture_as(REST_CUSTOMER);
    assert_int_equal(rest_fixture_get(rest_fixture_text("/api/customer/%s", own)), 200);
    (void)rest_fixture_get(rest_fixture_text("/api/customer/%s", other));
    rest_fixture_expect_error(403, 20, denied);
    (void)rest_fixture_delete(rest_fixture_text("/api/customer/%s", own));
    rest_fixture_expect_error(403, 20, denied);
    (void)rest_fixture_get(rest_fixture_text("/api/customer/%s/users?pageSize=1&page=0", own));
    rest_fixture_expect_error(403, 20, denied);
}

static void a_tenant_has_its_whole_shape(void **state)
{
    (void)state;
    static const char shape[] =
        "{\"id\":{\"entityType\":\"TENANT\",\"id\":\"<1>\"},\"createdTime\":1800000000000,"
        "\"title\":\"Tenant\",\"name\":\"Tenant\",\"region\":\"Global\",\"tenantProfileId\":"
        "{\"entityType\":\"TENANT_PROFILE\",\"id\":\"<2>\"},"
        "\"version\":1,\"country\":null,\"state\":null,\"city\":null,\"address\":null,"
        "\"address2\":null,\"zip\":null,\"phone\":null,\"email\":null,\"additionalInfo\":null}";
    char user[37];
    char tenant[37];
    take_own(REST_TENANT, user, tenant);
    const char *path = rest_fixture_text("/api/tenant/%s", tenant);
    (void)rest_fixture_get(path);
    rest_fixture_expect(200, shape);
    rest_fixture_as(REST_SYSADMIN);
    (void)rest_fixture_get(path);
    rest_fixture_expect(200, shape);
    rest_fixture_as(REST_CUSTOMER);
    (void)rest_fixture_get(path);
    rest_fixture_expect_error(403, 20, denied);
}

static void an_unknown_tenant_is_404_for_the_system_administrator(void **state)
{
    (void)state;
    static const char path[] = "/api/tenant/784f394c-42b6-435a-983c-b7beff2784f9";
    (void)rest_fixture_get(path);
    rest_fixture_expect_error(403, 20, denied);
    rest_fixture_as(REST_SYSADMIN);
    (void)rest_fixture_get(path);
    rest_fixture_expect_error(404, 32,
                              "Tenant with id [784f394c-42b6-435a-983c-b7beff2784f9] is not found");
    (void)rest_fixture_get("/api/tenant/x");
    rest_fixture_expect_error(400, 31, "Invalid UUID string: x");
}

static void a_user_is_read_by_those_above_and_beside_it(void **state)
{
    (void)state;
    char customer_user[37];
    char tenant_user[37];
    char tenant[37];
    take_own(REST_CUSTOMER, customer_user, tenant);
    take_own(REST_TENANT, tenant_user, tenant);
    (void)rest_fixture_get(rest_fixture_text("/api/user/%s", customer_user));
    rest_fixture_expect(
        200, "{\"id\":{\"entityType\":\"USER\",\"id\":\"<1>\"},\"createdTime\":1800000000000,"
             "\"tenantId\":{\"entityType\":\"TENANT\",\"id\":\"<2>\"},"
             "\"customerId\":{\"entityType\":\"CUSTOMER\",\"id\":\"<3>\"},"
             "\"email\":\"customer@thingsboard.org\",\"name\":\"customer@thingsboard.org\","
             "\"authority\":\"CUSTOMER_USER\",\"firstName\":null,\"lastName\":null,\"phone\":null,"
             "\"version\":1,\"additionalInfo\":null}");
    rest_fixture_as(REST_SYSADMIN);
    assert_int_equal(rest_fixture_get(rest_fixture_text("/api/user/%s", tenant_user)), 200);
    (void)rest_fixture_get(rest_fixture_text("/api/user/%s", customer_user));
    rest_fixture_expect_error(403, 20, denied);
    rest_fixture_as(REST_CUSTOMER);
    assert_int_equal(rest_fixture_get(rest_fixture_text("/api/user/%s", customer_user)), 200);
    (void)rest_fixture_get(rest_fixture_text("/api/user/%s", tenant_user));
    rest_fixture_expect_error(403, 20, denied);
    (void)rest_fixture_get("/api/user/x");
    rest_fixture_expect_error(400, 31, "Invalid UUID string: x");
}

static void users_are_listed_by_tenant_and_customer(void **state)
{
    (void)state;
    char customer[37];
    rest_fixture_customer("Customer A", customer);
    assert_int_equal(rest_fixture_get("/api/users?pageSize=10&page=0"), 200);
    assert_non_null(strstr(rest_fixture.body, "\"totalElements\":5,"));
    assert_int_equal(rest_fixture_get(rest_fixture_text(
                         "/api/customer/%s/users?pageSize=1&page=0&sortProperty=email", customer)),
                     200);
    assert_non_null(strstr(rest_fixture.body, "\"email\":\"customer@thingsboard.org\""));
    assert_non_null(
        strstr(rest_fixture.body, "],\"totalPages\":2,\"totalElements\":2,\"hasNext\":true}"));
    rest_fixture_as(REST_CUSTOMER);
    assert_int_equal(rest_fixture_get("/api/users?pageSize=10&page=0"), 200);
    assert_non_null(strstr(rest_fixture.body, "\"totalElements\":2,"));
    (void)rest_fixture_get("/api/users");
    rest_fixture_expect_error(400, 31, "Required request parameter 'pageSize' is not present");
    assert_int_equal(rest_fixture_get("/api/customer/x/users?pageSize=1&page=0"), 403);
}

#define PROFILE                                                                                    \
    "{\"id\":{\"entityType\":\"DEVICE_PROFILE\",\"id\":\"<1>\"},\"createdTime\":1800000000000,"    \
    "\"tenantId\":{\"entityType\":\"TENANT\",\"id\":\"<2>\"},\"name\":\"default\","                \
    "\"description\":\"Default device profile\",\"image\":null,\"default\":true,"                  \
    "\"type\":\"DEFAULT\",\"transportType\":\"DEFAULT\",\"provisionType\":\"DISABLED\","           \
    "\"defaultRuleChainId\":null,\"defaultDashboardId\":null,\"defaultQueueName\":null,"           \
    "\"provisionDeviceKey\":null,\"firmwareId\":null,\"softwareId\":null,"                         \
    "\"defaultEdgeRuleChainId\":null,\"externalId\":null,\"version\":1,\"profileData\":{"          \
    "\"configuration\":{\"type\":\"DEFAULT\"},\"transportConfiguration\":{\"type\":\"DEFAULT\"},"  \
    "\"provisionConfiguration\":{\"type\":\"DISABLED\",\"provisionDeviceSecret\":null},"           \
    "\"alarms\":null}}"
#define PROFILE_INFO                                                                               \
    "{\"id\":{\"entityType\":\"DEVICE_PROFILE\",\"id\":\"<1>\"},"                                  \
    "\"tenantId\":{\"entityType\":\"TENANT\",\"id\":\"<2>\"},\"name\":\"default\","                \
    "\"image\":null,\"defaultDashboardId\":null,\"type\":\"DEFAULT\","                             \
    "\"transportType\":\"DEFAULT\"}"
#define ONE_OF_TWO(item)                                                                           \
    "{\"data\":[" item "],\"totalPages\":2,\"totalElements\":2,\"hasNext\":true}"
#define FIRST_BY_NAME "pageSize=1&page=0&sortProperty=name&sortOrder=ASC"

static void the_default_profile_has_its_whole_shapes(void **state)
{
    (void)state;
    char id[37];
    (void)rest_fixture_get("/api/deviceProfileInfo/default");
    rest_fixture_expect(200, PROFILE_INFO);
    rest_fixture_take_id(0, id);
    (void)rest_fixture_get(rest_fixture_text("/api/deviceProfileInfo/%s", id));
    rest_fixture_expect(200, PROFILE_INFO);
    (void)rest_fixture_get(rest_fixture_text("/api/deviceProfile/%s?inlineImages=False", id));
    rest_fixture_expect(200, PROFILE);
    (void)rest_fixture_get("/api/deviceProfiles?" FIRST_BY_NAME);
    rest_fixture_expect(200, ONE_OF_TWO(PROFILE));
    (void)rest_fixture_get("/api/deviceProfileInfos?" FIRST_BY_NAME "&transportType=");
    rest_fixture_expect(200, ONE_OF_TWO(PROFILE_INFO));
}

static void a_customer_user_sees_the_infos_of_profiles_only(void **state)
{
    (void)state;
    char id[37];
    rest_fixture_as(REST_CUSTOMER);
    (void)rest_fixture_get("/api/deviceProfileInfo/default");
    rest_fixture_expect(200, PROFILE_INFO);
    rest_fixture_take_id(0, id);
    (void)rest_fixture_get(rest_fixture_text("/api/deviceProfile/%s", id));
    rest_fixture_expect_error(403, 20, denied);
    (void)rest_fixture_get("/api/deviceProfiles?pageSize=1&page=0");
    rest_fixture_expect_error(403, 20, denied);
}

static void bad_profile_requests_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *message;
    } rows[] = {
        {"/api/deviceProfile/x", "Invalid UUID string: x"},
        {"/api/deviceProfileInfo/x", "Invalid UUID string: x"},
        {"/api/deviceProfiles", "Required request parameter 'pageSize' is not present"},
        {"/api/deviceProfileInfos?deviceProfileIds=a,b", "Invalid UUID string: a"},
        {"/api/deviceProfileInfos?pageSize=1&page=0&transportType=CO",
         "Parameter 'transportType' is none: CO"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)rest_fixture_get(rows[i].url);
        rest_fixture_expect_error(400, 31, rows[i].message);
    }
    (void)rest_fixture_get("/api/deviceProfile/784f394c-42b6-435a-983c-b7beff2784f9");
    rest_fixture_expect_error(
        404, 32, "Device profile with id [784f394c-42b6-435a-983c-b7beff2784f9] is not found");
}

#define PEOPLE_TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PEOPLE_TEST(the_smallest_customer_gets_everything_else),
        PEOPLE_TEST(what_a_customer_says_is_kept_and_changed),
        PEOPLE_TEST(bad_customers_are_refused),
        PEOPLE_TEST(a_deleted_customer_is_gone),
        PEOPLE_TEST(customers_are_listed),
        PEOPLE_TEST(a_customer_user_reads_its_own_customer_only),
        PEOPLE_TEST(a_tenant_has_its_whole_shape),
        PEOPLE_TEST(an_unknown_tenant_is_404_for_the_system_administrator),
        PEOPLE_TEST(a_user_is_read_by_those_above_and_beside_it),
        PEOPLE_TEST(users_are_listed_by_tenant_and_customer),
        PEOPLE_TEST(the_default_profile_has_its_whole_shapes),
        PEOPLE_TEST(a_customer_user_sees_the_infos_of_profiles_only),
        PEOPLE_TEST(bad_profile_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, rest_fixture_set_up, rest_fixture_tear_down);
}
