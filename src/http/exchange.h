// http/exchange.h: one request and its response on the way between the service thread and the pool.
// Private to the server. The service thread owns it until it is handed to the pool, and again when
// it came back.
//
// The library has decoded the path and the query by then, and has split the query; what it lets
// through that is not HTTP (RFC 9112) is refused here.
#pragma once

#include <libwebsockets.h>

#include "base/time.h"
#include "http/server.h"

struct http_exchange {
    struct http_server *server;
    struct lws *wsi; // NULL when the peer is gone
    struct http_exchange *next;
    struct http_request request;
    char *head; // texts of the request
    size_t head_len;
    size_t head_cap;
    size_t held; // bytes, of http_server_hold
    uint8_t *body;
    size_t body_len;
    size_t body_cap;
    size_t body_due;      // bytes of the announced body that are still to come
    struct mono deadline; // for the body to come, then for the response to leave
    // The answer.
    int status;
    const char *content_type;
    uint32_t retry_after_s;
    char *location;
    char *allow;
    uint8_t *out; // LWS_PRE bytes, then the body
    size_t out_len;
    size_t out_sent;
    uint64_t owner;          // of one that is parked
    struct http_watch watch; // of one that is parked, if `is_watched`
    struct http_exchange *watched_next;
    struct http_exchange *watched_before;
    bool is_watched;
    bool has_left;   // the watched peer has gone, which was told
    bool is_written; // the kernel has all of the answer
    bool in_hand;    // stopping waits for it: the pool has it or it is being answered
    bool dispatched; // the pool has it
    bool answered;   // by the service thread, or by the pool once it is back
    bool headers_sent;
    bool close_after; // nobody can tell where a next request would begin
    bool lingering;   // answered; the rest of its body is thrown away
};

// How a request tells the length of its body (RFC 9112 6.3).
enum http_exchange_length {
    HTTP_LENGTH_NONE,    // no body
    HTTP_LENGTH_GIVEN,   // Content-Length
    HTTP_LENGTH_UNKNOWN, // POST, PUT or PATCH without a word: no body, but the library waits for
                         // one
    HTTP_LENGTH_CHUNKED, // Transfer-Encoding
    HTTP_LENGTH_BAD,     // both, several, or no number
};

// NULL when there is no memory.
struct http_exchange *http_exchange_create(struct http_server *server, struct lws *wsi);
void http_exchange_destroy(struct http_exchange *exchange);

// Reads method, path, query and headers of the request that `wsi` just parsed. ERR_INVALID (too
// many parameters), ERR_SYNTAX (a request line that the library cut short), ERR_TOO_LARGE,
// ERR_UNSUPPORTED (method), ERR_EXHAUSTED (no memory, or not for it).
MUST_USE enum err http_exchange_read(struct http_exchange *exchange, struct slice path);
// `*len` for HTTP_LENGTH_GIVEN.
enum http_exchange_length http_exchange_length(const struct http_exchange *exchange, size_t *len);
// Adds a part of the body, at most what is due. ERR_EXHAUSTED.
MUST_USE enum err http_exchange_body(struct http_exchange *exchange, struct slice part);
// Sets the answer; copies the body. Without memory for it the answer is an empty 503.
void http_exchange_answer(struct http_exchange *exchange, int status, const char *content_type,
                          struct slice body);
