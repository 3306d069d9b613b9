// http/service.h: what the service thread does about each event of the library. Private to the
// server.
#pragma once

#include <libwebsockets.h>

#include "http/server.h"

// Starts to look at the peers of watched requests; before the service thread runs.
void http_service_watch(struct http_server *server);
// The callback of the library; its user data is a pointer to the exchange in work, or NULL.
int http_service_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t len);
// Takes back what came from the pool. Also when the service thread has ended.
void http_service_collect(struct http_server *server);
