// api/observe.h: registrations at attributes and rpc (device-api.md 3; RFC 7641). Observe 0
// registers: attributes 2.05 with all shared attributes, rpc 2.03, once the observation is on disk.
// Observe 1 ends one: the same without Observe. Other values count as absent.
#pragma once

#include "api/call.h"
#include "core/mail.h"

// Whether the request registers or deregisters.
bool api_observe_is_asked(const struct api_call *call);
enum api_outcome api_observe(const struct api_call *call, enum core_resource resource,
                             struct coap_reply *reply);
// The shard's answer: API_PENDING while attributes are read for it.
enum api_outcome api_observe_answered(struct api *api, const struct core_mail *answer,
                                      struct coap_reply *reply);
