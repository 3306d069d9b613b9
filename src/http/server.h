// http/server.h: the HTTP and WebSocket server (libwebsockets, seen by this folder only). One
// service thread talks to the network; handlers run on a small pool and may block.
//
// Bounds: connections (those beyond wait in the kernel), waiting requests (503 with Retry-After when
// full), body size (413), header size (16 KiB, then closed), query parameters (400), response size
// (500). A connection that sends nothing for 30 s is closed; a response goes out as the peer reads.
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

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_PATCH, HTTP_HEAD, HTTP_OPTIONS };

#define HTTP_PARAMETERS_MAX 32

struct http_parameter {
    struct slice name;
    struct slice value;
};

// All views live until the handler returns.
struct http_request {
    enum http_method method;
    struct slice path;           // decoded, without the query
    struct http_parameter parameters[HTTP_PARAMETERS_MAX];  // of the query, decoded, in order
    unsigned parameter_count;
    struct slice authorization;  // X-Authorization if there, else Authorization; else empty
    struct slice content_type;
    struct slice accept;
    struct slice host;
    struct slice body;
    struct address remote;
    struct arena *memory;        // for the handler's own use, reset after it
};

struct http_response {
    int status;                 // 200 when the handler is called
    const char *content_type;   // "application/json" when the handler is called
    uint32_t retry_after_s;     // 0: none
    const char *location;       // NULL: none
    struct buf body;            // bounded; overflow answers 500 and is logged
};

// The first query parameter of that name; `ptr == NULL` if it is not there.
struct slice http_request_parameter(const struct http_request *request, const char *name);

typedef void http_handler_fn(void *context, const struct http_request *request,
                             struct http_response *response);

struct http_server_options {
    struct address bind;
    unsigned threads;
    unsigned queue_max;
    unsigned connections_max;
    size_t body_max;
    size_t response_max;        // per pool thread; reserved, touched as used
    size_t memory_size;         // of a request's arena, per pool thread; likewise
    void *context;
    http_handler_fn *handler;   // every request
};

// Start-up only. ERR_IN_USE when the port is taken, ERR_FORBIDDEN, ERR_INVALID (address), ERR_IO.
MUST_USE enum err http_server_create(const struct http_server_options *options,
                                     struct http_server **server);
struct address http_server_local(const struct http_server *server);
// Finishes requests in hand (at most 5 s), takes no new ones, stops the threads.
void http_server_destroy(struct http_server *server);

// The number of the pool thread that runs the calling handler, from 0; a bug elsewhere.
unsigned http_server_thread(void);

struct http_server_stats {
    uint64_t requests, refused_busy, refused_large, bytes_sent;
    unsigned connections;
};
struct http_server_stats http_server_stats(const struct http_server *server);
