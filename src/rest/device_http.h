// rest/device_http.h: what the handlers of the device API over HTTP share (server-api.md 14.2).
#pragma once

#include "core/device_http.h"
#include "rest/call.h"

// Whose token the path has. True when the request goes on; else its answer stands: a failure, or an
// empty 401 for a token that no device has.
MUST_USE bool rest_device_http_enter(struct rest_call *call, struct core_visitor *visitor,
                                     struct model_index_entry *device, enum err *err);
// Takes what a message costs by the limits of the tenant's profile: a publish of so many points, or
// with none a message like any other. Fails with ERR_LIMITED and the reason.
enum err rest_device_http_admit(struct rest_call *call, const struct model_index_entry *device,
                                const struct core_visitor *visitor, uint32_t points);
// Fails with what is wrong in the body, and where.
enum err rest_device_http_refuse(struct rest_call *call, enum err err,
                                 const struct err_place *place);
