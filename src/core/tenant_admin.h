// core/tenant_admin.h: the system administrator's part: tenants and what they may use. As
// core/admin.h, whose rules hold here too.
#pragma once

#include "core/admin.h"
#include "store/entities_tenant.h"

MUST_USE enum err core_tenant_get(const struct core_admin *admin, const struct uuid *id,
                                  struct model_tenant *tenant);
// id uuid_null creates, with the device profile that every tenant has; profile uuid_null is the
// default one. ERR_EXHAUSTED: there are as many tenants as this server takes.
MUST_USE enum err core_tenant_save(const struct core_admin *admin, struct model_tenant *tenant,
                                   bool has_version);
// With all that belongs to it. When it returns no device or user of it is let in any more; data of
// its devices is purged later. What a crash leaves over is taken up by core_tenant_sweep.
MUST_USE enum err core_tenant_delete(const struct core_admin *admin, const struct uuid *id);
// One step of the end of a tenant whose deletion was interrupted; ERR_NOT_FOUND: there is none.
MUST_USE enum err core_tenant_sweep(struct core *core);
MUST_USE enum err core_tenant_list(const struct core_admin *admin, const struct model_page *page,
                                   int64_t *total, void *context, store_tenant_fn *emit);

// `id` NULL: the default one.
MUST_USE enum err core_tenant_profile_get(const struct core_admin *admin, const struct uuid *id,
                                          struct model_tenant_profile *profile);
// id uuid_null creates; counts at once for all tenants that have it. `is_default` asks for what
// only core_tenant_profile_make_default gives. ERR_EXHAUSTED: there are as many as this server
// takes.
MUST_USE enum err core_tenant_profile_save(const struct core_admin *admin,
                                           struct model_tenant_profile *profile);
MUST_USE enum err core_tenant_profile_make_default(const struct core_admin *admin,
                                                   const struct uuid *id,
                                                   struct model_tenant_profile *profile);
// Not the default one, and not one that tenants have: ERR_INVALID.
MUST_USE enum err core_tenant_profile_delete(const struct core_admin *admin, const struct uuid *id);
MUST_USE enum err core_tenant_profile_list(const struct core_admin *admin,
                                           const struct model_page *page, int64_t *total,
                                           void *context, store_tenant_profile_fn *emit);
