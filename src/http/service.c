#include "http/service.h"

#include <stdlib.h>

#include "base/log.h"
#include "http/reply.h"
#include "http/server_priv.h"
#include "http/socket_priv.h"
#include "plat/clock.h"
#include "plat/port.h"

// The service thread runs libwebsockets and owns connections; a request goes to the pool as a job
// and comes back through `done`, which the service thread drains when it is woken. From other
// threads only lws_cancel_service may be called.
//
// While the pool has a request its connection is not read: the library would spin over what the
// peer sent ahead (4.1), or close (4.3). So a peer that leaves is noticed when the answer is
// written; those that are watched are asked for in between.

// Bodies and responses may take the idle time and their length at this speed.
#define BYTES_PER_S_MIN 16384U
// How long the rest of a refused body is thrown away, so that the peer gets to read the answer.
#define LINGER_S 3U
// How often the peers of watched requests and connections at rest are looked at.
#define WATCH_US LWS_US_PER_SEC

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

static struct mono idle_until(const struct http_server *server, struct mono now)
{
    return mono_add(now, span_s(server->options.idle_s));
}

// From here until `let_go` stopping waits for the exchange.
static void take_in_hand(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    if (!exchange->in_hand) {
        exchange->in_hand = true;
        plat_mutex_lock(&server->mutex);
        server->in_hand++;
        plat_mutex_unlock(&server->mutex);
    }
}

static void let_go(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    if (!exchange->in_hand) {
        return;
    }
    exchange->in_hand = false;
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
    if (exchange->is_watched) {
        exchange->watch.ended(exchange->watch.context, exchange->is_written);
    }
    let_go(exchange);
    http_exchange_destroy(exchange);
}

// Those that were parked since.
static void take_watched(struct http_server *server, struct http_exchange *parked)
{
    while (parked != NULL) {
        struct http_exchange *next = parked->watched_next;
        if (parked->wsi != NULL) {
            // The library has a place for the headers of each; they were copied.
            (void)lws_http_headers_detach(parked->wsi);
        }
        parked->watched_before = NULL;
        parked->watched_next = server->watched;
        if (server->watched != NULL) {
            server->watched->watched_before = parked;
        }
        server->watched = parked;
        parked = next;
    }
}

static void stop_watching(struct http_exchange *exchange)
{
    struct http_exchange **at = exchange->watched_before != NULL
                                    ? &exchange->watched_before->watched_next
                                    : &exchange->server->watched;
    *at = exchange->watched_next;
    if (exchange->watched_next != NULL) {
        exchange->watched_next->watched_before = exchange->watched_before;
    }
}

// What is written to a peer that has closed its side would count as written.
static bool has_left(const struct http_exchange *exchange)
{
    return exchange->wsi == NULL || plat_port_peer_left(lws_get_socket_fd(exchange->wsi));
}

static void hang_up(const struct http_exchange *exchange)
{
    if (exchange->wsi != NULL) {
        lws_set_timeout(exchange->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
}

static void look_at_peers(lws_sorted_usec_list_t *timer)
{
    struct http_server *server = lws_container_of(timer, struct http_server, watch_timer);
    plat_mutex_lock(&server->mutex);
    struct http_exchange *parked = server->watched_new;
    server->watched_new = NULL;
    plat_mutex_unlock(&server->mutex);
    take_watched(server, parked);
    for (struct http_exchange *each = server->watched; each != NULL; each = each->watched_next) {
        if (!each->has_left && has_left(each)) {
            each->has_left = true;
            each->watch.left(each->watch.context);
            hang_up(each);
        }
    }
    const struct mono now = plat_clock_mono();
    http_connection_expire(&server->resting, now, idle_until(server, now));
    http_service_watch(server);
}

void http_service_watch(struct http_server *server)
{
    lws_sul_schedule(server->context, 0, &server->watch_timer, look_at_peers, WATCH_US);
}

void http_service_collect(struct http_server *server)
{
    plat_mutex_lock(&server->mutex);
    struct http_exchange *exchange = server->done;
    struct http_exchange *parked = server->watched_new;
    server->done = NULL;
    server->watched_new = NULL;
    plat_mutex_unlock(&server->mutex);
    take_watched(server, parked);
    while (exchange != NULL) {
        struct http_exchange *next = exchange->next;
        exchange->dispatched = false;
        exchange->deadline = deadline_for(exchange->server, exchange->out_len);
        if (exchange->is_watched) {
            stop_watching(exchange);
        }
        if (exchange->wsi == NULL) {
            forget(exchange);
        } else if (exchange->has_left || (exchange->is_watched && has_left(exchange))) {
            hang_up(exchange);
        } else {
            (void)lws_rx_flow_control(exchange->wsi, 1);
            lws_callback_on_writable(exchange->wsi);
        }
        exchange = next;
    }
}

static int answer_now(struct http_exchange *exchange, int status, const char *text)
{
    take_in_hand(exchange);
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

static bool is_draining(struct http_server *server)
{
    plat_mutex_lock(&server->mutex);
    const bool draining = server->draining;
    plat_mutex_unlock(&server->mutex);
    return draining;
}

static int dispatch(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    ASSERT(!exchange->dispatched && !exchange->answered);
    if (is_draining(server)) {
        return answer_and_close(exchange, 503, "The server is stopping");
    }
    take_in_hand(exchange);
    exchange->dispatched = true;
    // No time-out while the handler works; the response has its own.
    lws_set_timeout(exchange->wsi, NO_PENDING_TIMEOUT, 0);
    if (!plat_workpool_submit(server->pool, exchange, http_server_run)) {
        exchange->dispatched = false;
        count(server, &server->stats.refused_busy, 1);
        return answer_now(exchange, 503, "The server is busy, try again");
    }
    (void)lws_rx_flow_control(exchange->wsi, 0);
    return 0;
}

static int refuse_busy(struct http_exchange *exchange, const char *text)
{
    count(exchange->server, &exchange->server->stats.refused_busy, 1);
    return answer_and_close(exchange, 503, text);
}

static int refuse_read(struct http_exchange *exchange, enum err err)
{
    if (err == ERR_UNSUPPORTED) {
        return answer_and_close(exchange, 405, "The method is not supported");
    }
    if (err == ERR_TOO_LARGE) {
        return answer_and_close(exchange, 414, "The request line is too long");
    }
    if (err == ERR_EXHAUSTED) {
        return refuse_busy(exchange, "The server has no memory for the request, try again");
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
    http_connection_work(&server->resting, http_connection_of(wsi));
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
        return refuse_busy(exchange, "The server has no memory for the request body, try again");
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
        let_go(exchange);
        exchange->deadline = mono_add(plat_clock_mono(), span_s(LINGER_S));
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, LINGER_S);
        return 0;
    }
    const bool closes = exchange->close_after;
    exchange->is_written = true;
    *place = NULL;
    forget(exchange);
    if (closes || lws_http_transaction_completed(wsi) != 0) {
        return -1;
    }
    http_connection_rest(&server->resting, http_connection_of(wsi),
                         idle_until(server, plat_clock_mono()));
    return 0;
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

// Connections beyond the bound are closed at once. Only those that were counted are known.
static int connection_opened(struct http_server *server, struct lws *wsi)
{
    if (http_connection_open(wsi) == NULL) {
        return -1;
    }
    count(server, &server->stats.connections, 1);
    return 0;
}

static int connection_closed(struct http_server *server, struct lws *wsi)
{
    struct http_connection *connection = http_connection_of(wsi);
    if (connection != NULL) {
        http_connection_close(&server->resting, connection);
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

int http_service_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
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
        http_service_collect(server);
        http_socket_collect(server);
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        // To WebSocket only. Nothing may be answered here: the library compares the text again,
        // which it frees with an answer (CVE-2025-11677).
        return server->options.sockets != NULL && in != NULL &&
                       slice_equal_nocase(slice_text(in), SLICE("websocket"))
                   ? 0
                   : -1;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        http_connection_work(&server->resting, http_connection_of(wsi));
        return user == NULL ? -1 : http_socket_event(server, wsi, reason, user, slice_of(in, len));
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_TIMER:
    case LWS_CALLBACK_CLOSED:
        return user == NULL ? -1 : http_socket_event(server, wsi, reason, user, slice_of(in, len));
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX:
        // After CONNECT the library would keep the connection open without any time-out.
        lws_set_timeout(wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
        return -1;
    default:
        return 0;
    }
}
