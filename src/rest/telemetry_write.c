#include "codec/telemetry.h"
#include "core/series.h"
#include "rest/handlers.h"
#include "rest/keys.h"

static enum err refuse_null(struct rest_call *call, struct slice name)
{
    return rest_call_refuse(call, ERR_INVALID, "Can't parse value: null of key '%.*s'",
                            SLICE_ARGS(slice_sub(name, 0, 64)));
}

// People may not send nulls, which devices may (server-api.md 3.4).
static enum err find_null(struct rest_call *call, struct codec_json object)
{
    const struct codec_json values = codec_json_get(object, "values");
    const bool is_stamped = codec_json_exists(values) &&
                            codec_json_exists(codec_json_get(object, "ts")) &&
                            codec_json_is(values, CODEC_JSON_OBJECT);
    struct codec_json_walk walk = codec_json_walk_over(is_stamped ? values : object);
    struct codec_json value;
    struct slice name;
    while (codec_json_walk_next(&walk, &name, &value)) {
        if (codec_json_is(value, CODEC_JSON_NULL)) {
            return refuse_null(call, name);
        }
    }
    return ERR_OK;
}

static enum err find_nulls(struct rest_call *call, struct codec_json root)
{
    struct codec_json element;
    struct slice name;
    enum err err = ERR_OK;
    if (codec_json_is(root, CODEC_JSON_OBJECT)) {
        return find_null(call, root);
    }
    struct codec_json_walk walk = codec_json_walk_over(root);
    while (err == ERR_OK && codec_json_walk_next(&walk, &name, &element)) {
        if (codec_json_is(element, CODEC_JSON_OBJECT)) {
            err = find_null(call, element);
        }
    }
    return err;
}

static enum err read_readings(struct rest_call *call, struct model_readings *readings)
{
    const struct codec_telemetry_rules rules = {.type_cast = call->rest->settings.type_cast};
    struct arena *memory = call->request->memory;
    const struct slice body = call->request->body;
    struct err_place place = {NULL, 0};
    struct codec_json root;
    enum err err = codec_json_parse(memory, body, false, &root, &place);
    if (err == ERR_OK &&
        (codec_json_is(root, CODEC_JSON_OBJECT) || codec_json_is(root, CODEC_JSON_ARRAY))) {
        err = find_nulls(call, root);
        if (err != ERR_OK) {
            return err;
        }
    }
    err = err == ERR_OK ? codec_telemetry_json(memory, body, &rules, readings, &place) : err;
    if (err != ERR_OK && place.reason != NULL) {
        return rest_call_refuse(call, err == ERR_SYNTAX ? ERR_INVALID : err, "byte %zu: %s",
                                place.offset, place.reason);
    }
    if (err == ERR_OK && readings->point_count == 0) {
        return rest_call_refuse(call, ERR_INVALID, "No timeseries data found in request body!");
    }
    return err;
}

static enum err save(struct rest_call *call, uint64_t ttl_s)
{
    struct model_device device;
    struct model_readings readings;
    enum err err = rest_call_device(call, 0, 1, &device);
    err = err == ERR_OK ? read_readings(call, &readings) : err;
    return err == ERR_OK
               ? core_series_save(&call->admin, rest_call_desk(call), &device, &readings, ttl_s)
               : err;
}

enum err rest_telemetry_save(struct rest_call *call)
{
    return save(call, 0);
}

enum err rest_telemetry_save_with_ttl(struct rest_call *call)
{
    const struct slice text = call->match.parameters[3];
    int64_t ttl_s = 0;
    if (!slice_to_int64(text, &ttl_s) || ttl_s < 0) {
        return rest_call_refuse(call, ERR_INVALID, "The TTL is no number of seconds: %.*s",
                                SLICE_ARGS(slice_sub(text, 0, 32)));
    }
    return save(call, (uint64_t)ttl_s);
}

static enum err read_delete(struct rest_call *call, const struct rest_keys *keys,
                            struct store_delete *what)
{
    const struct http_request *request = call->request;
    *what = (struct store_delete){.keys = keys->items, .key_count = keys->count};
    enum err err = rest_call_boolean(call, "deleteAllDataForKeys", false, &what->all_time);
    err = err == ERR_OK ? rest_call_boolean(call, "deleteLatest", true, &what->latest) : err;
    err = err == ERR_OK
              ? rest_call_boolean(call, "rewriteLatestIfDeleted", false, &what->rewrite_latest)
              : err;
    if (err != ERR_OK || what->all_time) {
        return err;
    }
    if (http_request_parameter(request, "startTs").len == 0 ||
        http_request_parameter(request, "endTs").len == 0) {
        return rest_call_refuse(call, ERR_INVALID,
                                "When deleteAllDataForKeys is false, start and end timestamp "
                                "values shouldn't be empty");
    }
    err = rest_call_int(call, "startTs", true, 0, &what->start_ms);
    return err == ERR_OK ? rest_call_int(call, "endTs", true, 0, &what->end_ms) : err;
}

enum err rest_telemetry_delete(struct rest_call *call)
{
    struct model_device device;
    struct rest_keys keys;
    struct store_delete what;
    enum err err = rest_call_device(call, 0, 1, &device);
    err = err == ERR_OK ? rest_keys_read(call, &keys) : err;
    if (err == ERR_OK && keys.count == 0) {
        err = rest_call_refuse(call, ERR_INVALID, "Empty keys: no time series is named");
    }
    err = err == ERR_OK ? read_delete(call, &keys, &what) : err;
    return err == ERR_OK ? core_series_delete(&call->admin, rest_call_desk(call), &device, &what)
                         : err;
}
