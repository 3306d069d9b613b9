#include "http/exchange.h"

#include <stdlib.h>

#include "http/server_priv.h"

#define HEAD_MAX 32768U
#define TOKEN_HEADER "x-authorization:"
#define TOKEN_HEADER_LEN ((int)sizeof(TOKEN_HEADER) - 1)
#define PARTS_MAX 1024
// Beyond the texts: what ends each of them.
#define HEAD_SPARE 256U

struct http_exchange *http_exchange_create(struct http_server *server, struct lws *wsi)
{
    struct http_exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange != NULL) {
        exchange->server = server;
        exchange->wsi = wsi;
    }
    return exchange;
}

static bool hold(struct http_exchange *exchange, size_t bytes)
{
    const bool is_held = http_server_hold(exchange->server, bytes);
    exchange->held += is_held ? bytes : 0;
    return is_held;
}

void http_exchange_destroy(struct http_exchange *exchange)
{
    http_server_release(exchange->server, exchange->held);
    free(exchange->head);
    free(exchange->body);
    free(exchange->out);
    free(exchange->location);
    free(exchange->allow);
    free(exchange);
}

static const struct {
    enum lws_token_indexes token;
    enum http_method method;
} methods[] = {
    {WSI_TOKEN_GET_URI, HTTP_GET},         {WSI_TOKEN_POST_URI, HTTP_POST},
    {WSI_TOKEN_PUT_URI, HTTP_PUT},         {WSI_TOKEN_DELETE_URI, HTTP_DELETE},
    {WSI_TOKEN_PATCH_URI, HTTP_PATCH},     {WSI_TOKEN_HEAD_URI, HTTP_HEAD},
    {WSI_TOKEN_OPTIONS_URI, HTTP_OPTIONS},
};

static enum err read_method(struct http_exchange *exchange)
{
    for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (lws_hdr_total_length(exchange->wsi, methods[i].token) > 0) {
            exchange->request.method = methods[i].method;
            return ERR_OK;
        }
    }
    return ERR_UNSUPPORTED;
}

// Where the next text goes, and how much room is left with a terminator.
static char *room(const struct http_exchange *exchange, int *len)
{
    *len = (int)(exchange->head_cap - exchange->head_len);
    return exchange->head + exchange->head_len;
}

static struct slice taken(struct http_exchange *exchange, int len)
{
    const struct slice text = slice_of(exchange->head + exchange->head_len, (size_t)len);
    exchange->head_len += (size_t)len + 1;
    return text;
}

static enum err read_header(struct http_exchange *exchange, enum lws_token_indexes token,
                            struct slice *text)
{
    int len = 0;
    char *at = room(exchange, &len);
    *text = SLICE_EMPTY;
    if (lws_hdr_total_length(exchange->wsi, token) == 0) {
        return ERR_OK;
    }
    len = lws_hdr_copy(exchange->wsi, at, len, token);
    if (len < 0) {
        return ERR_TOO_LARGE;
    }
    *text = taken(exchange, len);
    return ERR_OK;
}

static enum err read_token(struct http_exchange *exchange, struct slice *text)
{
    int len = lws_hdr_custom_length(exchange->wsi, TOKEN_HEADER, TOKEN_HEADER_LEN);
    if (len <= 0) {
        return ERR_OK;
    }
    char *at = room(exchange, &len);
    len = lws_hdr_custom_copy(exchange->wsi, at, len, TOKEN_HEADER, TOKEN_HEADER_LEN);
    if (len < 0) {
        return ERR_TOO_LARGE;
    }
    *text = taken(exchange, len);
    return ERR_OK;
}

// libwebsockets has split the query at '&' and decoded each part. It has room for fewer parts than
// PARTS_MAX, so the loop ends with the last of them.
static enum err read_parameters(struct http_exchange *exchange)
{
    struct http_request *request = &exchange->request;
    for (int part = 0; part < PARTS_MAX; part++) {
        int len = 0;
        char *at = room(exchange, &len);
        len = lws_hdr_copy_fragment(exchange->wsi, at, len, WSI_TOKEN_HTTP_URI_ARGS, part);
        if (len < 0) {
            // No such part, or no room for it.
            const bool there =
                lws_hdr_fragment_length(exchange->wsi, WSI_TOKEN_HTTP_URI_ARGS, part) > 0;
            return there ? ERR_TOO_LARGE : ERR_OK;
        }
        if (len == 0) {
            continue;
        }
        if (request->parameter_count == HTTP_PARAMETERS_MAX) {
            return ERR_INVALID;
        }
        struct slice value = taken(exchange, len);
        const struct slice name = slice_cut(&value, '=');
        request->parameters[request->parameter_count++] = (struct http_parameter){name, value};
    }
    return ERR_INVALID;
}

static void read_remote(struct http_exchange *exchange)
{
    char ip[64] = "";
    char text[80];
    (void)lws_get_peer_simple(exchange->wsi, ip, sizeof(ip));
    const bool ipv6 = strchr(ip, ':') != NULL;
    lws_snprintf(text, sizeof(text), ipv6 ? "[%s]:0" : "%s:0", ip);
    if (address_parse(slice_text(text), &exchange->request.remote) != ERR_OK) {
        exchange->request.remote = (struct address){.port = 0};
    }
}

// Room for the texts of the request, at most HEAD_MAX.
static enum err make_head(struct http_exchange *exchange, struct slice path)
{
    static const enum lws_token_indexes tokens[] = {
        WSI_TOKEN_HTTP_URI_ARGS, WSI_TOKEN_HTTP_AUTHORIZATION, WSI_TOKEN_HTTP_CONTENT_TYPE,
        WSI_TOKEN_HTTP_ACCEPT, WSI_TOKEN_HOST};
    const int custom = lws_hdr_custom_length(exchange->wsi, TOKEN_HEADER, TOKEN_HEADER_LEN);
    size_t size = path.len + HEAD_SPARE + (custom > 0 ? (size_t)custom : 0);
    for (unsigned i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        size += (size_t)lws_hdr_total_length(exchange->wsi, tokens[i]);
    }
    exchange->head_cap = size < HEAD_MAX ? size : HEAD_MAX;
    if (!hold(exchange, sizeof(*exchange) + exchange->head_cap)) {
        return ERR_EXHAUSTED;
    }
    exchange->head = malloc(exchange->head_cap);
    return exchange->head != NULL ? ERR_OK : ERR_EXHAUSTED;
}

enum err http_exchange_read(struct http_exchange *exchange, struct slice path)
{
    struct http_request *request = &exchange->request;
    // An escaped line end cuts the request line off in the library; the version is missing then.
    if (lws_hdr_total_length(exchange->wsi, WSI_TOKEN_HTTP) == 0) {
        return ERR_SYNTAX;
    }
    if (path.len >= HEAD_MAX / 2) {
        return ERR_TOO_LARGE;
    }
    enum err err = make_head(exchange, path);
    if (err != ERR_OK) {
        return err;
    }
    memcpy(exchange->head, path.ptr, path.len);
    exchange->head[path.len] = 0;
    request->path = taken(exchange, (int)path.len);
    read_remote(exchange);
    err = read_method(exchange);
    err = err == ERR_OK ? read_parameters(exchange) : err;
    err = err == ERR_OK
              ? read_header(exchange, WSI_TOKEN_HTTP_AUTHORIZATION, &request->authorization)
              : err;
    err = err == ERR_OK ? read_token(exchange, &request->authorization) : err;
    err = err == ERR_OK ? read_header(exchange, WSI_TOKEN_HTTP_CONTENT_TYPE, &request->content_type)
                        : err;
    err = err == ERR_OK ? read_header(exchange, WSI_TOKEN_HTTP_ACCEPT, &request->accept) : err;
    return err == ERR_OK ? read_header(exchange, WSI_TOKEN_HOST, &request->host) : err;
}

enum http_exchange_length http_exchange_length(const struct http_exchange *exchange, size_t *len)
{
    char text[24] = "";
    int64_t number = 0;
    const bool given = lws_hdr_total_length(exchange->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
    const bool coded = lws_hdr_total_length(exchange->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    *len = 0;
    if (coded) {
        return given ? HTTP_LENGTH_BAD : HTTP_LENGTH_CHUNKED;
    }
    if (!given) {
        const enum http_method method = exchange->request.method;
        return method == HTTP_POST || method == HTTP_PUT || method == HTTP_PATCH
                   ? HTTP_LENGTH_UNKNOWN
                   : HTTP_LENGTH_NONE;
    }
    // Several of them come joined by commas, which is no number.
    if (lws_hdr_copy(exchange->wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 ||
        !slice_to_int64(slice_text(text), &number) || number < 0 || text[0] == '-') {
        return HTTP_LENGTH_BAD;
    }
    *len = (size_t)number;
    return number > 0 ? HTTP_LENGTH_GIVEN : HTTP_LENGTH_NONE;
}

static enum err grow(struct http_exchange *exchange, size_t need)
{
    size_t cap = exchange->body_cap == 0 ? 1024 : exchange->body_cap;
    while (cap < need) {
        cap *= 2;
    }
    if (!hold(exchange, cap - exchange->body_cap)) {
        return ERR_EXHAUSTED;
    }
    uint8_t *larger = realloc(exchange->body, cap);
    if (larger == NULL) {
        return ERR_EXHAUSTED;
    }
    exchange->body = larger;
    exchange->body_cap = cap;
    return ERR_OK;
}

enum err http_exchange_body(struct http_exchange *exchange, struct slice part)
{
    ASSERT(part.len <= exchange->body_due);
    const size_t need = exchange->body_len + part.len;
    if (need > exchange->body_cap && grow(exchange, need) != ERR_OK) {
        return ERR_EXHAUSTED;
    }
    memcpy(exchange->body + exchange->body_len, part.ptr, part.len);
    exchange->body_len = need;
    exchange->body_due -= part.len;
    exchange->request.body = slice_of(exchange->body, need);
    return ERR_OK;
}

void http_exchange_answer(struct http_exchange *exchange, int status, const char *content_type,
                          struct slice body)
{
    exchange->answered = true;
    exchange->status = status;
    exchange->content_type = content_type;
    const size_t size = LWS_PRE + body.len + 1;
    exchange->out = hold(exchange, size) ? malloc(size) : NULL;
    exchange->out_len = exchange->out != NULL ? body.len : 0;
    if (exchange->out == NULL) {
        exchange->status = 503;
    } else if (body.len > 0) {
        memcpy(exchange->out + LWS_PRE, body.ptr, body.len);
    }
}
