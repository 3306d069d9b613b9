// A device that speaks HTTP waits for its calls and changes, answers calls, and calls the server
// (server-api.md 14.2; core/visit.h has the rules).
#include <stdlib.h>

#include "codec/call.h"
#include "codec/scratch.h"
#include "core/visit.h"
#include "rest/device_http.h"
#include "rest/error.h"
#include "rest/handlers.h"

#define ERROR_SIZE 512U
#define TOO_MANY "Too many requests of this device wait already"

// A request that is parked. It lives until it is known what became of its answer.
struct waiting {
    struct core_order order;
    const struct rest *rest;
    struct http_parked *parked;
};

// On the thread of the device's shard. Failures that are everyday have no body, as upstream.
static void answer(struct core_order *order, enum err err, struct slice body)
{
    const struct waiting *waiting = order->context;
    uint8_t memory[ERROR_SIZE];
    struct http_response response = {.status = 200,
                                     .content_type = "application/json",
                                     .body = buf_over(memory, sizeof(memory))};
    if (err == ERR_OK) {
        // Only read from here on.
        response.body =
            (struct buf){.ptr = (uint8_t *)(uintptr_t)body.ptr, .len = body.len, .cap = body.len};
    } else if (err == ERR_TIMEOUT || err == ERR_UNAUTHORIZED) {
        response.status = err == ERR_TIMEOUT ? 408 : 401;
    } else {
        rest_error_write(&response, err, err == ERR_LIMITED ? TOO_MANY : NULL,
                         waiting->rest->wall());
    }
    waiting->rest->answer(waiting->parked, &response);
}

// On the thread of the sockets, these two.

static void leave(void *context)
{
    const struct waiting *waiting = context;
    core_visit_left(waiting->rest->door, waiting->order.device, waiting->order.visit.number);
}

static void end(void *context, bool is_written)
{
    struct waiting *waiting = context;
    if (waiting->order.visit.ticket != 0) {
        core_visit_ended(waiting->rest->door, waiting->order.visit.ticket, is_written);
    }
    free(waiting);
}

// With its texts behind it, since those of the request are reset with it.
static struct waiting *make_waiting(const struct rest_call *call,
                                    const struct model_index_entry *device,
                                    const struct core_visit *visit)
{
    struct waiting *waiting = malloc(sizeof(*waiting) + visit->method.len + visit->params.len);
    if (waiting == NULL) {
        return NULL;
    }
    uint8_t *texts = (uint8_t *)(waiting + 1);
    *waiting = (struct waiting){.rest = call->rest,
                                .order = {.tenant = device->tenant,
                                          .device = device->device,
                                          .visit = *visit,
                                          .done = answer,
                                          .context = waiting}};
    waiting->order.visit.method = rest_call_keep(&texts, visit->method);
    waiting->order.visit.params = rest_call_keep(&texts, visit->params);
    core_visit_name(rest_call_desk(call), &waiting->order);
    return waiting;
}

static enum err wait_for(struct rest_call *call, const struct model_index_entry *device,
                         const struct core_visitor *visitor, const struct core_visit *visit)
{
    struct waiting *waiting = make_waiting(call, device, visit);
    if (waiting == NULL) {
        return ERR_EXHAUSTED;
    }
    const struct http_watch watch = {waiting, leave, end};
    enum err err = rest_call_park(call, device->tenant, &watch, &waiting->parked);
    if (err != ERR_OK) {
        free(waiting);
        return err;
    }
    core_device_http_heard(call->rest->core, device, visitor);
    err = core_desk_send(rest_call_desk(call), &waiting->order);
    if (err != ERR_OK) {
        // It is parked and has to be answered so.
        answer(&waiting->order, err, SLICE_EMPTY);
    }
    return ERR_OK;
}

// How long the device wants to wait, in the bounds of the server.
static enum err read_deadline(struct rest_call *call, struct mono now, struct mono *deadline)
{
    const struct rest_settings *settings = &call->rest->settings;
    int64_t wait_ms = 0;
    const enum err err = rest_call_int(call, "timeout", false, 0, &wait_ms);
    wait_ms = wait_ms > 0 ? wait_ms : settings->visit_wait_ms;
    wait_ms = wait_ms < settings->visit_wait_most_ms ? wait_ms : settings->visit_wait_most_ms;
    *deadline = mono_add(now, span_ms((uint64_t)wait_ms));
    return err;
}

static enum err visit(struct rest_call *call, enum core_wish wish)
{
    struct core_visitor visitor;
    struct model_index_entry device;
    struct core_visit wanted = {.wish = wish};
    enum err err = ERR_OK;
    if (!rest_device_http_enter(call, &visitor, &device, &err)) {
        return err;
    }
    if (call->request->method == HTTP_HEAD) {
        return rest_call_refuse(call, ERR_UNSUPPORTED,
                                "HEAD would take what waits without showing it");
    }
    err = read_deadline(call, visitor.mono, &wanted.deadline);
    err = err == ERR_OK ? rest_device_http_admit(call, &device, &visitor, 0) : err;
    return err == ERR_OK ? wait_for(call, &device, &visitor, &wanted) : err;
}

enum err rest_device_visit_attributes(struct rest_call *call)
{
    return visit(call, CORE_WISH_ATTRIBUTES);
}

enum err rest_device_visit_rpc(struct rest_call *call)
{
    return visit(call, CORE_WISH_RPC);
}

// Who asks, and the object that it sent.
struct sent {
    struct core_visitor visitor;
    struct model_index_entry device;
    struct codec_json body;
};

static enum err read_body(struct rest_call *call, struct codec_json *body)
{
    struct err_place place = {NULL, 0};
    const enum err err =
        codec_json_parse(call->request->memory, call->request->body, true, body, &place);
    if (err != ERR_OK) {
        return rest_device_http_refuse(call, err, &place);
    }
    return codec_json_is(*body, CODEC_JSON_OBJECT)
               ? ERR_OK
               : rest_call_refuse(call, ERR_INVALID, "the body is not a JSON object");
}

// True when the request goes on; else its answer stands.
static bool enter(struct rest_call *call, struct sent *sent, enum err *err)
{
    if (!rest_device_http_enter(call, &sent->visitor, &sent->device, err)) {
        return false;
    }
    *err = read_body(call, &sent->body);
    return *err == ERR_OK;
}

enum err rest_device_visit_reply(struct rest_call *call)
{
    struct sent sent;
    int64_t number = 0;
    enum err err = ERR_OK;
    if (!enter(call, &sent, &err)) {
        return err;
    }
    if (!slice_to_int64(call->match.parameters[1], &number) || number < 0 || number > UINT32_MAX) {
        return rest_call_refuse(call, ERR_INVALID, "rpc/{id}: the id is not a number");
    }
    struct buf text = codec_scratch_open(call->request->memory);
    codec_json_write(sent.body, &text);
    if (text.overflow || text.len > CORE_MAIL_BODY_MAX) {
        return ERR_TOO_LARGE;
    }
    const struct slice body = codec_scratch_close(call->request->memory, &text);
    err = rest_device_http_admit(call, &sent.device, &sent.visitor, 0);
    err = err == ERR_OK
              ? core_visit_reply(rest_call_desk(call), &sent.device, (uint32_t)number, body)
              : err;
    if (err == ERR_OK) {
        core_device_http_heard(call->rest->core, &sent.device, &sent.visitor);
    }
    return err;
}

enum err rest_device_visit_call(struct rest_call *call)
{
    struct sent sent;
    enum err err = ERR_OK;
    if (!enter(call, &sent, &err)) {
        return err;
    }
    struct codec_call read;
    err = codec_call_read(call->request->memory, sent.body, &read);
    if (err != ERR_OK) {
        return err == ERR_INVALID ? rest_call_refuse(call, err, "the call has no method") : err;
    }
    if (read.method.len + read.params.len > CORE_MAIL_BODY_MAX) {
        return ERR_TOO_LARGE;
    }
    const struct span wait = span_ms((uint64_t)call->rest->settings.answer_wait_ms);
    err = rest_device_http_admit(call, &sent.device, &sent.visitor, 0);
    const struct core_visit visit = {.wish = CORE_WISH_ANSWER,
                                     .deadline = mono_add(sent.visitor.mono, wait),
                                     .method = read.method,
                                     .params = read.params};
    return err == ERR_OK ? wait_for(call, &sent.device, &sent.visitor, &visit) : err;
}
