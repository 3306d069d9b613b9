#include "core/core.h"
#include "core/plan.h"

// Groups what the plan asks for by where it goes: all readings of a message that share their effect
// are one record of the store, so that they share one stamp and one completion.
enum err core_telemetry_save(const struct core_worker *worker,
                             const struct core_principal *principal,
                             const struct model_readings *readings, struct wall now,
                             const struct store_trace *trace, uint64_t ticket, enum core_step *step)
{
    *step = CORE_DONE;
    if (readings->point_count == 0) {
        return ERR_OK;
    }
    if (readings->point_count > MODEL_POINTS_MAX) {
        return ERR_TOO_LARGE;
    }
    struct core_effects effects;
    const struct core_event event = {.kind = CORE_EVENT_TELEMETRY,
                                     .tenant = principal->device->tenant,
                                     .device = principal->device->device,
                                     .at = now,
                                     .reading = &readings->items[0]};
    core_plan_run(worker->plan, &event, &effects);
    ASSERT(effects.count == 1 && effects.items[0].kind == CORE_EFFECT_SAVE_SERIES);

    const struct core_effect *effect = &effects.items[0];
    const struct store_record record = {
        .verb = STORE_SAVE,
        .ticket = ticket,
        .tenant = principal->device->tenant,
        .device = principal->device->device,
        .trace = *trace,
        .save = {.readings = readings,
                 .proposed = now,
                 .ttl_s = effect->ttl_s,
                 .series = !effect->skip_series,
                 .latest = !effect->skip_latest},
    };
    const enum err err = store_submit(worker->lane, &record);
    if (err == ERR_OK) {
        *step = CORE_PENDING;
    }
    return err;
}
