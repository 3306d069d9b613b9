// rest/rest.h: the REST API for people and programs (server-api.md), over `core`. Handlers run on
// the pool threads of `http` and may block.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"
#include "http/server.h"

struct rest_settings {
    uint64_t token_life_s;
    uint64_t refresh_life_s;
    bool type_cast; // strings that look like numbers become numbers
};

struct rest {
    struct core *core;
    struct rest_settings settings;
    // One for each thread that runs handlers; `thread` says which one runs this.
    struct core_desk *desks;
    unsigned (*thread)(void);
    // Time comes from whoever owns the clock.
    struct wall (*wall)(void);
    struct mono (*mono)(void);
    // The bytes of a time zone (TZif), in `memory`. ERR_NOT_FOUND if there is no such zone.
    enum err (*zone)(struct arena *memory, struct slice name, struct slice *bytes);
    // Whether the server takes readings now; for /readyz.
    bool (*ready)(void *context);
    void *ready_context;
};

// The http_handler_fn; `context` is a struct rest.
void rest_handle(void *context, const struct http_request *request, struct http_response *response);
