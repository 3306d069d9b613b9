// http/connection.h: what the server keeps of a connection, and the list of those that wait for
// their next request. Private to http; the service thread's.
//
// The library keeps time-outs in one sorted list, so each that waits makes every other one dearer.
// All wait equally long here: a queue is enough, looked at once a second.
#pragma once

#include <libwebsockets.h>

#include "base/assert.h"
#include "base/time.h"

struct http_connection {
    struct lws *wsi;
    struct mono due; // closed then
    struct http_connection *next;
    struct http_connection *previous;
    bool is_idle;
};

struct http_idle {
    struct http_connection *first; // waits longest
    struct http_connection *last;
};

// Remembered by the library as its opaque user data. NULL: no memory.
MUST_USE struct http_connection *http_connection_open(struct lws *wsi);
// NULL if it was never opened.
struct http_connection *http_connection_of(struct lws *wsi);
void http_connection_close(struct http_idle *idle, struct http_connection *owned_connection);

// An answer is written: the next request has to have come by then, with all of its headers.
void http_connection_rest(struct http_idle *idle, struct http_connection *connection,
                          struct mono due);
// A request came. Nothing if it was not at rest.
void http_connection_work(struct http_idle *idle, struct http_connection *connection);
// Has the library close those that waited too long. Whose request has come but was not read yet, on
// a server that is behind, has until `again`.
void http_connection_expire(struct http_idle *idle, struct mono now, struct mono again);
