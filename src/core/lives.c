#include "core/lives.h"

#include <stdatomic.h>

#define DAY_S UINT64_C(86400)
// What the entry of a device says besides its seconds.
#define BY_PROFILE 0U
#define FOR_EVER UINT32_MAX

struct core_lives {
    const struct model_quotas *quotas;
    _Atomic bool is_ready;
    _Atomic uint32_t *own;
};

static size_t head_size(void)
{
    return (sizeof(struct core_lives) + 63U) & ~(size_t)63U;
}

size_t core_lives_footprint(void)
{
    return head_size() + (size_t)CORE_LIVES_MAX * sizeof(uint32_t);
}

struct core_lives *core_lives_init(void *memory, const struct model_quotas *quotas)
{
    struct core_lives *lives = memory;
    lives->quotas = quotas;
    lives->own = (_Atomic uint32_t *)(void *)((uint8_t *)memory + head_size());
    return lives;
}

void core_lives_set(struct core_lives *lives, struct device_id device,
                    const struct model_value *ttl)
{
    uint32_t own = BY_PROFILE;
    if (lives == NULL || device.number >= CORE_LIVES_MAX) {
        return;
    }
    if (ttl != NULL && ttl->type == MODEL_VALUE_LONG && ttl->number >= 0) {
        own = ttl->number == 0 || ttl->number >= FOR_EVER ? FOR_EVER : (uint32_t)ttl->number;
    }
    // Most devices have none, and their memory is not touched.
    if (atomic_load_explicit(&lives->own[device.number], memory_order_relaxed) != own) {
        atomic_store_explicit(&lives->own[device.number], own, memory_order_relaxed);
    }
}

void core_lives_ready(struct core_lives *lives)
{
    atomic_store_explicit(&lives->is_ready, true, memory_order_release);
}

uint64_t core_lives_of(void *context, struct tenant_id tenant, struct device_id device)
{
    struct core_lives *lives = context;
    struct model_quota quota;
    if (!atomic_load_explicit(&lives->is_ready, memory_order_acquire) ||
        device.number >= CORE_LIVES_MAX) {
        return 0;
    }
    const uint32_t own = atomic_load_explicit(&lives->own[device.number], memory_order_relaxed);
    if (own != BY_PROFILE) {
        return own == FOR_EVER ? 0 : own;
    }
    model_quotas_of(lives->quotas, tenant, &quota);
    return quota.storage_ttl_days * DAY_S;
}
