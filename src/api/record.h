// api/record.h: what the flight recorder (core/recorder.h) is told of a worker's exchanges with
// devices. What no device sent, or nobody knows which, is not recorded: wrong tokens, the root.
#pragma once

#include "api/call.h"
#include "coap/notify.h"

// A request was judged; `reply` counts for API_REPLIED only.
void api_record_request(const struct api_call *call, enum api_outcome outcome,
                        const struct coap_reply *reply);
// The answer to one that was API_PENDING.
void api_record_answer(struct api *api, struct coap_handle exchange,
                       const struct coap_reply *reply);
void api_record_notice(struct api *api, struct device_id device, const struct coap_notice *notice);
void api_record_outcome(struct api *api, uint64_t ticket, enum core_record_verdict verdict);
