// Shows the bounds of the server on real sockets: full queues and tables, peers that say nothing,
// drip or leave, and that stopping answers what is in hand.
#include "http/server_fixture.h"

#include <sys/socket.h>
#include <unistd.h>

static void a_full_queue_is_503_with_retry_after(void **state)
{
    (void)state;
    int descriptors[4];
    for (unsigned i = 0; i < 4; i++) {
        descriptors[i] = server_fixture_dial();
        server_fixture_say(descriptors[i], "GET /hold" HOST "Connection: close\r\n\r\n");
        if (i == 1) {
            // Both threads are busy; the next two fill the queue.
            server_fixture_wait_for_holding(2);
        }
    }
    while (http_server_stats(server_fixture.server).requests < 4) {
        usleep(1000);
    }
    const char *answer = server_fixture_ask("GET /fifth" HOST "Connection: close\r\n\r\n");
    server_fixture_assert_has(answer, "HTTP/1.1 503 ");
    server_fixture_assert_has(answer, "retry-after: 1\r\n");
    assert_int_equal(http_server_stats(server_fixture.server).refused_busy, 1);
    server_fixture_let_go();
    for (unsigned i = 0; i < 4; i++) {
        server_fixture_assert_has(server_fixture_hear(descriptors[i]), "path=/hold ");
    }
}

static void what_is_sent_while_a_request_is_in_hand_is_not_read_early(void **state)
{
    (void)state;
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, "GET /hold" HOST "\r\n");
    server_fixture_wait_for_holding(1);
    const struct span before = plat_clock_process_cpu();
    server_fixture_say(descriptor, "GET /second" HOST "Connection: close\r\n\r\n");
    usleep(200000);
    // Spinning over what was sent ahead would take all of the 200 ms.
    const struct span after = plat_clock_process_cpu();
    assert_true(after.ns - before.ns < 100000000U);
    assert_int_equal(http_server_stats(server_fixture.server).requests, 1);
    server_fixture_let_go();
    (void)server_fixture_hear(descriptor);
}

static void connections_beyond_the_bound_are_closed(void **state)
{
    (void)state;
    struct http_server_options options = server_fixture_options();
    options.connections_max = 3;
    server_fixture_restart(&options);
    int descriptors[3];
    for (unsigned i = 0; i < 3; i++) {
        descriptors[i] = server_fixture_dial();
        server_fixture_say(descriptors[i], "GET /a" HOST "\r\n");
        (void)server_fixture_hear_until(descriptors[i], "path=/a ");
    }
    assert_int_equal(http_server_stats(server_fixture.server).connections, 3);
    assert_int_equal(strlen(server_fixture_hear(server_fixture_dial())), 0);
    assert_int_equal(http_server_stats(server_fixture.server).refused_connections, 1);
    close(descriptors[0]);
    while (http_server_stats(server_fixture.server).connections == 3) {
        usleep(1000);
    }
    server_fixture_assert_has(server_fixture_ask("GET /b" HOST "Connection: close\r\n\r\n"),
                              "path=/b ");
    close(descriptors[1]);
    close(descriptors[2]);
}

// How long the peer keeps a connection on which only `text` is said, in ms.
static uint64_t patience_ms(const char *text)
{
    const int descriptor = server_fixture_dial();
    const struct mono start = plat_clock_mono();
    server_fixture_say(descriptor, text);
    (void)server_fixture_hear(descriptor);
    return mono_since(plat_clock_mono(), start).ns / 1000000U;
}

static void silent_peers_are_closed(void **state)
{
    (void)state;
    struct http_server_options options = server_fixture_options();
    options.idle_s = 1;
    server_fixture_restart(&options);
    static const char *const rows[] = {
        "",
        "GET /a HTTP/1.1\r\nHos",
        "GET /a" HOST "\r\n",
        "POST /a" HOST "Content-Length: 5\r\n\r\nab",
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const uint64_t ms = patience_ms(rows[i]);
        assert_true(ms >= 500);
    }
}

// Says one more byte again and again until the peer has closed.
static bool drip(const char *text)
{
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, text);
    bool closed = false;
    for (unsigned i = 0; i < 25 && !closed; i++) {
        usleep(200000);
        closed = send(descriptor, "y", 1, MSG_NOSIGNAL) < 0;
    }
    close(descriptor);
    return closed;
}

static void requests_that_drip_are_closed(void **state)
{
    (void)state;
    struct http_server_options options = server_fixture_options();
    options.idle_s = 1;
    server_fixture_restart(&options);
    assert_true(drip("GET /a HTTP/1.1\r\nX-A: "));
    assert_true(drip("GET /a" HOST "\r\nGET /a HTTP/1.1\r\nX-A: "));
    assert_true(drip("POST /a" HOST "Content-Length: 1000\r\n\r\n"));
    assert_true(drip("POST /a" HOST "Content-Length: 1000000\r\n\r\n"));
    assert_int_equal(server_fixture.handled, 1);
}

static void a_reader_that_stops_is_closed(void **state)
{
    (void)state;
    struct http_server_options options = server_fixture_options();
    options.idle_s = 1;
    server_fixture_restart(&options);
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, "GET /large?lines=700000" HOST "Connection: close\r\n\r\n");
    while (http_server_stats(server_fixture.server).connections == 0) {
        usleep(1000);
    }
    for (unsigned i = 0; http_server_stats(server_fixture.server).connections > 0; i++) {
        assert_true(i < 400);
        usleep(10000);
    }
    const char *answer = server_fixture_hear(descriptor);
    server_fixture_assert_lacks(answer, "000000000699999\n");
}

static void a_peer_that_leaves_while_its_request_is_in_hand_does_no_harm(void **state)
{
    (void)state;
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, "GET /hold" HOST "\r\n");
    server_fixture_wait_for_holding(1);
    const struct linger reset = {.l_onoff = 1};
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    close(descriptor);
    usleep(50000);
    server_fixture_let_go();
    server_fixture_assert_has(server_fixture_ask("GET /after" HOST "Connection: close\r\n\r\n"),
                              "path=/after ");
}

static void *stop_server(void *context)
{
    (void)context;
    http_server_destroy(server_fixture.server);
    return NULL;
}

static void stopping_answers_what_is_in_hand_and_refuses_the_rest(void **state)
{
    (void)state;
    const int waiting = server_fixture_dial();
    const int late = server_fixture_dial();
    server_fixture_say(late, "GET /early" HOST "\r\n");
    (void)server_fixture_hear_until(late, "path=/early ");
    server_fixture_say(waiting, "GET /hold" HOST "Connection: close\r\n\r\n");
    server_fixture_wait_for_holding(1);
    pthread_t stopper;
    assert_int_equal(pthread_create(&stopper, NULL, stop_server, NULL), 0);
    usleep(100000);
    server_fixture_say(late, "GET /late" HOST "\r\n");
    server_fixture_assert_has(server_fixture_hear(late), "HTTP/1.1 503 ");
    server_fixture_let_go();
    server_fixture_assert_has(server_fixture_hear(waiting), "path=/hold ");
    pthread_join(stopper, NULL);
    server_fixture.server = NULL;
}

static void stopping_does_not_wait_for_half_a_request(void **state)
{
    (void)state;
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, "POST /a" HOST "Content-Length: 5\r\n\r\nab");
    while (http_server_stats(server_fixture.server).requests == 0) {
        usleep(1000);
    }
    const struct mono start = plat_clock_mono();
    http_server_destroy(server_fixture.server);
    server_fixture.server = NULL;
    assert_true(mono_since(plat_clock_mono(), start).ns < 2000000000U);
    close(descriptor);
}

static void a_port_that_is_taken_is_told(void **state)
{
    (void)state;
    struct http_server_options options = server_fixture_options();
    struct http_server *second = NULL;
    options.bind = server_fixture.local;
    assert_int_equal(http_server_create(&options, &second), ERR_IN_USE);
    assert_int_equal(address_parse(SLICE("192.0.2.1:0"), &options.bind), ERR_OK);
    assert_int_equal(http_server_create(&options, &second), ERR_INVALID);
}

static void it_listens_on_any_and_on_ipv6(void **state)
{
    (void)state;
    static const char *const rows[] = {"0.0.0.0:0", "[::]:0"};
    for (unsigned i = 0; i < 2; i++) {
        struct http_server_options options = server_fixture_options();
        assert_int_equal(address_parse(slice_text(rows[i]), &options.bind), ERR_OK);
        server_fixture_restart(&options);
        server_fixture_assert_has(server_fixture_ask("GET /a" HOST "Connection: close\r\n\r\n"),
                                  "path=/a ");
    }
}

static void bodies_and_answers_share_a_bound_in_bytes(void **state)
{
    (void)state;
    struct http_server_options options = server_fixture_options();
    options.held_max = 40000;
    server_fixture_restart(&options);
    // Two bodies of 16 KiB find room, half sent; a third does not, nor does a large answer.
    static char part[16000];
    int descriptors[2];
    memset(part, 'x', sizeof(part));
    for (unsigned i = 0; i < 2; i++) {
        descriptors[i] = server_fixture_dial();
        server_fixture_say(descriptors[i], "POST /a" HOST "Content-Length: 16384\r\n\r\n");
        server_fixture_send(descriptors[i], part, sizeof(part));
    }
    while (http_server_stats(server_fixture.server).held < 2 * 16384) {
        usleep(1000);
    }
    const int third = server_fixture_dial();
    server_fixture_say(third, "POST /a" HOST "Content-Length: 16384\r\n\r\n");
    server_fixture_send(third, part, sizeof(part));
    const char *answer = server_fixture_hear_until(third, "no memory for the request body");
    server_fixture_assert_has(answer, "HTTP/1.1 503 ");
    server_fixture_assert_has(answer, "retry-after: 1\r\n");
    close(third);
    const char *large =
        server_fixture_ask("GET /large?lines=1000" HOST "Connection: close\r\n\r\n");
    server_fixture_assert_has(large, "HTTP/1.1 503 ");
    assert_int_equal(http_server_stats(server_fixture.server).refused_busy, 1);
    for (unsigned i = 0; i < 2; i++) {
        close(descriptors[i]);
    }
    while (http_server_stats(server_fixture.server).held > 0) {
        usleep(1000);
    }
    server_fixture_assert_has(server_fixture_ask("GET /a" HOST "Connection: close\r\n\r\n"),
                              "path=/a ");
}

#define SERVER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(name, server_fixture_set_up, server_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(a_full_queue_is_503_with_retry_after),
        SERVER_TEST(what_is_sent_while_a_request_is_in_hand_is_not_read_early),
        SERVER_TEST(connections_beyond_the_bound_are_closed),
        SERVER_TEST(silent_peers_are_closed),
        SERVER_TEST(requests_that_drip_are_closed),
        SERVER_TEST(a_reader_that_stops_is_closed),
        SERVER_TEST(a_peer_that_leaves_while_its_request_is_in_hand_does_no_harm),
        SERVER_TEST(stopping_answers_what_is_in_hand_and_refuses_the_rest),
        SERVER_TEST(stopping_does_not_wait_for_half_a_request),
        SERVER_TEST(a_port_that_is_taken_is_told),
        SERVER_TEST(it_listens_on_any_and_on_ipv6),
        SERVER_TEST(bodies_and_answers_share_a_bound_in_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
