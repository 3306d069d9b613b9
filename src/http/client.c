#include "http/client.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define READ_SIZE 4096U
#define LIBRARY_TIMEOUT_S 86400U

struct exchange {
    const struct http_client_request *request;
    unsigned status;
    struct buf *body;
    struct buf *message;
    bool is_done;
    enum err err;
    lws_sorted_usec_list_t deadline;
    struct lws_context *context;
};

static bool read_port(const char *text, uint16_t *port)
{
    char *end = NULL;
    const unsigned long value = strtoul(text, &end, 10);
    *port = (uint16_t)value;
    return end != text && value > 0 && value <= UINT16_MAX && (*end == 0 || strcmp(end, "/") == 0);
}

enum err http_client_parse(const char *url, struct http_client_place *place)
{
    static const char plain[] = "http://";
    static const char secure[] = "https://";
    place->is_secure = strncmp(url, secure, sizeof(secure) - 1) == 0;
    if (!place->is_secure && strncmp(url, plain, sizeof(plain) - 1) != 0) {
        return ERR_SYNTAX;
    }
    const char *host = url + (place->is_secure ? sizeof(secure) : sizeof(plain)) - 1;
    const size_t host_len = strcspn(host, ":/");
    if (host_len == 0 || host_len >= sizeof(place->host)) {
        return ERR_SYNTAX;
    }
    memcpy(place->host, host, host_len);
    place->host[host_len] = 0;
    place->port = place->is_secure ? 443 : 80;
    const char *rest = host + host_len;
    if (*rest == ':') {
        return read_port(rest + 1, &place->port) ? ERR_OK : ERR_SYNTAX;
    }
    return *rest == 0 || strcmp(rest, "/") == 0 ? ERR_OK : ERR_SYNTAX;
}

static void end(struct exchange *exchange, enum err err)
{
    if (!exchange->is_done) {
        exchange->is_done = true;
        exchange->err = err;
    }
}

// The library runs its timers before it waits: without a word it would wait for the next event.
static void expire(lws_sorted_usec_list_t *deadline)
{
    struct exchange *exchange = lws_container_of(deadline, struct exchange, deadline);
    end(exchange, ERR_TIMEOUT);
    lws_cancel_service(exchange->context);
}

// Each header as a name with its colon, and a value.
static bool add_header(struct lws *wsi, const char *name, const char *value, unsigned char **at,
                       unsigned char *limit)
{
    return lws_add_http_header_by_name(wsi, (const unsigned char *)name,
                                       (const unsigned char *)value, (int)strlen(value), at,
                                       limit) == 0;
}

static int add_headers(struct lws *wsi, const struct http_client_request *request,
                       unsigned char **at, size_t room)
{
    unsigned char *limit = *at + room;
    char text[HTTP_CLIENT_PATH_MAX];
    bool is_good = true;
    if (request->bearer != NULL) {
        struct buf value = buf_over(text, sizeof(text) - 1);
        buf_put_format(&value, "Bearer %s", request->bearer);
        text[value.len] = 0;
        is_good = !value.overflow && add_header(wsi, "x-authorization:", text, at, limit);
    }
    if (is_good && request->body.len > 0) {
        struct buf value = buf_over(text, sizeof(text) - 1);
        buf_put_format(&value, "%zu", request->body.len);
        text[value.len] = 0;
        is_good = add_header(wsi, "content-type:", "application/json", at, limit) &&
                  add_header(wsi, "content-length:", text, at, limit);
        lws_client_http_body_pending(wsi, 1);
        lws_callback_on_writable(wsi);
    }
    return is_good ? 0 : -1;
}

static int send_body(struct lws *wsi, struct slice body)
{
    uint8_t *memory = malloc(LWS_PRE + body.len);
    if (memory == NULL) {
        return -1;
    }
    memcpy(memory + LWS_PRE, body.ptr, body.len);
    const int sent = lws_write(wsi, memory + LWS_PRE, body.len, LWS_WRITE_HTTP_FINAL);
    free(memory);
    lws_client_http_body_pending(wsi, 0);
    return sent == (int)body.len ? 0 : -1;
}

static int take_body(struct exchange *exchange, const void *bytes, size_t len)
{
    buf_put_slice(exchange->body, slice_of(bytes, len));
    if (exchange->body->overflow) {
        end(exchange, ERR_TOO_LARGE);
        return -1;
    }
    return 0;
}

static int read_some(struct lws *wsi)
{
    char memory[LWS_PRE + READ_SIZE];
    char *at = memory + LWS_PRE;
    int len = READ_SIZE;
    return lws_http_client_read(wsi, &at, &len) < 0 ? -1 : 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct exchange *exchange = user;
    if (reason == LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER) {
        return add_headers(wsi, exchange->request, (unsigned char **)in, len);
    }
    if (reason == LWS_CALLBACK_CLIENT_HTTP_WRITEABLE && exchange->request->body.len > 0) {
        return send_body(wsi, exchange->request->body);
    }
    if (reason == LWS_CALLBACK_RECEIVE_CLIENT_HTTP) {
        return read_some(wsi);
    }
    if (reason == LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ) {
        return take_body(exchange, in, len);
    }
    if (reason == LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP) {
        exchange->status = lws_http_client_http_response(wsi);
    } else if (reason == LWS_CALLBACK_COMPLETED_CLIENT_HTTP) {
        end(exchange, ERR_OK);
    } else if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR) {
        if (in != NULL) {
            buf_put_slice(exchange->message, slice_of(in, len));
        }
        end(exchange, ERR_UNAVAILABLE);
    } else if (reason == LWS_CALLBACK_CLOSED_CLIENT_HTTP) {
        // Before its end.
        end(exchange, ERR_UNAVAILABLE);
    }
    return 0;
}

static struct lws_context *open_context(bool is_secure)
{
    static const struct lws_protocols protocols[] = {
        {.name = "http-client", .callback = on_event},
        {.name = NULL},
    };
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .gid = -1,
        .uid = -1,
        .fd_limit_per_thread = 8,
        // The deadline is ours.
        .timeout_secs = LIBRARY_TIMEOUT_S,
        .timeout_secs_ah_idle = LIBRARY_TIMEOUT_S,
        .connect_timeout_secs = LIBRARY_TIMEOUT_S,
        .options = is_secure ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
    };
    lws_set_log_level(0, NULL);
    return lws_create_context(&info);
}

static bool connect_to(struct lws_context *context, struct exchange *exchange)
{
    const struct http_client_request *request = exchange->request;
    const struct http_client_place *place = request->place;
    char host[sizeof(place->host) + 8];
    struct buf text = buf_over(host, sizeof(host) - 1);
    buf_put_format(&text, "%s:%u", place->host, (unsigned)place->port);
    host[text.len] = 0;
    struct lws *wsi = NULL;
    const struct lws_client_connect_info info = {
        .context = context,
        .address = place->host,
        .port = place->port,
        .path = request->path,
        .host = host,
        .origin = host,
        .method = request->method,
        .protocol = "http-client",
        .alpn = "http/1.1",
        .ssl_connection = place->is_secure ? LCCSCF_USE_SSL : 0,
        .userdata = exchange,
        .pwsi = &wsi,
    };
    return lws_client_connect_via_info(&info) != NULL;
}

enum err http_client_fetch(const struct http_client_request *request, unsigned *status,
                           struct buf *body, struct buf *message)
{
    struct exchange exchange = {.request = request, .body = body, .message = message};
    ASSERT(strlen(request->path) < HTTP_CLIENT_PATH_MAX &&
           request->body.len <= HTTP_CLIENT_BODY_MAX);
    struct lws_context *context = open_context(request->place->is_secure);
    if (context == NULL) {
        return ERR_EXHAUSTED;
    }
    exchange.context = context;
    lws_sul_schedule(context, 0, &exchange.deadline, expire,
                     (lws_usec_t)(request->deadline.ns / 1000));
    if (!connect_to(context, &exchange)) {
        end(&exchange, ERR_UNAVAILABLE);
    }
    while (!exchange.is_done && lws_service(context, 0) >= 0) {
    }
    end(&exchange, ERR_UNAVAILABLE);
    lws_sul_cancel(&exchange.deadline);
    lws_context_destroy(context);
    *status = exchange.status;
    return exchange.err;
}
