// core/lives.h: how long the points of each device stay in its time series (server-api.md 3.6): as
// its server attribute TTL says (seconds; 0: for ever), else as its tenant's profile says
// (defaultStorageTtlDays). The store asks for it (store_lives) whenever it matters.
//
// Any thread may set and read. Nothing is known, so everything stays, until `core_lives_ready`.
//
// Bounds: CORE_LIVES_MAX device numbers, touched as used; points of a device beyond them stay for
// ever.
#pragma once

#include "model/quotas.h"
#include "model/reading.h"
#include "store/store.h"

#define CORE_LIVES_MAX (1U << 28)

struct core_lives;

size_t core_lives_footprint(void);
// `memory` is zeroed, aligned to 64, touched as used, and outlives it, as do the quotas.
struct core_lives *core_lives_init(void *memory, const struct model_quotas *quotas);

// What the attribute TTL of the device says; NULL: it has none. A value that is not a whole number
// of at least 0 says nothing. `lives` may be NULL: then nobody wants to know.
void core_lives_set(struct core_lives *lives, struct device_id device,
                    const struct model_value *ttl);
// All attributes that were stored are set.
void core_lives_ready(struct core_lives *lives);

// For the store: seconds, 0: for ever. The context is the lives.
uint64_t core_lives_of(void *context, struct tenant_id tenant, struct device_id device);
