#include "server/meters.h"

#include "plat/memory.h"
#include "server/guard.h"

size_t server_meters_size(const struct server_settings *settings)
{
    return (core_meters_footprint(&settings->meters) + 63U) & ~(size_t)63U;
}

enum err server_meters_open(struct server_meters *meters, const struct server_settings *settings,
                            struct core *core)
{
    const size_t size = server_meters_size(settings);
    plat_mutex_init(&meters->lock);
    meters->count = settings->workers + 1;
    meters->size = meters->count * size;
    meters->memory = plat_memory_reserve(meters->size);
    if (meters->memory == NULL) {
        return ERR_EXHAUSTED;
    }
    for (unsigned i = 0; i < meters->count; i++) {
        void *memory = (uint8_t *)meters->memory + i * size;
        meters->parties[i] = core_meters_init(memory, &settings->meters, core->quotas,
                                              meters->parties, meters->count);
    }
    core->meters = meters->parties;
    core->meter_count = meters->count;
    core->visitors = server_guard_over(&meters->lock);
    return ERR_OK;
}

void server_meters_close(struct server_meters *meters)
{
    if (meters->memory != NULL) {
        plat_memory_release(meters->memory, meters->size);
        plat_mutex_deinit(&meters->lock);
    }
}

void server_meters_share(struct server_meters *meters, struct mono now)
{
    if (mono_reached(now, meters->due)) {
        meters->due = mono_add(now, span_s(1));
        core_meters_share(meters->parties, meters->count);
    }
}
