// api/call.h: one request on its way through a resource handler, and the answers handlers give.
#pragma once

#include "api/api.h"
#include "api/route.h"
#include "core/core.h"

struct api_call {
    struct api *api;
    const struct coap_request *request;
    const struct api_origin *origin;
    struct api_time now;
    struct api_route route;
    struct core_principal principal;
    struct api_pending pending;
};

// An answer with this code and no payload.
void api_reply_code(struct coap_reply *reply, uint8_t code);
// A refusal for `err` with a diagnostic payload; `reason` may be NULL. With `place` the byte offset
// stands before the reason.
enum api_outcome api_refuse(const struct api_call *call, enum err err, const char *reason,
                            struct coap_reply *reply);
enum api_outcome api_refuse_at(const struct api_call *call, enum err err,
                               const struct err_place *place, struct coap_reply *reply);
// What a verb that stores came to: refused, pending, or 2.01 since there was nothing to store.
enum api_outcome api_stored(const struct api_call *call, enum err err, enum core_step step,
                            struct coap_reply *reply);
// What follows the exchange; made if need be.
struct api_follow *api_follow(const struct api_call *call);
// The feed is told that `what` of the device changed, once the exchange is completed.
void api_watch_completion(const struct api_call *call, unsigned what);
// A refusal by the form of the request, with the code given.
enum api_outcome api_refuse_form(uint8_t code, const char *reason, struct coap_reply *reply);
