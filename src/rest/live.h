// rest/live.h: who watches devices over WebSocket (server-api.md 5): logs in, subscribes, gets a
// snapshot and then each change. All of it belongs to the sockets' thread (http/socket.h).
//
// A subscription first says to the feed that it watches, then reads its snapshot, and reads again
// whenever the feed says that something changed: so nothing is missed, and no older value comes
// after a newer one. Series send every point since the newest that was sent.
//
// Bounds: REST_LIVE_SUBSCRIPTIONS of one connection, REST_LIVE_KEYS of one subscription,
// REST_LIVE_POINTS of one message.
#pragma once

#include "http/socket.h"
#include "rest/rest.h"

#define REST_LIVE_SUBSCRIPTIONS 1000U
#define REST_LIVE_KEYS 1000U
#define REST_LIVE_POINTS 50000U

struct rest_live;

// For http_server_options; their context is a struct rest with `live` set.
extern const struct http_socket_ops rest_live_ops;

// Start-up only. `party` is the feed's, read on the sockets' thread from then on. ERR_EXHAUSTED.
MUST_USE enum err rest_live_create(const struct rest *rest, struct bus_party *party,
                                   struct rest_live **live);
// When no socket is left.
void rest_live_destroy(struct rest_live *live);
// On the sockets' thread: takes what the feed said. `context` is the struct rest_live.
void rest_live_take(void *context);
