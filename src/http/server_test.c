// Shows the server on real sockets of the loopback: what reaches the handler and how it is
// answered.
//
// Where the versions of the library differ (a request sent ahead of an answer) the tests hold to
// what both do.
#include "http/server_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include <unistd.h>

static void path_and_query_arrive_decoded(void **state)
{
    (void)state;
    const char *answer = server_fixture_ask(
        "GET /a%20b/c?x=1&y=%41+z&&w=a%26b%3Dc&none=&flag&x=2" HOST "Connection: close\r\n\r\n");
    server_fixture_assert_has(answer, "HTTP/1.1 200 OK\r\n");
    server_fixture_assert_has(answer, "path=/a b/c ");
    server_fixture_assert_has(answer,
                              " [x]=[1] [y]=[A z] [w]=[a&b=c] [none]=[] [flag]=[] [x]=[2] ");
}

static void the_first_parameter_of_a_name_is_found(void **state)
{
    (void)state;
    const struct http_request request = {.parameters = {{SLICE("a"), SLICE("1")},
                                                        {SLICE("b"), SLICE_EMPTY},
                                                        {SLICE("a"), SLICE("2")}},
                                         .parameter_count = 3};
    assert_true(slice_equal(http_request_parameter(&request, "a"), SLICE("1")));
    assert_non_null(http_request_parameter(&request, "b").ptr);
    assert_int_equal(http_request_parameter(&request, "b").len, 0);
    assert_null(http_request_parameter(&request, "c").ptr);
}

static void x_authorization_wins_over_authorization(void **state)
{
    (void)state;
    server_fixture_assert_has(
        server_fixture_ask("GET /" HOST "Authorization: Basic b\r\nConnection: close\r\n\r\n"),
        "auth=Basic b ");
    server_fixture_assert_has(
        server_fixture_ask("GET /" HOST "Authorization: Basic b\r\nX-Authorization: Bearer x\r\n"
                           "Connection: close\r\n\r\n"),
        "auth=Bearer x ");
}

static void every_method_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        const char *method;
    } rows[] = {
        {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "method=0 "},
        {"POST / HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "method=1 "},
        {"PUT / HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "method=2 "},
        {"DELETE / HTTP/1.1\r\nConnection: close\r\n\r\n", "method=3 "},
        {"PATCH / HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "method=4 "},
        {"OPTIONS / HTTP/1.1\r\nConnection: close\r\n\r\n", "method=6 "},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        server_fixture_assert_has(server_fixture_ask(rows[i].request), rows[i].method);
    }
}

static void head_has_the_length_and_no_body(void **state)
{
    (void)state;
    const char *answer =
        server_fixture_ask("HEAD /large?lines=100" HOST "Connection: close\r\n\r\n");
    server_fixture_assert_has(answer, "content-length: 1600\r\n");
    assert_int_equal(strcmp(strstr(answer, "\r\n\r\n"), "\r\n\r\n"), 0);
}

static void headers_name_no_version_and_forbid_storing(void **state)
{
    (void)state;
    const char *answer = server_fixture_ask("GET /" HOST "Connection: close\r\n\r\n");
    server_fixture_assert_has(answer, "server: motehub\r\n");
    server_fixture_assert_has(answer, "cache-control: no-store\r\n");
    server_fixture_assert_has(answer, "content-type: text/plain\r\n");
    server_fixture_assert_has(answer, "x-content-type-options: nosniff\r\n");
}

static void location_retry_after_and_allow_are_sent(void **state)
{
    (void)state;
    const char *answer = server_fixture_ask("GET /elsewhere" HOST "Connection: close\r\n\r\n");
    server_fixture_assert_has(answer, "HTTP/1.1 303 ");
    server_fixture_assert_has(answer, "location: /there\r\n");
    server_fixture_assert_has(answer, "retry-after: 7\r\n");
    server_fixture_assert_has(answer, "allow: GET, HEAD\r\n");
    server_fixture_assert_has(answer, "content-length: 0\r\n");
    server_fixture_assert_lacks(answer, "content-type:");
}

static void a_body_is_collected_from_its_parts(void **state)
{
    (void)state;
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, "POST /a" HOST "Content-Type: application/json\r\n"
                                   "Content-Length: 10\r\nConnection: close\r\n\r\n{\"a\"");
    usleep(50000);
    server_fixture_say(descriptor, ": 123");
    usleep(50000);
    server_fixture_say(descriptor, "}");
    const char *answer = server_fixture_hear(descriptor);
    server_fixture_assert_has(answer, "type=application/json ");
    server_fixture_assert_has(answer, " body=10:{\"a\": 123}");
}

static void a_body_of_the_largest_size_is_taken(void **state)
{
    (void)state;
    char *body = calloc(1, SERVER_FIXTURE_BODY_MAX);
    memset(body, 'x', SERVER_FIXTURE_BODY_MAX);
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor,
                       "POST /a" HOST "Content-Length: 65536\r\nConnection: close\r\n\r\n");
    server_fixture_send(descriptor, body, SERVER_FIXTURE_BODY_MAX);
    server_fixture_assert_has(server_fixture_hear(descriptor), " body=65536:xxxx");
    free(body);
}

static void a_larger_body_is_413_and_the_peer_hears_it(void **state)
{
    (void)state;
    const size_t len = 4U << 20;
    char *body = calloc(1, len);
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, "POST /a" HOST "Content-Length: 4194304\r\n\r\n");
    server_fixture_send(descriptor, body, len);
    const char *answer = server_fixture_hear(descriptor);
    server_fixture_assert_has(answer, "HTTP/1.1 413 ");
    server_fixture_assert_has(answer, "connection: close\r\n");
    assert_int_equal(http_server_stats(server_fixture.server).refused_large, 1);
    assert_int_equal(server_fixture.handled, 0);
    free(body);
}

static void a_post_without_a_length_has_no_body_and_ends_the_connection(void **state)
{
    (void)state;
    const char *answer = server_fixture_ask("POST /a" HOST "\r\nGET /b" HOST "\r\n");
    server_fixture_assert_has(answer, " body=0:");
    server_fixture_assert_has(answer, "connection: close\r\n");
    server_fixture_assert_lacks(answer, "path=/b");
}

static void a_chunked_body_is_411(void **state)
{
    (void)state;
    server_fixture_assert_has(
        server_fixture_ask("POST /a" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        "HTTP/1.1 411 ");
    assert_int_equal(server_fixture.handled, 0);
}

static void an_unclear_length_is_400(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "POST /a" HOST "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        "POST /a" HOST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "POST /a" HOST "Content-Length: -2\r\n\r\n{}",
        "POST /a" HOST "Content-Length: +2\r\n\r\n{}",
        "POST /a" HOST "Content-Length: 2x\r\n\r\n{}",
        "POST /a" HOST "Content-Length: 99999999999999999999999999\r\n\r\n{}",
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *answer = server_fixture_ask(rows[i]);
        server_fixture_assert_has(answer, "HTTP/1.1 400 ");
        server_fixture_assert_has(answer, "connection: close\r\n");
    }
    assert_int_equal(server_fixture.handled, 0);
}

static void what_follows_a_body_is_no_part_of_it(void **state)
{
    (void)state;
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, "POST /a" HOST "Content-Length: 2\r\n\r\n{}GET /b" HOST
                                   "Connection: close\r\n\r\n");
    server_fixture_assert_has(server_fixture_hear(descriptor),
                              "path=/a auth= type= host=h body=2:{}");
}

static void who_expects_to_be_asked_is_asked_for_the_body(void **state)
{
    (void)state;
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, "POST /a" HOST "Content-Length: 2\r\nExpect: 100-continue\r\n"
                                   "Connection: close\r\n\r\n");
    (void)server_fixture_hear_until(descriptor, "HTTP/1.1 100 Continue\r\n\r\n");
    server_fixture_say(descriptor, "{}");
    server_fixture_assert_has(server_fixture_hear(descriptor), " body=2:{}");
}

static void a_connection_serves_one_request_after_the_other(void **state)
{
    (void)state;
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, "POST /1" HOST "Content-Length: 2\r\n\r\n{}");
    server_fixture_assert_has(server_fixture_hear_until(descriptor, "body=2:{}"), "path=/1 ");
    server_fixture_say(descriptor, "DELETE /2" HOST "Content-Length: 2\r\n\r\n{}");
    server_fixture_assert_has(server_fixture_hear_until(descriptor, "body=2:{}"), "path=/2 ");
    server_fixture_say(descriptor, "HEAD /3" HOST "\r\n");
    server_fixture_assert_has(server_fixture_hear_until(descriptor, "\r\n\r\n"), "HTTP/1.1 200 ");
    server_fixture_say(descriptor, "GET /4" HOST "Connection: close\r\n\r\n");
    server_fixture_assert_has(server_fixture_hear(descriptor), "path=/4 ");
    assert_int_equal(http_server_stats(server_fixture.server).requests, 4);
}

static void the_memory_of_a_request_is_whole_each_time(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        server_fixture_assert_has(
            server_fixture_ask("GET /memory" HOST "Connection: close\r\n\r\n"), "HTTP/1.1 200 ");
    }
}

static void a_large_response_arrives_whole_at_a_slow_reader(void **state)
{
    (void)state;
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, "GET /large?lines=524288" HOST "Connection: close\r\n\r\n");
    usleep(300000);
    const char *answer = server_fixture_hear(descriptor);
    server_fixture_assert_has(answer, "content-length: 8388608\r\n");
    const char *body = strstr(answer, "\r\n\r\n") + 4;
    assert_int_equal(strlen(body), 8388608);
    for (int i = 0; i < 524288; i++) {
        char line[17];
        snprintf(line, sizeof(line), "%015d\n", i);
        if (memcmp(body + i * 16, line, 16) != 0) {
            fail_msg("line %d differs", i);
        }
    }
    assert_true(http_server_stats(server_fixture.server).bytes_sent >= 8388608);
}

static void a_reader_that_leaves_in_the_middle_does_no_harm(void **state)
{
    (void)state;
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, "GET /large?lines=524288" HOST "\r\n");
    (void)server_fixture_hear_until(descriptor, "000000000000100\n");
    close(descriptor);
    server_fixture_assert_has(server_fixture_ask("GET /after" HOST "Connection: close\r\n\r\n"),
                              "path=/after ");
}

static void a_response_above_the_bound_is_500(void **state)
{
    (void)state;
    const char *answer =
        server_fixture_ask("GET /large?lines=1000000" HOST "Connection: close\r\n\r\n");
    server_fixture_assert_has(answer, "HTTP/1.1 500 ");
    server_fixture_assert_lacks(answer, "000000000000000\n");
}

static void more_parameters_than_fit_are_400(void **state)
{
    (void)state;
    char request[2048] = "GET /a?p=1";
    for (unsigned i = 1; i < HTTP_PARAMETERS_MAX; i++) {
        strcat(request, "&p=1");
    }
    const size_t len = strlen(request);
    strcat(request, HOST "Connection: close\r\n\r\n");
    server_fixture_assert_has(server_fixture_ask(request), "HTTP/1.1 200 ");
    request[len] = 0;
    strcat(request, "&p=1" HOST "Connection: close\r\n\r\n");
    server_fixture_assert_has(server_fixture_ask(request), "HTTP/1.1 400 ");
}

static void headers_that_are_too_large_end_the_connection(void **state)
{
    (void)state;
    char *request = malloc(40000);
    strcpy(request, "GET /a" HOST "X-Long: ");
    memset(request + strlen(request), 'y', 20000);
    request[strlen("GET /a" HOST "X-Long: ") + 20000] = 0;
    strcat(request, "\r\n\r\n");
    server_fixture_assert_lacks(server_fixture_ask(request), "HTTP/1.1 200");
    assert_int_equal(server_fixture.handled, 0);
    free(request);
}

static void malformed_request_lines_reach_no_handler(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "GET /a%zz" HOST "\r\n",  "GET /a?q=%z1" HOST "\r\n",     "GET /a%00b" HOST "\r\n",
        "TRACE /a" HOST "\r\n",   "GET /a%0d%0aX: y" HOST "\r\n", "HELLO\r\n\r\n",
        "\x16\x03\x01 /\r\n\r\n", "GET /a?q=x%0ay" HOST "\r\n",
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        server_fixture_assert_lacks(server_fixture_ask(rows[i]), " 200 OK");
    }
    assert_int_equal(server_fixture.handled, 0);
}

static void upgrades_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "GET /a" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "GET /a" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
        "GET /a" HOST "Connection: Upgrade\r\nUpgrade: other\r\n\r\n",
        "CONNECT h:1" HOST "\r\n",
        "CONNECT h:1" HOST "\r\nmore",
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        server_fixture_assert_lacks(server_fixture_ask(rows[i]), "101 ");
    }
    assert_int_equal(server_fixture.handled, 0);
}

#define SERVER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(name, server_fixture_set_up, server_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(path_and_query_arrive_decoded),
        cmocka_unit_test(the_first_parameter_of_a_name_is_found),
        SERVER_TEST(x_authorization_wins_over_authorization),
        SERVER_TEST(every_method_is_told),
        SERVER_TEST(head_has_the_length_and_no_body),
        SERVER_TEST(headers_name_no_version_and_forbid_storing),
        SERVER_TEST(location_retry_after_and_allow_are_sent),
        SERVER_TEST(a_body_is_collected_from_its_parts),
        SERVER_TEST(a_body_of_the_largest_size_is_taken),
        SERVER_TEST(a_larger_body_is_413_and_the_peer_hears_it),
        SERVER_TEST(a_post_without_a_length_has_no_body_and_ends_the_connection),
        SERVER_TEST(a_chunked_body_is_411),
        SERVER_TEST(an_unclear_length_is_400),
        SERVER_TEST(what_follows_a_body_is_no_part_of_it),
        SERVER_TEST(who_expects_to_be_asked_is_asked_for_the_body),
        SERVER_TEST(a_connection_serves_one_request_after_the_other),
        SERVER_TEST(the_memory_of_a_request_is_whole_each_time),
        SERVER_TEST(a_large_response_arrives_whole_at_a_slow_reader),
        SERVER_TEST(a_reader_that_leaves_in_the_middle_does_no_harm),
        SERVER_TEST(a_response_above_the_bound_is_500),
        SERVER_TEST(more_parameters_than_fit_are_400),
        SERVER_TEST(headers_that_are_too_large_end_the_connection),
        SERVER_TEST(malformed_request_lines_reach_no_handler),
        SERVER_TEST(upgrades_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
