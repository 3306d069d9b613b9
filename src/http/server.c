#include "http/server.h"

#include <stdlib.h>

#include "base/log.h"
#include "http/owners.h"
#include "http/server_priv.h"
#include "http/service.h"
#include "http/socket_priv.h"
#include "plat/clock.h"
#include "plat/memory.h"
#include "plat/port.h"

#define HEADER_BYTES 16384U
#define IDLE_S 30U
// For all headers of a request together.
#define HEADERS_S 10U
#define STOP_S 5U

static _Thread_local unsigned thread_number; // position + 1

bool http_server_submit(struct http_server *server, void *context, void (*run)(void *context))
{
    // A server that stops ends its pool only after it said so under this lock.
    plat_mutex_lock(&server->mutex);
    const bool is_taken = !server->draining && plat_workpool_submit(server->pool, context, run);
    plat_mutex_unlock(&server->mutex);
    return is_taken;
}

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

bool http_server_hold(struct http_server *server, size_t bytes)
{
    const size_t held =
        atomic_fetch_add_explicit(&server->held, bytes, memory_order_relaxed) + bytes;
    if (held > server->options.held_max) {
        http_server_release(server, bytes);
        return false;
    }
    return true;
}

void http_server_release(struct http_server *server, size_t bytes)
{
    const size_t held = atomic_fetch_sub_explicit(&server->held, bytes, memory_order_relaxed);
    ASSERT(held >= bytes);
}

static void keep_answer(struct http_exchange *exchange, const struct http_response *response)
{
    if (response->body.overflow) {
        // Paths can hold device tokens, so they are not logged.
        LOG(LOG_ERROR, "http.response-too-large", LOG_INT("bytes-max", response->body.cap));
        http_exchange_answer(exchange, 500, "text/plain", SLICE("The response is too large"));
        return;
    }
    http_exchange_answer(exchange, response->status, response->content_type,
                         buf_view(&response->body));
    exchange->retry_after_s = response->retry_after_s;
    exchange->location = response->location != NULL ? strdup(response->location) : NULL;
    exchange->allow = response->allow != NULL ? strdup(response->allow) : NULL;
}

// To the service thread, which sends the answer.
static void hand_back(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    plat_mutex_lock(&server->mutex);
    const bool is_first = server->done == NULL;
    exchange->next = server->done;
    server->done = exchange;
    // Who came before has woken it for all that wait. Under the lock: once it is free and the
    // exchange is done with, the server may be gone.
    if (is_first) {
        lws_cancel_service(server->context);
    }
    plat_mutex_unlock(&server->mutex);
}

void http_server_run(void *context)
{
    struct http_exchange *exchange = context;
    struct http_server *server = exchange->server;
    number_this_thread(server);
    struct http_server_memory *memory = &server->memory[http_server_thread()];
    struct http_response response = {
        .status = 200,
        .content_type = "application/json",
        .body = buf_over(memory->response, server->options.response_max),
    };
    exchange->request.memory = &memory->arena;
    exchange->request.own = exchange;
    memory->is_parked = false;
    server->options.handler(server->options.context, &exchange->request, &response);
    // One that is parked may be answered and gone by now.
    if (!memory->is_parked) {
        keep_answer(exchange, &response);
        hand_back(exchange);
    }
    arena_reset(&memory->arena);
}

static enum err take_place(struct http_server *server, uint64_t owner)
{
    if (server->stats.parked == server->options.parked_max) {
        return ERR_EXHAUSTED;
    }
    if (!http_owners_take(server->owners, owner)) {
        return ERR_LIMITED;
    }
    server->stats.parked++;
    return ERR_OK;
}

enum err http_park(const struct http_request *request, uint64_t owner,
                   const struct http_watch *watch, struct http_parked **parked)
{
    struct http_exchange *exchange = request->own;
    struct http_server *server = exchange->server;
    struct http_server_memory *memory = &server->memory[http_server_thread()];
    ASSERT(!memory->is_parked);
    plat_mutex_lock(&server->mutex);
    const enum err err = take_place(server, owner);
    memory->is_parked = err == ERR_OK;
    exchange->owner = owner;
    if (memory->is_parked && watch != NULL) {
        exchange->watch = *watch;
        exchange->is_watched = true;
        exchange->watched_next = server->watched_new;
        server->watched_new = exchange;
    }
    plat_mutex_unlock(&server->mutex);
    *parked = err == ERR_OK ? (struct http_parked *)exchange : NULL;
    return err;
}

void http_parked_answer(struct http_parked *parked, const struct http_response *response)
{
    struct http_exchange *exchange = (struct http_exchange *)parked;
    struct http_server *server = exchange->server;
    keep_answer(exchange, response);
    plat_mutex_lock(&server->mutex);
    ASSERT(server->stats.parked > 0);
    server->stats.parked--;
    http_owners_give(server->owners, exchange->owner);
    plat_mutex_unlock(&server->mutex);
    hand_back(exchange);
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
    void *owners = plat_memory_reserve(http_owners_footprint(options->parked_max));
    server->owners = owners != NULL ? http_owners_init(owners, options->parked_max) : NULL;
    return server->memory != NULL && owners != NULL ? ERR_OK : ERR_EXHAUSTED;
}

static void memory_release(struct http_server *server)
{
    for (unsigned i = 0; server->memory != NULL && i < server->options.threads; i++) {
        plat_memory_release(server->memory[i].arena.memory, server->options.memory_size);
        plat_memory_release(server->memory[i].response, server->options.response_max);
    }
    free(server->memory);
    plat_memory_release(server->owners, http_owners_footprint(server->options.parked_max));
}

// A silent peer of a WebSocket is pinged, and dropped when it does not answer.
static const lws_retry_bo_t socket_policy = {.secs_since_valid_ping = HTTP_SOCKET_PING_S,
                                             .secs_since_valid_hangup = HTTP_SOCKET_DROP_S};

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
        .retry_and_idle_policy = &socket_policy,
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
        http_service_collect(server);
        struct lws_context *context = server->context;
        plat_mutex_lock(&server->mutex);
        server->context = NULL;
        plat_mutex_unlock(&server->mutex);
        lws_context_destroy(context);
    }
    // Its last jobs are the ends of the sockets that the context closed.
    if (server->socket_pool != NULL) {
        plat_workpool_destroy(server->socket_pool);
    }
    ASSERT(atomic_load_explicit(&server->held, memory_order_relaxed) == 0);
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
    if (err == ERR_OK && options->sockets != NULL) {
        err = plat_workpool_create(&server->socket_pool, "http-socket", 1,
                                   options->sockets_max + HTTP_SOCKET_POSTS);
    }
    if (err == ERR_OK) {
        lws_set_log_level(LLL_ERR | LLL_WARN, log_at_start);
        server->context = context_create(server);
        lws_set_log_level(LLL_ERR | LLL_WARN, log_later);
        err = server->context != NULL ? ERR_OK : ERR_IO;
    }
    if (err == ERR_OK) {
        http_service_watch(server);
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
    ASSERT(options->held_max > 0);
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
        .name = "http", .callback = http_service_event, .per_session_data_size = sizeof(void *)};
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
    plat_mutex_unlock(&server->mutex);
    http_socket_end_all(server);
    plat_mutex_lock(&server->mutex);
    while ((server->in_hand > 0 || server->stats.sockets > 0) && in_time) {
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
    struct http_server_stats stats = server->stats;
    plat_mutex_unlock(&server->mutex);
    stats.waiting = plat_workpool_waiting(server->pool);
    stats.held = atomic_load_explicit(&server->held, memory_order_relaxed);
    return stats;
}
