// api/rpc.h: /api/v1/{token}/rpc (device-api.md 2.7, 2.8, 3.5). GET with Observe registers for
// calls to the device; POST rpc/{id} answers one; POST rpc calls the server, whose rule chains
// answer.
#pragma once

#include "api/call.h"

enum api_outcome api_rpc_get(const struct api_call *call, struct coap_reply *reply);
enum api_outcome api_rpc_post(const struct api_call *call, struct coap_reply *reply);
// The oldest call of a device that has waited too long; false when there is none.
MUST_USE bool api_rpc_expired(struct api *api, struct mono now, struct coap_handle *exchange);
