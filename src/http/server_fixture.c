#include "http/server_fixture.h"

#include <stdlib.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_SIZE (16U << 20)
#define WAIT_S 5

struct server_fixture server_fixture;

static void hold(void)
{
    plat_mutex_lock(&server_fixture.mutex);
    server_fixture.holding++;
    plat_cond_broadcast(&server_fixture.changed);
    while (server_fixture.held) {
        plat_cond_wait(&server_fixture.changed, &server_fixture.mutex);
    }
    server_fixture.holding--;
    plat_mutex_unlock(&server_fixture.mutex);
}

void server_fixture_let_go(void)
{
    plat_mutex_lock(&server_fixture.mutex);
    server_fixture.held = false;
    plat_cond_broadcast(&server_fixture.changed);
    plat_mutex_unlock(&server_fixture.mutex);
}

void server_fixture_wait_for(const unsigned *figure, unsigned count)
{
    plat_mutex_lock(&server_fixture.mutex);
    while (*figure < count) {
        plat_cond_wait(&server_fixture.changed, &server_fixture.mutex);
    }
    plat_mutex_unlock(&server_fixture.mutex);
}

void server_fixture_wait_for_holding(unsigned count)
{
    server_fixture_wait_for(&server_fixture.holding, count);
}

void server_fixture_wait_for_parked(unsigned count)
{
    server_fixture_wait_for(&server_fixture.parked_count, count);
}

static void note(unsigned *figure)
{
    plat_mutex_lock(&server_fixture.mutex);
    (*figure)++;
    plat_cond_broadcast(&server_fixture.changed);
    plat_mutex_unlock(&server_fixture.mutex);
}

static void note_left(void *context)
{
    struct server_fixture *fixture = context;
    note(&fixture->left);
}

static void note_ended(void *context, bool is_written)
{
    struct server_fixture *fixture = context;
    note(is_written ? &fixture->written : &fixture->unwritten);
}

static void park(const struct http_request *request, struct http_response *response)
{
    static const struct http_watch watch = {&server_fixture, note_left, note_ended};
    const bool is_watched = slice_equal(request->path, SLICE("/watch"));
    struct http_parked *parked = NULL;
    int64_t owner = server_fixture.parked_count;
    const struct slice given = http_request_parameter(request, "owner");
    assert_true(given.ptr == NULL || slice_to_int64(given, &owner));
    const enum err err = http_park(request, (uint64_t)owner, is_watched ? &watch : NULL, &parked);
    if (err != ERR_OK) {
        assert_null(parked);
        response->status = err == ERR_LIMITED ? 429 : 503;
        return;
    }
    plat_mutex_lock(&server_fixture.mutex);
    assert_in_range(server_fixture.parked_count, 0, 15);
    server_fixture.parked[server_fixture.parked_count++] = parked;
    plat_cond_broadcast(&server_fixture.changed);
    plat_mutex_unlock(&server_fixture.mutex);
}

static void describe(const struct http_request *request, struct buf *out)
{
    buf_put_format(out, "method=%d path=%.*s auth=%.*s type=%.*s host=%.*s", (int)request->method,
                   SLICE_ARGS(request->path), SLICE_ARGS(request->authorization),
                   SLICE_ARGS(request->content_type), SLICE_ARGS(request->host));
    for (unsigned i = 0; i < request->parameter_count; i++) {
        buf_put_format(out, " [%.*s]=[%.*s]", SLICE_ARGS(request->parameters[i].name),
                       SLICE_ARGS(request->parameters[i].value));
    }
    buf_put_format(out, " body=%zu:", request->body.len);
    buf_put_slice(out, slice_sub(request->body, 0, 32));
}

static void handle(void *context, const struct http_request *request,
                   struct http_response *response)
{
    (void)context;
    assert_true(http_server_thread() < 2);
    plat_mutex_lock(&server_fixture.mutex);
    server_fixture.handled++;
    plat_mutex_unlock(&server_fixture.mutex);
    if (slice_equal(request->path, SLICE("/hold"))) {
        hold();
    }
    if (slice_equal(request->path, SLICE("/park")) || slice_equal(request->path, SLICE("/watch"))) {
        park(request, response);
        return;
    }
    if (slice_equal(request->path, SLICE("/large"))) {
        int64_t lines = 0;
        assert_true(slice_to_int64(http_request_parameter(request, "lines"), &lines));
        for (int64_t i = 0; i < lines; i++) {
            buf_put_format(&response->body, "%015d\n", (int)i);
        }
        return;
    }
    if (slice_equal(request->path, SLICE("/elsewhere"))) {
        response->status = 303;
        response->location = "/there";
        response->retry_after_s = 7;
        response->allow = "GET, HEAD";
        return;
    }
    if (slice_equal(request->path, SLICE("/memory"))) {
        // The arena is whole again for every request.
        assert_non_null(arena_take(request->memory, 60000));
    }
    response->content_type = "text/plain";
    describe(request, &response->body);
}

struct http_server_options server_fixture_options(void)
{
    struct http_server_options options = {.threads = 2,
                                          .queue_max = 2,
                                          .connections_max = 16,
                                          .parked_max = 8,
                                          .body_max = SERVER_FIXTURE_BODY_MAX,
                                          .held_max = SERVER_FIXTURE_HELD_MAX,
                                          .response_max = SERVER_FIXTURE_RESPONSE_MAX,
                                          .memory_size = 65536,
                                          .handler = handle,
                                          .idle_s = 20};
    assert_int_equal(address_parse(SLICE("127.0.0.1:0"), &options.bind), ERR_OK);
    return options;
}

static void start_with(const struct http_server_options *options)
{
    assert_int_equal(http_server_create(options, &server_fixture.server), ERR_OK);
    server_fixture.local = http_server_local(server_fixture.server);
    assert_int_not_equal(server_fixture.local.port, 0);
}

void server_fixture_restart(const struct http_server_options *options)
{
    http_server_destroy(server_fixture.server);
    start_with(options);
}

int server_fixture_set_up(void **state)
{
    (void)state;
    server_fixture = (struct server_fixture){.held = true, .answer = malloc(ANSWER_SIZE)};
    assert_non_null(server_fixture.answer);
    plat_mutex_init(&server_fixture.mutex);
    plat_cond_init(&server_fixture.changed);
    const struct http_server_options options = server_fixture_options();
    start_with(&options);
    return 0;
}

int server_fixture_tear_down(void **state)
{
    (void)state;
    server_fixture_let_go();
    if (server_fixture.server != NULL) {
        http_server_destroy(server_fixture.server);
    }
    plat_cond_deinit(&server_fixture.changed);
    plat_mutex_deinit(&server_fixture.mutex);
    free(server_fixture.answer);
    return 0;
}

int server_fixture_dial(void)
{
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    const struct timeval wait = {.tv_sec = WAIT_S};
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(server_fixture.local.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(descriptor, (const struct sockaddr *)&to, sizeof(to)), 0);
    return descriptor;
}

void server_fixture_send(int descriptor, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        const ssize_t sent = send(descriptor, at, len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        at += sent;
        len -= (size_t)sent;
    }
}

void server_fixture_say(int descriptor, const char *text)
{
    server_fixture_send(descriptor, text, strlen(text));
}

// One more piece of the answer: its bytes, 0 at the end of the connection.
static size_t hear(int descriptor)
{
    const ssize_t len = recv(descriptor, server_fixture.answer + server_fixture.answer_len,
                             ANSWER_SIZE - 1 - server_fixture.answer_len, 0);
    if (len < 0) {
        assert_int_equal(errno, ECONNRESET);
        return 0;
    }
    server_fixture.answer_len += (size_t)len;
    server_fixture.answer[server_fixture.answer_len] = 0;
    return (size_t)len;
}

// What the peer says until it closes.
const char *server_fixture_hear(int descriptor)
{
    server_fixture.answer_len = 0;
    server_fixture.answer[0] = 0;
    while (hear(descriptor) > 0) {
    }
    close(descriptor);
    return server_fixture.answer;
}

// What the peer says until `text` is in it.
const char *server_fixture_hear_until(int descriptor, const char *text)
{
    server_fixture.answer_len = 0;
    server_fixture.answer[0] = 0;
    while (strstr(server_fixture.answer, text) == NULL) {
        if (hear(descriptor) == 0) {
            fail_msg("closed before \"%s\", after: %s", text, server_fixture.answer);
        }
    }
    return server_fixture.answer;
}

const char *server_fixture_ask(const char *request)
{
    const int descriptor = server_fixture_dial();
    server_fixture_say(descriptor, request);
    return server_fixture_hear(descriptor);
}

void server_fixture_assert_has(const char *answer, const char *text)
{
    if (strstr(answer, text) == NULL) {
        fail_msg("no \"%s\" in: %s", text, answer);
    }
}

void server_fixture_assert_lacks(const char *answer, const char *text)
{
    if (strstr(answer, text) != NULL) {
        fail_msg("\"%s\" in: %s", text, answer);
    }
}
