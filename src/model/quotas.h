// model/quotas.h: what the profile of a tenant allows (server-api.md section 10), for every thread,
// without locks. Two tables: quotas by tenant profile, and the profile of each tenant; so a change
// of a profile is one change, whatever the number of its tenants.
//
// One thread writes. A reader copies: each profile is stamped before and after it is written, and
// the tenant is looked at again after the copy, so that a torn or foreign quota is never taken.
//
// Bounds: `tenants_max` tenants, MODEL_QUOTAS_PROFILES_MAX profiles; a put beyond them is
// ERR_EXHAUSTED.
#pragma once

#include "base/err.h"
#include "base/rate.h"
#include "model/ids.h"

#define MODEL_QUOTAS_PROFILES_MAX 256U

struct model_quota {
    uint32_t devices_max; // 0, here and in the next two: no limit
    uint32_t customers_max;
    uint32_t users_max;
    uint32_t storage_ttl_days; // 0, here and in the next: for ever
    uint32_t rpc_ttl_days;
    struct rate tenant_messages; // per second and so on, of all devices of the tenant together
    struct rate tenant_telemetry_messages;
    struct rate tenant_data_points;
    struct rate device_messages; // of each device
    struct rate device_telemetry_messages;
    struct rate device_data_points;
};

struct model_quotas;

// Bytes of the heap that it takes.
uint64_t model_quotas_bytes(uint32_t tenants_max);
// Start-up only. ERR_EXHAUSTED when there is no memory.
MUST_USE enum err model_quotas_create(struct model_quotas **quotas, uint32_t tenants_max);
void model_quotas_destroy(struct model_quotas *quotas);

// Any thread: a copy of what the tenant's profile allows; no limit at all for a tenant that is not
// there.
void model_quotas_of(const struct model_quotas *quotas, struct tenant_id tenant,
                     struct model_quota *quota);

// Writer: sets what a profile allows. ERR_EXHAUSTED.
MUST_USE enum err model_quotas_put_profile(struct model_quotas *quotas, const struct uuid *profile,
                                           const struct model_quota *quota);
// Writer: no tenant has it. Nothing if it is not there.
void model_quotas_remove_profile(struct model_quotas *quotas, const struct uuid *profile);
// Writer: gives a tenant a profile that is there. ERR_EXHAUSTED; ERR_NOT_FOUND: the profile.
MUST_USE enum err model_quotas_put_tenant(struct model_quotas *quotas, struct tenant_id tenant,
                                          const struct uuid *profile);
// Writer: nothing if it is not there.
void model_quotas_remove_tenant(struct model_quotas *quotas, struct tenant_id tenant);

// Any thread: whether any profile limits messages or points.
bool model_quotas_have_rates(const struct model_quotas *quotas);
// Any thread.
uint32_t model_quotas_tenants(const struct model_quotas *quotas);
uint32_t model_quotas_tenants_max(const struct model_quotas *quotas);
