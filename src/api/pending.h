// api/pending.h: `?pending=<n>` on a POST: with its 2.01 the device gets what waits for it beyond
// number n of its outbox (protocol-rules.md section 5), as JSON, or as CBOR if it accepts that.
//
// The request is done first and counts whatever becomes of the question: a shard that cannot answer
// now makes an answer that says that there is more to ask for.
#pragma once

#include "api/call.h"

// The query of this request, into `call->pending`. API_PENDING: go on.
enum api_outcome api_pending_read(struct api_call *call, struct coap_reply *reply);
// Behind the handler: a success goes on with the question, now or when it is on disk.
enum api_outcome api_pending_follow(const struct api_call *call, enum api_outcome outcome,
                                    struct coap_reply *reply);
// Asks the device's shard. False: it cannot be asked now.
MUST_USE bool api_pending_ask(struct api *api, const struct api_follow *follow,
                              struct coap_handle exchange);
// Puts what the shard said into the answer; empty: it said nothing.
void api_pending_put(struct api *api, const struct api_pending *pending, struct slice body,
                     struct coap_reply *reply);
