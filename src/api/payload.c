#include "api/payload.h"

#include "codec/telemetry.h"

// How a body is read, by its content format (protocol-rules.md section 6).
enum reading_way {
    WAY_JSON,          // JSON; anything else is 4.00
    WAY_JSON_OR_TEXT,  // JSON first, else one value under ?key=
    WAY_JSON_OR_OTHER, // JSON by a wrong label; anything else is 4.15
    WAY_TEXT,          // one value under ?key=
    WAY_REFUSED,       // 4.15
};

static enum reading_way way_of(uint32_t format, bool strict)
{
    switch (format) {
    case COAP_FORMAT_NONE:
    case COAP_FORMAT_JSON:
        return WAY_JSON;
    case COAP_FORMAT_TEXT:
        return strict ? WAY_TEXT : WAY_JSON_OR_TEXT;
    case COAP_FORMAT_OCTETS:
        return strict ? WAY_REFUSED : WAY_JSON;
    case COAP_FORMAT_CBOR:
    case COAP_FORMAT_SENML_JSON:
    case COAP_FORMAT_SENML_CBOR:
        return WAY_REFUSED;
    default:
        return strict ? WAY_REFUSED : WAY_JSON_OR_OTHER;
    }
}

static enum err read_text(const struct api_call *call, const struct codec_telemetry_rules *rules,
                          struct slice key, struct model_readings *readings,
                          struct err_place *place)
{
    struct arena *memory = call->api->memory;
    struct model_point *point = arena_take(memory, sizeof(*point));
    struct model_reading *reading = arena_take(memory, sizeof(*reading));
    if (point == NULL || reading == NULL) {
        return ERR_EXHAUSTED;
    }
    enum err err = model_key_check(key, &place->reason);
    if (err != ERR_OK) {
        return err;
    }
    point->key = key;
    err = codec_telemetry_text(memory, call->request->body, rules, &point->value, &place->reason);
    if (err != ERR_OK) {
        return err;
    }
    *reading = (struct model_reading){.points = point, .point_count = 1};
    *readings = (struct model_readings){reading, 1, 1};
    return ERR_OK;
}

static enum err read_json(const struct api_call *call, enum api_payload_form form,
                          const struct codec_telemetry_rules *rules,
                          struct model_readings *readings, struct err_place *place)
{
    struct arena *memory = call->api->memory;
    const struct slice body = call->request->body;
    if (form == API_PAYLOAD_TELEMETRY) {
        return codec_telemetry_json(memory, body, rules, readings, place);
    }
    struct model_reading *reading = arena_take(memory, sizeof(*reading));
    if (reading == NULL) {
        return ERR_EXHAUSTED;
    }
    const enum err err = codec_telemetry_attributes(memory, body, rules, reading, place);
    if (err == ERR_OK) {
        *readings = (struct model_readings){reading, 1, reading->point_count};
    }
    return err;
}

// Whether a body under another format's label is JSON at all. A scalar does not count: the lenient
// grammar takes nearly any bytes for a bare word.
static bool is_document(const struct api_call *call)
{
    struct arena *memory = call->api->memory;
    struct codec_json root;
    struct err_place place;
    const size_t mark = arena_mark(memory);
    const bool is =
        codec_json_parse(memory, call->request->body, true, &root, &place) == ERR_OK &&
        (codec_json_is(root, CODEC_JSON_OBJECT) || codec_json_is(root, CODEC_JSON_ARRAY));
    arena_rewind(memory, mark);
    return is;
}

enum err api_payload_read(const struct api_call *call, enum api_payload_form form,
                          struct model_readings *readings, struct err_place *place)
{
    const struct coap_request *request = call->request;
    const struct api_settings *settings = &call->api->settings;
    const struct codec_telemetry_rules rules = {settings->type_cast, settings->string_units_max,
                                                settings->hash_key};
    const enum reading_way way = way_of(request->options->content_format, settings->strict_formats);
    const struct slice key = coap_options_query(request->options, SLICE("key"));

    if (way == WAY_REFUSED) {
        place->reason = NULL;
        return ERR_UNSUPPORTED_FORMAT;
    }
    if (way == WAY_TEXT) {
        place->reason = "text/plain needs ?key=";
        return key.ptr != NULL ? read_text(call, &rules, key, readings, place) : ERR_INVALID;
    }
    const enum err err = read_json(call, form, &rules, readings, place);
    if (err == ERR_OK || err == ERR_EXHAUSTED) {
        return err;
    }
    if (way == WAY_JSON_OR_TEXT && key.ptr != NULL) {
        return read_text(call, &rules, key, readings, place);
    }
    if (way == WAY_JSON_OR_OTHER && !is_document(call)) {
        return ERR_UNSUPPORTED_FORMAT;
    }
    // A text over its limit is bad input (4.00); 4.13 is for the body as a whole.
    return err == ERR_TOO_LARGE ? ERR_INVALID : err;
}
