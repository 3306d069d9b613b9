#include "base/assert.h"
#include "core/plan.h"

static void add(struct core_effects *effects, enum core_effect_kind kind)
{
    ASSERT(effects->count < CORE_EFFECTS_MAX);
    effects->items[effects->count++] = (struct core_effect){.kind = kind};
}

// The default root chain (server-api.md 6.4): telemetry is saved, with latest, to live as long as
// the tenant's profile says; calls of devices are logged and get no answer; the rest ends at the
// switch.
static void run(const void *own, const struct core_event *event, struct core_effects *effects)
{
    (void)own;
    switch (event->kind) {
    case CORE_EVENT_TELEMETRY:
        add(effects, CORE_EFFECT_SAVE_SERIES);
        return;
    case CORE_EVENT_CALL:
        add(effects, CORE_EFFECT_LOG);
        return;
    case CORE_EVENT_CONNECT:
    case CORE_EVENT_DISCONNECT:
    case CORE_EVENT_ACTIVITY:
    case CORE_EVENT_INACTIVITY:
        return;
    }
    ASSERT(false);
}

const struct core_plan_ops core_plan_default = {.run = run};
