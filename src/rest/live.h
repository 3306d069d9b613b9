// rest/live.h: who watches devices over WebSocket (server-api.md 5): logs in, subscribes, gets a
// snapshot and then each change. All of it belongs to the sockets' thread (http/socket.h).
//
// A subscription first says to the feed that it watches, then reads its snapshot, and reads again
// whenever the feed says that something changed: so nothing is missed, and no older value comes
// after a newer one. Series send every point since the newest that was sent.
//
// Entities are watched as lists that a query finds (server-api.md 5.3): it runs in the pool of HTTP
// (struct rest), at most REST_LIVE_JOBS at a time, since it may look at many devices, and so do
// histories. Each change of a device is read here.
//
// A connection ends with its token (at /api/ws another one may be sent before), and with the
// session of its user: each command looks, and otherwise it is seen within seconds. A user of a
// customer is told nothing of a device that is not the customer's any more.
//
// Bounds: REST_LIVE_SUBSCRIPTIONS of one connection, REST_LIVE_KEYS of one subscription,
// REST_LIVE_POINTS of one message; REST_LIVE_ENTITIES of one list, REST_LIVE_CELLS of all lists and
// subscriptions together, REST_LIVE_TENANT_CELLS of those of one tenant (the values and devices
// that are remembered; their queries and keys are counted as the cells that they take the place
// of).
#pragma once

#include "http/socket.h"
#include "rest/rest.h"

#define REST_LIVE_SUBSCRIPTIONS 1000U
#define REST_LIVE_KEYS 1000U
#define REST_LIVE_POINTS 50000U
#define REST_LIVE_ENTITIES 10000U
#define REST_LIVE_CELLS 4000000U
#define REST_LIVE_TENANT_CELLS (REST_LIVE_CELLS / 2)
#define REST_LIVE_JOBS 2U

struct rest_live;

// For http_server_options; their context is a struct rest with `live` set.
extern const struct http_socket_ops rest_live_ops;

// Start-up only. `party` is the feed's, read on the sockets' thread from then on. ERR_EXHAUSTED.
MUST_USE enum err rest_live_create(const struct rest *rest, struct bus_party *party,
                                   struct rest_live **live);
// Bytes at most: of its own, of jobs, and of what is remembered of lists; touched as used.
uint64_t rest_live_footprint(void);
// When no socket is left.
void rest_live_destroy(struct rest_live *live);
// Any thread: lets the sockets' thread take what the feed said and see what is due.
void rest_live_tell(struct rest_live *live);
