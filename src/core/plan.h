// core/plan.h: the plan operations: run an event, return effects; pure. Until rule chains exist the
// only filler is core/plan_default.c, which has the effects of the default root chain
// (server-api.md 6.4) and stays as the path of an unchanged default chain.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/reading.h"

enum core_event_kind {
    CORE_EVENT_TELEMETRY,
};

struct core_event {
    enum core_event_kind kind;
    const struct model_reading *reading; // one event per reading
};

enum core_effect_kind {
    CORE_EFFECT_SAVE_SERIES, // the points of the event into series and latest
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
    void (*run)(const void *plan, const struct core_event *event, struct core_effects *effects);
};

extern const struct core_plan_ops core_plan_default;
