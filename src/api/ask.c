#include "api/ask.h"

static_assert(sizeof(struct coap_peer) == CORE_PEER_SIZE, "a route holds a peer");

struct core_route api_ask_route(const struct api_call *call)
{
    struct core_route route = {.steer = call->origin->steer};
    memcpy(route.peer, call->request->peer, sizeof(route.peer));
    return route;
}

struct core_registration api_ask_registration(const struct api_call *call)
{
    const struct coap_request *request = call->request;
    struct core_registration registration = {
        .route = api_ask_route(call),
        .token_len = request->token.len,
        .confirmable = request->confirmable,
        .content_format = request->options->content_format == COAP_FORMAT_NONE
                              ? CORE_FORMAT_NONE
                              : (uint16_t)request->options->content_format,
        .uri_hash = request->uri_hash,
    };
    memcpy(registration.token, request->token.bytes, request->token.len);
    return registration;
}

static unsigned worker_of(const struct core_worker *worker, struct device_id device)
{
    return device_shard(device) % bus_workers(worker->bus);
}

struct core_mail *api_ask_begin(struct api *api, struct device_id device, struct slice body)
{
    struct core_worker *worker = &api->core;
    const unsigned to = worker_of(worker, device);
    if (worker->asks >= CORE_ASKS_MAX || !bus_has_room(worker->party, to)) {
        return NULL;
    }
    struct core_mail *mail = core_mail_begin(worker->party, to, body.len);
    if (mail != NULL) {
        mail->device = device;
        core_mail_put_body(mail, body);
    }
    return mail;
}

void api_ask_end(struct api *api, const struct core_mail *mail)
{
    core_mail_end(api->core.party, worker_of(&api->core, mail->device), mail);
    api->core.asks++;
}

enum api_outcome api_ask(const struct api_call *call, enum core_mail_kind question,
                         enum core_resource resource, uint32_t number, struct slice body,
                         struct coap_reply *reply)
{
    const struct model_index_entry *device = call->principal.device;
    struct core_mail *mail = api_ask_begin(call->api, device->device, body);
    if (mail == NULL) {
        return api_refuse(call, ERR_EXHAUSTED, NULL, reply);
    }
    mail->kind = (uint8_t)question;
    mail->resource = (uint8_t)resource;
    mail->number = number;
    mail->ticket = api_ticket(call->request->exchange);
    mail->tenant = device->tenant;
    mail->power = device->power;
    mail->awake_ms = device->awake_ms;
    mail->registration = api_ask_registration(call);
    api_ask_end(call->api, mail);
    return API_PENDING;
}

void api_ask_started(struct api *api, const struct core_mail *answer, enum err err, size_t size)
{
    const unsigned to = worker_of(&api->core, answer->device);
    struct core_mail *mail = core_mail_begin(api->core.party, to, 0);
    // Without it the observation stays as it is until the device registers again.
    if (mail != NULL) {
        *mail = *answer;
        mail->kind = CORE_MAIL_STARTED;
        mail->body_len = 0;
        mail->err = err;
        mail->number = (uint32_t)size;
        core_mail_end(api->core.party, to, mail);
    }
}

bool api_ask_is_reached(const struct api_call *call)
{
    const struct model_index_entry *device = call->principal.device;
    return device != NULL && filter_has(call->api->core.reached, hash_word(device->device.number));
}

// What the request registers an observation of; CORE_RESOURCES if nothing.
static uint8_t registered(const struct api_call *call)
{
    const struct coap_options *options = call->request->options;
    if (call->request->method != COAP_GET || !options->has_observe || options->observe != 0) {
        return CORE_RESOURCES;
    }
    return call->route.feature == API_FEATURE_ATTRIBUTES ? CORE_RESOURCE_ATTRIBUTES
           : call->route.feature == API_FEATURE_RPC      ? CORE_RESOURCE_RPC
                                                         : CORE_RESOURCES;
}

void api_ask_heard(const struct api_call *call)
{
    struct core_worker *worker = &call->api->core;
    const struct model_index_entry *device = call->principal.device;
    const unsigned to = worker_of(worker, device->device);
    // One that finds no room is made up for by the device's next message.
    struct core_mail *mail =
        bus_has_room(worker->party, to) ? core_mail_begin(worker->party, to, 0) : NULL;
    if (mail != NULL) {
        mail->kind = CORE_MAIL_HEARD;
        mail->tenant = device->tenant;
        mail->device = device->device;
        mail->power = device->power;
        mail->awake_ms = device->awake_ms;
        mail->registration = api_ask_registration(call);
        mail->resource = registered(call);
        core_mail_end(worker->party, to, mail);
    }
}
