#include "core/meters.h"

#include <stdatomic.h>

#include "base/hash.h"

#define WAYS 4U
#define SECOND_NS UINT64_C(1000000000)
#define MOMENTS_NS 1000U
// Parts of a tenant's limit are counted in this.
#define WHOLE 65536U
// All parties that have asked keep this much together, so that they can begin again at once.
#define RESERVE (WHOLE / 16U)

enum kind { MESSAGES, PUBLISHES, POINTS, KINDS };

struct device_slot {
    uint64_t key; // 0: free
    struct mono seen;
    struct meter meters[KINDS];
};

// The owner writes key, `asked` and the meters; who shares writes the parts and `before`.
struct tenant_slot {
    _Alignas(64) _Atomic uint64_t key; // 0: free
    struct mono seen;
    struct metric asked[KINDS]; // tokens, ever
    _Atomic uint32_t parts[KINDS];
    uint32_t used_parts[KINDS]; // that the meters know of
    uint64_t before[KINDS];
    struct meter meters[KINDS];
};

struct core_meters {
    const struct model_quotas *quotas;
    struct core_meters *const *others;
    unsigned other_count;
    uint32_t device_sets;
    uint32_t tenant_sets;
    struct metric by_tenant;
    struct metric by_device;
    struct tenant_slot *tenants;
    struct device_slot *devices;
};

static size_t head_size(void)
{
    return (sizeof(struct core_meters) + 63U) & ~(size_t)63U;
}

size_t core_meters_footprint(const struct core_meters_bounds *bounds)
{
    return head_size() + bounds->tenants_max * sizeof(struct tenant_slot) +
           bounds->devices_max * sizeof(struct device_slot);
}

static bool is_power(uint32_t number)
{
    return number >= WAYS && (number & (number - 1)) == 0;
}

struct core_meters *core_meters_init(void *memory, const struct core_meters_bounds *bounds,
                                     const struct model_quotas *quotas,
                                     struct core_meters *const *others, unsigned other_count)
{
    struct core_meters *meters = memory;
    uint8_t *at = (uint8_t *)memory + head_size();
    ASSERT(is_power(bounds->devices_max));
    ASSERT(is_power(bounds->tenants_max));
    meters->quotas = quotas;
    meters->others = others;
    meters->other_count = other_count;
    meters->device_sets = bounds->devices_max / WAYS;
    meters->tenant_sets = bounds->tenants_max / WAYS;
    meters->tenants = (struct tenant_slot *)(void *)at;
    at += bounds->tenants_max * sizeof(struct tenant_slot);
    meters->devices = (struct device_slot *)(void *)at;
    return meters;
}

static struct tenant_slot *tenant_set(const struct core_meters *meters, uint64_t tenant)
{
    return &meters->tenants[hash_word(tenant) % meters->tenant_sets * WAYS];
}

static uint64_t key_of(const struct tenant_slot *slot)
{
    return atomic_load_explicit(&slot->key, memory_order_relaxed);
}

static struct tenant_slot *find_tenant(const struct core_meters *meters, uint64_t tenant)
{
    struct tenant_slot *set = tenant_set(meters, tenant);
    for (unsigned i = 0; i < WAYS; i++) {
        if (key_of(&set[i]) == tenant) {
            return &set[i];
        }
    }
    return NULL;
}

static bool is_known_elsewhere(const struct core_meters *meters, uint64_t tenant)
{
    for (unsigned i = 0; i < meters->other_count; i++) {
        if (meters->others[i] != meters && find_tenant(meters->others[i], tenant) != NULL) {
            return true;
        }
    }
    return false;
}

// A place for a tenant that this party hears of for the first time, or again after a while.
static struct tenant_slot *admit_tenant(struct core_meters *meters, uint64_t tenant)
{
    struct tenant_slot *set = tenant_set(meters, tenant);
    struct tenant_slot *oldest = &set[0];
    for (unsigned i = 1; i < WAYS; i++) {
        oldest = set[i].seen.ns < oldest->seen.ns ? &set[i] : oldest;
    }
    const uint32_t part = is_known_elsewhere(meters, tenant) ? 0 : WHOLE;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        oldest->meters[kind] = (struct meter){{0}};
        oldest->used_parts[kind] = part;
        atomic_store_explicit(&oldest->parts[kind], part, memory_order_relaxed);
    }
    atomic_store_explicit(&oldest->key, tenant, memory_order_relaxed);
    return oldest;
}

static struct device_slot *need_device(struct core_meters *meters, uint64_t device)
{
    struct device_slot *set = &meters->devices[hash_word(device) % meters->device_sets * WAYS];
    struct device_slot *oldest = &set[0];
    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].key == device) {
            return &set[i];
        }
        oldest = set[i].seen.ns < oldest->seen.ns ? &set[i] : oldest;
    }
    *oldest = (struct device_slot){.key = device};
    return oldest;
}

// One limit with its three rates, and what a message takes of each.
struct limit {
    const struct rate *rates[KINDS];
    const char *const *reasons;
    uint32_t tokens[KINDS];
    double parts[KINDS];
};

// The time since it was seen. Threads that share a party may come in another order than their
// clocks.
static struct span pass_time(struct mono *seen, struct mono now)
{
    const struct span since = mono_since(now, *seen);
    seen->ns += since.ns;
    return since;
}

static bool take(struct meter meters[KINDS], const struct limit *limit, struct span since,
                 struct core_refusal *refusal)
{
    struct span longest = {0};
    for (unsigned kind = 0; kind < KINDS; kind++) {
        meter_refill(&meters[kind], limit->rates[kind], limit->parts[kind], since);
    }
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const struct span wait = limit->tokens[kind] == 0
                                     ? (struct span){0}
                                     : meter_wait(&meters[kind], limit->rates[kind],
                                                  limit->parts[kind], limit->tokens[kind]);
        if (wait.ns > longest.ns) {
            longest = wait;
            refusal->reason = limit->reasons[kind];
        }
    }
    if (longest.ns > 0) {
        // Up to whole seconds; the moments after a whole one are lost on the way.
        const uint64_t wait_s = (longest.ns + SECOND_NS - MOMENTS_NS) / SECOND_NS;
        refusal->wait_s = wait_s > 1 ? (uint32_t)wait_s : 1;
        return false;
    }
    for (unsigned kind = 0; kind < KINDS; kind++) {
        meter_take(&meters[kind], limit->rates[kind], limit->tokens[kind]);
    }
    return true;
}

static const char *const tenant_reasons[KINDS] = {
    [MESSAGES] = "over the tenant's limit of messages",
    [PUBLISHES] = "over the tenant's limit of telemetry messages",
    [POINTS] = "over the tenant's limit of data points",
};

static const char *const device_reasons[KINDS] = {
    [MESSAGES] = "over the device's limit of messages",
    [PUBLISHES] = "over the device's limit of telemetry messages",
    [POINTS] = "over the device's limit of data points",
};

// False if none of the three rates is set.
static bool limit_init(struct limit *limit, const struct rate *const rates[KINDS],
                       const char *const *reasons, struct core_cost cost)
{
    *limit = (struct limit){
        .reasons = reasons,
        .tokens = {cost.points > 0 ? 0 : cost.messages, cost.points > 0, cost.points},
        .parts = {1, 1, 1}};
    bool is_set = false;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        limit->rates[kind] = rates[kind];
        is_set = is_set || rates[kind]->count > 0;
    }
    return is_set;
}

static bool take_of_tenant(struct core_meters *meters, struct mono now, uint64_t tenant,
                           const struct model_quota *quota, struct core_cost cost,
                           struct core_refusal *refusal)
{
    const struct rate *const rates[KINDS] = {
        &quota->tenant_messages, &quota->tenant_telemetry_messages, &quota->tenant_data_points};
    struct limit limit;
    if (!limit_init(&limit, rates, tenant_reasons, cost)) {
        return true;
    }
    struct tenant_slot *slot = find_tenant(meters, tenant);
    if (slot == NULL) {
        slot = admit_tenant(meters, tenant);
        slot->seen = now;
    }
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const uint32_t part = atomic_load_explicit(&slot->parts[kind], memory_order_relaxed);
        if (part != slot->used_parts[kind]) {
            meter_move(&slot->meters[kind], limit.rates[kind],
                       (double)slot->used_parts[kind] / WHOLE, (double)part / WHOLE);
            slot->used_parts[kind] = part;
        }
        limit.parts[kind] = (double)part / WHOLE;
        metric_add(&slot->asked[kind], limit.tokens[kind]);
    }
    return take(slot->meters, &limit, pass_time(&slot->seen, now), refusal);
}

static bool take_of_device(struct core_meters *meters, struct mono now, uint64_t device,
                           const struct model_quota *quota, struct core_cost cost,
                           struct core_refusal *refusal)
{
    const struct rate *const rates[KINDS] = {
        &quota->device_messages, &quota->device_telemetry_messages, &quota->device_data_points};
    struct limit limit;
    if (!limit_init(&limit, rates, device_reasons, cost)) {
        return true;
    }
    struct device_slot *slot = need_device(meters, device);
    return take(slot->meters, &limit, pass_time(&slot->seen, now), refusal);
}

bool core_meters_admit(struct core_meters *meters, struct mono now,
                       const struct model_index_entry *device, struct core_cost cost,
                       struct core_refusal *refusal)
{
    struct model_quota quota;
    if (meters == NULL || !model_quotas_have_rates(meters->quotas)) {
        return true;
    }
    model_quotas_of(meters->quotas, device->tenant, &quota);
    if (!take_of_tenant(meters, now, device->tenant.number, &quota, cost, refusal)) {
        metric_add(&meters->by_tenant, 1);
        return false;
    }
    if (!take_of_device(meters, now, device->device.number, &quota, cost, refusal)) {
        metric_add(&meters->by_device, 1);
        return false;
    }
    return true;
}

// Sharing.

struct sharers {
    struct tenant_slot *slots[CORE_METERS_PARTIES_MAX];
    unsigned count;
};

static void share_kind(const struct sharers *sharers, enum kind kind)
{
    uint64_t asked[CORE_METERS_PARTIES_MAX];
    uint64_t sum = 0;
    for (unsigned i = 0; i < sharers->count; i++) {
        struct tenant_slot *slot = sharers->slots[i];
        const uint64_t now = metric_read(&slot->asked[kind]);
        asked[i] = now - slot->before[kind];
        slot->before[kind] = now;
        sum += asked[i];
    }
    const uint64_t reserve = sharers->count > 1 ? RESERVE / sharers->count : 0;
    const uint64_t rest = WHOLE - reserve * sharers->count;
    for (unsigned i = 0; sum > 0 && i < sharers->count; i++) {
        const uint32_t part = (uint32_t)(reserve + rest * asked[i] / sum);
        atomic_store_explicit(&sharers->slots[i]->parts[kind], part, memory_order_relaxed);
    }
}

// The slots of this tenant with the party `first` and those behind it.
static void gather(struct core_meters *const *parties, unsigned count, unsigned first,
                   uint64_t tenant, struct sharers *sharers)
{
    sharers->count = 0;
    for (unsigned i = first; i < count; i++) {
        struct tenant_slot *slot = find_tenant(parties[i], tenant);
        if (slot != NULL) {
            sharers->slots[sharers->count++] = slot;
        }
    }
}

static bool is_with_an_earlier(struct core_meters *const *parties, unsigned before, uint64_t tenant)
{
    for (unsigned i = 0; i < before; i++) {
        if (find_tenant(parties[i], tenant) != NULL) {
            return true;
        }
    }
    return false;
}

void core_meters_share(struct core_meters *const *parties, unsigned count)
{
    struct sharers sharers;
    ASSERT(count <= CORE_METERS_PARTIES_MAX);
    if (count == 0 || !model_quotas_have_rates(parties[0]->quotas)) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        for (uint32_t s = 0; s < parties[i]->tenant_sets * WAYS; s++) {
            const uint64_t tenant = key_of(&parties[i]->tenants[s]);
            if (tenant == 0 || is_with_an_earlier(parties, i, tenant)) {
                continue;
            }
            gather(parties, count, i, tenant, &sharers);
            for (unsigned kind = 0; kind < KINDS; kind++) {
                share_kind(&sharers, (enum kind)kind);
            }
        }
    }
}

struct core_meters_figures core_meters_figures(const struct core_meters *meters)
{
    return (struct core_meters_figures){metric_read(&meters->by_tenant),
                                        metric_read(&meters->by_device)};
}
