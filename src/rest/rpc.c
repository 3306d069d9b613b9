#include <stdlib.h>

#include "core/rpc.h"
#include "rest/error.h"
#include "rest/handlers.h"
#include "rest/read.h"

#define TEXT_MAX 65536U
#define ERROR_SIZE 512U
#define TOO_MANY "Too many calls wait for this device"

static enum err refuse_body(struct rest_call *call, const char *member)
{
    return rest_call_refuse(call, ERR_INVALID, "Invalid request body: %s", member);
}

// Any text that is no number counts as 0: the terminal of the user interface sends an id there
// (server-api.md 13).
static uint32_t read_retries(struct codec_json object)
{
    const struct codec_json value = codec_json_get(object, "retries");
    struct slice text;
    int64_t retries = 0;
    if (!codec_json_exists(value) || codec_json_is(value, CODEC_JSON_NULL)) {
        return CORE_RETRIES_MOST;
    }
    if (codec_json_string(value, &text)) {
        (void)!slice_to_int64(text, &retries);
    } else {
        (void)!codec_json_int64(value, &retries);
    }
    return retries > 0 && retries < CORE_RETRIES_MOST ? (uint32_t)retries : 0;
}

static enum err read_deadline(struct rest_call *call, struct codec_json object,
                              struct core_call_request *request)
{
    const struct rest_settings *settings = &call->rest->settings;
    int64_t timeout = 0;
    int64_t expires = 0;
    bool is_given = false;
    bool has_expiry = false;
    enum err err = rest_read_int(call, object, "timeout", &is_given, &timeout);
    err =
        err == ERR_OK ? rest_read_int(call, object, "expirationTime", &has_expiry, &expires) : err;
    if (err != ERR_OK) {
        return err;
    }
    timeout = is_given ? timeout : settings->rpc_timeout_ms;
    timeout = timeout < settings->rpc_timeout_min_ms ? settings->rpc_timeout_min_ms : timeout;
    if (timeout > INT64_MAX / 2) {
        return refuse_body(call, "timeout is out of range");
    }
    request->created = call->now;
    request->expires.ms = has_expiry ? expires : call->now.ms + timeout;
    // Whoever waits holds a place meanwhile.
    const int64_t latest = call->now.ms + settings->rpc_timeout_max_ms;
    if (!request->is_persistent && request->expires.ms > latest) {
        request->expires.ms = latest;
    }
    return ERR_OK;
}

static enum err read_texts(struct rest_call *call, struct codec_json object,
                           struct core_call_request *request)
{
    enum err err = rest_read_text(call, object, "method", &request->method);
    if (err == ERR_OK && request->method.len == 0) {
        err = refuse_body(call, "method is missing");
    }
    err = err == ERR_OK ? rest_read_json(call, object, "params", &request->params) : err;
    err = err == ERR_OK ? rest_read_json(call, object, "additionalInfo", &request->info) : err;
    if (request->params.ptr == NULL) {
        request->params = SLICE("null");
    }
    // What does not fit into a message with the rest around it can never be delivered.
    if (err == ERR_OK && request->method.len + request->params.len > TEXT_MAX - 1024) {
        err = refuse_body(call, "method and params are larger than 63 KiB");
    }
    return err;
}

static enum err read_request(struct rest_call *call, struct core_call_request *request)
{
    struct codec_json object;
    struct slice id;
    struct uuid unused;
    if (rest_call_body(call, &object) != ERR_OK) {
        return refuse_body(call, "it is not a JSON object");
    }
    (void)!codec_json_boolean(codec_json_get(object, "persistent"), &request->is_persistent);
    enum err err = read_texts(call, object, request);
    err = err == ERR_OK ? read_deadline(call, object, request) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "requestUUID", &id) : err;
    if (err == ERR_OK && id.ptr != NULL && !uuid_parse(id, &unused)) {
        err = refuse_body(call, "requestUUID is not a UUID");
    }
    if (err == ERR_OK) {
        request->retries = read_retries(object);
    }
    return err;
}

struct failures {
    int unreachable; // the device did not observe its calls
    int silent;      // it did not answer
};

static enum err store(struct rest_call *call, const struct model_device *device,
                      struct core_call_request *request)
{
    struct codec_json_writer writer = rest_call_writer(call);
    char text[UUID_TEXT_SIZE];
    const enum err err = core_rpc_store(&call->admin, rest_call_desk(call), device, request);
    if (err == ERR_LIMITED) {
        return rest_call_refuse(call, err, TOO_MANY);
    }
    if (err == ERR_OK) {
        codec_json_begin_object(&writer);
        codec_json_field_string(&writer, "rpcId", slice_text(uuid_format(&request->id, text)));
        codec_json_end_object(&writer);
    }
    return err;
}

// A call whose caller waits, without a thread. It lives from the order until its end.
struct waiting {
    struct core_order order;
    const struct rest *rest;
    struct http_parked *parked;
    const struct failures *failures;
};

static void fail(const struct waiting *waiting, enum err err, struct http_response *response)
{
    if (err == ERR_UNAVAILABLE || err == ERR_TIMEOUT) {
        // Without body, as upstream.
        response->status =
            err == ERR_TIMEOUT ? waiting->failures->silent : waiting->failures->unreachable;
        return;
    }
    rest_error_write(response, err, err == ERR_LIMITED ? TOO_MANY : NULL, waiting->rest->wall());
}

// On the thread of the device's shard.
static void answer(struct core_order *order, enum err err, struct slice result)
{
    struct waiting *waiting = order->context;
    uint8_t memory[ERROR_SIZE];
    struct http_response response = {.status = 200,
                                     .content_type = "application/json",
                                     .body = buf_over(memory, sizeof(memory))};
    if (err != ERR_OK) {
        fail(waiting, err, &response);
    } else {
        // Only read from here on.
        response.body = (struct buf){
            .ptr = (uint8_t *)(uintptr_t)result.ptr, .len = result.len, .cap = result.len};
    }
    waiting->rest->answer(waiting->parked, &response);
    free(waiting);
}

// With its texts behind it, since those of the request are reset with it.
static struct waiting *make_waiting(const struct rest_call *call,
                                    const struct core_call_request *request)
{
    struct waiting *waiting = malloc(sizeof(*waiting) + request->method.len + request->params.len);
    if (waiting == NULL) {
        return NULL;
    }
    uint8_t *texts = (uint8_t *)(waiting + 1);
    *waiting = (struct waiting){.rest = call->rest};
    waiting->order.call = *request;
    waiting->order.call.method = rest_call_keep(&texts, request->method);
    waiting->order.call.params = rest_call_keep(&texts, request->params);
    waiting->order.call.info = SLICE_EMPTY;
    waiting->order.done = answer;
    waiting->order.context = waiting;
    return waiting;
}

static enum err wait_for_device(struct rest_call *call, const struct model_device *device,
                                const struct core_call_request *request,
                                const struct failures *failures)
{
    struct waiting *waiting = make_waiting(call, request);
    if (waiting == NULL) {
        return ERR_EXHAUSTED;
    }
    waiting->failures = failures;
    const struct core_call_request kept = waiting->order.call;
    enum err err = core_rpc_order(&call->admin, device, &kept, &waiting->order);
    err = err == ERR_OK ? rest_call_park(call, device->tenant, NULL, &waiting->parked) : err;
    if (err != ERR_OK) {
        free(waiting);
        return err;
    }
    err = core_desk_send(rest_call_desk(call), &waiting->order);
    if (err != ERR_OK) {
        // It is parked and has to be answered so.
        answer(&waiting->order, err, SLICE_EMPTY);
    }
    return ERR_OK;
}

static enum err run(struct rest_call *call, bool is_oneway, const struct failures *failures)
{
    struct model_device device;
    struct core_call_request request = {.is_oneway = is_oneway};
    enum err err = rest_call_device(call, REST_CALL_NO_TYPE, 0, &device);
    if (err != ERR_OK) {
        return err;
    }
    // Only who may not call is refused in plain text (server-api.md 4.1).
    call->plain_errors = false;
    err = read_request(call, &request);
    if (err != ERR_OK) {
        return err;
    }
    return request.is_persistent ? store(call, &device, &request)
                                 : wait_for_device(call, &device, &request, failures);
}

static const struct failures current = {504, 504};
static const struct failures legacy = {409, 408};

enum err rest_rpc_oneway(struct rest_call *call)
{
    return run(call, true, &current);
}

enum err rest_rpc_twoway(struct rest_call *call)
{
    return run(call, false, &current);
}

enum err rest_rpc_oneway_legacy(struct rest_call *call)
{
    return run(call, true, &legacy);
}

enum err rest_rpc_twoway_legacy(struct rest_call *call)
{
    return run(call, false, &legacy);
}

// Persistent ones.

static void write_request(struct rest_write_context *context, const struct core_rpc *rpc)
{
    struct codec_json_writer *writer = &context->writer;
    char text[UUID_TEXT_SIZE];
    codec_json_name(writer, SLICE("request"));
    codec_json_begin_object(writer);
    codec_json_field_string(writer, "id", slice_text(uuid_format(&rpc->request.id, text)));
    rest_write_id(writer, "tenantId", "TENANT", &context->tenant);
    rest_write_id(writer, "deviceId", "DEVICE", &rpc->request.device);
    codec_json_field_boolean(writer, "oneway", rpc->request.is_oneway);
    codec_json_field_int64(writer, "expirationTime", rpc->request.expires.ms);
    codec_json_name(writer, SLICE("body"));
    codec_json_begin_object(writer);
    codec_json_field_string(writer, "method", rpc->request.method);
    codec_json_field_string(writer, "params", rpc->request.params);
    codec_json_end_object(writer);
    codec_json_field_boolean(writer, "persisted", true);
    if (rpc->request.retries == CORE_RETRIES_MOST) {
        codec_json_field_null(writer, "retries");
    } else {
        codec_json_field_int64(writer, "retries", rpc->request.retries);
    }
    codec_json_end_object(writer);
}

static void write_rpc(void *context, const struct core_rpc *rpc)
{
    struct rest_write_context *write = context;
    struct codec_json_writer *writer = &write->writer;
    codec_json_begin_object(writer);
    rest_write_id(writer, "id", "RPC", &rpc->request.id);
    codec_json_field_int64(writer, "createdTime", rpc->request.created.ms);
    rest_write_id(writer, "tenantId", "TENANT", &write->tenant);
    rest_write_id(writer, "deviceId", "DEVICE", &rpc->request.device);
    codec_json_field_int64(writer, "expirationTime", rpc->request.expires.ms);
    write_request(write, rpc);
    rest_write_json(writer, "response", rpc->response.len > 0 ? rpc->response : SLICE_EMPTY);
    codec_json_field_string(writer, "status", slice_text(core_rpc_status_name(rpc->status)));
    rest_write_json(writer, "additionalInfo",
                    rpc->request.info.len > 0 ? rpc->request.info : SLICE_EMPTY);
    codec_json_end_object(writer);
}

enum err rest_rpc_get(struct rest_call *call)
{
    struct uuid id;
    struct core_rpc rpc;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_rpc_get(&call->admin, &id, &rpc) : err;
    if (err == ERR_OK) {
        struct rest_write_context context = rest_call_write(call);
        write_rpc(&context, &rpc);
    }
    return err;
}

enum err rest_rpc_delete(struct rest_call *call)
{
    struct uuid id;
    const enum err err = rest_call_id(call, 0, &id);
    return err == ERR_OK ? core_rpc_delete(&call->admin, rest_call_desk(call), &id) : err;
}

static enum err read_status(struct rest_call *call, struct core_rpc_list *list)
{
    const struct slice name = http_request_parameter(call->request, "rpcStatus");
    list->by_status = name.len > 0;
    if (list->by_status && !core_rpc_status_parse(name, &list->status)) {
        return rest_call_refuse(call, ERR_INVALID,
                                "RpcStatus: %.*s is not a state of a stored call",
                                SLICE_ARGS(slice_sub(name, 0, 32)));
    }
    return ERR_OK;
}

enum err rest_rpc_list(struct rest_call *call)
{
    struct model_device device;
    struct model_page page;
    struct core_rpc_list list = {.device = &device, .page = &page};
    struct rest_write_context context = rest_call_write(call);
    int64_t total = 0;
    enum err err = rest_call_device(call, REST_CALL_NO_TYPE, 0, &device);
    err = err == ERR_OK ? rest_call_page(call, &page) : err;
    err = err == ERR_OK ? read_status(call, &list) : err;
    if (err != ERR_OK) {
        return err;
    }
    rest_write_page_begin(&context);
    err = core_rpc_list(&call->admin, &list, &total, &context, write_rpc);
    rest_write_page_end(&context, &page, total);
    return err;
}
