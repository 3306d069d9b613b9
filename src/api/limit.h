// api/limit.h: the last gate: the limits of the tenant's profile on messages (core/meters.h). What
// is over them is answered 4.29 with Max-Age, and nothing is stored.
#pragma once

#include "api/call.h"
#include "core/meters.h"

// A request that publishes nothing.
#define API_LIMIT_MESSAGE ((struct core_cost){.messages = 1})

// False when `reply` refuses.
MUST_USE bool api_limit_admit(const struct api_call *call, struct core_cost cost,
                              struct coap_reply *reply);
// What a publish of so many points costs; without points it is a message like any other.
struct core_cost api_limit_publish(uint32_t points);
// What an observation costs: subscribing, and reading what is observed; for a device that was not
// reached before also the opening of a session.
struct core_cost api_limit_observe(const struct api_call *call, enum core_resource resource);
