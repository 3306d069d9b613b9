// http/exchange.h: one request and its response on the way between the service thread and the pool.
// Private to the server. The service thread owns it until it is handed to the pool, and again when it
// came back.
#pragma once

#include <libwebsockets.h>

#include "http/server.h"

struct http_exchange {
    struct http_server *server;
    struct lws *wsi;          // NULL when the peer is gone
    struct http_exchange *next;
    struct http_request request;
    char *head;               // texts of the request
    size_t head_len;
    uint8_t *body;
    size_t body_len;
    size_t body_cap;
    // The answer.
    int status;
    const char *content_type;
    uint32_t retry_after_s;
    char *location;
    uint8_t *out;             // LWS_PRE bytes, then the body
    size_t out_len;
    size_t out_sent;
    bool dispatched;          // the pool has it
    bool answered;            // by the service thread, or by the pool once it is back
    bool headers_sent;
};

struct http_exchange *http_exchange_create(struct http_server *server, struct lws *wsi);
void http_exchange_destroy(struct http_exchange *exchange);

// Reads method, path, query and headers of the request that `wsi` just parsed. ERR_INVALID,
// ERR_TOO_LARGE, ERR_UNSUPPORTED (method).
MUST_USE enum err http_exchange_read(struct http_exchange *exchange, struct slice path);
// Adds a part of the body. ERR_TOO_LARGE beyond `most`.
MUST_USE enum err http_exchange_body(struct http_exchange *exchange, struct slice part,
                                     size_t most);
// An answer made without a handler.
void http_exchange_answer(struct http_exchange *exchange, int status, const char *content_type,
                          struct slice body);
