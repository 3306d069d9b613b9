// server/metrics.h: the server's figures as text for Prometheus (exposition format 0.0.4).
#pragma once

#include "base/buf.h"
#include "core/core.h"
#include "http/server.h"
#include "server/worker.h"

struct server_metrics {
    const struct server_settings *settings;
    struct server_worker *const *workers; // settings->workers of them
    struct core *core;
    struct http_server *http; // NULL: none yet
};

void server_metrics_write(const struct server_metrics *metrics, struct buf *out);
