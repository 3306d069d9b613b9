// core/plan.h: the plan operations: run an event, return effects; pure. Until rule chains exist the
// only filler is core/plan_default.c, which has the effects of the default root chain
// (server-api.md 6.4) and stays as the path of an unchanged default chain.
//
// Events are raised where they happen: on workers, on pool threads and on the thread that sweeps
// presence. What a rule chain wants to know beside them, a device's names and attributes, is in the
// stores; whoever takes an event looks it up on a thread that may block.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/time.h"
#include "model/ids.h"
#include "model/reading.h"

enum core_event_kind {
    CORE_EVENT_TELEMETRY,  // `reading`
    CORE_EVENT_CALL,       // a device calls the server, and waits: `call`
    CORE_EVENT_CONNECT,    // its first observation began or goes on (device-api.md 8.1)
    CORE_EVENT_DISCONNECT, // its last observation ended or is suspended
    CORE_EVENT_ACTIVITY,   // it was heard again
    CORE_EVENT_INACTIVITY, // it was not heard for its inactivity timeout
};

// Where a device waits for the answer to its call.
enum core_asker_kind {
    CORE_ASKER_COAP = 1, // worker `place`, exchange `name` (api_ticket)
    CORE_ASKER_HTTP,     // the shard of device `place`, visit `name` (core/visit.h)
};

struct core_asker {
    enum core_asker_kind kind;
    uint64_t place;
    uint64_t name;
};

struct core_event_call {
    struct slice method;
    struct slice params; // JSON text; empty: none were given
    struct core_asker asker;
};

// All views live until `run` returns.
struct core_event {
    enum core_event_kind kind;
    struct tenant_id tenant; // 0 if whoever raised it does not know
    struct device_id device;
    struct wall at;
    const struct model_reading *reading; // TELEMETRY: one event per reading
    const struct core_event_call *call;  // CALL
};

enum core_effect_kind {
    CORE_EFFECT_SAVE_SERIES, // the points of the event into series and latest
    CORE_EFFECT_LOG,         // a line of the log, at level debug: devices cause it
};

struct core_effect {
    enum core_effect_kind kind;
    uint64_t ttl_s; // 0: by profile
    bool skip_latest;
    bool skip_series;
};

#define CORE_EFFECTS_MAX 8

struct core_effects {
    struct core_effect items[CORE_EFFECTS_MAX];
    uint32_t count;
};

struct core_plan_ops {
    // Adds the effects of the event; calls nothing, keeps nothing.
    void (*run)(const void *own, const struct core_event *event, struct core_effects *effects);
};

// A plan; NULL stands for the default chain.
struct core_plan {
    const struct core_plan_ops *ops;
    const void *own;
};

extern const struct core_plan_ops core_plan_default;

static inline void core_plan_run(const struct core_plan *plan, const struct core_event *event,
                                 struct core_effects *effects)
{
    effects->count = 0;
    if (plan == NULL) {
        core_plan_default.run(NULL, event, effects);
    } else {
        plan->ops->run(plan->own, event, effects);
    }
}

// Runs an event that nothing is stored for, and carries out its effects.
void core_plan_raise(const struct core_plan *plan, const struct core_event *event);
