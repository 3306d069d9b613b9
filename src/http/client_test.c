// Requests to a real server on the loopback, and to peers that are none.
#include "http/client.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "http/server_fixture.h"

static char body_memory[1U << 16];
static char message_memory[256];
static struct http_client_place place;
static struct buf body;
static struct buf message;
static unsigned status;

static enum err fetch_from(uint16_t port, const char *method, const char *path, const char *text,
                           size_t room, struct span deadline)
{
    place = (struct http_client_place){.port = port, .host = "127.0.0.1"};
    body = buf_over(body_memory, room);
    message = buf_over(message_memory, sizeof(message_memory));
    const struct http_client_request request = {.place = &place,
                                                .method = method,
                                                .path = path,
                                                .bearer = "a.token",
                                                .body = slice_text(text),
                                                .deadline = deadline};
    return http_client_fetch(&request, &status, &body, &message);
}

static enum err fetch(const char *method, const char *path, const char *text)
{
    return fetch_from(server_fixture.local.port, method, path, text, sizeof(body_memory),
                      span_s(10));
}

static void expect_body(const char *text)
{
    body_memory[body.len] = 0;
    assert_non_null(strstr(body_memory, text));
}

static void a_get_brings_status_and_body(void **state)
{
    (void)state;
    assert_int_equal(fetch("GET", "/some/path?a=b", ""), ERR_OK);
    assert_int_equal(status, 200);
    expect_body("/some/path");
}

static void a_post_carries_its_body(void **state)
{
    (void)state;
    assert_int_equal(fetch("POST", "/x", "{\"hello\":1}"), ERR_OK);
    assert_int_equal(status, 200);
    expect_body("{\"hello\":1}");
    assert_int_equal(fetch("DELETE", "/x", ""), ERR_OK);
    assert_int_equal(status, 200);
}

static void an_answer_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_int_equal(fetch_from(server_fixture.local.port, "GET", "/x", "", 1, span_s(10)),
                     ERR_TOO_LARGE);
}

static void a_silent_server_is_given_up(void **state)
{
    (void)state;
    const struct mono latest = mono_add(plat_clock_mono(), span_s(10));
    assert_int_equal(fetch_from(server_fixture.local.port, "GET", "/hold", "", 1000, span_ms(200)),
                     ERR_TIMEOUT);
    assert_false(mono_reached(plat_clock_mono(), latest));
    server_fixture_let_go();
}

// A socket that listens; the port is taken by the kernel.
static int listen_at(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(descriptor, 4), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return descriptor;
}

static void nobody_at_the_port_is_told(void **state)
{
    (void)state;
    uint16_t port = 0;
    close(listen_at(&port));
    assert_int_equal(fetch_from(port, "GET", "/", "", 1000, span_s(10)), ERR_UNAVAILABLE);
    assert_true(message.len > 0);
}

struct broken {
    int descriptor;
    const char *says;
};

static void answer_once(void *context)
{
    const struct broken *broken = context;
    char request[2048];
    const int peer = accept(broken->descriptor, NULL, NULL);
    assert_true(peer >= 0);
    assert_true(read(peer, request, sizeof(request)) > 0);
    assert_int_equal(write(peer, broken->says, strlen(broken->says)), strlen(broken->says));
    close(peer);
}

static void a_broken_answer_is_no_answer(void **state)
{
    (void)state;
    static const char *const answers[] = {"", "nonsense\r\n\r\n",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"};
    for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        uint16_t port = 0;
        struct broken broken = {listen_at(&port), answers[i]};
        struct plat_thread thread;
        assert_int_equal(plat_thread_start(&thread, "broken", -1, &broken, answer_once), ERR_OK);
        assert_int_equal(fetch_from(port, "GET", "/", "", 1000, span_s(10)), ERR_UNAVAILABLE);
        plat_thread_join(&thread);
        close(broken.descriptor);
    }
}

static void places_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum err err;
        const char *host;
        uint16_t port;
        bool is_secure;
    } rows[] = {
        {"http://127.0.0.1:8080", ERR_OK, "127.0.0.1", 8080, false},
        {"http://localhost:8080/", ERR_OK, "localhost", 8080, false},
        {"http://a.example", ERR_OK, "a.example", 80, false},
        {"https://a.example/", ERR_OK, "a.example", 443, true},
        {"https://a.example:8443", ERR_OK, "a.example", 8443, true},
        {"a.example:80", ERR_SYNTAX, "", 0, false},
        {"ftp://a.example", ERR_SYNTAX, "", 0, false},
        {"http://", ERR_SYNTAX, "", 0, false},
        {"http://a:", ERR_SYNTAX, "", 0, false},
        {"http://a:0", ERR_SYNTAX, "", 0, false},
        {"http://a:65536", ERR_SYNTAX, "", 0, false},
        {"http://a:80x", ERR_SYNTAX, "", 0, false},
        {"http://a/path", ERR_SYNTAX, "", 0, false},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_client_place read;
        assert_int_equal(http_client_parse(rows[i].url, &read), rows[i].err);
        if (rows[i].err == ERR_OK) {
            assert_string_equal(read.host, rows[i].host);
            assert_int_equal(read.port, rows[i].port);
            assert_int_equal(read.is_secure, rows[i].is_secure);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_get_brings_status_and_body, server_fixture_set_up,
                                        server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_post_carries_its_body, server_fixture_set_up,
                                        server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(an_answer_that_does_not_fit_is_refused,
                                        server_fixture_set_up, server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_silent_server_is_given_up, server_fixture_set_up,
                                        server_fixture_tear_down),
        cmocka_unit_test(nobody_at_the_port_is_told),
        cmocka_unit_test(a_broken_answer_is_no_answer),
        cmocka_unit_test(places_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
