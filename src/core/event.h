// core/event.h: events as rule chains know them (server-api.md 6.2, 6.3): the type of the message
// and its metadata.
#pragma once

#include "core/plan.h"

// Of this server, in metadata.
#define CORE_SERVICE_ID "motehub"

// What the device is called, from the entity store.
struct core_event_names {
    struct slice name;
    struct slice type; // the name of its profile
    struct slice label;
};

// "TO_SERVER_RPC_REQUEST" and so on.
const char *core_event_type(enum core_event_kind kind);

typedef void core_metadata_fn(void *context, const char *key, struct slice value);
// Emits the pairs of an event's metadata. The session of a call is a UUID (version 8, RFC 9562)
// that no other call which waits has; it is made of the asker.
void core_event_metadata(const struct core_event *event, const struct core_event_names *names,
                         void *context, core_metadata_fn *emit);
