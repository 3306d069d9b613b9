// api/ask.h: questions to the shard of a device, and what its answers come to.
#pragma once

#include "api/call.h"
#include "core/mail.h"

// The route of a request, and what a registration by it says.
struct core_route api_ask_route(const struct api_call *call);
struct core_registration api_ask_registration(const struct api_call *call);

// A question about a device with its body, to be filled in and ended; NULL: it cannot be asked now.
struct core_mail *api_ask_begin(struct api *api, struct device_id device, struct slice body);
void api_ask_end(struct api *api, const struct core_mail *mail);
// Asks; the answer comes by mail. The body may be empty. ERR_EXHAUSTED.
enum api_outcome api_ask(const struct api_call *call, enum core_mail_kind question,
                         enum core_resource resource, uint32_t number, struct slice body,
                         struct coap_reply *reply);
// Tells the shard that the first answer of a registration left, or that it did not.
void api_ask_started(struct api *api, const struct core_mail *answer, enum err err, size_t size);
// Tells the shard that the device was heard, if anything waits for it.
void api_ask_heard(const struct api_call *call);
// Whether a shard may want to send something to this device.
bool api_ask_is_reached(const struct api_call *call);
