// core/meters.h: the limits of tenant profiles on what devices send (device-api.md 8.2): messages,
// publishes and their points, of each device and of all devices of a tenant together.
//
// Each party (a worker, and the threads that serve HTTP) has meters of its own. A device's buckets
// belong to the party that receives its messages: one that is heard by two may get its limit from
// each. A tenant's buckets are split: the first party that hears of the tenant has the whole; once
// a second `core_meters_share` gives out parts by what was asked for.
//
// Bounds: `devices_max` devices and `tenants_max` tenants of a party, in sets of four; in a full
// set the one seen longest ago gives way, and has all its tokens when it comes back.
#pragma once

#include "base/meter.h"
#include "base/metric.h"
#include "model/index.h"
#include "model/quotas.h"

#define CORE_METERS_PARTIES_MAX 65U // 64 workers and HTTP

struct core_meters;

// Powers of two, at least 4.
struct core_meters_bounds {
    uint32_t devices_max;
    uint32_t tenants_max;
};

size_t core_meters_footprint(const struct core_meters_bounds *bounds);
// `memory` is zeroed, aligned to 64, touched as used, and outlives it, as do the quotas. `others`
// are the parties, this one among them; filled in before the first question.
struct core_meters *core_meters_init(void *memory, const struct core_meters_bounds *bounds,
                                     const struct model_quotas *quotas,
                                     struct core_meters *const *others, unsigned other_count);

// What a message costs: so many regular messages, or one publish with so many points.
struct core_cost {
    uint32_t messages;
    uint32_t points;
};

struct core_refusal {
    const char *reason;
    uint32_t wait_s; // until it would be admitted, at least 1
};

// Takes the cost, from the tenant first, then from the device. False: over the limit; a device's
// tokens are there as before, the tenant's are not given back. With no limit set anywhere this is
// one look at one word. `meters` may be NULL: then nothing is limited.
MUST_USE bool core_meters_admit(struct core_meters *meters, struct mono now,
                                const struct model_index_entry *device, struct core_cost cost,
                                struct core_refusal *refusal);

// One thread, once a second: gives out the parts of the tenants' limits among the parties.
void core_meters_share(struct core_meters *const *parties, unsigned count);

// Any thread: how many were refused, by the limit of their tenant or their own.
struct core_meters_figures {
    uint64_t by_tenant;
    uint64_t by_device;
};
struct core_meters_figures core_meters_figures(const struct core_meters *meters);
