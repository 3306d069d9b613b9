#include "core/plan.h"

#include "base/assert.h"
#include "base/log.h"
#include "core/event.h"

static void log_event(const struct core_event *event)
{
    LOG(LOG_DEBUG, "plan.event", LOG_TEXT("type", core_event_type(event->kind)),
        LOG_INT("device", event->device.number),
        LOG_SLICE("method", event->call != NULL ? event->call->method : SLICE_EMPTY));
}

void core_plan_raise(const struct core_plan *plan, const struct core_event *event)
{
    struct core_effects effects;
    core_plan_run(plan, event, &effects);
    for (uint32_t i = 0; i < effects.count; i++) {
        // Nothing else can be done with an event that has no points.
        ASSERT(effects.items[i].kind == CORE_EFFECT_LOG);
        log_event(event);
    }
}
