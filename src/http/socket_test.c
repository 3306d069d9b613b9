// WebSocket connections on real sockets of the loopback, frame by frame (RFC 6455).
#include "http/socket.h"

#include <stdio.h>
#include <stdlib.h>

#include <sys/socket.h>
#include <unistd.h>

#include "http/server_fixture.h"

static struct {
    struct plat_mutex mutex;
    struct plat_cond changed;
    unsigned opened, closed, flooded, released;
    struct http_socket *last;
} seen;

static void note(unsigned *counter)
{
    plat_mutex_lock(&seen.mutex);
    (*counter)++;
    plat_cond_broadcast(&seen.changed);
    plat_mutex_unlock(&seen.mutex);
}

static void wait_for(const unsigned *counter, unsigned count)
{
    plat_mutex_lock(&seen.mutex);
    while (*counter < count) {
        plat_cond_wait(&seen.changed, &seen.mutex);
    }
    plat_mutex_unlock(&seen.mutex);
}

static bool serves(void *context, struct slice path)
{
    (void)context;
    return slice_equal(path, SLICE("/ws"));
}

static void opened(void *context, struct http_socket *socket, void **user)
{
    (void)context;
    (void)user;
    seen.last = socket;
    http_socket_accept(socket);
    note(&seen.opened);
}

// Tells the token, closes, or says it back.
static void message(void *context, struct http_socket *socket, void **user, struct slice text)
{
    (void)context;
    (void)user;
    if (slice_equal(text, SLICE("token"))) {
        http_socket_send(socket, http_socket_token(socket));
    } else if (slice_equal(text, SLICE("close"))) {
        http_socket_send(socket, SLICE("bye"));
        http_socket_close(socket, HTTP_SOCKET_POLICY, "as asked");
    } else if (slice_equal(text, SLICE("hold"))) {
        wait_for(&seen.released, 1);
    } else if (slice_equal(text, SLICE("flood"))) {
        // More than the queue and the kernel take while the peer does not read.
        static const uint8_t zeros[65536];
        for (unsigned i = 0; i < 1000; i++) {
            http_socket_send(socket, slice_of(zeros, sizeof(zeros)));
        }
        note(&seen.flooded);
    } else {
        http_socket_send(socket, text);
    }
}

static void closed(void *context, struct http_socket *socket, void **user)
{
    (void)context;
    (void)socket;
    (void)user;
    note(&seen.closed);
}

static const struct http_socket_ops ops = {serves, opened, message, closed};

static int set_up(void **state)
{
    seen.opened = seen.closed = seen.flooded = seen.released = 0;
    plat_mutex_init(&seen.mutex);
    plat_cond_init(&seen.changed);
    const int result = server_fixture_set_up(state);
    struct http_server_options options = server_fixture_options();
    options.sockets = &ops;
    options.sockets_max = 2;
    server_fixture_restart(&options);
    return result;
}

static int tear_down(void **state)
{
    const int result = server_fixture_tear_down(state);
    assert_int_equal(seen.opened, seen.closed);
    plat_cond_deinit(&seen.changed);
    plat_mutex_deinit(&seen.mutex);
    return result;
}

#define UPGRADE(path)                                                                              \
    "GET " path HOST "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"  \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static int connect_to(const char *upgrade)
{
    const int peer = server_fixture_dial();
    server_fixture_say(peer, upgrade);
    // The answer to the key of RFC 6455 1.3.
    server_fixture_assert_has(server_fixture_hear_until(peer, "\r\n\r\n"),
                              "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    return peer;
}

// A masked frame with a mask of zeros.
static void say(int peer, uint8_t head, const char *text)
{
    uint8_t frame[256];
    const size_t len = strlen(text);
    assert_in_range(len, 0, 125);
    frame[0] = head;
    frame[1] = (uint8_t)(0x80 | len);
    memset(frame + 2, 0, 4);
    memcpy(frame + 6, text, len);
    server_fixture_send(peer, frame, 6 + len);
}

#define TEXT 0x81
#define TEXT_BEGINS 0x01
#define GOES_ON 0x80

static void texts_are_said_back(void **state)
{
    (void)state;
    const int peer = connect_to(UPGRADE("/ws?token=se%20cret"));
    say(peer, TEXT, "hello");
    (void)server_fixture_hear_until(peer, "hello");
    say(peer, TEXT_BEGINS, "in two ");
    say(peer, GOES_ON, "parts");
    (void)server_fixture_hear_until(peer, "in two parts");
    say(peer, TEXT, "token");
    (void)server_fixture_hear_until(peer, "se cret");
    close(peer);
    wait_for(&seen.closed, 1);
}

static void the_owner_closes_after_what_it_said(void **state)
{
    (void)state;
    const int peer = connect_to(UPGRADE("/ws"));
    say(peer, TEXT, "close");
    // 1008 and the reason, behind the last text.
    const char *heard = server_fixture_hear_until(peer, "\x03\xf0"
                                                        "as asked");
    server_fixture_assert_has(heard, "bye");
    close(peer);
    wait_for(&seen.closed, 1);
}

static void a_peer_that_reads_too_slowly_is_closed(void **state)
{
    (void)state;
    const int peer = connect_to(UPGRADE("/ws"));
    say(peer, TEXT, "flood");
    wait_for(&seen.flooded, 1);
    // What was queued comes, and then the reason.
    static char bytes[65536 + 64];
    size_t kept = 0;
    ssize_t len = recv(peer, bytes, sizeof(bytes), 0);
    while (len > 0) {
        kept += (size_t)len;
        const size_t tail = kept < 64 ? kept : 64;
        memmove(bytes, bytes + kept - tail, tail);
        kept = tail;
        len = recv(peer, bytes + kept, sizeof(bytes) - kept, 0);
    }
    const char reason[] = "Too many messages wait to be read";
    assert_non_null(memmem(bytes, kept, reason, sizeof(reason) - 1));
    close(peer);
    wait_for(&seen.closed, 1);
}

static void a_peer_that_takes_nothing_is_dropped(void **state)
{
    (void)state;
    const int peer = connect_to(UPGRADE("/ws"));
    say(peer, TEXT, "flood");
    const struct mono begin = plat_clock_mono();
    // It does not read. The owner is told before the pings could tell.
    wait_for(&seen.closed, 1);
    const uint64_t waited = mono_since(plat_clock_mono(), begin).ns;
    assert_in_range(waited, span_s(HTTP_SOCKET_SEND_S - 1).ns, span_s(HTTP_SOCKET_PING_S).ns);
    close(peer);
}

static void commands_beyond_the_bound_end_the_connection(void **state)
{
    (void)state;
    const int peer = connect_to(UPGRADE("/ws"));
    say(peer, TEXT, "hold");
    for (unsigned i = 0; i <= HTTP_SOCKET_WAITING + 1; i++) {
        say(peer, TEXT, "one more");
    }
    (void)server_fixture_hear_until(peer, "Too many messages wait to be looked at");
    close(peer);
    note(&seen.released);
    wait_for(&seen.closed, 1);
}

static void binary_frames_are_not_understood(void **state)
{
    (void)state;
    const int peer = connect_to(UPGRADE("/ws"));
    say(peer, 0x82, "bytes");
    (void)server_fixture_hear_until(peer, "Only texts are understood");
    close(peer);
    wait_for(&seen.closed, 1);
}

static void elsewhere_and_beyond_the_bound_it_is_refused(void **state)
{
    (void)state;
    server_fixture_assert_lacks(server_fixture_ask(UPGRADE("/other")), "101");
    const int peers[2] = {connect_to(UPGRADE("/ws")), connect_to(UPGRADE("/ws"))};
    wait_for(&seen.opened, 2);
    server_fixture_assert_lacks(server_fixture_ask(UPGRADE("/ws")), "101");
    assert_int_equal(http_server_stats(server_fixture.server).sockets, 2);
    close(peers[0]);
    close(peers[1]);
    wait_for(&seen.closed, 2);
}

static void a_stopping_server_says_that_it_goes_away(void **state)
{
    (void)state;
    const int peer = connect_to(UPGRADE("/ws"));
    wait_for(&seen.opened, 1);
    http_server_destroy(server_fixture.server);
    server_fixture.server = NULL;
    (void)server_fixture_hear_until(peer, "The server is stopping");
    close(peer);
    assert_int_equal(seen.closed, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(texts_are_said_back),
        TEST(the_owner_closes_after_what_it_said),
        TEST(a_peer_that_reads_too_slowly_is_closed),
        TEST(a_peer_that_takes_nothing_is_dropped),
        TEST(commands_beyond_the_bound_end_the_connection),
        TEST(binary_frames_are_not_understood),
        TEST(elsewhere_and_beyond_the_bound_it_is_refused),
        TEST(a_stopping_server_says_that_it_goes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
