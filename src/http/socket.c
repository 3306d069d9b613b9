#include "http/socket.h"

#include <stdlib.h>
#include <string.h>

#include "http/socket_priv.h"
#include "plat/clock.h"

#define PATH_MAX_LEN 512
#define TOKEN_MAX_LEN 4096

static size_t text_size(size_t len)
{
    return sizeof(struct http_socket_text) + LWS_PRE + len;
}

// NULL when there is no memory for it.
static struct http_socket_text *make_text(struct http_server *server, struct slice text)
{
    const size_t size = text_size(text.len);
    if (!http_server_hold(server, size)) {
        return NULL;
    }
    struct http_socket_text *made = malloc(size);
    if (made == NULL) {
        http_server_release(server, size);
    } else {
        made->next = NULL;
        made->len = text.len;
        if (text.len > 0) {
            memcpy(made->bytes + LWS_PRE, text.ptr, text.len);
        }
    }
    return made;
}

static struct slice text_of(const struct http_socket_text *text)
{
    return slice_of(text->bytes + LWS_PRE, text->len);
}

static void free_text(struct http_server *server, struct http_socket_text *text)
{
    http_server_release(server, text_size(text->len));
    free(text);
}

static void free_texts(struct http_server *server, struct http_socket_text *text)
{
    while (text != NULL) {
        struct http_socket_text *next = text->next;
        free_text(server, text);
        text = next;
    }
}

static void destroy(struct http_socket *socket)
{
    struct http_server *server = socket->server;
    free_texts(server, socket->in_first);
    free_texts(server, socket->out_first);
    plat_mutex_deinit(&socket->mutex);
    if (socket->part != NULL) {
        http_server_release(server, HTTP_SOCKET_IN_MAX);
    }
    free(socket->part);
    free(socket->path);
    free(socket->token);
    free(socket);
    plat_mutex_lock(&server->mutex);
    ASSERT(server->stats.sockets > 0);
    server->stats.sockets--;
    if (server->stats.sockets == 0) {
        plat_cond_broadcast(&server->idle);
    }
    plat_mutex_unlock(&server->mutex);
}

struct slice http_socket_path(const struct http_socket *socket)
{
    return slice_text(socket->path);
}

struct slice http_socket_token(const struct http_socket *socket)
{
    return socket->token != NULL ? slice_text(socket->token) : SLICE_EMPTY;
}

// To the service thread, which alone may speak to the library about it.
static void make_ready(struct http_socket *socket)
{
    struct http_server *server = socket->server;
    plat_mutex_lock(&server->mutex);
    if (!socket->is_ready) {
        socket->is_ready = true;
        socket->next_ready = server->ready;
        server->ready = socket;
        if (server->context != NULL) {
            lws_cancel_service(server->context);
        }
    }
    plat_mutex_unlock(&server->mutex);
}

// Sees to it that the timer fires when the log-in is due, or the peer that takes nothing. One that
// fires earlier stays: what is due then is looked at, so that it is not set for each text.
static void arm(struct http_socket *socket)
{
    struct mono due = MONO_NEVER;
    if (socket->asked_at.ns != 0) {
        due = mono_add(socket->asked_at, span_s(HTTP_SOCKET_SEND_S));
    }
    if (socket->accept_due.ns != 0) {
        due = mono_earlier(due, socket->accept_due);
    }
    const bool is_set = socket->timer_due.ns != 0 && socket->timer_due.ns <= due.ns;
    if (!is_set && due.ns != MONO_NEVER.ns) {
        const struct span wait = mono_since(due, plat_clock_mono());
        socket->timer_due = due;
        lws_set_timer_usecs(socket->wsi, (lws_usec_t)(wait.ns / 1000 + 1));
    }
}

// Asks for the turn to send; from then on the peer has so long to take something.
static void ask_to_send(struct http_socket *socket)
{
    lws_callback_on_writable(socket->wsi);
    if (socket->asked_at.ns == 0) {
        socket->asked_at = plat_clock_mono();
        arm(socket);
    }
}

void http_socket_collect(struct http_server *server)
{
    plat_mutex_lock(&server->mutex);
    while (server->ready != NULL) {
        struct http_socket *socket = server->ready;
        server->ready = socket->next_ready;
        socket->is_ready = false;
        // It is not destroyed before it left this list: `retire` sees to it.
        if (socket->wsi != NULL) {
            ask_to_send(socket);
        }
    }
    plat_mutex_unlock(&server->mutex);
}

static void want_close(struct http_socket *socket, enum http_socket_close code, const char *reason)
{
    if (!socket->wants_close) {
        socket->wants_close = true;
        socket->close_code = code;
        socket->close_reason = reason;
    }
}

void http_socket_send(struct http_socket *socket, struct slice text)
{
    struct http_socket_text *made = make_text(socket->server, text);
    plat_mutex_lock(&socket->mutex);
    const bool is_full = made == NULL || socket->out_count >= HTTP_SOCKET_OUT_MAX ||
                         socket->out_bytes + text.len > HTTP_SOCKET_OUT_BYTES;
    const bool is_taken = !is_full && !socket->wants_close && !socket->is_gone;
    if (is_taken) {
        if (socket->out_last != NULL) {
            socket->out_last->next = made;
        } else {
            socket->out_first = made;
        }
        socket->out_last = made;
        socket->out_count++;
        socket->out_bytes += text.len;
    } else if (is_full) {
        // A peer that reads too slowly cannot be told everything; it has to come again.
        want_close(socket, HTTP_SOCKET_POLICY, "Too many messages wait to be read");
    }
    plat_mutex_unlock(&socket->mutex);
    if (!is_taken && made != NULL) {
        free_text(socket->server, made);
    }
    make_ready(socket);
}

void http_socket_close(struct http_socket *socket, enum http_socket_close code, const char *reason)
{
    plat_mutex_lock(&socket->mutex);
    want_close(socket, code, reason);
    plat_mutex_unlock(&socket->mutex);
    make_ready(socket);
}

bool http_socket_post(struct http_server *server, void *context, void (*run_it)(void *context))
{
    return plat_workpool_submit(server->socket_pool, context, run_it);
}

void http_socket_accept(struct http_socket *socket)
{
    plat_mutex_lock(&socket->mutex);
    socket->is_accepted = true;
    plat_mutex_unlock(&socket->mutex);
}

// The next text for the owner; NULL when there is none. `*is_end` when nothing can come any more.
static struct http_socket_text *take_in(struct http_socket *socket, bool *is_end)
{
    plat_mutex_lock(&socket->mutex);
    struct http_socket_text *text = socket->in_first;
    if (text != NULL) {
        socket->in_first = text->next;
        socket->in_last = socket->in_first != NULL ? socket->in_last : NULL;
        socket->in_count--;
    }
    *is_end = text == NULL && socket->is_gone;
    socket->is_running = text != NULL || *is_end;
    plat_mutex_unlock(&socket->mutex);
    return text;
}

// Nobody knows it any more.
static void retire(struct http_socket *socket)
{
    struct http_server *server = socket->server;
    plat_mutex_lock(&server->mutex);
    for (struct http_socket **at = &server->ready; *at != NULL; at = &(*at)->next_ready) {
        if (*at == socket) {
            *at = socket->next_ready;
            break;
        }
    }
    for (struct http_socket **at = &server->sockets; *at != NULL; at = &(*at)->next) {
        if (*at == socket) {
            *at = socket->next;
            break;
        }
    }
    plat_mutex_unlock(&server->mutex);
    destroy(socket);
}

// A job for the pool: all that has come of one socket.
static void run(void *context)
{
    struct http_socket *socket = context;
    const struct http_socket_ops *ops = socket->server->options.sockets;
    void *owner = socket->server->options.context;
    bool is_end = false;
    plat_mutex_lock(&socket->mutex);
    const bool opens = !socket->is_opened;
    socket->is_opened = true;
    plat_mutex_unlock(&socket->mutex);
    if (opens) {
        ops->opened(owner, socket, &socket->user);
    }
    struct http_socket_text *text = take_in(socket, &is_end);
    while (text != NULL) {
        ops->message(owner, socket, &socket->user, text_of(text));
        free_text(socket->server, text);
        text = take_in(socket, &is_end);
    }
    if (is_end) {
        ops->closed(owner, socket, &socket->user);
        retire(socket);
    }
}

// On the service thread: something is there for the owner. Each socket has one job at most, and the
// pool has room for one of each.
static void wake(struct http_socket *socket)
{
    plat_mutex_lock(&socket->mutex);
    const bool starts = !socket->is_running;
    socket->is_running = true;
    plat_mutex_unlock(&socket->mutex);
    if (starts) {
        const bool is_taken = plat_workpool_submit(socket->server->socket_pool, socket, run);
        ASSERT(is_taken);
    }
}

static void read_handshake(struct http_socket *socket, struct lws *wsi)
{
    char path[PATH_MAX_LEN];
    char token[TOKEN_MAX_LEN];
    const int path_len = lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI);
    const char *found = lws_get_urlarg_by_name(wsi, "token", token, sizeof(token));
    socket->path = strdup(path_len > 0 ? path : "");
    if (found != NULL) {
        // The older version of the library leaves the '=' in front.
        socket->token = strdup(found[0] == '=' ? found + 1 : found);
    }
}

// The handshake: whether there is anything at its path, and room for one more.
static int admit(struct http_server *server, struct lws *wsi)
{
    char path[PATH_MAX_LEN];
    const int len = lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI);
    const struct slice text = slice_of(path, len > 0 ? (size_t)len : 0);
    if (!server->options.sockets->serves(server->options.context, text)) {
        return -1;
    }
    plat_mutex_lock(&server->mutex);
    const bool has_room = !server->draining && server->stats.sockets < server->options.sockets_max;
    plat_mutex_unlock(&server->mutex);
    return has_room ? 0 : -1;
}

static int begin(struct http_server *server, struct lws *wsi, struct http_socket **place)
{
    struct http_socket *socket = calloc(1, sizeof(*socket));
    if (socket == NULL) {
        return -1;
    }
    socket->server = server;
    socket->wsi = wsi;
    plat_mutex_init(&socket->mutex);
    read_handshake(socket, wsi);
    if (socket->path == NULL) {
        plat_mutex_deinit(&socket->mutex);
        free(socket);
        return -1;
    }
    plat_mutex_lock(&server->mutex);
    server->stats.sockets++;
    socket->next = server->sockets;
    server->sockets = socket;
    plat_mutex_unlock(&server->mutex);
    *place = socket;
    socket->accept_due = mono_add(plat_clock_mono(), span_s(HTTP_SOCKET_ACCEPT_S));
    arm(socket);
    wake(socket);
    return 0;
}

static int close_with(struct lws *wsi, enum http_socket_close code, const char *reason)
{
    uint8_t text[125];
    const size_t len = strlen(reason) < sizeof(text) ? strlen(reason) : sizeof(text);
    memcpy(text, reason, len);
    lws_close_reason(wsi, (enum lws_close_status)code, text, len);
    return -1;
}

// Where a text is put together as it arrives.
static bool make_part(struct http_socket *socket)
{
    if (http_server_hold(socket->server, HTTP_SOCKET_IN_MAX)) {
        socket->part = malloc(HTTP_SOCKET_IN_MAX);
        if (socket->part == NULL) {
            http_server_release(socket->server, HTTP_SOCKET_IN_MAX);
        }
    }
    return socket->part != NULL;
}

static int take_part(struct http_socket *socket, struct lws *wsi, struct slice in)
{
    if (lws_frame_is_binary(wsi)) {
        return close_with(wsi, HTTP_SOCKET_NOT_TEXT, "Only texts are understood");
    }
    if (socket->part_len + in.len > HTTP_SOCKET_IN_MAX) {
        return close_with(wsi, HTTP_SOCKET_TOO_LARGE, "The message is too large");
    }
    if (socket->part == NULL && !make_part(socket)) {
        return close_with(wsi, HTTP_SOCKET_POLICY, "There is no memory for the message");
    }
    if (in.len > 0) {
        memcpy(socket->part + socket->part_len, in.ptr, in.len);
    }
    socket->part_len += in.len;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0) {
        return 0;
    }
    struct http_socket_text *text =
        make_text(socket->server, slice_of(socket->part, socket->part_len));
    socket->part_len = 0;
    plat_mutex_lock(&socket->mutex);
    const bool is_full = text == NULL || socket->in_count >= HTTP_SOCKET_WAITING;
    if (!is_full) {
        if (socket->in_last != NULL) {
            socket->in_last->next = text;
        } else {
            socket->in_first = text;
        }
        socket->in_last = text;
        socket->in_count++;
    }
    plat_mutex_unlock(&socket->mutex);
    if (is_full) {
        if (text != NULL) {
            free_text(socket->server, text);
        }
        return close_with(wsi, HTTP_SOCKET_POLICY, "Too many messages wait to be looked at");
    }
    wake(socket);
    return 0;
}

static int write_one(struct http_socket *socket, struct lws *wsi)
{
    socket->asked_at = (struct mono){0};
    plat_mutex_lock(&socket->mutex);
    struct http_socket_text *text = socket->out_first;
    if (text != NULL) {
        socket->out_first = text->next;
        socket->out_last = socket->out_first != NULL ? socket->out_last : NULL;
        socket->out_count--;
        socket->out_bytes -= text->len;
    }
    const bool closes = text == NULL && socket->wants_close;
    const enum http_socket_close code = socket->close_code;
    const char *reason = socket->close_reason;
    plat_mutex_unlock(&socket->mutex);
    if (closes) {
        return close_with(wsi, code, reason);
    }
    if (text == NULL) {
        return 0;
    }
    const int written = lws_write(wsi, text->bytes + LWS_PRE, text->len, LWS_WRITE_TEXT);
    const bool is_written = written >= (int)text->len;
    free_text(socket->server, text);
    if (is_written) {
        // Also with nothing left: a close may wait for its turn.
        ask_to_send(socket);
    }
    return is_written ? 0 : -1;
}

static void check_accepted(struct http_socket *socket)
{
    plat_mutex_lock(&socket->mutex);
    if (!socket->is_accepted) {
        want_close(socket, HTTP_SOCKET_POLICY, "Nobody logged in in time");
    }
    const bool closes = socket->wants_close;
    plat_mutex_unlock(&socket->mutex);
    if (closes) {
        ask_to_send(socket);
    }
}

static void check_time(struct http_socket *socket)
{
    const struct mono now = plat_clock_mono();
    socket->timer_due = (struct mono){0};
    if (socket->asked_at.ns != 0 &&
        mono_reached(now, mono_add(socket->asked_at, span_s(HTTP_SOCKET_SEND_S)))) {
        // It would not take the reason either, nor what the library still has for it.
        lws_set_timeout(socket->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
        return;
    }
    if (socket->accept_due.ns != 0 && mono_reached(now, socket->accept_due)) {
        socket->accept_due = (struct mono){0};
        check_accepted(socket);
    }
    arm(socket);
}

static void end(struct http_socket **place)
{
    struct http_socket *socket = *place;
    *place = NULL;
    plat_mutex_lock(&socket->server->mutex);
    socket->wsi = NULL;
    plat_mutex_unlock(&socket->server->mutex);
    plat_mutex_lock(&socket->mutex);
    socket->is_gone = true;
    plat_mutex_unlock(&socket->mutex);
    wake(socket);
}

int http_socket_event(struct http_server *server, struct lws *wsi, enum lws_callback_reasons reason,
                      struct http_socket **place, struct slice in)
{
    // Other reasons are of no interest here, so there is a default.
    switch ((int)reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return admit(server, wsi);
    case LWS_CALLBACK_ESTABLISHED:
        return begin(server, wsi, place);
    case LWS_CALLBACK_RECEIVE:
        return *place == NULL ? -1 : take_part(*place, wsi, in);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return *place == NULL ? -1 : write_one(*place, wsi);
    case LWS_CALLBACK_TIMER:
        if (*place != NULL) {
            check_time(*place);
        }
        return 0;
    case LWS_CALLBACK_CLOSED:
        if (*place != NULL) {
            end(place);
        }
        return 0;
    default:
        return 0;
    }
}

void http_socket_end_all(struct http_server *server)
{
    plat_mutex_lock(&server->mutex);
    for (struct http_socket *socket = server->sockets; socket != NULL; socket = socket->next) {
        plat_mutex_lock(&socket->mutex);
        want_close(socket, HTTP_SOCKET_GOING_AWAY, "The server is stopping");
        plat_mutex_unlock(&socket->mutex);
        if (!socket->is_ready) {
            socket->is_ready = true;
            socket->next_ready = server->ready;
            server->ready = socket;
        }
    }
    lws_cancel_service(server->context);
    plat_mutex_unlock(&server->mutex);
}
