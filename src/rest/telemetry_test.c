// Shows reading time series over REST: names, latest and ranges, values as texts and as they are,
// and failures as plain texts (server-api.md 1.5 and 3.1).
#include "rest/fixture.h"

#include <stdio.h>
#include <string.h>

#define LONG(n) ((struct model_value){.type = MODEL_VALUE_LONG, .number = (n)})
#define DOUBLE(n) ((struct model_value){.type = MODEL_VALUE_DOUBLE, .real = (n)})
#define BOOLEAN(b) ((struct model_value){.type = MODEL_VALUE_BOOLEAN, .boolean = (b)})
#define STRING(s) ((struct model_value){.type = MODEL_VALUE_STRING, .text = SLICE(s)})
#define JSON(s) ((struct model_value){.type = MODEL_VALUE_JSON, .text = SLICE(s)})

static char filled[37]; // has the points below
static char empty[37];

static int set_up(void **state)
{
    if (rest_fixture_set_up(state) != 0) {
        return -1;
    }
    rest_fixture_device("Test Device A1", filled);
    rest_fixture_device("Test Device A2", empty);
    rest_fixture_save(filled, "bool", 1000, BOOLEAN(true));
    rest_fixture_save(filled, "double", 1000, DOUBLE(42.0));
    rest_fixture_save(filled, "json", 1000, JSON("{\"a\":[1,null]}"));
    rest_fixture_save(filled, "long", 1000, LONG(-7));
    rest_fixture_save(filled, "string", 1000, STRING("a \"b\" \xc3\xa4"));
    rest_fixture_save(filled, "with,comma", 1000, LONG(1));
    for (int i = 1; i <= 5; i++) {
        rest_fixture_save(filled, "series", i * 1000, LONG(i));
    }
    return 0;
}

static int begin(void **state)
{
    (void)state;
    rest_fixture_as(REST_TENANT);
    return 0;
}

static int ask(const char *device, const char *after)
{
    return rest_fixture_get(
        rest_fixture_text("/api/plugins/telemetry/DEVICE/%s/%s", device, after));
}

static void expect(const char *after, const char *body)
{
    if (ask(filled, after) != 200) {
        fail_msg("%s: %s", after, rest_fixture.body);
    }
    assert_string_equal(rest_fixture.body, body);
    assert_string_equal(rest_fixture.response.content_type, "application/json");
}

static void expect_text(int status, const char *text)
{
    assert_string_equal(rest_fixture.body, text);
    assert_int_equal(rest_fixture.response.status, status);
    assert_string_equal(rest_fixture.response.content_type, "text/plain;charset=UTF-8");
}

static void names_of_keys_are_an_array(void **state)
{
    (void)state;
    expect("keys/timeseries",
           "[\"bool\",\"double\",\"json\",\"long\",\"series\",\"string\",\"with,comma\"]");
    assert_int_equal(ask(empty, "keys/timeseries"), 200);
    assert_string_equal(rest_fixture.body, "[]");
}

static void latest_values_are_texts(void **state)
{
    (void)state;
    expect("values/timeseries?keys=bool,double,json,long,string",
           "{\"bool\":[{\"ts\":1000,\"value\":\"true\"}],"
           "\"double\":[{\"ts\":1000,\"value\":\"42.0\"}],"
           "\"json\":[{\"ts\":1000,\"value\":\"{\\\"a\\\":[1,null]}\"}],"
           "\"long\":[{\"ts\":1000,\"value\":\"-7\"}],"
           "\"string\":[{\"ts\":1000,\"value\":\"a \\\"b\\\" \xc3\xa4\"}]}");
}

static void strict_values_are_as_they_were_sent(void **state)
{
    (void)state;
    static const char *const words[] = {"true", "True", "on", "YES", "1"};
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        expect(rest_fixture_text(
                   "values/timeseries?keys=bool,double,json,long,string&useStrictDataTypes=%s",
                   words[i]),
               "{\"bool\":[{\"ts\":1000,\"value\":true}],"
               "\"double\":[{\"ts\":1000,\"value\":42.0}],"
               "\"json\":[{\"ts\":1000,\"value\":{\"a\":[1,null]}}],"
               "\"long\":[{\"ts\":1000,\"value\":-7}],"
               "\"string\":[{\"ts\":1000,\"value\":\"a \\\"b\\\" \xc3\xa4\"}]}");
    }
    static const char *const negatives[] = {"false", "False", "off", "NO", "0", ""};
    for (unsigned i = 0; i < sizeof(negatives) / sizeof(negatives[0]); i++) {
        expect(rest_fixture_text("values/timeseries?keys=long&useStrictDataTypes=%s", negatives[i]),
               "{\"long\":[{\"ts\":1000,\"value\":\"-7\"}]}");
    }
}

static void without_keys_all_of_them_come(void **state)
{
    (void)state;
    expect("values/timeseries", "{\"bool\":[{\"ts\":1000,\"value\":\"true\"}],"
                                "\"double\":[{\"ts\":1000,\"value\":\"42.0\"}],"
                                "\"json\":[{\"ts\":1000,\"value\":\"{\\\"a\\\":[1,null]}\"}],"
                                "\"long\":[{\"ts\":1000,\"value\":\"-7\"}],"
                                "\"series\":[{\"ts\":5000,\"value\":\"5\"}],"
                                "\"string\":[{\"ts\":1000,\"value\":\"a \\\"b\\\" \xc3\xa4\"}],"
                                "\"with,comma\":[{\"ts\":1000,\"value\":\"1\"}]}");
    assert_int_equal(ask(empty, "values/timeseries"), 200);
    assert_string_equal(rest_fixture.body, "{}");
}

static void a_missing_key_is_null_now(void **state)
{
    (void)state;
    expect("values/timeseries?keys=long,none", "{\"long\":[{\"ts\":1000,\"value\":\"-7\"}],"
                                               "\"none\":[{\"ts\":1800000000000,\"value\":null}]}");
    expect("values/timeseries?keys=none&useStrictDataTypes=true",
           "{\"none\":[{\"ts\":1800000000000,\"value\":null}]}");
}

static void empty_and_repeated_names_are_no_keys(void **state)
{
    (void)state;
    expect("values/timeseries?keys=long,,long,", "{\"long\":[{\"ts\":1000,\"value\":\"-7\"}]}");
}

static void key_parameters_win_over_keys(void **state)
{
    (void)state;
    expect("values/timeseries?keys=long&key=with,comma&key=bool",
           "{\"bool\":[{\"ts\":1000,\"value\":\"true\"}],"
           "\"with,comma\":[{\"ts\":1000,\"value\":\"1\"}]}");
}

static void only_one_end_of_a_range_is_latest(void **state)
{
    (void)state;
    expect("values/timeseries?keys=series&startTs=1",
           "{\"series\":[{\"ts\":5000,\"value\":\"5\"}]}");
    expect("values/timeseries?keys=series&endTs=1", "{\"series\":[{\"ts\":5000,\"value\":\"5\"}]}");
}

static void a_range_is_half_open_and_newest_first(void **state)
{
    (void)state;
    static const char *const places[] = {"values/timeseries", "values/timeseries/history"};
    for (unsigned i = 0; i < 2; i++) {
        expect(rest_fixture_text("%s?keys=series,none&startTs=2000&endTs=4000", places[i]),
               "{\"series\":[{\"ts\":3000,\"value\":\"3\"},{\"ts\":2000,\"value\":\"2\"}]}");
        expect(rest_fixture_text("%s?keys=series&startTs=2000&endTs=4000&orderBy=ASC"
                                 "&useStrictDataTypes=true",
                                 places[i]),
               "{\"series\":[{\"ts\":2000,\"value\":2},{\"ts\":3000,\"value\":3}]}");
    }
}

static void a_range_is_limited(void **state)
{
    (void)state;
    expect("values/timeseries?keys=series&startTs=0&endTs=9000&limit=2",
           "{\"series\":[{\"ts\":5000,\"value\":\"5\"},{\"ts\":4000,\"value\":\"4\"}]}");
    expect("values/timeseries?keys=series&startTs=0&endTs=9000&limit=1&orderBy=asc",
           "{\"series\":[{\"ts\":1000,\"value\":\"1\"}]}");
}

static void a_hundred_points_are_the_default(void **state)
{
    (void)state;
    char device[37];
    rest_fixture_device("Test Device A3", device);
    for (int i = 1; i <= 101; i++) {
        rest_fixture_save(device, "many", i, LONG(i));
    }
    assert_int_equal(ask(device, "values/timeseries?keys=many&startTs=0&endTs=1000"), 200);
    assert_non_null(strstr(rest_fixture.body, "{\"many\":[{\"ts\":101,"));
    assert_non_null(strstr(rest_fixture.body, "{\"ts\":2,\"value\":\"2\"}]}"));
}

static void an_empty_range_is_an_empty_object(void **state)
{
    (void)state;
    expect("values/timeseries?keys=series&startTs=5001&endTs=9000", "{}");
    expect("values/timeseries?keys=series&startTs=4000&endTs=4000", "{}");
    expect("values/timeseries?keys=series&startTs=4000&endTs=1000", "{}");
    expect("values/timeseries?keys=series&startTs=-9223372036854775808&endTs=0", "{}");
}

static void aggregation_over_no_interval_is_none(void **state)
{
    (void)state;
    static const char shape[] =
        "{\"series\":[{\"ts\":5000,\"value\":\"5\"},{\"ts\":4000,\"value\":\"4\"}]}";
    expect("values/timeseries?keys=series&startTs=4000&endTs=9000&agg=AVG&interval=0", shape);
    expect("values/timeseries?keys=series&startTs=4000&endTs=9000&agg=NONE&interval=1000", shape);
    expect("values/timeseries?keys=series&startTs=4000&endTs=9000&intervalType=MILLISECONDS"
           "&timeZone=Europe/Berlin",
           shape);
}

static void bad_requests_are_plain_texts(void **state)
{
    (void)state;
    static const struct {
        const char *after;
        const char *text;
    } rows[] = {
        {"startTs=x&endTs=2&keys=a", "Parameter 'startTs' is not a number: x"},
        {"startTs=1&endTs=2.5&keys=a", "Parameter 'endTs' is not a number: 2.5"},
        {"startTs=1&endTs=2", "Parameter 'keys' can't be empty!"},
        {"startTs=1&endTs=2&keys=,", "Parameter 'keys' can't be empty!"},
        {"startTs=1&endTs=2&keys=a&limit=0", "Parameter 'limit' must be from 1 to 2147483647"},
        {"startTs=1&endTs=2&keys=a&limit=-1", "Parameter 'limit' must be from 1 to 2147483647"},
        {"startTs=1&endTs=2&keys=a&limit=2147483648",
         "Parameter 'limit' must be from 1 to 2147483647"},
        {"startTs=1&endTs=2&keys=a&orderBy=UP", "Parameter 'orderBy' must be ASC or DESC"},
        {"startTs=1&endTs=2&keys=a&interval=x", "Parameter 'interval' is not a number: x"},
        {"startTs=1&endTs=2&keys=a&agg=MEDIAN", "Parameter 'agg' is unknown: MEDIAN"},
        {"startTs=1&endTs=2&keys=a&intervalType=DAY", "Parameter 'intervalType' is unknown: DAY"},
        {"keys=a&useStrictDataTypes=maybe",
         "Parameter 'useStrictDataTypes' is not a boolean: maybe"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)ask(filled, rest_fixture_text("values/timeseries?%s", rows[i].after));
        expect_text(400, rows[i].text);
    }
    (void)ask(filled, "values/timeseries/history?keys=a");
    expect_text(400, "Required request parameter 'startTs' is not present");
}

static void other_entities_are_refused(void **state)
{
    (void)state;
    (void)rest_fixture_get("/api/plugins/telemetry/DEVICE/x/keys/timeseries");
    expect_text(400, "Invalid UUID string: x");
    (void)rest_fixture_get(
        rest_fixture_text("/api/plugins/telemetry/ASSET/%s/keys/timeseries", filled));
    expect_text(400, "Entities of type 'ASSET' hold no data in this version");
    (void)rest_fixture_get(
        rest_fixture_text("/api/plugins/telemetry/device/%s/keys/timeseries", filled));
    expect_text(400, "Entities of type 'device' hold no data in this version");
    (void)rest_fixture_get(
        "/api/plugins/telemetry/DEVICE/784f394c-42b6-435a-983c-b7beff2784f9/values/timeseries");
    expect_text(404, "Device with requested id wasn't found!");
}

static void the_wrong_people_get_plain_texts(void **state)
{
    (void)state;
    char other[37];
    rest_fixture_device("Test Device B1", other);
    rest_fixture_as(REST_SYSADMIN);
    (void)ask(filled, "values/timeseries");
    expect_text(403, "System administrator is not allowed to perform this operation!");
    rest_fixture_as(REST_CUSTOMER);
    assert_int_equal(ask(filled, "values/timeseries?keys=long"), 200);
    (void)ask(other, "values/timeseries");
    expect_text(403, "You don't have permission to perform this operation!");
    // Who calls is not known yet, so that is an error object.
    rest_fixture_as(REST_NOBODY);
    (void)ask(filled, "values/timeseries");
    rest_fixture_expect_error(401, 10, "Authentication failed");
}

static void more_keys_than_fit_are_refused(void **state)
{
    (void)state;
    static char keys[1001 * 6];
    size_t len = 0;
    for (unsigned i = 0; i < 1001; i++) {
        len += (size_t)snprintf(keys + len, sizeof(keys) - len, "k%u,", i);
    }
    (void)ask(filled, rest_fixture_text("values/timeseries?keys=%s", keys));
    expect_text(400, "More than 1000 keys are asked for");
}

#define TELEMETRY_TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TELEMETRY_TEST(names_of_keys_are_an_array),
        TELEMETRY_TEST(latest_values_are_texts),
        TELEMETRY_TEST(strict_values_are_as_they_were_sent),
        TELEMETRY_TEST(without_keys_all_of_them_come),
        TELEMETRY_TEST(a_missing_key_is_null_now),
        TELEMETRY_TEST(empty_and_repeated_names_are_no_keys),
        TELEMETRY_TEST(key_parameters_win_over_keys),
        TELEMETRY_TEST(only_one_end_of_a_range_is_latest),
        TELEMETRY_TEST(a_range_is_half_open_and_newest_first),
        TELEMETRY_TEST(a_range_is_limited),
        TELEMETRY_TEST(a_hundred_points_are_the_default),
        TELEMETRY_TEST(an_empty_range_is_an_empty_object),
        TELEMETRY_TEST(aggregation_over_no_interval_is_none),
        TELEMETRY_TEST(bad_requests_are_plain_texts),
        TELEMETRY_TEST(other_entities_are_refused),
        TELEMETRY_TEST(the_wrong_people_get_plain_texts),
        TELEMETRY_TEST(more_keys_than_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, rest_fixture_tear_down);
}
