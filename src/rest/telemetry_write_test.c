// Shows time series written, aggregated and deleted over REST, and every failure as a plain text
// (server-api.md 3.2, 3.3, 3.5).
#include "rest/stored_test.h"

#include <stdio.h>
#include <string.h>

static void delete (const char *after, int status, const char *answer)
{
    (void)rest_fixture_delete(url(after));
    expect(status, answer);
}

static void every_form_of_body_is_stored(void **state)
{
    (void)state;
    post("timeseries/ANY", "{\"f1\":5}", 200, "");
    get("values/timeseries?keys=f1", 200, "{\"f1\":[{\"ts\":1800000000000,\"value\":\"5\"}]}");
    post("timeseries/LATEST_TELEMETRY", "{\"ts\":7,\"values\":{\"f2\":\"x\"}}", 200, "");
    get("values/timeseries?keys=f2", 200, "{\"f2\":[{\"ts\":7,\"value\":\"x\"}]}");
    post("timeseries/ANY", "[{\"ts\":1,\"values\":{\"f3\":1}},{\"ts\":2,\"values\":{\"f3\":2}}]",
         200, "");
    get("values/timeseries?keys=f3&startTs=0&endTs=9&orderBy=ASC", 200,
        "{\"f3\":[{\"ts\":1,\"value\":\"1\"},{\"ts\":2,\"value\":\"2\"}]}");
}

static void points_with_a_life_end_with_it(void **state)
{
    (void)state;
    post("timeseries/ANY/60", "{\"ts\":1800000000000,\"values\":{\"life\":1}}", 200, "");
    post("timeseries/ANY/0", "{\"ts\":1800000000001,\"values\":{\"life\":2}}", 200, "");
    const char *const range = "values/timeseries?keys=life&startTs=0&endTs=1800000000009";
    get(range, 200,
        "{\"life\":[{\"ts\":1800000000001,\"value\":\"2\"},{\"ts\":1800000000000,\"value\":\"1\"}]"
        "}");
    rest_fixture.now.ms += 60000;
    get(range, 200, "{\"life\":[{\"ts\":1800000000001,\"value\":\"2\"}]}");
    rest_fixture.now.ms -= 60000;
}

static void aggregates_stand_in_the_middle_of_their_intervals(void **state)
{
    (void)state;
    post("timeseries/ANY",
         "[{\"ts\":10000,\"values\":{\"g\":1}},{\"ts\":10999,\"values\":{\"g\":2.5}},"
         "{\"ts\":11000,\"values\":{\"g\":4}},{\"ts\":13000,\"values\":{\"g\":5}},"
         "{\"ts\":13400,\"values\":{\"g\":\"text\"}},{\"ts\":13500,\"values\":{\"g\":9}}]",
         200, "");
    static const struct {
        const char *query;
        const char *points;
    } rows[] = {
        // The last interval is cut: [13000, 13500) has its middle at 13250.
        {"agg=MAX&interval=1000", "{\"g\":[{\"ts\":10500,\"value\":2.5},{\"ts\":11500,\"value\":4},"
                                  "{\"ts\":13250,\"value\":5}]}"},
        {"agg=MIN&interval=1000", "{\"g\":[{\"ts\":10500,\"value\":1.0},{\"ts\":11500,\"value\":4},"
                                  "{\"ts\":13250,\"value\":5}]}"},
        {"agg=SUM&interval=2000",
         "{\"g\":[{\"ts\":11000,\"value\":7.5},{\"ts\":12750,\"value\":5}]}"},
        {"agg=AVG&interval=3500", "{\"g\":[{\"ts\":11750,\"value\":3.125}]}"},
        {"agg=COUNT&interval=100000", "{\"g\":[{\"ts\":11750,\"value\":4}]}"},
        // Neither limit nor order count for aggregates.
        {"agg=COUNT&interval=1000&limit=1&orderBy=DESC",
         "{\"g\":[{\"ts\":10500,\"value\":2},{\"ts\":11500,\"value\":1},"
         "{\"ts\":13250,\"value\":1}]}"},
        // Over 0 ms: the points as they are.
        {"agg=SUM&interval=0&limit=1", "{\"g\":[{\"ts\":13400,\"value\":\"text\"}]}"},
        {"agg=NONE&interval=1000&limit=1&orderBy=ASC", "{\"g\":[{\"ts\":10000,\"value\":1}]}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        get(rest_fixture_text(
                "values/timeseries?keys=g&startTs=10000&endTs=13500&useStrictDataTypes=true&%s",
                rows[i].query),
            200, rows[i].points);
    }
    get("values/timeseries?keys=g&startTs=10000&endTs=12000&agg=AVG&interval=2000", 200,
        "{\"g\":[{\"ts\":11000,\"value\":\"2.5\"}]}");
    get("values/timeseries?keys=g&startTs=20000&endTs=30000&agg=AVG&interval=2000", 200, "{}");
}

static void too_many_or_odd_intervals_are_refused(void **state)
{
    (void)state;
    static const char *const ok[] = {"startTs=0&endTs=700000&interval=1",
                                     "startTs=0&endTs=1400000&interval=2000"};
    for (unsigned i = 0; i < 2; i++) {
        get(rest_fixture_text("values/timeseries?keys=q&agg=MAX&%s", ok[i]), 200, "{}");
    }
    (void)rest_fixture_get(
        url("values/timeseries?keys=q&agg=MAX&startTs=0&endTs=700001&interval=1"));
    assert_int_equal(rest_fixture.response.status, 400);
    assert_non_null(strstr(rest_fixture.body, "701 intervals are more than 700"));
    get("values/timeseries?keys=q&agg=MAX&startTs=0&endTs=9&interval=-1", 400,
        "Parameter 'interval' is negative");
    get("values/timeseries?keys=q&agg=max&startTs=0&endTs=9&interval=1", 400,
        "Parameter 'agg' is unknown: max");
    get("values/timeseries?keys=q&agg=MAX&intervalType=MONTH&timeZone=Mars/"
        "Crater&startTs=0&endTs=9",
        400, "Unknown time zone: Mars/Crater");
    get("values/timeseries?keys=q&agg=MAX&intervalType=YEAR&startTs=0&endTs=9", 400,
        "Parameter 'intervalType' is unknown: YEAR");
}

static void calendar_intervals_follow_the_clocks_of_their_zone(void **state)
{
    (void)state;
    // One point an hour from 2024-03-25T00:00Z on, for two weeks: clocks change on 31 March.
    for (int64_t day = 0; day < 14; day++) {
        char body[4096];
        int len = snprintf(body, sizeof(body), "[");
        for (int64_t hour = 0; hour < 24; hour++) {
            len += snprintf(body + len, sizeof(body) - (size_t)len,
                            "%s{\"ts\":%lld,\"values\":{\"h\":1}}", hour == 0 ? "" : ",",
                            (long long)(1711324800000 + (day * 24 + hour) * 3600000));
        }
        (void)snprintf(body + len, sizeof(body) - (size_t)len, "]");
        post("timeseries/ANY", body, 200, "");
    }
    static const struct {
        const char *query;
        const char *points;
    } rows[] = {
        // Monday 00:00 in Berlin is 23:00 UTC in winter, 22:00 in summer; the ends are cut.
        {"intervalType=WEEK_ISO&timeZone=Europe/Berlin",
         "{\"h\":[{\"ts\":1711623600000,\"value\":166},{\"ts\":1712224800000,\"value\":168},"
         "{\"ts\":1712530800000,\"value\":2}]}"},
        {"intervalType=WEEK&timeZone=America/New_York",
         "{\"h\":[{\"ts\":1711591200000,\"value\":148},{\"ts\":1712160000000,\"value\":168},"
         "{\"ts\":1712498400000,\"value\":20}]}"},
        {"intervalType=MONTH", "{\"h\":[{\"ts\":1711627200000,\"value\":168},"
                               "{\"ts\":1712232000000,\"value\":168}]}"},
        {"intervalType=QUARTER&interval=5", "{\"h\":[{\"ts\":1711627200000,\"value\":168},"
                                            "{\"ts\":1712232000000,\"value\":168}]}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        get(rest_fixture_text("values/timeseries?keys=h&startTs=1711324800000&endTs=1712534400000"
                              "&agg=COUNT&useStrictDataTypes=true&%s",
                              rows[i].query),
            200, rows[i].points);
    }
}

static void what_is_deleted_is_gone(void **state)
{
    (void)state;
    const char *const body = "[{\"ts\":1,\"values\":{\"d\":1,\"e\":1}},"
                             "{\"ts\":2,\"values\":{\"d\":2}},{\"ts\":3,\"values\":{\"d\":3}}]";
    const char *const range = "values/timeseries?keys=d,e&startTs=0&endTs=9";
    post("timeseries/ANY", body, 200, "");
    delete ("timeseries/delete?keys=d&startTs=2&endTs=3", 200, "");
    get(range, 200,
        "{\"d\":[{\"ts\":3,\"value\":\"3\"},{\"ts\":1,\"value\":\"1\"}],"
        "\"e\":[{\"ts\":1,\"value\":\"1\"}]}");
    get("values/timeseries?keys=d", 200, "{\"d\":[{\"ts\":3,\"value\":\"3\"}]}");
    delete ("timeseries/delete?keys=d&startTs=3&endTs=4&rewriteLatestIfDeleted=true", 200, "");
    get("values/timeseries?keys=d", 200, "{\"d\":[{\"ts\":1,\"value\":\"1\"}]}");
    delete ("timeseries/delete?keys=d&startTs=1&endTs=2&deleteLatest=false", 200, "");
    get("values/timeseries?keys=d", 200, "{\"d\":[{\"ts\":1,\"value\":\"1\"}]}");
    get(range, 200, "{\"e\":[{\"ts\":1,\"value\":\"1\"}]}");
    delete ("timeseries/delete?keys=d,e&deleteAllDataForKeys=True", 200, "");
    get(range, 200, "{}");
    get("values/timeseries?keys=e", 200, "{\"e\":[{\"ts\":1800000000000,\"value\":null}]}");
}

static void bad_input_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const char nothing[] = "No timeseries data found in request body!";
    post("timeseries/ANY", "{}", 400, nothing);
    post("timeseries/ANY", "[]", 400, nothing);
    post("timeseries/ANY", "{\"a\":null}", 400, "Can't parse value: null of key 'a'");
    post("timeseries/ANY", "[{\"ts\":1,\"values\":{\"b\":null}}]", 400,
         "Can't parse value: null of key 'b'");
    post("timeseries/ANY", "5", 400, "byte 0: telemetry is an object or an array of objects");
    (void)rest_fixture_post(url("timeseries/ANY"), "{\"a\":");
    assert_int_equal(rest_fixture.response.status, 400);
    post("timeseries/ANY/x", "{\"a\":1}", 400, "The TTL is no number of seconds: x");
    post("timeseries/ANY/-1", "{\"a\":1}", 400, "The TTL is no number of seconds: -1");
    delete ("timeseries/delete", 400, "Empty keys: no time series is named");
    delete (
        "timeseries/delete?keys=a&startTs=1", 400,
        "When deleteAllDataForKeys is false, start and end timestamp values shouldn't be empty");
    delete ("timeseries/delete?keys=a&startTs=1&endTs=x", 400,
            "Parameter 'endTs' is not a number: x");
}

static void strangers_are_refused(void **state)
{
    (void)state;
    rest_fixture_as(REST_SYSADMIN);
    post("timeseries/ANY", "{\"a\":1}", 403,
         "System administrator is not allowed to perform this operation!");
    rest_fixture_as(REST_CUSTOMER);
    post("timeseries/ANY", "{\"a\":1}", 200, ""); // its own customer's device
    rest_fixture_as(REST_NOBODY);
    assert_int_equal(rest_fixture_post(url("timeseries/ANY"), "{\"a\":1}"), 401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_form_of_body_is_stored, begin),
        cmocka_unit_test_setup(points_with_a_life_end_with_it, begin),
        cmocka_unit_test_setup(aggregates_stand_in_the_middle_of_their_intervals, begin),
        cmocka_unit_test_setup(calendar_intervals_follow_the_clocks_of_their_zone, begin),
        cmocka_unit_test_setup(too_many_or_odd_intervals_are_refused, begin),
        cmocka_unit_test_setup(what_is_deleted_is_gone, begin),
        cmocka_unit_test_setup(bad_input_is_refused_with_its_reason, begin),
        cmocka_unit_test_setup(strangers_are_refused, begin),
    };
    return cmocka_run_group_tests(tests, set_up, rest_fixture_tear_down);
}
