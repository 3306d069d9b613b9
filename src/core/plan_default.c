#include "core/plan.h"

#include "base/assert.h"

// The default root chain (server-api.md 6.4): telemetry is saved, with latest, to live as long as
// the tenant's profile says.
static void run(const void *plan, const struct core_event *event, struct core_effects *effects)
{
    (void)plan;
    ASSERT(event->kind == CORE_EVENT_TELEMETRY && effects->count < CORE_EFFECTS_MAX);
    effects->items[effects->count++] = (struct core_effect){.kind = CORE_EFFECT_SAVE_SERIES};
}

const struct core_plan_ops core_plan_default = {.run = run};
