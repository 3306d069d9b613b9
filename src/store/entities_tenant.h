// store/entities_tenant.h: tenants, their profiles, and what these allow, in the entity store
// (store/entities.h, whose rules for errors and texts hold here too).
//
// A tenant that is being deleted is not there any more for any function but the last three; what
// belongs to it goes in as many transactions as it needs.
#pragma once

#include "model/quotas.h"
#include "store/entities.h"

MUST_USE enum err store_tenant_profile_insert(struct store_tx *tx,
                                              const struct model_tenant_profile *profile);
MUST_USE enum err store_tenant_profile_update(struct store_tx *tx,
                                              const struct model_tenant_profile *profile);
MUST_USE enum err store_tenant_profile_make_default(struct store_tx *tx, const struct uuid *id);
// ERR_CONFLICT: tenants have it.
MUST_USE enum err store_tenant_profile_delete(struct store_tx *tx, const struct uuid *id);
MUST_USE enum err store_tenant_profile_get(struct store_tx *tx, struct arena *memory,
                                           const struct uuid *id,
                                           struct model_tenant_profile *profile);
MUST_USE enum err store_tenant_profile_default(struct store_tx *tx, struct arena *memory,
                                               struct model_tenant_profile *profile);
MUST_USE enum err store_tenant_profile_count(struct store_tx *tx, int64_t *count);

typedef void store_tenant_profile_fn(void *context, const struct model_tenant_profile *profile);
MUST_USE enum err store_tenant_profile_list(struct store_tx *tx, struct arena *memory,
                                            const struct model_page *page, int64_t *total,
                                            void *context, store_tenant_profile_fn *emit);

// What profiles allow, read from their JSON. ERR_INVALID: it holds a rate that is none.
typedef enum err store_quota_fn(void *context, const struct uuid *profile,
                                const struct model_quota *quota);
MUST_USE enum err store_quota_load(struct store_tx *tx, void *context, store_quota_fn *emit);
MUST_USE enum err store_quota_get(struct store_tx *tx, const struct uuid *profile,
                                  struct model_quota *quota);
// The profile of each tenant.
typedef enum err store_quota_tenant_fn(void *context, struct tenant_id tenant,
                                       const struct uuid *profile);
MUST_USE enum err store_quota_load_tenants(struct store_tx *tx, void *context,
                                           store_quota_tenant_fn *emit);
// Whether there is a default tenant profile.
MUST_USE enum err store_quota_has_default(struct store_tx *tx, bool *has);
// Tenants of the time before there were profiles get it.
MUST_USE enum err store_quota_adopt(struct store_tx *tx);
// How many a tenant has of what its profile may limit.
MUST_USE enum err store_quota_count_devices(struct store_tx *tx, struct tenant_id tenant,
                                            int64_t *count);
MUST_USE enum err store_quota_count_customers(struct store_tx *tx, struct tenant_id tenant,
                                              int64_t *count);
MUST_USE enum err store_quota_count_users(struct store_tx *tx, struct tenant_id tenant,
                                          int64_t *count);

// Gives the tenant its number.
MUST_USE enum err store_tenant_insert(struct store_tx *tx, struct model_tenant *tenant);
// By its id; the version grows.
MUST_USE enum err store_tenant_update(struct store_tx *tx, struct model_tenant *tenant);
MUST_USE enum err store_tenant_get(struct store_tx *tx, struct arena *memory, const struct uuid *id,
                                   struct model_tenant *tenant);
MUST_USE enum err store_tenant_first(struct store_tx *tx, struct arena *memory,
                                     struct model_tenant *tenant);
MUST_USE enum err store_tenant_count(struct store_tx *tx, int64_t *count);

typedef void store_tenant_fn(void *context, const struct model_tenant *tenant);
MUST_USE enum err store_tenant_list(struct store_tx *tx, struct arena *memory,
                                    const struct model_page *page, int64_t *total, void *context,
                                    store_tenant_fn *emit);

#define STORE_TENANT_DEVICES_MAX 256U

// One step of the end of a tenant: what the index must forget, and whether it was the last one.
struct store_tenant_step {
    struct device_id devices[STORE_TENANT_DEVICES_MAX];
    unsigned count;
    bool finished;
};

// From here on nobody sees the tenant, and its title is free.
MUST_USE enum err store_tenant_end(struct store_tx *tx, const struct uuid *id);
// A tenant that is not gone completely, or ERR_NOT_FOUND.
MUST_USE enum err store_tenant_ended(struct store_tx *tx, struct tenant_id *tenant);
// Deletes some of what belongs to it: devices first, whose data is noted for the purge, the tenant
// itself last. Nothing is left of a tenant that is not there.
MUST_USE enum err store_tenant_drop(struct store_tx *tx, struct tenant_id tenant,
                                    struct store_tenant_step *step);
