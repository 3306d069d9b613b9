// http/server_fixture.h: a server on the loopback and a client that speaks raw bytes, for the tests
// of this folder only. One server at a time; its handler answers what it was asked, and on /hold
// waits.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/server.h"
#include "plat/clock.h"
#include "plat/thread.h"

#define SERVER_FIXTURE_BODY_MAX 65536U
#define SERVER_FIXTURE_RESPONSE_MAX (12U << 20)
#define SERVER_FIXTURE_HELD_MAX (64U << 20)
#define HOST " HTTP/1.1\r\nHost: h\r\n"

struct server_fixture {
    struct http_server *server;
    struct address local;
    struct plat_mutex mutex;
    struct plat_cond changed;
    bool held;        // handlers of /hold wait
    unsigned holding; // how many do
    unsigned handled;
    struct http_parked *parked[16]; // by /park and /watch
    unsigned parked_count;
    unsigned left; // of /watch: peers that left, and how the others ended
    unsigned written;
    unsigned unwritten;
    char *answer; // what the client read
    size_t answer_len;
};

extern struct server_fixture server_fixture;

int server_fixture_set_up(void **state);
int server_fixture_tear_down(void **state);
struct http_server_options server_fixture_options(void);
void server_fixture_restart(const struct http_server_options *options);

// Handlers of /hold go on; waits until so many wait there.
void server_fixture_let_go(void);
void server_fixture_wait_for_holding(unsigned count);

// Waits until so many are parked.
void server_fixture_wait_for_parked(unsigned count);
// Waits until a figure of /watch is as large.
void server_fixture_wait_for(const unsigned *figure, unsigned count);

// A connected socket.
int server_fixture_dial(void);
void server_fixture_send(int descriptor, const void *bytes, size_t len);
void server_fixture_say(int descriptor, const char *text);
// What the peer says until it closes; closes too.
const char *server_fixture_hear(int descriptor);
// What the peer says until `text` is in it; fails if it closes before.
const char *server_fixture_hear_until(int descriptor, const char *text);
// Says all of it on a new connection and hears the answer.
const char *server_fixture_ask(const char *request);

void server_fixture_assert_has(const char *answer, const char *text);
void server_fixture_assert_lacks(const char *answer, const char *text);
