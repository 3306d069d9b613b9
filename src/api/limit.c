#include "api/limit.h"

#include "api/ask.h"

bool api_limit_admit(const struct api_call *call, struct core_cost cost, struct coap_reply *reply)
{
    struct api *api = call->api;
    struct core_refusal refusal = {NULL, 0};
    if (core_meters_admit(api->core.meters, call->now.mono, call->principal.device, cost,
                          &refusal)) {
        return true;
    }
    (void)api_refuse(call, ERR_LIMITED, refusal.reason, reply);
    if (reply->code == COAP_TOO_MANY_REQUESTS) {
        reply->max_age_s = refusal.wait_s;
    }
    return false;
}

struct core_cost api_limit_publish(uint32_t points)
{
    return (struct core_cost){.messages = 1, .points = points};
}

struct core_cost api_limit_observe(const struct api_call *call, enum core_resource resource)
{
    const uint32_t own = resource == CORE_RESOURCE_ATTRIBUTES ? 2 : 1;
    return (struct core_cost){.messages = own + (api_ask_is_reached(call) ? 0 : 1)};
}
