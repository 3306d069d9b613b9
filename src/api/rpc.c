#include "api/rpc.h"

#include "api/ask.h"
#include "api/limit.h"
#include "api/observe.h"
#include "codec/call.h"
#include "codec/scratch.h"
#include "core/plan.h"

enum api_outcome api_rpc_get(const struct api_call *call, struct coap_reply *reply)
{
    if (!api_observe_is_asked(call) || call->route.has_call) {
        return api_refuse_form(COAP_BAD_REQUEST, "calls are observed: GET rpc with Observe 0",
                               reply);
    }
    return api_observe(call, CORE_RESOURCE_RPC, reply);
}

// The body as an object, or a refusal in `reply`.
static bool read_object(const struct api_call *call, struct codec_json *object,
                        struct coap_reply *reply)
{
    struct err_place place = {NULL, 0};
    const enum err err =
        codec_json_parse(call->api->memory, call->request->body, true, object, &place);
    if (err != ERR_OK) {
        (void)api_refuse_at(call, err, &place, reply);
        return false;
    }
    if (!codec_json_is(*object, CODEC_JSON_OBJECT)) {
        (void)api_refuse(call, ERR_INVALID, "the body is not a JSON object", reply);
        return false;
    }
    return true;
}

static enum api_outcome answer_call(const struct api_call *call, struct codec_json object,
                                    struct coap_reply *reply)
{
    struct buf text = codec_scratch_open(call->api->memory);
    codec_json_write(object, &text);
    if (text.overflow || text.len > CORE_MAIL_BODY_MAX) {
        return api_refuse(call, ERR_TOO_LARGE, NULL, reply);
    }
    return api_ask(call, CORE_MAIL_REPLY, CORE_RESOURCE_RPC, (uint32_t)call->route.call,
                   codec_scratch_close(call->api->memory, &text), reply);
}

// How many calls of the device wait; `first` is when the first of them ends.
static uint32_t count_waiting(const struct api_waiting *waiting, struct device_id device,
                              struct mono *first)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < waiting->count; i++) {
        const uint32_t at = (waiting->first + i) % API_WAITING_MAX;
        if (waiting->items[at].device.number == device.number) {
            *first = count == 0 ? waiting->items[at].deadline : *first;
            count++;
        }
    }
    return count;
}

static enum api_outcome refuse_one_more(const struct api_call *call, struct mono until,
                                        struct coap_reply *reply)
{
    const uint64_t wait_s = mono_since(until, call->now.mono).ns / span_s(1).ns;
    (void)api_refuse(call, ERR_LIMITED, "too many calls of the device wait for an answer", reply);
    if (reply->code == COAP_TOO_MANY_REQUESTS) {
        reply->max_age_s = (uint32_t)wait_s + 1;
    }
    return API_REPLIED;
}

// A call of the device waits for an answer, all equally long.
static enum api_outcome wait_for_answer(const struct api_call *call, struct coap_reply *reply)
{
    struct api *api = call->api;
    struct api_waiting *waiting = &api->waiting;
    const struct device_id device = call->principal.device->device;
    struct mono first = MONO_NEVER;
    if (count_waiting(waiting, device, &first) >= API_WAITING_OF_ONE) {
        return refuse_one_more(call, first, reply);
    }
    if (waiting->count == API_WAITING_MAX) {
        return api_refuse(call, ERR_EXHAUSTED, NULL, reply);
    }
    const uint32_t at = (waiting->first + waiting->count++) % API_WAITING_MAX;
    waiting->items[at].device = device;
    waiting->items[at].exchange = call->request->exchange;
    waiting->items[at].deadline = mono_add(call->now.mono, api->settings.answer_wait);
    return API_PENDING;
}

// Rule chains hear of a call that waits, and of no other.
static void raise_call(const struct api_call *call, const struct codec_call *read)
{
    const struct core_worker *worker = &call->api->core;
    const struct core_event_call made = {
        read->method,
        read->params,
        {CORE_ASKER_COAP, bus_number(worker->party), api_ticket(call->request->exchange)}};
    const struct core_event event = {.kind = CORE_EVENT_CALL,
                                     .tenant = call->principal.device->tenant,
                                     .device = call->principal.device->device,
                                     .at = call->now.wall,
                                     .call = &made};
    core_plan_raise(worker->plan, &event);
}

static enum api_outcome call_server(const struct api_call *call, struct codec_json object,
                                    struct coap_reply *reply)
{
    struct codec_call read;
    const enum err err = codec_call_read(call->api->memory, object, &read);
    if (err == ERR_INVALID) {
        return api_refuse(call, err, "the call has no method", reply);
    }
    if (err != ERR_OK) {
        return api_refuse(call, err, NULL, reply);
    }
    const enum api_outcome outcome = wait_for_answer(call, reply);
    if (outcome == API_PENDING) {
        raise_call(call, &read);
    }
    return outcome;
}

enum api_outcome api_rpc_post(const struct api_call *call, struct coap_reply *reply)
{
    struct codec_json object;
    if (call->route.has_call && !call->route.call_is_number) {
        return api_refuse_form(COAP_BAD_REQUEST, "rpc/{id}: the id is not a number", reply);
    }
    if (!read_object(call, &object, reply)) {
        return API_REPLIED;
    }
    if (!api_limit_admit(call, API_LIMIT_MESSAGE, reply)) {
        return API_REPLIED;
    }
    return call->route.has_call ? answer_call(call, object, reply)
                                : call_server(call, object, reply);
}

bool api_rpc_expired(struct api *api, struct mono now, struct coap_handle *exchange)
{
    struct api_waiting *waiting = &api->waiting;
    if (waiting->count == 0 || !mono_reached(now, waiting->items[waiting->first].deadline)) {
        return false;
    }
    *exchange = waiting->items[waiting->first].exchange;
    waiting->first = (waiting->first + 1) % API_WAITING_MAX;
    waiting->count--;
    return true;
}

struct mono api_deadline(const struct api *api)
{
    const struct api_waiting *waiting = &api->waiting;
    return waiting->count == 0 ? MONO_NEVER : waiting->items[waiting->first].deadline;
}
