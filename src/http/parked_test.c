// Answers that come later: no thread waits for them, and whoever asked may have gone.
#include "http/server_fixture.h"

#include <stdio.h>
#include <unistd.h>

#define PARK "GET /park" HOST "Connection: close\r\n\r\n"

static void answer(unsigned which, int status, const char *text)
{
    uint8_t memory[64];
    struct http_response response = {
        .status = status, .content_type = "text/plain", .body = buf_over(memory, sizeof(memory))};
    buf_put_text(&response.body, text);
    http_parked_answer(server_fixture.parked[which], &response);
}

static void a_parked_request_is_answered_later_by_another_thread(void **state)
{
    (void)state;
    const int peer = server_fixture_dial();
    server_fixture_say(peer, PARK);
    server_fixture_wait_for_parked(1);
    assert_int_equal(http_server_stats(server_fixture.server).parked, 1);
    answer(0, 201, "at last");
    const char *heard = server_fixture_hear(peer);
    server_fixture_assert_has(heard, "HTTP/1.1 201 ");
    server_fixture_assert_has(heard, "at last");
    assert_int_equal(http_server_stats(server_fixture.server).parked, 0);
}

static void more_are_parked_than_there_are_threads(void **state)
{
    (void)state;
    int peers[8];
    for (unsigned i = 0; i < 8; i++) {
        peers[i] = server_fixture_dial();
        server_fixture_say(peers[i], PARK);
        server_fixture_wait_for_parked(i + 1);
    }
    // Others are served meanwhile; one more finds no place.
    server_fixture_assert_has(server_fixture_ask("GET /x" HOST "Connection: close\r\n\r\n"),
                              "200 OK");
    server_fixture_assert_has(server_fixture_ask(PARK), "HTTP/1.1 503 ");
    for (unsigned i = 0; i < 8; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "number %u", 7 - i);
        answer(7 - i, 200, text);
        server_fixture_assert_has(server_fixture_hear(peers[7 - i]), text);
    }
}

#define PARK_OF(owner) "GET /park?owner=" owner HOST "Connection: close\r\n\r\n"

static void one_owner_leaves_half_of_the_places_to_others(void **state)
{
    (void)state;
    int peers[8];
    for (unsigned i = 0; i < 8; i++) {
        peers[i] = server_fixture_dial();
        server_fixture_say(peers[i], i < 4 ? PARK_OF("1") : PARK_OF("2"));
        server_fixture_wait_for_parked(i + 1);
        if (i == 3) {
            server_fixture_assert_has(server_fixture_ask(PARK_OF("1")), "HTTP/1.1 429 ");
        }
    }
    server_fixture_assert_has(server_fixture_ask(PARK_OF("3")), "HTTP/1.1 503 ");
    // A place that comes back is nobody's.
    answer(0, 200, "done");
    server_fixture_assert_has(server_fixture_hear(peers[0]), "done");
    server_fixture_assert_has(server_fixture_ask(PARK_OF("2")), "HTTP/1.1 429 ");
    peers[0] = server_fixture_dial();
    server_fixture_say(peers[0], PARK_OF("3"));
    server_fixture_wait_for_parked(9);
    for (unsigned i = 1; i < 9; i++) {
        answer(i, 200, "done");
        server_fixture_assert_has(server_fixture_hear(peers[i % 8]), "done");
    }
}

static void an_answer_for_a_peer_that_has_gone_is_dropped(void **state)
{
    (void)state;
    const int peer = server_fixture_dial();
    server_fixture_say(peer, PARK);
    server_fixture_wait_for_parked(1);
    close(peer);
    answer(0, 200, "nobody hears it");
    server_fixture_assert_has(server_fixture_ask("GET /x" HOST "Connection: close\r\n\r\n"),
                              "200 OK");
}

static void a_connection_goes_on_after_a_parked_request(void **state)
{
    (void)state;
    const int peer = server_fixture_dial();
    server_fixture_say(peer, "GET /park" HOST "\r\n");
    server_fixture_wait_for_parked(1);
    answer(0, 200, "first");
    (void)server_fixture_hear_until(peer, "first");
    server_fixture_say(peer, "GET /second" HOST "Connection: close\r\n\r\n");
    server_fixture_assert_has(server_fixture_hear(peer), "path=/second");
}

#define WATCH "GET /watch" HOST "Connection: close\r\n\r\n"

static void what_is_watched_and_written_is_told(void **state)
{
    (void)state;
    const int peer = server_fixture_dial();
    server_fixture_say(peer, WATCH);
    server_fixture_wait_for_parked(1);
    answer(0, 200, "taken");
    server_fixture_assert_has(server_fixture_hear(peer), "taken");
    server_fixture_wait_for(&server_fixture.written, 1);
    assert_int_equal(server_fixture.left + server_fixture.unwritten, 0);
}

static void a_watched_peer_that_goes_is_told_while_it_is_parked(void **state)
{
    (void)state;
    const int stays = server_fixture_dial();
    server_fixture_say(stays, WATCH);
    server_fixture_wait_for_parked(1);
    const int peer = server_fixture_dial();
    server_fixture_say(peer, WATCH);
    server_fixture_wait_for_parked(2);
    close(peer);
    server_fixture_wait_for(&server_fixture.left, 1);
    answer(1, 200, "nobody hears it");
    server_fixture_wait_for(&server_fixture.unwritten, 1);
    answer(0, 200, "still here");
    server_fixture_assert_has(server_fixture_hear(stays), "still here");
    server_fixture_wait_for(&server_fixture.written, 1);
    assert_int_equal(server_fixture.left, 1);
}

static void one_that_goes_with_more_said_ahead_is_seen_as_well(void **state)
{
    (void)state;
    const int peer = server_fixture_dial();
    server_fixture_say(peer, "GET /watch" HOST "\r\n");
    server_fixture_wait_for_parked(1);
    server_fixture_say(peer, "GET /x" HOST "\r\n");
    close(peer);
    server_fixture_wait_for(&server_fixture.left, 1);
    answer(0, 200, "nobody hears it");
    server_fixture_wait_for(&server_fixture.unwritten, 1);
}

static void what_is_said_ahead_is_served_after_the_watched(void **state)
{
    (void)state;
    const int peer = server_fixture_dial();
    server_fixture_say(peer, "GET /watch" HOST "\r\nGET /a" HOST "\r\n");
    server_fixture_wait_for_parked(1);
    server_fixture_say(peer, "GET /b" HOST "Connection: close\r\n\r\n");
    answer(0, 200, "first");
    const char *heard = server_fixture_hear(peer);
    server_fixture_assert_has(heard, "first");
    server_fixture_assert_has(heard, "path=/a");
    server_fixture_assert_has(heard, "path=/b");
}

// Before anybody looked: the kernel would take the answer all the same.
static void an_answer_is_not_written_to_a_peer_that_has_just_closed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        const int peer = server_fixture_dial();
        server_fixture_say(peer, "GET /watch" HOST "\r\n");
        server_fixture_wait_for_parked(i + 1);
        if (i % 2 == 0) {
            server_fixture_say(peer, "GET /x" HOST "\r\n");
        }
        close(peer);
        answer(i, 200, "nobody hears it");
        server_fixture_wait_for(&server_fixture.unwritten, i + 1);
    }
    assert_int_equal(server_fixture.written, 0);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, server_fixture_set_up, server_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_parked_request_is_answered_later_by_another_thread),
        TEST(more_are_parked_than_there_are_threads),
        TEST(one_owner_leaves_half_of_the_places_to_others),
        TEST(an_answer_for_a_peer_that_has_gone_is_dropped),
        TEST(a_connection_goes_on_after_a_parked_request),
        TEST(what_is_watched_and_written_is_told),
        TEST(a_watched_peer_that_goes_is_told_while_it_is_parked),
        TEST(one_that_goes_with_more_said_ahead_is_seen_as_well),
        TEST(what_is_said_ahead_is_served_after_the_watched),
        TEST(an_answer_is_not_written_to_a_peer_that_has_just_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
