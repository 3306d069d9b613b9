// rest/rest.h: the REST API for people and programs (server-api.md), over `core`. Handlers run on
// the pool threads of `http` and may block.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"
#include "http/server.h"

// Who may read /metrics.
enum rest_metrics_access { REST_METRICS_LOOPBACK, REST_METRICS_ALL, REST_METRICS_OFF };

struct rest_settings {
    uint64_t token_life_s;
    uint64_t refresh_life_s;
    bool user_tokens; // administrators may have tokens of those below them
    bool type_cast;   // strings that look like numbers become numbers
    enum rest_metrics_access metrics_access;
    int64_t rpc_timeout_min_ms; // shorter ones are raised to it
    int64_t rpc_timeout_ms;     // of a call that names none
    int64_t rpc_timeout_max_ms; // nobody waits longer for a call that is not persistent
    int64_t visit_wait_ms;      // a device waits so long if it does not say
    int64_t visit_wait_most_ms; // and never longer
    int64_t answer_wait_ms;     // for an answer to a call of a device
    struct span query_refresh;  // how often dynamic queries of subscriptions are evaluated again
};

struct rest_live;

struct rest {
    struct core *core;
    struct rest_settings settings;
    // One for each thread that runs handlers; `thread` says which one runs this.
    struct core_desk *desks;
    unsigned (*thread)(void);
    // Of the thread that runs the sockets; it has no lane.
    struct core_desk *door;
    // Time comes from whoever owns the clock.
    struct wall (*wall)(void);
    struct mono (*mono)(void);
    // The bytes of a time zone (TZif), in `memory`. ERR_NOT_FOUND if there is no such zone.
    enum err (*zone)(struct arena *memory, struct slice name, struct slice *bytes);
    // Whether the server takes readings now; for /readyz.
    bool (*ready)(void *context);
    // Writes the server's figures, for /metrics.
    void (*metrics)(void *context, struct buf *out);
    void *context;          // of `ready`, `metrics`, `work` and `post`
    struct rest_live *live; // who watches; NULL: nobody can
    // Runs a job on a thread that may block; from there `post` runs one on the sockets' thread.
    // False: there is no room, it is never run.
    bool (*work)(void *context, void *job, void (*run)(void *job));
    bool (*post)(void *context, void *job, void (*run)(void *job));
    // Answers that come later (http/server.h).
    enum err (*park)(const struct http_request *request, uint64_t owner,
                     const struct http_watch *watch, struct http_parked **parked);
    void (*answer)(struct http_parked *parked, const struct http_response *response);
};

// The http_handler_fn; `context` is a struct rest.
void rest_handle(void *context, const struct http_request *request, struct http_response *response);
