#include "core/device_http.h"

#include "core/feed.h"
#include "core/presence.h"

struct search {
    struct slice token;
    struct model_index_entry *device;
};

static enum err find(struct store_tx *tx, void *context)
{
    const struct search *search = context;
    return store_index_by_credential(tx, MODEL_CREDENTIAL_TOKEN, search->token, search->device);
}

enum err core_device_http_enter(struct core *core, const struct core_visitor *visitor,
                                struct model_index_entry *device)
{
    const struct search search = {visitor->token, device};
    const uint64_t key = hash_word(visitor->source ^ UINT64_C(0x746f6b656e));
    if (!store_attempts_allowed(core->attempts, visitor->mono, key)) {
        return ERR_LIMITED;
    }
    const enum err err = store_entities_read(core->entities, (void *)(uintptr_t)&search, find);
    if (err == ERR_NOT_FOUND) {
        store_attempts_failed(core->attempts, visitor->mono, key);
        return ERR_UNAUTHORIZED;
    }
    if (err == ERR_OK && device->transport != MODEL_TRANSPORT_DEFAULT) {
        return ERR_WRONG_TRANSPORT;
    }
    return err;
}

void core_device_http_heard(const struct core *core, const struct model_index_entry *device,
                            const struct core_visitor *visitor)
{
    core_presence_heard(core->presence, device->device, visitor->mono);
}

enum err core_device_http_admit(const struct core *core, const struct model_index_entry *device,
                                const struct core_visitor *visitor, struct core_cost cost,
                                struct core_refusal *refusal)
{
    if (core->meter_count == 0 || !model_quotas_have_rates(core->quotas)) {
        return ERR_OK;
    }
    core_guard_enter(&core->visitors);
    const bool is_admitted = core_meters_admit(core->meters[core->meter_count - 1], visitor->mono,
                                               device, cost, refusal);
    core_guard_leave(&core->visitors);
    return is_admitted ? ERR_OK : ERR_LIMITED;
}

// Waits for what a verb for workers submitted to the desk's lane.
static enum err await(struct core *core, struct core_desk *desk,
                      const struct model_index_entry *device, const struct core_visitor *visitor,
                      enum core_step step, unsigned what)
{
    struct store_completion completion = {.err = ERR_OK};
    enum err err = ERR_OK;
    if (step == CORE_PENDING) {
        store_flush(desk->lane);
        err = store_await(desk->lane, desk->ticket, &completion);
    }
    err = err == ERR_OK ? completion.err : err;
    if (err == ERR_OK) {
        core_device_http_heard(core, device, visitor);
        core_desk_publish(core, desk, device->device, what);
    }
    return err;
}

enum err core_device_http_telemetry(struct core *core, struct core_desk *desk,
                                    const struct model_index_entry *device,
                                    const struct model_readings *readings,
                                    const struct core_visitor *visitor)
{
    const struct core_worker worker = {.lane = desk->lane, .plan = core->plan};
    const struct core_principal principal = {device};
    const struct store_trace no_message = {{0}};
    enum core_step step = CORE_DONE;
    const enum err err = core_telemetry_save(&worker, &principal, readings, visitor->wall,
                                             &no_message, ++desk->ticket, &step);
    return err == ERR_OK ? await(core, desk, device, visitor, step, CORE_FEED_SERIES) : err;
}

enum err core_device_http_attributes(struct core *core, struct core_desk *desk,
                                     struct arena *memory, const struct model_index_entry *device,
                                     const struct model_reading *attributes,
                                     const struct core_visitor *visitor)
{
    const struct core_worker worker = {.lane = desk->lane, .plan = core->plan};
    const struct core_principal principal = {device};
    const struct store_trace no_message = {{0}};
    enum core_step step = CORE_DONE;
    const enum err err = core_attributes_publish(&worker, memory, &principal, attributes,
                                                 visitor->wall, &no_message, ++desk->ticket, &step);
    return err == ERR_OK ? await(core, desk, device, visitor, step, CORE_FEED_CLIENT) : err;
}
