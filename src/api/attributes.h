// api/attributes.h: /api/v1/{token}/attributes (device-api.md 2.3, 2.4, 3.1). POST sets client
// attributes: 2.01 once they are on disk. GET reads client and shared ones: 2.05, or 4.04 if there
// is none of those asked for. A GET with Observe is answered with the shared attributes, without
// Observe: that the server does not notify yet, RFC 7641 4.1 lets it say so.
#pragma once

#include "api/call.h"

enum api_outcome api_attributes_post(const struct api_call *call, struct coap_reply *reply);
enum api_outcome api_attributes_get(const struct api_call *call, struct coap_reply *reply);
// The answer of a GET whose attributes were read.
void api_attributes_loaded(const struct api *api, struct store_load *load,
                           struct coap_reply *reply);
