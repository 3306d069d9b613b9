#include "core/attributes.h"
#include "codec/telemetry.h"
#include "rest/handlers.h"
#include "rest/keys.h"

// Where type, id and scope stand in the path.
struct place {
    unsigned type;
    unsigned id;
    unsigned scope;
};

static const struct place by_type = {0, 1, 2};
static const struct place by_id = {REST_CALL_NO_TYPE, 0, 1};

static enum err find_scope(struct rest_call *call, unsigned position, enum core_scope *scope)
{
    const struct slice name = call->match.parameters[position];
    if (core_scope_parse(name, scope)) {
        return ERR_OK;
    }
    return rest_call_refuse(call, ERR_INVALID, "Invalid scope: %.*s",
                            SLICE_ARGS(slice_sub(name, 0, 32)));
}

// Reading.

struct listing {
    struct codec_json_writer writer;
    struct rest_keys keys;
    bool names_only;
};

static bool put_attribute(void *context, enum core_scope scope,
                          const struct store_attribute *attribute)
{
    struct listing *listing = context;
    struct codec_json_writer *writer = &listing->writer;
    (void)scope;
    if (listing->keys.count > 0 && !rest_keys_have(&listing->keys, attribute->key)) {
        return true;
    }
    if (listing->names_only) {
        codec_json_put_string(writer, attribute->key);
        return true;
    }
    codec_json_begin_object(writer);
    codec_json_field_int64(writer, "lastUpdateTs", attribute->at_ms);
    codec_json_field_string(writer, "key", attribute->key);
    codec_json_name(writer, SLICE("value"));
    codec_json_put_value(writer, &attribute->value);
    codec_json_end_object(writer);
    return !writer->out->overflow;
}

static enum err list_all(struct rest_call *call, bool names_only, const enum core_scope *scopes,
                         unsigned scope_count)
{
    struct model_device device;
    struct listing listing = {.writer = rest_call_writer(call), .names_only = names_only};
    enum err err = rest_call_device(call, 0, 1, &device);
    if (err == ERR_OK && !names_only) {
        err = rest_keys_read(call, &listing.keys);
    }
    if (err != ERR_OK) {
        return err;
    }
    codec_json_begin_array(&listing.writer);
    for (unsigned i = 0; err == ERR_OK && i < scope_count; i++) {
        err = core_attributes_read(&call->admin, &device, scopes[i], &listing, put_attribute);
    }
    codec_json_end_array(&listing.writer);
    return err;
}

static enum err list_scope(struct rest_call *call, bool names_only)
{
    enum core_scope scope;
    const enum err err = find_scope(call, 2, &scope);
    return err == ERR_OK ? list_all(call, names_only, &scope, 1) : err;
}

static const enum core_scope every_scope[] = {CORE_SCOPE_CLIENT, CORE_SCOPE_SHARED,
                                              CORE_SCOPE_SERVER};

enum err rest_attributes_keys(struct rest_call *call)
{
    return list_all(call, true, every_scope, 3);
}

enum err rest_attributes_keys_of_scope(struct rest_call *call)
{
    return list_scope(call, true);
}

enum err rest_attributes_values(struct rest_call *call)
{
    return list_all(call, false, every_scope, 3);
}

enum err rest_attributes_values_of_scope(struct rest_call *call)
{
    return list_scope(call, false);
}

// Writing.

static enum err refuse_nulls(struct rest_call *call, struct codec_json object)
{
    struct codec_json_walk walk = codec_json_walk_over(object);
    struct codec_json value;
    struct slice name;
    while (codec_json_walk_next(&walk, &name, &value)) {
        if (codec_json_is(value, CODEC_JSON_NULL)) {
            return rest_call_refuse(call, ERR_INVALID, "Can't parse value: null of key '%.*s'",
                                    SLICE_ARGS(slice_sub(name, 0, 64)));
        }
    }
    return ERR_OK;
}

static enum err read_attributes(struct rest_call *call, struct model_reading *attributes)
{
    const struct codec_telemetry_rules rules = {.type_cast = call->rest->settings.type_cast};
    struct err_place place = {NULL, 0};
    struct codec_json object;
    struct arena *memory = call->request->memory;
    const struct slice body = call->request->body;
    if (codec_json_parse(memory, body, false, &object, &place) != ERR_OK ||
        !codec_json_is(object, CODEC_JSON_OBJECT) || codec_json_count(object) == 0) {
        return rest_call_refuse(call, ERR_INVALID, "No attributes data found in request body!");
    }
    enum err err = refuse_nulls(call, object);
    if (err != ERR_OK) {
        return err;
    }
    err = codec_telemetry_attributes(memory, body, &rules, attributes, &place);
    if (err != ERR_OK && place.reason != NULL) {
        return rest_call_refuse(call, err, "byte %zu: %s", place.offset, place.reason);
    }
    return err;
}

static enum err save(struct rest_call *call, const struct place *place)
{
    struct model_device device;
    struct model_reading attributes;
    enum core_scope scope;
    enum err err = find_scope(call, place->scope, &scope);
    if (err == ERR_OK && scope == CORE_SCOPE_CLIENT) {
        err = rest_call_refuse(call, ERR_INVALID, "Invalid scope: CLIENT_SCOPE");
    }
    err = err == ERR_OK ? rest_call_device(call, place->type, place->id, &device) : err;
    err = err == ERR_OK ? read_attributes(call, &attributes) : err;
    if (err != ERR_OK) {
        return err;
    }
    return core_attributes_save(&call->admin, rest_call_desk(call), &device, scope, &attributes);
}

static enum err remove_keys(struct rest_call *call, const struct place *place)
{
    struct model_device device;
    struct rest_keys keys;
    enum core_scope scope;
    enum err err = find_scope(call, place->scope, &scope);
    err = err == ERR_OK ? rest_call_device(call, place->type, place->id, &device) : err;
    err = err == ERR_OK ? rest_keys_read(call, &keys) : err;
    if (err == ERR_OK && keys.count == 0) {
        err = rest_call_refuse(call, ERR_INVALID, "Empty keys: no attribute is named");
    }
    if (err != ERR_OK) {
        return err;
    }
    return core_attributes_delete(&call->admin, rest_call_desk(call), &device, scope, keys.items,
                                  keys.count);
}

enum err rest_attributes_save(struct rest_call *call)
{
    return save(call, &by_type);
}

enum err rest_attributes_save_of_device(struct rest_call *call)
{
    return save(call, &by_id);
}

enum err rest_attributes_delete(struct rest_call *call)
{
    return remove_keys(call, &by_type);
}

enum err rest_attributes_delete_of_device(struct rest_call *call)
{
    return remove_keys(call, &by_id);
}
