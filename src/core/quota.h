// core/quota.h: what tenants may use. The tenant profile that every installation has, and the table
// of quotas (model/quotas.h) that everybody reads, from the entity store.
#pragma once

#include "core/core.h"

// In a write: makes the default tenant profile if there is none, and gives it to tenants without.
MUST_USE enum err core_quota_take_default(struct store_tx *tx, struct wall now);
// Start-up: fills the table. ERR_EXHAUSTED: more tenants or profiles than it has room for.
MUST_USE enum err core_quota_fill(struct core *core);
