// core/quota.h: what tenants may use. The tenant profile that every installation has, the table of
// quotas (model/quotas.h) that everybody reads, and the limits of how many entities there may be.
#pragma once

#include "core/core.h"
#include "store/entities_tenant.h"

// The data of a tenant profile that limits nothing (server-api.md section 10).
extern const struct slice core_quota_unlimited;

// In a write: makes the default tenant profile if there is none, and gives it to tenants without.
MUST_USE enum err core_quota_take_default(struct store_tx *tx, struct wall now);
enum core_quota_kind { CORE_QUOTA_DEVICE, CORE_QUOTA_CUSTOMER, CORE_QUOTA_USER };

// In a write that is about to make one more: ERR_ENTITY_LIMIT, with the problem, if the tenant has
// as many as its profile allows.
MUST_USE enum err core_quota_admit(const struct core *core, struct store_tx *tx,
                                   struct tenant_id tenant, enum core_quota_kind kind,
                                   struct core_problem *problem);
// Start-up: fills the table. ERR_EXHAUSTED: more tenants or profiles than it has room for.
MUST_USE enum err core_quota_fill(struct core *core);
