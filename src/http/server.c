#include "http/server.h"

#include <stdlib.h>

#include "base/log.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "plat/clock.h"
#include "plat/memory.h"
#include "plat/port.h"
#include "plat/thread.h"

// The service thread runs libwebsockets and owns connections; a request goes to the pool as a job
// and comes back through `done`, which the service thread drains when it is woken. From other
// threads only lws_cancel_service may be called.
//
// While the pool has a request its connection is not read: the library would spin over what the
// peer sent ahead (4.1), or close (4.3). So a peer that leaves is noticed when the answer is
// written.

#define HEADER_BYTES 16384U
#define IDLE_S 30U
// For all headers of a request together.
#define HEADERS_S 10U
// Bodies and responses may take the idle time and their length at this speed.
#define BYTES_PER_S_MIN 16384U
// How long the rest of a refused body is thrown away, so that the peer gets to read the answer.
#define LINGER_S 3U
#define STOP_S 5U

struct pool_memory {
    struct arena arena;
    uint8_t *response;
};

struct http_server {
    struct http_server_options options;
    struct lws_context *context;
    struct lws_protocols protocols[2];
    struct plat_thread thread;
    struct plat_workpool *pool;
    struct pool_memory *memory; // one per pool thread
    char bind_text[ADDRESS_TEXT_SIZE];
    struct plat_mutex mutex; // guards all below
    struct plat_cond idle;   // `in_hand` became 0
    struct http_exchange *done;
    unsigned pool_threads_known;
    unsigned in_hand; // requests that the pool has or had, until their answer has left
    bool draining;    // new requests are refused
    bool stopping;    // the service thread returns
    struct http_server_stats stats;
};

static _Thread_local unsigned thread_number; // position + 1

unsigned http_server_thread(void)
{
    ASSERT(thread_number > 0);
    return thread_number - 1;
}

struct slice http_request_parameter(const struct http_request *request, const char *name)
{
    for (unsigned i = 0; i < request->parameter_count; i++) {
        if (slice_equal(request->parameters[i].name, slice_text(name))) {
            const struct slice value = request->parameters[i].value;
            return value.ptr != NULL ? value : slice_of("", 0);
        }
    }
    return SLICE_EMPTY;
}

static void count(struct http_server *server, uint64_t *counter, uint64_t by)
{
    plat_mutex_lock(&server->mutex);
    *counter += by;
    plat_mutex_unlock(&server->mutex);
}

static struct mono deadline_for(const struct http_server *server, size_t bytes)
{
    const uint64_t wait_s = server->options.idle_s + bytes / BYTES_PER_S_MIN;
    return mono_add(plat_clock_mono(), span_s(wait_s));
}

static void number_this_thread(struct http_server *server)
{
    if (thread_number == 0) {
        plat_mutex_lock(&server->mutex);
        thread_number = ++server->pool_threads_known;
        plat_mutex_unlock(&server->mutex);
        ASSERT(thread_number <= server->options.threads);
    }
}

// On a pool thread.
static void run_handler(void *context)
{
    struct http_exchange *exchange = context;
    struct http_server *server = exchange->server;
    number_this_thread(server);
    struct pool_memory *memory = &server->memory[http_server_thread()];
    struct http_response response = {
        .status = 200,
        .content_type = "application/json",
        .body = buf_over(memory->response, server->options.response_max),
    };
    exchange->request.memory = &memory->arena;
    server->options.handler(server->options.context, &exchange->request, &response);
    if (response.body.overflow) {
        // Paths can hold device tokens, so they are not logged.
        LOG(LOG_ERROR, "http.response-too-large", LOG_INT("bytes-max", response.body.cap));
        http_exchange_answer(exchange, 500, "text/plain", SLICE("The response is too large"));
    } else {
        http_exchange_answer(exchange, response.status, response.content_type,
                             buf_view(&response.body));
        exchange->retry_after_s = response.retry_after_s;
        exchange->location = response.location != NULL ? strdup(response.location) : NULL;
        exchange->allow = response.allow != NULL ? strdup(response.allow) : NULL;
    }
    arena_reset(&memory->arena);
    plat_mutex_lock(&server->mutex);
    exchange->next = server->done;
    server->done = exchange;
    plat_mutex_unlock(&server->mutex);
    lws_cancel_service(server->context);
}

// Ends what began with `dispatch`.
static void release(struct http_server *server)
{
    plat_mutex_lock(&server->mutex);
    ASSERT(server->in_hand > 0);
    server->in_hand--;
    if (server->in_hand == 0) {
        plat_cond_broadcast(&server->idle);
    }
    plat_mutex_unlock(&server->mutex);
}

static void forget(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    const bool in_hand = exchange->in_hand;
    http_exchange_destroy(exchange);
    if (in_hand) {
        release(server);
    }
}

static void drain_done(struct http_server *server)
{
    plat_mutex_lock(&server->mutex);
    struct http_exchange *exchange = server->done;
    server->done = NULL;
    plat_mutex_unlock(&server->mutex);
    while (exchange != NULL) {
        struct http_exchange *next = exchange->next;
        exchange->dispatched = false;
        exchange->deadline = deadline_for(exchange->server, exchange->out_len);
        if (exchange->wsi == NULL) {
            forget(exchange);
        } else {
            (void)lws_rx_flow_control(exchange->wsi, 1);
            lws_callback_on_writable(exchange->wsi);
        }
        exchange = next;
    }
}

static int answer_now(struct http_exchange *exchange, int status, const char *text)
{
    http_exchange_answer(exchange, status, "text/plain", slice_text(text));
    exchange->retry_after_s = status == 503 ? 1 : 0;
    exchange->deadline = deadline_for(exchange->server, exchange->out_len);
    lws_callback_on_writable(exchange->wsi);
    return 0;
}

// An answer after which the connection cannot be used for another request.
static int answer_and_close(struct http_exchange *exchange, int status, const char *text)
{
    exchange->close_after = true;
    return answer_now(exchange, status, text);
}

// False while the server stops.
static bool take_in_hand(struct http_server *server)
{
    plat_mutex_lock(&server->mutex);
    const bool taken = !server->draining;
    server->in_hand += taken ? 1 : 0;
    plat_mutex_unlock(&server->mutex);
    return taken;
}

static int dispatch(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    ASSERT(!exchange->dispatched && !exchange->answered);
    if (!take_in_hand(server)) {
        return answer_and_close(exchange, 503, "The server is stopping");
    }
    exchange->in_hand = true;
    exchange->dispatched = true;
    // No time-out while the handler works; the response has its own.
    lws_set_timeout(exchange->wsi, NO_PENDING_TIMEOUT, 0);
    if (!plat_workpool_submit(server->pool, exchange, run_handler)) {
        exchange->dispatched = false;
        exchange->in_hand = false;
        release(server);
        count(server, &server->stats.refused_busy, 1);
        return answer_now(exchange, 503, "The server is busy, try again");
    }
    (void)lws_rx_flow_control(exchange->wsi, 0);
    return 0;
}

static int refuse_read(struct http_exchange *exchange, enum err err)
{
    if (err == ERR_UNSUPPORTED) {
        return answer_and_close(exchange, 405, "The method is not supported");
    }
    if (err == ERR_TOO_LARGE) {
        return answer_and_close(exchange, 414, "The request line is too long");
    }
    return answer_and_close(exchange, 400,
                            err == ERR_SYNTAX ? "The request line is malformed"
                                              : "The query has too many parameters");
}

static int refuse_large(struct http_exchange *exchange)
{
    count(exchange->server, &exchange->server->stats.refused_large, 1);
    return answer_and_close(exchange, 413, "The request body is too large");
}

static int expect_body(struct http_exchange *exchange, size_t len)
{
    exchange->body_due = len;
    if (len > exchange->server->options.body_max) {
        return refuse_large(exchange);
    }
    exchange->deadline = deadline_for(exchange->server, len);
    if (lws_hdr_total_length(exchange->wsi, WSI_TOKEN_HTTP_EXPECT) > 0) {
        return http_reply_continue(exchange->wsi) ? 0 : -1;
    }
    return 0;
}

static int begin(struct http_server *server, struct lws *wsi, struct http_exchange **place,
                 struct slice path)
{
    ASSERT(*place == NULL);
    struct http_exchange *exchange = http_exchange_create(server, wsi);
    if (exchange == NULL) {
        return -1;
    }
    *place = exchange;
    count(server, &server->stats.requests, 1);
    const enum err err = http_exchange_read(exchange, path);
    if (err != ERR_OK) {
        return refuse_read(exchange, err);
    }
    size_t len = 0;
    switch (http_exchange_length(exchange, &len)) {
    case HTTP_LENGTH_NONE:
        break;
    case HTTP_LENGTH_GIVEN:
        return expect_body(exchange, len);
    case HTTP_LENGTH_UNKNOWN:
        exchange->close_after = true;
        break;
    case HTTP_LENGTH_CHUNKED:
        return answer_and_close(exchange, 411, "The length of the body must be given");
    case HTTP_LENGTH_BAD:
        return answer_and_close(exchange, 400, "The length of the body is not clear");
    }
    return dispatch(exchange);
}

static int linger(struct http_exchange *exchange, size_t len)
{
    exchange->body_due -= len < exchange->body_due ? len : exchange->body_due;
    const bool over =
        exchange->body_due == 0 || mono_reached(plat_clock_mono(), exchange->deadline);
    return exchange->lingering && over ? -1 : 0;
}

static int take_body(struct http_exchange *exchange, struct slice part)
{
    if (exchange == NULL || exchange->dispatched) {
        return 0;
    }
    if (exchange->answered) {
        return linger(exchange, part.len);
    }
    if (exchange->body_due == 0) {
        return 0;
    }
    if (mono_reached(plat_clock_mono(), exchange->deadline)) {
        return answer_and_close(exchange, 408, "The request body came too slowly");
    }
    if (part.len > exchange->body_due) {
        // Version 4.3 of the library hands out what follows the body as well, and then has lost it.
        part.len = exchange->body_due;
        exchange->close_after = true;
    }
    if (http_exchange_body(exchange, part) != ERR_OK) {
        return answer_and_close(exchange, 503, "There is no memory for the request body");
    }
    return exchange->body_due == 0 ? dispatch(exchange) : 0;
}

static int finish(struct http_server *server, struct http_exchange **place)
{
    struct http_exchange *exchange = *place;
    struct lws *wsi = exchange->wsi;
    count(server, &server->stats.bytes_sent, exchange->out_sent);
    if (exchange->body_due > 0) {
        exchange->lingering = true;
        exchange->deadline = mono_add(plat_clock_mono(), span_s(LINGER_S));
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, LINGER_S);
        return 0;
    }
    const bool closes = exchange->close_after;
    *place = NULL;
    forget(exchange);
    return closes || lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

static int write_some(struct http_server *server, struct http_exchange **place)
{
    struct http_exchange *exchange = *place;
    if (exchange == NULL || exchange->dispatched || !exchange->answered || exchange->lingering) {
        return 0;
    }
    switch (http_reply_write(exchange, plat_clock_mono(), server->options.idle_s)) {
    case HTTP_REPLY_MORE:
        lws_callback_on_writable(exchange->wsi);
        return 0;
    case HTTP_REPLY_DONE:
        return finish(server, place);
    case HTTP_REPLY_FAILED:
        return -1;
    }
    return -1;
}

static void peer_gone(struct http_exchange **place)
{
    struct http_exchange *exchange = *place;
    *place = NULL;
    if (exchange == NULL) {
        return;
    }
    exchange->wsi = NULL;
    // What the pool has is forgotten when it comes back.
    if (!exchange->dispatched) {
        forget(exchange);
    }
}

// Connections beyond the bound are closed at once. Only those that were counted are marked.
static int connection_opened(struct http_server *server, struct lws *wsi)
{
    count(server, &server->stats.connections, 1);
    lws_set_opaque_user_data(wsi, server);
    return 0;
}

static int connection_closed(struct http_server *server, struct lws *wsi)
{
    if (lws_get_opaque_user_data(wsi) == server) {
        plat_mutex_lock(&server->mutex);
        ASSERT(server->stats.connections > 0);
        server->stats.connections--;
        plat_mutex_unlock(&server->mutex);
    }
    return 0;
}

static int admit_connection(struct http_server *server)
{
    plat_mutex_lock(&server->mutex);
    const bool room = server->stats.connections < server->options.connections_max;
    server->stats.refused_connections += room ? 0 : 1;
    plat_mutex_unlock(&server->mutex);
    return room ? 0 : -1;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct http_server *server = lws_context_user(lws_get_context(wsi));
    struct http_exchange **place = user;
    // Other reasons are of no interest here, so there is a default.
    switch ((int)reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return admit_connection(server);
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        return connection_opened(server, wsi);
    case LWS_CALLBACK_WSI_DESTROY:
        return connection_closed(server, wsi);
    case LWS_CALLBACK_HTTP:
        return begin(server, wsi, place, slice_of(in, len));
    case LWS_CALLBACK_HTTP_BODY:
        return take_body(*place, slice_of(in, len));
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return write_some(server, place);
    case LWS_CALLBACK_CLOSED_HTTP:
        if (place != NULL) {
            peer_gone(place);
        }
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        drain_done(server);
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        // Neither WebSocket nor HTTP/2 is served. To return 0 would let the library compare a text
        // that it may have freed (CVE-2025-11677).
        return -1;
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX:
        // After CONNECT the library would keep the connection open without any time-out.
        lws_set_timeout(wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
        return -1;
    default:
        return 0;
    }
}

static void serve(void *context)
{
    struct http_server *server = context;
    bool stop = false;
    while (!stop && lws_service(server->context, 0) >= 0) {
        plat_mutex_lock(&server->mutex);
        stop = server->stopping;
        plat_mutex_unlock(&server->mutex);
    }
}

static void log_line(enum log_level level, const char *line)
{
    struct slice text = slice_text(line);
    while (text.len > 0 && text.ptr[text.len - 1] == '\n') {
        text.len--;
    }
    LOG(level, "http.library", LOG_SLICE("line", text));
}

static void log_at_start(int level, const char *line)
{
    log_line(level == LLL_ERR ? LOG_ERROR : LOG_WARN, line);
}

// Later lines are about what peers sent, who shall not fill the log.
static void log_later(int level, const char *line)
{
    (void)level;
    log_line(LOG_DEBUG, line);
}

static enum err memory_reserve(struct http_server *server)
{
    const struct http_server_options *options = &server->options;
    server->memory = calloc(options->threads, sizeof(*server->memory));
    for (unsigned i = 0; server->memory != NULL && i < options->threads; i++) {
        void *arena = plat_memory_reserve(options->memory_size);
        server->memory[i].response = plat_memory_reserve(options->response_max);
        if (arena == NULL || server->memory[i].response == NULL) {
            plat_memory_release(arena, options->memory_size);
            return ERR_EXHAUSTED;
        }
        arena_init(&server->memory[i].arena, arena, options->memory_size);
    }
    return server->memory != NULL ? ERR_OK : ERR_EXHAUSTED;
}

static void memory_release(struct http_server *server)
{
    for (unsigned i = 0; server->memory != NULL && i < server->options.threads; i++) {
        plat_memory_release(server->memory[i].arena.memory, server->options.memory_size);
        plat_memory_release(server->memory[i].response, server->options.response_max);
    }
    free(server->memory);
}

static struct lws_context *context_create(struct http_server *server)
{
    const struct address *bind = &server->options.bind;
    const unsigned idle_s = server->options.idle_s;
    const unsigned connections = server->options.connections_max;
    struct lws_context_creation_info info = {
        .port = bind->port,
        .protocols = server->protocols,
        .user = server,
        .max_http_header_data = HEADER_BYTES,
        .max_http_header_pool =
            (unsigned short)(connections < UINT16_MAX ? connections : UINT16_MAX),
        .timeout_secs = idle_s,
        .keepalive_timeout = (int)idle_s,
        .timeout_secs_ah_idle = idle_s < HEADERS_S ? idle_s : HEADERS_S,
        .server_string = "motehub",
        .options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
    };
    address_format(bind, server->bind_text);
    char *end = strrchr(server->bind_text, ':');
    *end = 0;
    if (address_is_ipv4(bind)) {
        info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
        info.iface = address_is_any(bind) ? NULL : server->bind_text;
    } else if (!address_is_any(bind)) {
        // Without the brackets.
        end[-1] = 0;
        info.iface = server->bind_text + 1;
    }
    return lws_create_context(&info);
}

// Stops what was started, from the last to the first.
static void dismantle(struct http_server *server)
{
    if (server->pool != NULL) {
        plat_workpool_destroy(server->pool);
    }
    if (server->context != NULL) {
        drain_done(server);
        lws_context_destroy(server->context);
    }
    memory_release(server);
    plat_cond_deinit(&server->idle);
    plat_mutex_deinit(&server->mutex);
    free(server);
}

static enum err start(struct http_server *server)
{
    const struct http_server_options *options = &server->options;
    enum err err = memory_reserve(server);
    if (err == ERR_OK) {
        err =
            plat_workpool_create(&server->pool, "http-pool", options->threads, options->queue_max);
    }
    if (err == ERR_OK) {
        lws_set_log_level(LLL_ERR | LLL_WARN, log_at_start);
        server->context = context_create(server);
        lws_set_log_level(LLL_ERR | LLL_WARN, log_later);
        err = server->context != NULL ? ERR_OK : ERR_IO;
    }
    if (err == ERR_OK) {
        err = plat_thread_start(&server->thread, "http", -1, server, serve);
    }
    return err;
}

enum err http_server_create(const struct http_server_options *options, struct http_server **out)
{
    ASSERT(options->handler != NULL);
    ASSERT(options->threads > 0 && options->queue_max > 0 && options->connections_max > 0);
    enum err err = plat_port_check_tcp(&options->bind);
    if (err != ERR_OK) {
        return err;
    }
    struct http_server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return ERR_EXHAUSTED;
    }
    server->options = *options;
    server->options.idle_s = options->idle_s != 0 ? options->idle_s : IDLE_S;
    server->protocols[0] = (struct lws_protocols){
        .name = "http", .callback = on_event, .per_session_data_size = sizeof(void *)};
    plat_mutex_init(&server->mutex);
    plat_cond_init(&server->idle);
    err = start(server);
    if (err != ERR_OK) {
        dismantle(server);
        return err;
    }
    *out = server;
    return ERR_OK;
}

struct address http_server_local(const struct http_server *server)
{
    struct address local = server->options.bind;
    struct lws_vhost *vhost = lws_get_vhost_by_name(server->context, "default");
    if (vhost != NULL) {
        local.port = (uint16_t)lws_get_vhost_listen_port(vhost);
    }
    return local;
}

void http_server_destroy(struct http_server *server)
{
    const struct mono latest = mono_add(plat_clock_mono(), span_s(STOP_S));
    bool in_time = true;
    plat_mutex_lock(&server->mutex);
    server->draining = true;
    while (server->in_hand > 0 && in_time) {
        in_time = plat_cond_wait_until(&server->idle, &server->mutex, latest);
    }
    server->stopping = true;
    plat_mutex_unlock(&server->mutex);
    lws_cancel_service(server->context);
    plat_thread_join(&server->thread);
    dismantle(server);
}

struct http_server_stats http_server_stats(struct http_server *server)
{
    plat_mutex_lock(&server->mutex);
    const struct http_server_stats stats = server->stats;
    plat_mutex_unlock(&server->mutex);
    return stats;
}
