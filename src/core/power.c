// Devices that save power listen for a while after a message of their own (PSM), or besides for one
// message outside of it (eDRX): nothing else is sent to them (device-api.md 7.1). What waits goes
// out with their next message, so no retries are spent on a device that sleeps.
#include "core/power_priv.h"
#include "model/index.h"

void core_power_heard(const struct core_reach *reach, const struct core_mail *mail)
{
    struct core_downlink *link = reach->link;
    link->uplink = reach->now.mono;
    link->is_owed_one = true;
    if (mail != NULL) {
        link->power = mail->power;
        link->awake_ms = mail->awake_ms;
    }
}

static bool is_within(const struct core_reach *reach)
{
    const struct core_downlink *link = reach->link;
    const struct core_shard_settings *settings = &reach->shard->plan.settings;
    const struct span usual =
        link->power == MODEL_POWER_PSM ? settings->psm_awake : settings->edrx_awake;
    const struct span window = link->awake_ms > 0 ? span_ms(link->awake_ms) : usual;
    return mono_since(reach->now.mono, link->uplink).ns <= window.ns;
}

bool core_power_is_awake(const struct core_reach *reach)
{
    const struct core_downlink *link = reach->link;
    return link->power == MODEL_POWER_NONE || is_within(reach) ||
           (link->power == MODEL_POWER_EDRX && link->is_owed_one);
}

void core_power_sent(const struct core_reach *reach)
{
    if (!is_within(reach)) {
        reach->link->is_owed_one = false;
    }
}
