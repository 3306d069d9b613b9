// Bodies in blocks: the device has the first block and fetches the others; meanwhile the body stays
// the representation for it, and nothing else is notified of that resource (protocol-rules.md
// section 3). What is not fetched in time was not delivered.
//
// Bound: `fetches_max` at a time; beyond it a body counts as delivered with its acknowledgement.
#include "core/flight_priv.h"
#include "core/power_priv.h"
#include "core/presence.h"

static struct core_observation *observation_of(const struct core_reach *reach, unsigned resource)
{
    ASSERT(resource < CORE_RESOURCES);
    return &reach->link->observations[resource];
}

// What is being fetched, or NULL.
static struct core_fetch *fetch_of(const struct core_reach *reach, enum core_resource resource)
{
    const uint32_t place = observation_of(reach, resource)->fetch;
    bool is_taken = false;
    struct core_fetch *fetch =
        place > 0 ? pool_at(reach->shard->fetches, place - 1, &is_taken) : NULL;
    ASSERT(is_taken == (place > 0));
    return fetch;
}

static bool begin(const struct core_reach *reach, enum core_resource resource,
                  const struct core_fetch *wanted)
{
    struct pool_handle handle;
    struct core_fetch *fetch = pool_take(reach->shard->fetches, &handle);
    if (fetch == NULL) {
        return false;
    }
    ASSERT(observation_of(reach, resource)->fetch == 0);
    *fetch = *wanted;
    fetch->until = mono_add(reach->now.mono, reach->shard->plan.settings.fetch_most);
    observation_of(reach, resource)->fetch = handle.index + 1;
    core_shard_wake_at(reach, fetch->until);
    return true;
}

bool core_fetch_begin(const struct core_reach *reach, uint32_t serial)
{
    const struct core_flight *flight = &reach->link->flight;
    const struct core_fetch fetch = {.serial = serial, .upto = flight->upto, .call = flight->call};
    if (!begin(reach, (enum core_resource)flight->resource, &fetch)) {
        return false;
    }
    core_call_fetching(reach);
    return true;
}

void core_fetch_first(const struct core_reach *reach, enum core_resource resource, uint32_t serial)
{
    core_fetch_cancel(reach, resource);
    // Without a place the next notification does not wait.
    (void)!begin(reach, resource, &(struct core_fetch){.serial = serial, .call = POOL_HANDLE_NONE});
}

uint64_t core_fetch_upto(const struct core_reach *reach, enum core_resource resource)
{
    const struct core_fetch *fetch = fetch_of(reach, resource);
    return fetch != NULL ? fetch->upto : 0;
}

// What was being fetched, which is over.
static struct core_fetch take(const struct core_reach *reach, enum core_resource resource)
{
    struct core_fetch none = {.call = POOL_HANDLE_NONE};
    const struct core_fetch *place = fetch_of(reach, resource);
    if (place == NULL) {
        return none;
    }
    const struct core_fetch fetch = *place;
    pool_give(reach->shard->fetches, pool_handle_of(reach->shard->fetches, place));
    observation_of(reach, resource)->fetch = 0;
    return fetch;
}

static void finish(const struct core_reach *reach, enum core_resource resource)
{
    const struct core_fetch fetch = take(reach, resource);
    core_presence_heard(reach->shard->plan.core->presence, reach->device, reach->now.mono);
    core_power_heard(reach, NULL);
    observation_of(reach, resource)->probe_wait = (struct span){0};
    if (fetch.upto > 0) {
        core_delta_delivered(reach, fetch.upto);
    }
    core_call_fetched(reach, fetch.call);
    reach->shard->stats.delivered++;
    core_flight_pump(reach);
}

void core_fetch_done(const struct core_reach *reach, uint32_t serial)
{
    for (unsigned i = 0; i < CORE_RESOURCES; i++) {
        const struct core_fetch *fetch = fetch_of(reach, (enum core_resource)i);
        if (fetch != NULL && fetch->serial == serial) {
            finish(reach, (enum core_resource)i);
            return;
        }
    }
}

void core_fetch_stop(const struct core_reach *reach, enum core_resource resource)
{
    (void)take(reach, resource);
}

void core_fetch_cancel(const struct core_reach *reach, enum core_resource resource)
{
    const struct core_fetch fetch = take(reach, resource);
    core_call_unfetched(reach, fetch.call, false);
}

// The device took the first block and left the rest: it is asked again as one that was silent is,
// and ever more seldom. A first answer or a probe has nothing to be sent again.
static void give_up(const struct core_reach *reach, enum core_resource resource)
{
    struct core_observation *observation = observation_of(reach, resource);
    const struct core_fetch fetch = take(reach, resource);
    const bool is_owed = fetch.upto > 0 || pool_get(reach->shard->calls, fetch.call) != NULL;
    core_call_unfetched(reach, fetch.call, true);
    if (is_owed && observation->state == CORE_OBSERVATION_LIVE) {
        observation->state = CORE_OBSERVATION_PROBING;
        core_observation_suspend(reach, resource);
        reach->shard->stats.lost++;
    }
}

void core_fetch_expire(const struct core_reach *reach)
{
    for (unsigned i = 0; i < CORE_RESOURCES; i++) {
        const struct core_fetch *fetch = fetch_of(reach, (enum core_resource)i);
        if (fetch == NULL) {
            continue;
        }
        if (mono_reached(reach->now.mono, fetch->until)) {
            give_up(reach, (enum core_resource)i);
        } else {
            core_shard_wake_at(reach, fetch->until);
        }
    }
}
