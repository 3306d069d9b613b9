// The device API over HTTP: no log-in, the token in the path names the device (server-api.md 14.2).
#include "rest/device_http.h"

#include "codec/telemetry.h"
#include "rest/handlers.h"
#include "rest/keys.h"

#define KEYS_MAX 1000U

bool rest_device_http_enter(struct rest_call *call, struct core_visitor *visitor,
                            struct model_index_entry *device, enum err *err)
{
    *visitor = (struct core_visitor){.token = call->match.parameters[0],
                                     .source = rest_call_source(call),
                                     .mono = call->rest->mono(),
                                     .wall = call->now};
    *err = core_device_http_enter(call->rest->core, visitor, device);
    if (*err == ERR_UNAUTHORIZED) {
        // Without body, as upstream.
        call->response->status = 401;
        *err = ERR_OK;
        return false;
    }
    if (*err == ERR_LIMITED) {
        *err = rest_call_refuse(call, ERR_LIMITED, "Too many wrong tokens, try again later");
    }
    return *err == ERR_OK;
}

enum err rest_device_http_admit(struct rest_call *call, const struct model_index_entry *device,
                                const struct core_visitor *visitor, uint32_t points)
{
    struct core_refusal refusal = {NULL, 0};
    const struct core_cost cost = {.messages = 1, .points = points};
    const enum err err = core_device_http_admit(call->rest->core, device, visitor, cost, &refusal);
    return err == ERR_OK ? ERR_OK : rest_call_refuse(call, err, "%s", refusal.reason);
}

static struct codec_telemetry_rules rules_of(const struct rest_call *call)
{
    return (struct codec_telemetry_rules){.type_cast = call->rest->settings.type_cast};
}

enum err rest_device_http_refuse(struct rest_call *call, enum err err,
                                 const struct err_place *place)
{
    return place->reason == NULL
               ? err
               : rest_call_refuse(call, err, "byte %zu: %s", place->offset, place->reason);
}

enum err rest_device_http_telemetry(struct rest_call *call)
{
    struct core_visitor visitor;
    struct model_index_entry device;
    struct model_readings readings;
    struct err_place place = {NULL, 0};
    const struct codec_telemetry_rules rules = rules_of(call);
    enum err err = ERR_OK;
    if (!rest_device_http_enter(call, &visitor, &device, &err)) {
        return err;
    }
    err =
        codec_telemetry_json(call->request->memory, call->request->body, &rules, &readings, &place);
    if (err != ERR_OK) {
        return rest_device_http_refuse(call, err, &place);
    }
    err = rest_device_http_admit(call, &device, &visitor, readings.point_count);
    return err != ERR_OK ? err
                         : core_device_http_telemetry(call->rest->core, rest_call_desk(call),
                                                      &device, &readings, &visitor);
}

enum err rest_device_http_publish(struct rest_call *call)
{
    struct core_visitor visitor;
    struct model_index_entry device;
    struct model_reading attributes;
    struct err_place place = {NULL, 0};
    const struct codec_telemetry_rules rules = rules_of(call);
    enum err err = ERR_OK;
    if (!rest_device_http_enter(call, &visitor, &device, &err)) {
        return err;
    }
    err = codec_telemetry_attributes(call->request->memory, call->request->body, &rules,
                                     &attributes, &place);
    if (err != ERR_OK) {
        return rest_device_http_refuse(call, err, &place);
    }
    err = rest_device_http_admit(call, &device, &visitor, attributes.point_count);
    return err != ERR_OK
               ? err
               : core_device_http_attributes(call->rest->core, rest_call_desk(call),
                                             call->request->memory, &device, &attributes, &visitor);
}

struct reading {
    struct codec_json_writer writer;
    struct slice keys; // "a,b"; empty: all
    const char *name;
    bool is_open;
};

static bool is_listed(struct slice list, struct slice key)
{
    if (list.len == 0) {
        return true;
    }
    while (list.ptr != NULL) {
        if (slice_equal(slice_cut(&list, ','), key)) {
            return true;
        }
    }
    return false;
}

static bool put_attribute(void *context, enum core_scope scope,
                          const struct store_attribute *attribute)
{
    struct reading *reading = context;
    (void)scope;
    if (!is_listed(reading->keys, attribute->key)) {
        return true;
    }
    if (!reading->is_open) {
        reading->is_open = true;
        codec_json_name(&reading->writer, slice_text(reading->name));
        codec_json_begin_object(&reading->writer);
    }
    codec_json_name(&reading->writer, attribute->key);
    codec_json_put_value(&reading->writer, &attribute->value);
    return !reading->writer.out->overflow;
}

static enum err put_scope(struct rest_call *call, const struct model_index_entry *device,
                          enum core_scope scope, struct reading *reading)
{
    reading->is_open = false;
    const enum err err =
        core_attributes_scan(call->rest->core, device->device, scope, reading, put_attribute);
    if (reading->is_open) {
        codec_json_end_object(&reading->writer);
    }
    return err;
}

enum err rest_device_http_read(struct rest_call *call)
{
    struct core_visitor visitor;
    struct model_index_entry device;
    enum err err = ERR_OK;
    if (!rest_device_http_enter(call, &visitor, &device, &err)) {
        return err;
    }
    err = rest_device_http_admit(call, &device, &visitor, 0);
    if (err != ERR_OK) {
        return err;
    }
    const struct slice client = http_request_parameter(call->request, "clientKeys");
    const struct slice shared = http_request_parameter(call->request, "sharedKeys");
    const bool all = client.len == 0 && shared.len == 0;
    struct reading reading = {.writer = rest_call_writer(call), .keys = client, .name = "client"};
    codec_json_begin_object(&reading.writer);
    if (all || client.len > 0) {
        err = put_scope(call, &device, CORE_SCOPE_CLIENT, &reading);
    }
    reading.keys = shared;
    reading.name = "shared";
    if (err == ERR_OK && (all || shared.len > 0)) {
        err = put_scope(call, &device, CORE_SCOPE_SHARED, &reading);
    }
    codec_json_end_object(&reading.writer);
    if (err == ERR_OK) {
        core_device_http_heard(call->rest->core, &device, &visitor);
    }
    return err;
}
