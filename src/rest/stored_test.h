// rest/stored_test.h: for tests of what is stored of one device (server-api.md 3): the tenant's
// administrator asks below its path and compares the whole answer, which is plain text where it is
// a failure.
#pragma once

#include "rest/fixture.h"

static char device[37]; // "Test Device A1"

static inline int set_up(void **state)
{
    if (rest_fixture_set_up(state) != 0) {
        return -1;
    }
    rest_fixture_device("Test Device A1", device);
    return 0;
}

static inline int begin(void **state)
{
    (void)state;
    rest_fixture_as(REST_TENANT);
    return 0;
}

static inline const char *url(const char *after)
{
    return rest_fixture_text("/api/plugins/telemetry/DEVICE/%s/%s", device, after);
}

static inline void expect(int status, const char *body)
{
    assert_string_equal(rest_fixture.body, body);
    assert_int_equal(rest_fixture.response.status, status);
}

static inline void post(const char *after, const char *body, int status, const char *answer)
{
    (void)rest_fixture_post(url(after), body);
    expect(status, answer);
}

static inline void get(const char *after, int status, const char *answer)
{
    (void)rest_fixture_get(url(after));
    expect(status, answer);
}
