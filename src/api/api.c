#include "api/api.h"

#include "api/ask.h"
#include "api/attributes.h"
#include "api/call.h"
#include "api/observe.h"
#include "api/pending.h"
#include "api/record.h"
#include "api/route.h"
#include "api/rpc.h"
#include "api/status.h"
#include "api/telemetry.h"
#include "base/buf.h"
#include "core/feed.h"
#include "core/presence.h"

typedef enum api_outcome api_handler_fn(const struct api_call *call, struct coap_reply *reply);

// What may be done below /api/v1. A pair that is not here is 4.00, as upstream answers it; one
// without a handler is known to the protocol and not served by this version.
static const struct {
    enum api_feature feature;
    uint8_t method;
    api_handler_fn *handler;
} routes[] = {
    {API_FEATURE_TELEMETRY, COAP_POST, api_telemetry_post},
    {API_FEATURE_ATTRIBUTES, COAP_POST, api_attributes_post},
    {API_FEATURE_ATTRIBUTES, COAP_GET, api_attributes_get},
    {API_FEATURE_RPC, COAP_POST, api_rpc_post},
    {API_FEATURE_RPC, COAP_GET, api_rpc_get},
    {API_FEATURE_CLAIM, COAP_POST, NULL},
    {API_FEATURE_PROVISION, COAP_POST, NULL},
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

static const struct slice banner = {(const uint8_t *)"Motehub CoAP server", 19};

void api_reply_code(struct coap_reply *reply, uint8_t code)
{
    *reply = (struct coap_reply){
        .code = code, .content_format = COAP_FORMAT_NONE, .max_age_s = COAP_MAX_AGE_NONE};
}

enum api_outcome api_refuse_form(uint8_t code, const char *reason, struct coap_reply *reply)
{
    api_reply_code(reply, code);
    reply->no_effect = true;
    if (reason != NULL) {
        reply->payload = slice_text(reason);
    }
    return API_REPLIED;
}

enum api_outcome api_refuse(const struct api_call *call, enum err err, const char *reason,
                            struct coap_reply *reply)
{
    const uint8_t code = api_status_code(err, call->api->settings.upstream_codes);
    (void)api_refuse_form(code, reason != NULL ? reason : err_text(err), reply);
    reply->max_age_s = api_status_max_age(code, call->request->peer);
    reply->authenticated = call->principal.device != NULL;
    return API_REPLIED;
}

enum api_outcome api_refuse_at(const struct api_call *call, enum err err,
                               const struct err_place *place, struct coap_reply *reply)
{
    (void)api_refuse(call, err, place->reason, reply);
    void *memory = arena_take(call->api->memory, COAP_DIAGNOSTIC_MAX);
    if (place->reason == NULL || memory == NULL) {
        return API_REPLIED;
    }
    struct buf text = buf_over(memory, COAP_DIAGNOSTIC_MAX);
    buf_put_format(&text, "byte %zu: %s", place->offset, place->reason);
    if (!text.overflow) {
        reply->payload = buf_view(&text);
    }
    return API_REPLIED;
}

enum api_outcome api_stored(const struct api_call *call, enum err err, enum core_step step,
                            struct coap_reply *reply)
{
    if (err != ERR_OK) {
        return api_refuse(call, err, NULL, reply);
    }
    if (step == CORE_PENDING) {
        return API_PENDING;
    }
    api_reply_code(reply, COAP_CREATED);
    return API_REPLIED;
}

uint64_t api_ticket(struct coap_handle exchange)
{
    return (uint64_t)exchange.slot.generation << 32 | exchange.slot.index;
}

static struct coap_handle exchange_of(uint64_t ticket)
{
    return (struct coap_handle){{(uint32_t)ticket, (uint32_t)(ticket >> 32)}};
}

// The first gate: the form. NULL when `reply` already refuses.
static api_handler_fn *handler_for(const struct api_call *call, struct coap_reply *reply)
{
    const uint8_t method = call->request->method;
    const enum api_feature feature = call->route.feature;
    if (method != COAP_GET && method != COAP_POST) {
        (void)api_refuse_form(COAP_METHOD_NOT_ALLOWED, NULL, reply);
        return NULL;
    }
    if (feature == API_FEATURE_NONE) {
        (void)api_refuse_form(COAP_BAD_REQUEST,
                              "path is not /api/v1/{token}/telemetry or a like feature", reply);
        return NULL;
    }
    for (unsigned i = 0; i < ROUTE_COUNT; i++) {
        if (routes[i].feature == feature && routes[i].method == method) {
            if (routes[i].handler == NULL) {
                (void)api_refuse(call, ERR_UNSUPPORTED, "this version does not serve it", reply);
            }
            return routes[i].handler;
        }
    }
    (void)api_refuse_form(COAP_BAD_REQUEST, "the feature has no such method", reply);
    return NULL;
}

// The second gate: the credential. API_PENDING lets the request pass.
static enum api_outcome authenticate(struct api_call *call, struct coap_reply *reply)
{
    struct api *api = call->api;
    enum err err = ERR_UNAUTHORIZED;
    if (call->route.has_token) {
        err = core_auth_token(&api->core, call->route.token, &call->principal);
    }
    if (err == ERR_OK) {
        return API_PENDING;
    }
    metric_add(&api->metrics.wrong_tokens, 1);
    if (!api_refusals_answer(&api->refusals, call->now.mono, call->request->peer)) {
        return API_DROPPED;
    }
    return api_refuse(call, err, NULL, reply);
}

static enum api_outcome request_elsewhere(const struct api_call *call, struct coap_reply *reply)
{
    if (call->route.place == API_PLACE_ELSEWHERE) {
        return api_refuse_form(COAP_NOT_FOUND, NULL, reply);
    }
    if (call->route.place == API_PLACE_API || call->request->method != COAP_GET) {
        return api_refuse_form(COAP_METHOD_NOT_ALLOWED, NULL, reply);
    }
    api_reply_code(reply, COAP_CONTENT);
    reply->content_format = COAP_FORMAT_TEXT;
    reply->payload = banner;
    // Safe and free: a repeat may run it again (RFC 7252 4.5), so it takes no place in the table.
    reply->no_effect = true;
    return API_REPLIED;
}

// Both gates. API_PENDING leaves the handler in `*handler` and the device in the call.
static enum api_outcome admit(struct api_call *call, api_handler_fn **handler,
                              struct coap_reply *reply)
{
    api_route_find(call->request->options, &call->route);
    if (call->route.place != API_PLACE_V1) {
        return request_elsewhere(call, reply);
    }
    *handler = handler_for(call, reply);
    return *handler == NULL ? API_REPLIED : authenticate(call, reply);
}

static void count(struct api *api, enum api_outcome outcome, const struct coap_reply *reply)
{
    if (outcome == API_DROPPED) {
        metric_add(&api->metrics.dropped, 1);
    } else if (outcome == API_REPLIED) {
        const unsigned class = coap_code_class(reply->code);
        struct metric *metric = class == 2   ? &api->metrics.accepted
                                : class == 4 ? &api->metrics.refused
                                             : &api->metrics.failed;
        metric_add(metric, 1);
        metric_add(&api->metrics.by_code[reply->code], 1);
    }
}

// Of a request that had to wait.
static void answered(struct api *api, struct coap_handle exchange, const struct coap_reply *reply)
{
    api_record_answer(api, exchange, reply);
    count(api, API_REPLIED, reply);
}

enum api_outcome api_request(struct api *api, struct api_time now,
                             const struct coap_request *request, const struct api_origin *origin,
                             struct coap_reply *reply)
{
    metric_add(&api->metrics.requests, 1);
    struct api_call call = {.api = api, .request = request, .origin = origin, .now = now};
    api_handler_fn *handler = NULL;
    enum api_outcome outcome = admit(&call, &handler, reply);
    if (outcome == API_PENDING) {
        outcome = api_pending_read(&call, reply);
    }
    if (outcome == API_PENDING) {
        outcome = handler(&call, reply);
        outcome = api_pending_follow(&call, outcome, reply);
    }
    if (outcome == API_REPLIED && call.principal.device != NULL) {
        reply->authenticated = true;
    }
    const bool is_taken =
        outcome == API_PENDING || (outcome == API_REPLIED && coap_code_class(reply->code) == 2);
    if (is_taken && call.principal.device != NULL) {
        core_presence_heard(api->core.presence, call.principal.device->device, now.mono);
    }
    api->is_reached = outcome != API_DROPPED && api_ask_is_reached(&call);
    if (api->is_reached) {
        api_ask_heard(&call);
    }
    api_record_request(&call, outcome, reply);
    count(api, outcome, reply);
    return outcome;
}

enum api_outcome api_body_begins(struct api *api, struct api_time now,
                                 const struct coap_request *request,
                                 struct coap_admission *admission, struct coap_reply *reply)
{
    struct api_call call = {.api = api, .request = request, .now = now};
    api_handler_fn *handler = NULL;
    const enum api_outcome outcome = admit(&call, &handler, reply);
    const uint32_t body_max = api->settings.body_max;
    if (outcome != API_PENDING) {
        api_record_request(&call, outcome, reply);
        count(api, outcome, reply);
        return outcome;
    }
    if (request->options->has_size1 && request->options->size1 > body_max) {
        (void)api_refuse(&call, ERR_TOO_LARGE, NULL, reply);
        reply->size1 = body_max;
        api_record_request(&call, API_REPLIED, reply);
        count(api, API_REPLIED, reply);
        return API_REPLIED;
    }
    *admission = (struct coap_admission){
        .body_max = body_max, .owner = call.principal.device->device.number, .by_uri = true};
    return API_PENDING;
}

static struct api_follow *follow_of(struct api *api, struct coap_handle exchange)
{
    struct api_follow *follow = &api->follows[exchange.slot.index];
    return follow->generation != 0 && follow->generation == exchange.slot.generation ? follow
                                                                                     : NULL;
}

struct api_follow *api_follow(const struct api_call *call)
{
    struct api *api = call->api;
    const struct pool_handle slot = call->request->exchange.slot;
    struct api_follow *follow = &api->follows[slot.index];
    if (follow->generation != slot.generation) {
        api->followed += follow->generation == 0 ? 1 : 0;
        *follow = (struct api_follow){.generation = slot.generation,
                                      .tenant = call->principal.device->tenant,
                                      .device = call->principal.device->device};
    }
    return follow;
}

// Takes it out. False if nothing follows.
static bool take_follow(struct api *api, struct coap_handle exchange, struct api_follow *out)
{
    struct api_follow *follow = api->followed > 0 ? follow_of(api, exchange) : NULL;
    if (follow == NULL) {
        return false;
    }
    *out = *follow;
    follow->generation = 0;
    api->followed--;
    return true;
}

void api_watch_completion(const struct api_call *call, unsigned what)
{
    if (core_feed_is_watched(call->api->core.feed, call->principal.device->device)) {
        api_follow(call)->feed = what;
    }
}

// The feed is told; then what waits for the device is asked for, if it wants to know.
static enum api_outcome go_on(struct api *api, struct coap_handle exchange,
                              struct coap_reply *reply)
{
    struct api_follow *follow = api->followed > 0 ? follow_of(api, exchange) : NULL;
    if (follow == NULL) {
        return API_REPLIED;
    }
    if (follow->feed != 0) {
        core_feed_publish(api->core.feed, api->core.party, follow->device, follow->feed);
        follow->feed = 0;
    }
    if (follow->pending.is_asked && api_pending_ask(api, follow, exchange)) {
        return API_PENDING;
    }
    struct api_follow done;
    if (take_follow(api, exchange, &done) && done.pending.is_asked) {
        api_pending_put(api, &done.pending, SLICE_EMPTY, reply);
    }
    return API_REPLIED;
}

enum api_outcome api_completed(struct api *api, const struct store_completion *completion,
                               struct coap_handle *exchange, struct coap_reply *reply)
{
    struct api_follow dropped;
    enum api_outcome outcome = API_REPLIED;
    *exchange = exchange_of(completion->ticket);
    api_reply_code(reply, api_status_code(completion->err, api->settings.upstream_codes));
    reply->authenticated = true;
    if (completion->err == ERR_OK) {
        outcome = go_on(api, *exchange, reply);
    } else {
        (void)take_follow(api, *exchange, &dropped);
        reply->no_effect = true;
        reply->payload = slice_text(err_text(completion->err));
        reply->max_age_s = api_status_max_age_of_ticket(reply->code, completion->ticket);
    }
    if (outcome == API_REPLIED) {
        answered(api, *exchange, reply);
    }
    return outcome;
}

// To a device that asked what waits.
static enum api_outcome tell_pending(struct api *api, const struct core_mail *answer,
                                     struct coap_handle exchange, struct coap_reply *reply)
{
    struct api_follow follow;
    // The request itself was done.
    reply->code = COAP_CREATED;
    if (take_follow(api, exchange, &follow)) {
        api_pending_put(api, &follow.pending, core_mail_body(answer), reply);
    }
    return API_REPLIED;
}

enum api_outcome api_answered(struct api *api, const struct core_mail *answer,
                              struct coap_handle *exchange, struct coap_reply *reply)
{
    ASSERT(api->core.asks > 0);
    api->core.asks--;
    *exchange = exchange_of(answer->ticket);
    api_reply_code(reply, api_status_code(answer->err, api->settings.upstream_codes));
    reply->authenticated = true;
    enum api_outcome outcome = API_REPLIED;
    if (answer->question == CORE_MAIL_POLL) {
        outcome = tell_pending(api, answer, *exchange, reply);
    } else if (answer->question != CORE_MAIL_REPLY) {
        outcome = api_observe_answered(api, answer, reply);
    } else if (answer->err == ERR_OK) {
        outcome = go_on(api, *exchange, reply);
    } else {
        struct api_follow dropped;
        (void)take_follow(api, *exchange, &dropped);
        reply->no_effect = true;
        reply->payload = slice_text(err_text(answer->err));
    }
    if (reply->max_age_s == COAP_MAX_AGE_NONE) {
        reply->max_age_s = api_status_max_age_of_ticket(reply->code, answer->ticket);
    }
    if (outcome == API_REPLIED) {
        answered(api, *exchange, reply);
    }
    return outcome;
}

bool api_expired(struct api *api, struct mono now, struct coap_handle *exchange,
                 struct coap_reply *reply)
{
    if (!api_rpc_expired(api, now, exchange)) {
        return false;
    }
    api_reply_code(reply, api_status_code(ERR_TIMEOUT, api->settings.upstream_codes));
    reply->authenticated = true;
    reply->payload = SLICE("nothing answers calls of devices");
    answered(api, *exchange, reply);
    return true;
}

void api_loaded(struct api *api, struct store_load *load, struct coap_handle *exchange,
                struct coap_reply *reply)
{
    *exchange = exchange_of(store_load_ticket(load));
    (void)api_attributes_loaded(api, load, reply);
    answered(api, *exchange, reply);
}
