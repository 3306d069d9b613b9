#include "http/server.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "http/exchange.h"
#include "plat/memory.h"
#include "plat/port.h"
#include "plat/thread.h"

// The service thread runs libwebsockets and owns connections; a request goes to the pool as a job and
// comes back through `done`, which the service thread drains when it is woken. Only lws_cancel_service
// may be called from other threads.

#define HEADER_BYTES 16384U
#define IDLE_S 30U
#define WRITE_CHUNK 32768U

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
    struct pool_memory *memory;  // one per pool thread
    struct plat_mutex mutex;
    struct http_exchange *done;  // came back from the pool
    unsigned pool_threads_known;
    unsigned in_pool;
    bool stopping;
    struct http_server_stats stats;
    unsigned connections;
    char bind_text[ADDRESS_TEXT_SIZE];
};

static _Thread_local unsigned thread_number;  // position + 1

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
        LOG(LOG_ERROR, "http.response-too-large", LOG_SLICE("path", exchange->request.path));
        http_exchange_answer(exchange, 500, "text/plain", SLICE("The response is too large"));
    } else {
        http_exchange_answer(exchange, response.status, response.content_type,
                             buf_view(&response.body));
        exchange->retry_after_s = response.retry_after_s;
        exchange->location = response.location != NULL ? strdup(response.location) : NULL;
    }
    arena_reset(&memory->arena);
    plat_mutex_lock(&server->mutex);
    exchange->next = server->done;
    server->done = exchange;
    plat_mutex_unlock(&server->mutex);
    lws_cancel_service(server->context);
}

static void drain_done(struct http_server *server)
{
    plat_mutex_lock(&server->mutex);
    struct http_exchange *exchange = server->done;
    server->done = NULL;
    plat_mutex_unlock(&server->mutex);
    while (exchange != NULL) {
        struct http_exchange *next = exchange->next;
        server->in_pool--;
        exchange->dispatched = false;
        if (exchange->wsi == NULL) {
            http_exchange_destroy(exchange);
        } else {
            lws_callback_on_writable(exchange->wsi);
        }
        exchange = next;
    }
}

static int answer_now(struct http_exchange *exchange, int status, const char *text)
{
    http_exchange_answer(exchange, status, "text/plain", slice_text(text));
    exchange->retry_after_s = status == 503 ? 1 : 0;
    lws_callback_on_writable(exchange->wsi);
    return 0;
}

static int dispatch(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    if (exchange->dispatched || exchange->answered) {
        return 0;
    }
    // No time-out while the handler works; the response has its own.
    lws_set_timeout(exchange->wsi, NO_PENDING_TIMEOUT, 0);
    exchange->dispatched = true;
    server->in_pool++;
    if (!plat_workpool_submit(server->pool, exchange, run_handler)) {
        server->in_pool--;
        exchange->dispatched = false;
        server->stats.refused_busy++;
        return answer_now(exchange, 503, "The server is busy, try again");
    }
    return 0;
}

static int refuse_read(struct http_exchange *exchange, enum err err)
{
    if (err == ERR_UNSUPPORTED) {
        return answer_now(exchange, 405, "The method is not supported");
    }
    return err == ERR_TOO_LARGE ? answer_now(exchange, 414, "The request line is too long")
                                : answer_now(exchange, 400, "The query has too many parameters");
}

static size_t announced_length(struct lws *wsi, bool *has_body)
{
    char text[32] = "";
    int64_t len = 0;
    const bool announced =
        lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
    const bool chunked = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    if (announced && (!slice_to_int64(slice_text(text), &len) || len < 0)) {
        len = INT64_MAX;
    }
    *has_body = len > 0 || chunked;
    return (size_t)len;
}

static int begin(struct http_server *server, struct lws *wsi, struct http_exchange **place,
                 struct slice path)
{
    if (*place != NULL) {
        http_exchange_destroy(*place);
    }
    struct http_exchange *exchange = http_exchange_create(server, wsi);
    *place = exchange;
    if (exchange == NULL) {
        return -1;
    }
    server->stats.requests++;
    const enum err err = http_exchange_read(exchange, path);
    if (err != ERR_OK) {
        return refuse_read(exchange, err);
    }
    bool has_body = false;
    if (announced_length(wsi, &has_body) > server->options.body_max) {
        server->stats.refused_large++;
        return answer_now(exchange, 413, "The request body is too large");
    }
    return has_body ? 0 : dispatch(exchange);
}

static int take_body(struct http_server *server, struct http_exchange *exchange, struct slice part)
{
    if (exchange == NULL || exchange->dispatched || exchange->answered) {
        return 0;
    }
    const enum err err = http_exchange_body(exchange, part, server->options.body_max);
    if (err == ERR_OK) {
        return 0;
    }
    server->stats.refused_large++;
    return answer_now(exchange, 413, "The request body is too large");
}

static int add_header(struct lws *wsi, const char *name, const char *value, uint8_t **at,
                      uint8_t *end)
{
    return lws_add_http_header_by_name(wsi, (const uint8_t *)name, (const uint8_t *)value,
                                       (int)strlen(value), at, end);
}

static int write_headers(struct http_exchange *exchange)
{
    uint8_t memory[LWS_PRE + 2048];
    uint8_t *start = memory + LWS_PRE;
    uint8_t *at = start;
    uint8_t *end = memory + sizeof(memory) - 1;
    struct lws *wsi = exchange->wsi;
    char number[16];
    lws_snprintf(number, sizeof(number), "%u", (unsigned)exchange->retry_after_s);
    // Content-Length by hand: lws's helper takes its own and names the server.
    char length[24];
    lws_snprintf(length, sizeof(length), "%zu", exchange->out_len);
    if (lws_add_http_header_status(wsi, (unsigned)exchange->status, &at, end) != 0 ||
        (exchange->out_len > 0 &&
         add_header(wsi, "content-type:", exchange->content_type, &at, end) != 0) ||
        add_header(wsi, "content-length:", length, &at, end) != 0 ||
        add_header(wsi, "cache-control:", "no-store", &at, end) != 0 ||
        add_header(wsi, "x-content-type-options:", "nosniff", &at, end) != 0 ||
        (exchange->retry_after_s > 0 &&
         add_header(wsi, "retry-after:", number, &at, end) != 0) ||
        (exchange->location != NULL &&
         add_header(wsi, "location:", exchange->location, &at, end) != 0) ||
        lws_finalize_write_http_header(wsi, start, &at, end) != 0) {
        return -1;
    }
    exchange->headers_sent = true;
    return 0;
}

static bool has_no_body(const struct http_exchange *exchange)
{
    return exchange->out_len == 0 || exchange->request.method == HTTP_HEAD;
}

static int finish(struct http_server *server, struct http_exchange **place)
{
    struct lws *wsi = (*place)->wsi;
    server->stats.bytes_sent += (*place)->out_sent;
    http_exchange_destroy(*place);
    *place = NULL;
    return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

static int write_some(struct http_server *server, struct http_exchange **place)
{
    struct http_exchange *exchange = *place;
    if (exchange == NULL || exchange->dispatched || !exchange->answered) {
        return 0;
    }
    if (!exchange->headers_sent) {
        if (write_headers(exchange) != 0) {
            return -1;
        }
        if (has_no_body(exchange)) {
            return finish(server, place);
        }
        lws_callback_on_writable(exchange->wsi);
        return 0;
    }
    const size_t rest = exchange->out_len - exchange->out_sent;
    const size_t len = rest < WRITE_CHUNK ? rest : WRITE_CHUNK;
    lws_set_timeout(exchange->wsi, PENDING_TIMEOUT_HTTP_CONTENT, IDLE_S);
    const int written = lws_write(exchange->wsi, exchange->out + LWS_PRE + exchange->out_sent, len,
                                  len == rest ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    if (written < (int)len) {
        return -1;
    }
    exchange->out_sent += len;
    if (exchange->out_sent == exchange->out_len) {
        return finish(server, place);
    }
    lws_callback_on_writable(exchange->wsi);
    return 0;
}

static void peer_gone(struct http_exchange **place)
{
    struct http_exchange *exchange = *place;
    *place = NULL;
    if (exchange == NULL) {
        return;
    }
    exchange->wsi = NULL;
    // What the pool has is destroyed when it comes back.
    if (!exchange->dispatched) {
        http_exchange_destroy(exchange);
    }
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct http_server *server = lws_context_user(lws_get_context(wsi));
    struct http_exchange **place = user;
    // Other reasons are of no interest here, so there is a default.
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP:
        return begin(server, wsi, place, slice_of(in, len));
    case LWS_CALLBACK_HTTP_BODY:
        return take_body(server, *place, slice_of(in, len));
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return *place != NULL ? dispatch(*place) : -1;
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
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1;  // no WebSocket is served
    default:
        return 0;
    }
}

static void serve(void *context)
{
    struct http_server *server = context;
    for (;;) {
        plat_mutex_lock(&server->mutex);
        const bool stop = server->stopping;
        plat_mutex_unlock(&server->mutex);
        if (stop || lws_service(server->context, 0) < 0) {
            return;
        }
    }
}

static void log_line(int level, const char *line)
{
    struct slice text = slice_text(line);
    while (text.len > 0 && text.ptr[text.len - 1] == '\n') {
        text.len--;
    }
    LOG(level == LLL_ERR ? LOG_ERROR : LOG_WARN, "http.library", LOG_SLICE("line", text));
}

static enum err memory_reserve(struct http_server *server)
{
    const struct http_server_options *options = &server->options;
    server->memory = calloc(options->threads, sizeof(*server->memory));
    for (unsigned i = 0; server->memory != NULL && i < options->threads; i++) {
        void *arena = plat_memory_reserve(options->memory_size);
        server->memory[i].response = plat_memory_reserve(options->response_max);
        if (arena == NULL || server->memory[i].response == NULL) {
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
    struct lws_context_creation_info info = {
        .port = bind->port,
        .protocols = server->protocols,
        .user = server,
        .max_http_header_data = HEADER_BYTES,
        .max_http_header_pool = (unsigned short)(server->options.connections_max < 65535
                                                     ? server->options.connections_max
                                                     : 65535),
        .fd_limit_per_thread = server->options.connections_max + 16,
        .timeout_secs = IDLE_S,
        .keepalive_timeout = IDLE_S,
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

enum err http_server_create(const struct http_server_options *options, struct http_server **out)
{
    enum err err = plat_port_check_tcp(&options->bind);
    if (err != ERR_OK) {
        return err;
    }
    struct http_server *server = calloc(1, sizeof(*server));
    ASSERT(server != NULL);
    server->options = *options;
    server->protocols[0] = (struct lws_protocols){
        .name = "http", .callback = on_event, .per_session_data_size = sizeof(void *)};
    plat_mutex_init(&server->mutex);
    lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
    err = memory_reserve(server);
    if (err == ERR_OK) {
        err = plat_workpool_create(&server->pool, "http-pool", options->threads,
                                   options->queue_max);
    }
    if (err == ERR_OK) {
        server->context = context_create(server);
        err = server->context != NULL ? ERR_OK : ERR_IO;
    }
    if (err == ERR_OK) {
        err = plat_thread_start(&server->thread, "http", -1, server, serve);
    }
    if (err == ERR_OK) {
        *out = server;
        return ERR_OK;
    }
    if (server->context != NULL) {
        lws_context_destroy(server->context);
    }
    if (server->pool != NULL) {
        plat_workpool_destroy(server->pool);
    }
    memory_release(server);
    plat_mutex_deinit(&server->mutex);
    free(server);
    return err;
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
    // What is in the pool is finished first; then nobody but us touches the context.
    plat_workpool_destroy(server->pool);
    plat_mutex_lock(&server->mutex);
    server->stopping = true;
    plat_mutex_unlock(&server->mutex);
    lws_cancel_service(server->context);
    plat_thread_join(&server->thread);
    drain_done(server);
    lws_context_destroy(server->context);
    memory_release(server);
    plat_mutex_deinit(&server->mutex);
    free(server);
}

struct http_server_stats http_server_stats(const struct http_server *server)
{
    return server->stats;
}
