// rest/fixture.h: the REST API without sockets, for the tests of this folder: a core over a real
// entity store with the demo accounts, customers and devices (server-api.md 1.4), device data in
// memory, a clock that stands still, and a client that is one of three people.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rest/rest.h"

#define REST_FIXTURE_NOW 1800000000000
#define REST_FIXTURE_RESPONSE_MAX (1U << 20)

enum rest_fixture_who {
    REST_NOBODY,
    REST_SYSADMIN, // sysadmin@thingsboard.org
    REST_TENANT,   // tenant@thingsboard.org
    REST_CUSTOMER, // customer@thingsboard.org, of "Customer A"
    REST_PEOPLE,
};

struct rest_fixture {
    struct rest rest;
    struct wall now;
    struct mono mono;
    bool ready;
    struct address remote;         // of the next calls
    bool is_unwritten;             // answers that come later are not written
    struct http_request request;   // of the last call; may be set up before
    struct http_response response; // of the last call
    const char *body;              // of the response, with terminator
    char authorization[4096];      // sent with each request
};

extern struct rest_fixture rest_fixture;

int rest_fixture_set_up(void **state);
int rest_fixture_tear_down(void **state);

// From now on this one asks.
void rest_fixture_as(enum rest_fixture_who who);
void rest_fixture_as_bearer(const char *token);
// Logs in and keeps the tokens (at most 2048 bytes each); the status.
int rest_fixture_log_in(const char *email, const char *password, char *token, char *refresh);
// The two tokens of the last body.
void rest_fixture_take_tokens(char *token, char *refresh);

// One request; `url` is a path, '?' and a query that needs no decoding. Gives the status.
int rest_fixture_get(const char *url);
int rest_fixture_post(const char *url, const char *body);
int rest_fixture_delete(const char *url);
int rest_fixture_ask(enum http_method method, const char *url, const char *body);

// Text with printf's formats, good for the next fifteen calls.
const char *rest_fixture_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
// The body with its UUIDs replaced: <1>, <2>... in the order of their first appearance, <null> for
// the null id.
const char *rest_fixture_shape(void);
// Asserts on the last response: its status, and its body as a shape.
void rest_fixture_expect(int status, const char *shape);
// Asserts on an error object: all of it.
void rest_fixture_expect_error(int status, int code, const char *message);
// The n-th id (from 0) in the last body.
void rest_fixture_take_id(unsigned n, char id[37]);
// The id of a demo device or customer.
void rest_fixture_device(const char *name, char id[37]);
void rest_fixture_customer(const char *title, char id[37]);

// Stores one point of a device.
void rest_fixture_save(const char *device, const char *key, int64_t time_ms,
                       struct model_value value);
