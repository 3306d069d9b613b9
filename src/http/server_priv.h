// http/server_priv.h: the state of a server, shared by its life cycle (server.c) and by what runs
// for each request (service.c).
#pragma once

#include <libwebsockets.h>
#include <stdatomic.h>

#include "http/connection.h"
#include "http/exchange.h"
#include "http/server.h"
#include "plat/thread.h"

struct http_server_memory {
    struct arena arena;
    uint8_t *response;
    bool is_parked; // the handler at work parked its request
};

struct http_server {
    struct http_server_options options;
    struct lws_context *context;
    struct lws_protocols protocols[2];
    struct plat_thread thread;
    struct plat_workpool *pool;
    struct plat_workpool *socket_pool;
    struct http_server_memory *memory; // one per pool thread
    char bind_text[ADDRESS_TEXT_SIZE];
    struct http_exchange *watched; // the service thread's, with the timer that looks at them
    lws_sorted_usec_list_t watch_timer;
    struct http_idle resting;   // the service thread's
    _Atomic size_t held;        // bytes of http_server_hold
    struct plat_mutex mutex;    // guards all below
    struct plat_cond idle;      // `in_hand` became 0
    struct http_owners *owners; // of what is parked
    struct http_exchange *done;
    struct http_socket *sockets;
    struct http_socket *ready; // with something to send
    unsigned pool_threads_known;
    unsigned in_hand;                  // requests that the pool has or that are being answered
    struct http_exchange *watched_new; // parked; the service thread has not seen them
    bool draining;                     // new requests are refused
    bool stopping;                     // the service thread returns
    struct http_server_stats stats;
};

// Any thread: so many bytes of the heap are wanted for what a peer sent or will get. False, and
// nothing counted, when `held_max` would be passed.
MUST_USE bool http_server_hold(struct http_server *server, size_t bytes);
void http_server_release(struct http_server *server, size_t bytes);

// A job for the pool: runs the handler for an exchange, keeps its answer, hands it back.
void http_server_run(void *context);
