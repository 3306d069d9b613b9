// http/server.h: the HTTP/1.1 server (libwebsockets, seen by this folder only). One service thread
// talks to the network; handlers run on a small pool and may block.
//
// Bounds: connections (those beyond are closed at once), waiting requests (503 with Retry-After
// when full), body size (413), header size (16 KiB, then closed), query parameters (400), response
// size (500), bytes of all that is in hand (503; a WebSocket is closed with 1008). Headers have 10
// s to come, a body and a response idle_s and one second per 16 KiB; a connection without a request
// is closed after idle_s. A response goes out as the peer reads.
//
// Bodies need a Content-Length (else 411, or 400 if it is unclear). Upgrades are refused: the
// connection closes. The library itself answers 403 to a malformed escape in the URL, and closes
// without an answer on headers that are too large. While a request is in hand its connection is
// not read; a peer that sends the next one ahead may find the connection closed (version 4.3).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct http_server;

enum http_method {
    HTTP_GET,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_PATCH,
    HTTP_HEAD,
    HTTP_OPTIONS
};

#define HTTP_PARAMETERS_MAX 32

struct http_parameter {
    struct slice name;
    struct slice value;
};

// All views live until the handler returns.
struct http_request {
    enum http_method method;
    struct slice path;                                     // decoded, without the query
    struct http_parameter parameters[HTTP_PARAMETERS_MAX]; // of the query, decoded, in order
    unsigned parameter_count;
    struct slice authorization; // X-Authorization if there, else Authorization; else empty
    struct slice content_type;
    struct slice accept;
    struct slice host;
    struct slice body;
    struct address remote;
    struct arena *memory; // for the handler's own use, reset after it
    void *own;            // the server's
};

struct http_response {
    int status;               // 200 when the handler is called
    const char *content_type; // static text; "application/json" when the handler is called
    uint32_t retry_after_s;   // 0: none
    const char *location;     // NULL: none
    const char *allow;        // methods, for 405 and OPTIONS (RFC 9110 10.2.1); NULL: none
    struct buf body;          // bounded; overflow answers 500 and is logged
};

// The first query parameter of that name; `ptr == NULL` if it is not there.
struct slice http_request_parameter(const struct http_request *request, const char *name);

typedef void http_handler_fn(void *context, const struct http_request *request,
                             struct http_response *response);

// An answer that comes later. The handler parks its request and returns; what it wrote is dropped,
// no thread is held, and the request's views are good until the answer.
struct http_parked;

// For an answer that must not be lost: what becomes of it, told on the service thread, which must
// not be held up.
struct http_watch {
    void *context;
    // The peer has gone before there was an answer. At most once; the answer is due all the same.
    void (*left)(void *context);
    // The last word, once, after the answer. `is_written`: the kernel has all of it, and the peer
    // had not gone by then.
    void (*ended)(void *context, bool is_written);
};

// From the handler of the request, once. ERR_EXHAUSTED when `parked_max` are parked already,
// ERR_LIMITED when this owner has its share of them (http/owners.h). `watch` is copied; NULL:
// nobody wants to know. That a watched peer has gone is seen within a second.
MUST_USE enum err http_park(const struct http_request *request, uint64_t owner,
                            const struct http_watch *watch, struct http_parked **parked);
// Any thread, exactly once for each; also when the peer has gone, then nothing is sent. Before
// http_server_destroy returns: whoever parks sees to it that a stopping server gets its answers.
// `content_type` is a static text; the body is copied.
void http_parked_answer(struct http_parked *parked, const struct http_response *response);

struct http_socket_ops; // http/socket.h

struct http_server_options {
    struct address bind;
    unsigned threads;
    unsigned queue_max;
    unsigned connections_max;
    unsigned parked_max;
    const struct http_socket_ops *sockets; // NULL: no WebSockets
    unsigned sockets_max;
    size_t body_max;
    size_t held_max;     // bytes of all requests, answers and texts of WebSockets together
    size_t response_max; // per pool thread; reserved, touched as used
    size_t memory_size;  // of a request's arena, per pool thread; likewise
    unsigned idle_s;     // 0: 30
    void *context;
    http_handler_fn *handler; // every request
};

// Start-up only. ERR_IN_USE when the port is taken, ERR_FORBIDDEN, ERR_INVALID (address), ERR_IO.
MUST_USE enum err http_server_create(const struct http_server_options *options,
                                     struct http_server **server);
struct address http_server_local(const struct http_server *server);
// Takes no new requests (503), waits at most 5 s until those in hand are answered and sent, closes
// the connections and stops the threads. A handler that is still running is waited for.
void http_server_destroy(struct http_server *server);

// Any thread: runs something that may block on the pool, in turn with the requests. False when as
// many wait as may, or when the server stops; then it is never run.
MUST_USE bool http_server_submit(struct http_server *server, void *context,
                                 void (*run)(void *context));

// The number of the pool thread that runs the calling handler, from 0; a bug elsewhere.
unsigned http_server_thread(void);

struct http_server_stats {
    uint64_t requests, refused_busy, refused_large, refused_connections, bytes_sent;
    uint64_t connections; // now
    uint64_t parked;      // now
    uint64_t sockets;     // now
    uint64_t waiting;     // requests that wait for a thread, now
    uint64_t held;        // bytes of requests, answers and texts, now
};
struct http_server_stats http_server_stats(struct http_server *server);
