// Shows devices and their credentials over REST: the whole shape of each answer, what each save
// rule does, who may do what, and what bad input answers (server-api.md 2.1, 2.2).
#include "rest/fixture.h"

#include <stdio.h>
#include <string.h>

#include "rest/handlers.h"
#include "store/entities.h"

#define DEVICE_BODY(name, version, extra)                                                          \
    "\"id\":{\"entityType\":\"DEVICE\",\"id\":\"<1>\"},\"createdTime\":1800000000000,"             \
    "\"tenantId\":{\"entityType\":\"TENANT\",\"id\":\"<2>\"},"                                     \
    "\"customerId\":{\"entityType\":\"CUSTOMER\",\"id\":\"<null>\"},"                              \
    "\"name\":\"" name "\",\"type\":\"default\",\"label\":null,"                                   \
    "\"deviceProfileId\":{\"entityType\":\"DEVICE_PROFILE\",\"id\":\"<3>\"},"                      \
    "\"firmwareId\":null,\"softwareId\":null,\"externalId\":null,\"version\":" version             \
    ",\"additionalInfo\":null,\"deviceData\":{\"configuration\":{\"type\":\"DEFAULT\"},"           \
    "\"transportConfiguration\":{\"type\":\"DEFAULT\"}}" extra

static char id[37];

static int begin(void **state)
{
    (void)state;
    rest_fixture_as(REST_TENANT);
    return 0;
}

static void create(const char *body)
{
    if (rest_fixture_post("/api/device", body) != 200) {
        fail_msg("%s", rest_fixture.body);
    }
    rest_fixture_take_id(0, id);
}

static const char *device_path(const char *after)
{
    return rest_fixture_text("/api/device/%s%s", id, after);
}

static void the_smallest_device_gets_everything_else(void **state)
{
    (void)state;
    create("{\"name\":\"small\"}");
    rest_fixture_expect(200, "{" DEVICE_BODY("small", "1", "") "}");
    assert_string_equal(rest_fixture.response.content_type, "application/json");
    (void)rest_fixture_get(device_path(""));
    rest_fixture_expect(200, "{" DEVICE_BODY("small", "1", "") "}");
    (void)rest_fixture_get(rest_fixture_text("/api/device/info/%s", id));
    rest_fixture_expect(200,
                        "{" DEVICE_BODY("small", "1",
                                        ",\"customerTitle\":null,\"customerIsPublic\":false,"
                                        "\"deviceProfileName\":\"default\",\"active\":false") "}");
}

static void what_a_device_says_is_kept(void **state)
{
    (void)state;
    create("{\"name\":\"full \\u00e4\\\"\",\"label\":\"on the roof\",\"type\":\"roofs\","
           "\"additionalInfo\":{\"gateway\": true, \"n\": 1.50, \"list\": [1, null]},"
           "\"deviceData\":{\"configuration\":{\"type\":\"DEFAULT\"},"
           "\"transportConfiguration\":{\"type\":\"COAP\",\"powerMode\":\"PSM\"}},"
           "\"unknown\":[1],\"tenantId\":null,\"firmwareId\":null}");
    rest_fixture_expect(
        200, "{\"id\":{\"entityType\":\"DEVICE\",\"id\":\"<1>\"},\"createdTime\":1800000000000,"
             "\"tenantId\":{\"entityType\":\"TENANT\",\"id\":\"<2>\"},"
             "\"customerId\":{\"entityType\":\"CUSTOMER\",\"id\":\"<null>\"},"
             "\"name\":\"full \xc3\xa4\\\"\",\"type\":\"roofs\",\"label\":\"on the roof\","
             "\"deviceProfileId\":{\"entityType\":\"DEVICE_PROFILE\",\"id\":\"<3>\"},"
             "\"firmwareId\":null,\"softwareId\":null,\"externalId\":null,\"version\":1,"
             "\"additionalInfo\":{\"gateway\":true,\"n\":1.50,\"list\":[1,null]},"
             "\"deviceData\":{\"configuration\":{\"type\":\"DEFAULT\"},"
             "\"transportConfiguration\":{\"type\":\"COAP\",\"powerMode\":\"PSM\"}}}");
    const char *kept = rest_fixture_text("%s", rest_fixture.body);
    (void)rest_fixture_get(device_path(""));
    assert_string_equal(rest_fixture.body, kept);
}

static void what_was_read_can_be_saved_again(void **state)
{
    (void)state;
    create("{\"name\":\"again\"}");
    (void)rest_fixture_post("/api/device", rest_fixture_text("%s", rest_fixture.body));
    rest_fixture_expect(200, "{" DEVICE_BODY("again", "2", "") "}");
}

static void an_older_version_is_a_conflict(void **state)
{
    (void)state;
    create("{\"name\":\"versions\"}");
    const char *old = rest_fixture_text("%s", rest_fixture.body);
    assert_int_equal(rest_fixture_post("/api/device", old), 200);
    assert_int_equal(rest_fixture_post("/api/device", old), 409);
    assert_non_null(strstr(rest_fixture.body, "\"errorCode\":35,"));
    // Without a version there is no check.
    assert_int_equal(
        rest_fixture_post("/api/device",
                          rest_fixture_text("{\"id\":{\"id\":\"%s\"},\"name\":\"versions\","
                                            "\"version\":null}",
                                            id)),
        200);
}

static void names_are_unique(void **state)
{
    (void)state;
    create("{\"name\":\"twice\"}");
    (void)rest_fixture_post("/api/device", "{\"name\":\"twice\"}");
    rest_fixture_expect_error(400, 31, "Device with such name already exists!");
}

static void a_deleted_device_is_gone(void **state)
{
    (void)state;
    create("{\"name\":\"gone\"}");
    assert_int_equal(rest_fixture_delete(device_path("")), 200);
    assert_string_equal(rest_fixture.body, "");
    const char *message = rest_fixture_text("Device with id [%s] is not found", id);
    (void)rest_fixture_get(device_path(""));
    rest_fixture_expect_error(404, 32, message);
    (void)rest_fixture_delete(device_path(""));
    rest_fixture_expect_error(404, 32, message);
    (void)rest_fixture_get(device_path("/credentials"));
    rest_fixture_expect_error(404, 32, message);
}

static void a_device_is_found_by_its_name(void **state)
{
    (void)state;
    create("{\"name\":\"named\"}");
    (void)rest_fixture_get("/api/tenant/devices?deviceName=named");
    rest_fixture_expect(200, "{" DEVICE_BODY("named", "1", "") "}");
    (void)rest_fixture_get("/api/tenant/device?deviceName=named&scope=ANY");
    rest_fixture_expect(200, "{" DEVICE_BODY("named", "1", "") "}");
    (void)rest_fixture_get("/api/tenant/devices?deviceName=nameless");
    rest_fixture_expect_error(404, 32, "Requested item wasn't found!");
    (void)rest_fixture_get("/api/tenant/device?deviceName=");
    rest_fixture_expect_error(400, 31, "Parameter 'deviceName' can't be empty!");
    (void)rest_fixture_get("/api/tenant/device");
    rest_fixture_expect_error(400, 31, "Required request parameter 'deviceName' is not present");
}

#define CREDENTIALS(type, text, value, version)                                                    \
    "{\"id\":{\"id\":\"<1>\"},\"createdTime\":1800000000000,"                                      \
    "\"deviceId\":{\"entityType\":\"DEVICE\",\"id\":\"<2>\"},"                                     \
    "\"credentialsType\":\"" type "\",\"credentialsId\":\"" text "\",\"credentialsValue\":" value  \
    ",\"version\":" version "}"

static void an_access_token_is_taken_and_shown(void **state)
{
    (void)state;
    assert_int_equal(rest_fixture_post("/api/device?accessToken=given-token", "{\"name\":\"t1\"}"),
                     200);
    rest_fixture_take_id(0, id);
    (void)rest_fixture_get(device_path("/credentials"));
    rest_fixture_expect(200, CREDENTIALS("ACCESS_TOKEN", "given-token", "null", "1"));
}

static void an_empty_access_token_makes_a_random_one(void **state)
{
    (void)state;
    assert_int_equal(rest_fixture_post("/api/device?accessToken=", "{\"name\":\"t2\"}"), 200);
    rest_fixture_take_id(0, id);
    assert_int_equal(rest_fixture_get(device_path("/credentials")), 200);
    const char *token = strstr(rest_fixture.body, "\"credentialsId\":\"");
    assert_non_null(token);
    assert_int_equal(strcspn(token + 17, "\""), 20);
}

static void a_token_of_another_device_is_refused(void **state)
{
    (void)state;
    (void)rest_fixture_post("/api/device?accessToken=A1_TEST_TOKEN", "{\"name\":\"t3\"}");
    rest_fixture_expect_error(400, 31,
                              "Device credentials are already assigned to another device!");
    (void)rest_fixture_get("/api/tenant/device?deviceName=t3");
    rest_fixture_expect_error(404, 32, "Requested item wasn't found!");
}

static void credentials_are_changed_as_they_were_read(void **state)
{
    (void)state;
    char credentials[512];
    create("{\"name\":\"t4\"}");
    assert_int_equal(rest_fixture_get(device_path("/credentials")), 200);
    strcpy(credentials, rest_fixture.body);
    char *token = strstr(credentials, "\"credentialsId\":\"") + 17;
    memcpy(token, "abcdefghijklmnopqrst", 20);
    (void)rest_fixture_post("/api/device/credentials", credentials);
    rest_fixture_expect(200, CREDENTIALS("ACCESS_TOKEN", "abcdefghijklmnopqrst", "null", "2"));
    assert_int_equal(rest_fixture_post("/api/device/credentials", credentials), 409);
    (void)rest_fixture_get(device_path("/credentials"));
    rest_fixture_expect(200, CREDENTIALS("ACCESS_TOKEN", "abcdefghijklmnopqrst", "null", "2"));
}

static void a_device_and_its_credentials_are_made_together(void **state)
{
    (void)state;
    (void)rest_fixture_post("/api/device-with-credentials",
                            "{\"device\":{\"name\":\"both\"},\"credentials\":{\"credentialsType\":"
                            "\"ACCESS_TOKEN\",\"credentialsId\":\"both-token\"}}");
    rest_fixture_expect(200, "{" DEVICE_BODY("both", "1", "") "}");
    rest_fixture_take_id(0, id);
    (void)rest_fixture_get(device_path("/credentials"));
    rest_fixture_expect(200, CREDENTIALS("ACCESS_TOKEN", "both-token", "null", "1"));
}

static void a_page_of_devices_is_sorted_and_counted(void **state)
{
    (void)state;
    assert_int_equal(rest_fixture_get("/api/tenant/devices?pageSize=2&page=0&textSearch=test+device"
                                      "&sortProperty=name&sortOrder=DESC"),
                     200);
    // The fixture does not decode: nothing has a '+' in its name.
    rest_fixture_expect(200,
                        "{\"data\":[],\"totalPages\":0,\"totalElements\":0,\"hasNext\":false}");
    assert_int_equal(rest_fixture_get("/api/tenant/devices?pageSize=2&page=0&textSearch=TEST device"
                                      "&sortProperty=name&sortOrder=DESC"),
                     200);
    const char *first = strstr(rest_fixture.body, "\"name\":\"Test Device C1\"");
    const char *second = strstr(rest_fixture.body, "\"name\":\"Test Device B1\"");
    assert_true(first != NULL && second != NULL && first < second);
    assert_non_null(
        strstr(rest_fixture.body, "],\"totalPages\":3,\"totalElements\":5,\"hasNext\":true}"));
    assert_int_equal(rest_fixture_get("/api/tenant/devices?pageSize=2&page=2&textSearch=test device"
                                      "&sortProperty=name&sortOrder=asc"),
                     200);
    assert_non_null(strstr(rest_fixture.body, "\"name\":\"Test Device C1\""));
    assert_non_null(
        strstr(rest_fixture.body, "],\"totalPages\":3,\"totalElements\":5,\"hasNext\":false}"));
}

static void a_list_is_narrowed_by_type_and_profile(void **state)
{
    (void)state;
    assert_int_equal(rest_fixture_get("/api/tenant/deviceInfos?pageSize=10&page=0&type=thermostat"),
                     200);
    assert_non_null(strstr(rest_fixture.body, "\"totalElements\":2,"));
    assert_non_null(strstr(rest_fixture.body, "\"deviceProfileName\":\"thermostat\""));
    char profile[37];
    rest_fixture_take_id(3, profile);
    assert_int_equal(rest_fixture_get(rest_fixture_text(
                         "/api/tenant/deviceInfos?pageSize=10&page=0&deviceProfileId=%s", profile)),
                     200);
    assert_non_null(strstr(rest_fixture.body, "\"totalElements\":2,"));
    assert_int_equal(rest_fixture_get("/api/tenant/devices?pageSize=10&page=0&type=none"), 200);
    assert_non_null(strstr(rest_fixture.body, "\"totalElements\":0,"));
}

static void a_device_is_assigned_and_taken_back(void **state)
{
    (void)state;
    char customer[37];
    rest_fixture_customer("Customer B", customer);
    create("{\"name\":\"moved\"}");
    assert_int_equal(
        rest_fixture_post(rest_fixture_text("/api/customer/%s/device/%s", customer, id), "{}"),
        200);
    assert_non_null(strstr(rest_fixture.body, customer));
    (void)rest_fixture_get(rest_fixture_text("/api/device/info/%s", id));
    assert_non_null(strstr(rest_fixture.body, "\"customerTitle\":\"Customer B\","));
    assert_int_equal(rest_fixture_get(rest_fixture_text(
                         "/api/customer/%s/devices?pageSize=10&page=0&textSearch=moved", customer)),
                     200);
    assert_non_null(strstr(rest_fixture.body, "\"totalElements\":1,"));
    assert_int_equal(rest_fixture_delete(rest_fixture_text("/api/customer/device/%s", id)), 200);
    assert_null(strstr(rest_fixture.body, customer));
    assert_int_equal(
        rest_fixture_get(rest_fixture_text(
            "/api/customer/%s/deviceInfos?pageSize=10&page=0&textSearch=moved", customer)),
        200);
    assert_non_null(strstr(rest_fixture.body, "\"totalElements\":0,"));
}

static void a_public_customer_is_told_by_its_own_member_only(void **state)
{
    (void)state;
    static const struct {
        const char *info;
        const char *expected;
    } rows[] = {
        {"{ \"isPublic\" : true }", "\"customerIsPublic\":true"},
        {"{\"isPublic\":false}", "\"customerIsPublic\":false"},
        {"{\"isPublic\":\"true\"}", "\"customerIsPublic\":false"},
        {"{\"inner\":{\"isPublic\":true}}", "\"customerIsPublic\":false"},
        {"[\"isPublic\"]", "\"customerIsPublic\":false"},
        {"null", "\"customerIsPublic\":false"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char customer[37];
        assert_int_equal(
            rest_fixture_post("/api/customer",
                              rest_fixture_text("{\"title\":\"public %u\",\"additionalInfo\":%s}",
                                                i, rows[i].info)),
            200);
        rest_fixture_take_id(0, customer);
        create(rest_fixture_text("{\"name\":\"public %u\",\"customerId\":{\"entityType\":"
                                 "\"CUSTOMER\",\"id\":\"%s\"}}",
                                 i, customer));
        assert_int_equal(rest_fixture_get(rest_fixture_text("/api/device/info/%s", id)), 200);
        assert_non_null(strstr(rest_fixture.body, rows[i].expected));
    }
}

static void a_customer_user_sees_its_own_devices_only(void **state)
{
    (void)state;
    char own[37];
    char other[37];
    char customer[37];
    rest_fixture_device("Test Device A1", own);
    rest_fixture_device("Test Device B1", other);
    rest_fixture_customer("Customer B", customer);
    rest_fixture_as(REST_CUSTOMER);
    assert_int_equal(rest_fixture_get(rest_fixture_text("/api/device/%s", own)), 200);
    assert_int_equal(rest_fixture_get(rest_fixture_text("/api/device/%s/credentials", own)), 200);
    static const char denied[] = "You don't have permission to perform this operation!";
    (void)rest_fixture_get(rest_fixture_text("/api/device/%s", other));
    rest_fixture_expect_error(403, 20, denied);
    (void)rest_fixture_get(rest_fixture_text("/api/device/%s/credentials", other));
    rest_fixture_expect_error(403, 20, denied);
    (void)rest_fixture_get(
        rest_fixture_text("/api/customer/%s/devices?pageSize=10&page=0", customer));
    rest_fixture_expect_error(403, 20, denied);
    (void)rest_fixture_delete(rest_fixture_text("/api/device/%s", own));
    rest_fixture_expect_error(403, 20, denied);
    (void)rest_fixture_post("/api/device/credentials", "{}");
    rest_fixture_expect_error(403, 20, denied);
}

static void bad_devices_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *message;
    } rows[] = {
        {"{\"name\":1}", "Validation error: 'name' must be a text"},
        {"{\"name\":\"x\",\"label\":{}}", "Validation error: 'label' must be a text"},
        {"{\"name\":\"x\",\"id\":\"x\"}", "Validation error: 'id' must hold an id"},
        {"{\"name\":\"x\",\"id\":{\"id\":\"x\"}}", "Validation error: 'id' must hold an id"},
        {"{\"name\":\"x\",\"customerId\":{}}", "Validation error: 'customerId' must hold an id"},
        {"{\"name\":\"x\",\"version\":\"1\"}",
         "Validation error: 'version' must be a whole number"},
        {"{\"name\":\"x\",\"version\":1.5}", "Validation error: 'version' must be a whole number"},
        {"{\"name\":\"x\",\"firmwareId\":{\"id\":\"x\"}}",
         "Validation error: 'firmwareId' is not supported by this version"},
        {"{\"name\":\"x\",\"softwareId\":{\"id\":\"x\"}}",
         "Validation error: 'softwareId' is not supported by this version"},
        {"[]", "The request body is not a JSON object"},
        {"{\"name\":\"x\",\"deviceData\":\"text\"}",
         "Validation error: 'deviceData' must be an object"},
        {"{\"name\":\"x\",\"deviceData\":{\"transportConfiguration\":[]}}",
         "Validation error: 'transportConfiguration' must be an object"},
        {"{\"name\":\"x\",\"deviceData\":{\"transportConfiguration\":{\"powerMode\":{}}}}",
         "Validation error: 'powerMode' must be a text"},
        {"{\"name\":\"x\",\"deviceData\":{\"transportConfiguration\":{\"powerMode\":\"OFF\"}}}",
         "Validation error: 'powerMode' OFF is not supported by this version"},
        {"{\"name\":\"x\",\"deviceData\":{\"transportConfiguration\":"
         "{\"powerMode\":\"PSM\",\"psmActivityTimer\":\"soon\"}}}",
         "Validation error: 'psmActivityTimer' must be a whole number"},
        {"{}", "Validation error: Device name should be specified!"},
        {"{\"name\":\"\"}", "Validation error: Device name should be specified!"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)rest_fixture_post("/api/device", rows[i].body);
        rest_fixture_expect_error(400, 31, rows[i].message);
    }
    assert_int_equal(rest_fixture_post("/api/device", "{\"name\":\"x\""), 400);
    assert_non_null(strstr(rest_fixture.body, "Malformed JSON at byte 11: "));
    (void)rest_fixture_post("/api/device?nameConflictPolicy=OTHER", "{\"name\":\"x\"}");
    rest_fixture_expect_error(400, 31,
                              "Parameter 'nameConflictPolicy' must be FAIL or UNIQUIFY, not OTHER");
    (void)rest_fixture_post("/api/device?uniquifyStrategy=OTHER", "{\"name\":\"x\"}");
    rest_fixture_expect_error(
        400, 31, "Parameter 'uniquifyStrategy' must be RANDOM or INCREMENTAL, not OTHER");
    assert_int_equal(
        rest_fixture_post("/api/device?nameConflictPolicy=FAIL", "{\"name\":\"policy\"}"), 200);
}

static void bad_credentials_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *message;
    } rows[] = {
        {"{}", "Validation error: 'device' and 'credentials' must be objects"},
        {"{\"device\":{\"name\":\"x\"},\"credentials\":[]}",
         "Validation error: 'device' and 'credentials' must be objects"},
        {"{\"device\":{\"name\":\"x\"},\"credentials\":{\"credentialsType\":\"KEY\"}}",
         "Validation error: Unsupported credentials type 'KEY'"},
        {"{\"device\":{\"name\":\"x\"},\"credentials\":{}}",
         "Validation error: Unsupported credentials type ''"},
        {"{\"device\":{\"name\":\"x\"},\"credentials\":{\"credentialsType\":\"X509_CERTIFICATE\"}}",
         "Credentials of type X509_CERTIFICATE are not supported by this version"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)rest_fixture_post("/api/device-with-credentials", rows[i].body);
        rest_fixture_expect_error(400, 31, rows[i].message);
    }
}

static void bad_ids_and_pages_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *message;
    } rows[] = {
        {"/api/device/7", "Invalid UUID string: 7"},
        {"/api/device/info/x", "Invalid UUID string: x"},
        {"/api/customer/x/devices", "Invalid UUID string: x"},
        {"/api/tenant/devices", "Required request parameter 'pageSize' is not present"},
        {"/api/tenant/devices?pageSize=1", "Required request parameter 'page' is not present"},
        {"/api/tenant/devices?pageSize=&page=0", "Parameter 'pageSize' can't be empty!"},
        {"/api/tenant/devices?pageSize=x&page=0", "Parameter 'pageSize' is not a number: x"},
        {"/api/tenant/devices?pageSize=0&page=0",
         "Incorrect page link page size '0'. Page size must be from 1 to 10000."},
        {"/api/tenant/devices?pageSize=10001&page=0",
         "Incorrect page link page size '10001'. Page size must be from 1 to 10000."},
        {"/api/tenant/devices?pageSize=1&page=-1",
         "Incorrect page link page '-1'. Page must be from 0 to 2147483647."},
        {"/api/tenant/devices?pageSize=1&page=0&sortOrder=UP",
         "Unsupported sort order 'UP'! Only 'ASC' or 'DESC' types are allowed."},
        {"/api/tenant/devices?pageSize=1&page=0&sortProperty=color",
         "Unsupported sort property 'color'"},
        {"/api/tenant/deviceInfos?pageSize=1&page=0&deviceProfileId=x", "Invalid UUID string: x"},
        {"/api/tenant/deviceInfos?pageSize=1&page=0&active=x",
         "Parameter 'active' is not a boolean: x"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)rest_fixture_get(rows[i].url);
        rest_fixture_expect_error(400, 31, rows[i].message);
    }
    assert_int_equal(rest_fixture_post("/api/customer/x/device/y", "{}"), 400);
    assert_int_equal(rest_fixture_delete("/api/customer/device/y"), 400);
    assert_int_equal(rest_fixture_delete("/api/device/y"), 400);
}

static void a_text_that_is_cut_stays_utf8(void **state)
{
    (void)state;
    // 21 letters of three bytes: the cut after 64 falls into the 22nd.
    const char *letters = "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
                          "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
                          "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
                          "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac";
    (void)rest_fixture_get(rest_fixture_text("/api/device/%s", letters));
    assert_int_equal(rest_fixture.response.status, 400);
    assert_true(slice_is_utf8(slice_text(rest_fixture.body)));
    assert_non_null(strstr(rest_fixture.body, "\xef\xbf\xbd\""));
}

// Straight into the entities, in one transaction.
static enum err insert_many(struct store_tx *tx, void *context)
{
    struct model_device device = *(const struct model_device *)context;
    char name[24];
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i <= REST_DEVICE_WALK; i++) {
        (void)snprintf(name, sizeof(name), "one of many %u", i);
        device.id = uuid_make((struct wall){1700000000000}, 0, i);
        device.name = slice_text(name);
        err = store_device_insert(tx, &device);
    }
    return err;
}

static void too_many_devices_are_not_asked_whether_they_are_active(void **state)
{
    (void)state;
    char profile[37];
    struct model_device device = {.tenant = {1}, .customer = uuid_null};
    create("{\"name\":\"first\",\"type\":\"many\"}");
    rest_fixture_take_id(3, profile);
    assert_true(uuid_parse(slice_text(profile), &device.profile));
    assert_int_equal(rest_fixture_get("/api/tenant/deviceInfos?pageSize=1&page=0&type=many"
                                      "&active=false"),
                     200);
    assert_non_null(strstr(rest_fixture.body, "\"totalElements\":1,"));
    assert_int_equal(
        store_entities_write(rest_fixture.rest.core->entities, &device, insert_many, NULL), ERR_OK);
    (void)rest_fixture_get("/api/tenant/deviceInfos?pageSize=1&page=0&type=many&active=false");
    rest_fixture_expect_error(400, 31,
                              "Parameter 'active' is for at most 100000 devices, here are 100002: "
                              "ask for those of one profile or customer");
}

#define DEVICE_TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(the_smallest_device_gets_everything_else),
        DEVICE_TEST(what_a_device_says_is_kept),
        DEVICE_TEST(what_was_read_can_be_saved_again),
        DEVICE_TEST(an_older_version_is_a_conflict),
        DEVICE_TEST(names_are_unique),
        DEVICE_TEST(a_deleted_device_is_gone),
        DEVICE_TEST(a_device_is_found_by_its_name),
        DEVICE_TEST(an_access_token_is_taken_and_shown),
        DEVICE_TEST(an_empty_access_token_makes_a_random_one),
        DEVICE_TEST(a_token_of_another_device_is_refused),
        DEVICE_TEST(credentials_are_changed_as_they_were_read),
        DEVICE_TEST(a_device_and_its_credentials_are_made_together),
        DEVICE_TEST(a_page_of_devices_is_sorted_and_counted),
        DEVICE_TEST(a_list_is_narrowed_by_type_and_profile),
        DEVICE_TEST(a_device_is_assigned_and_taken_back),
        DEVICE_TEST(a_public_customer_is_told_by_its_own_member_only),
        DEVICE_TEST(a_customer_user_sees_its_own_devices_only),
        DEVICE_TEST(bad_devices_are_refused),
        DEVICE_TEST(bad_credentials_are_refused),
        DEVICE_TEST(bad_ids_and_pages_are_refused),
        DEVICE_TEST(a_text_that_is_cut_stays_utf8),
        DEVICE_TEST(too_many_devices_are_not_asked_whether_they_are_active),
    };
    return cmocka_run_group_tests(tests, rest_fixture_set_up, rest_fixture_tear_down);
}
