// api/attributes.h: /api/v1/{token}/attributes (device-api.md 2.3, 2.4, 3.1). POST sets client
// attributes: 2.01 once they are on disk. GET reads client and shared ones: 2.05, or 4.04 if there
// is none of those asked for. With Observe it registers (api/observe.h).
#pragma once

#include "api/call.h"
#include "core/mail.h"

enum api_outcome api_attributes_post(const struct api_call *call, struct coap_reply *reply);
enum api_outcome api_attributes_get(const struct api_call *call, struct coap_reply *reply);
// Reads all shared attributes for the answer to a registration, or to its end: in `*load` if they
// are at hand, else NULL, and the load comes with the ticket of `answer`. ERR_EXHAUSTED.
MUST_USE enum err api_attributes_read_all(struct api *api, const struct core_mail *answer,
                                          struct store_load **load);
// The answer of a GET whose attributes were read: API_REPLIED.
enum api_outcome api_attributes_loaded(struct api *api, struct store_load *load,
                                       struct coap_reply *reply);
