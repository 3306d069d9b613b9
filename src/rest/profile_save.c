// A device profile as people send it: what this version serves of it is taken, the rest is refused
// by name (server-api.md 2.3).
#include "core/profile_default.h"
#include "rest/handlers.h"
#include "rest/read.h"

static enum err must_be(struct rest_call *call, struct codec_json object, const char *name,
                        const char *served)
{
    struct slice value;
    return rest_read_choice(call, object, name, &served, 1, &value);
}

static enum err read_transport(struct rest_call *call, struct codec_json object,
                               struct model_device_profile *profile)
{
    static const char *const served[] = {"DEFAULT", "COAP"};
    struct slice name;
    const enum err err = rest_read_choice(call, object, "transportType", served, 2, &name);
    if (err != ERR_OK) {
        return err;
    }
    if (name.ptr == NULL || !model_transport_parse(name, &profile->transport)) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Validation error: 'transportType' should be specified");
    }
    return ERR_OK;
}

// What devices of a COAP profile send: JSON.
static enum err check_payload(struct rest_call *call, struct codec_json transport)
{
    struct codec_json type;
    struct codec_json payload;
    enum err err = rest_read_object(call, transport, "coapDeviceTypeConfiguration", &type);
    if (err != ERR_OK || !codec_json_exists(type)) {
        return err;
    }
    err = must_be(call, type, "coapDeviceType", "DEFAULT");
    err = err == ERR_OK
              ? rest_read_object(call, type, "transportPayloadTypeConfiguration", &payload)
              : err;
    return err == ERR_OK && codec_json_exists(payload)
               ? must_be(call, payload, "transportPayloadType", "JSON")
               : err;
}

static enum err check_coap(struct rest_call *call, struct codec_json transport)
{
    struct codec_json settings;
    enum err err = check_payload(call, transport);
    err = err == ERR_OK ? rest_read_object(call, transport, "clientSettings", &settings) : err;
    return err == ERR_OK && codec_json_exists(settings) ? rest_read_power(call, settings) : err;
}

static enum err check_data(struct rest_call *call, struct codec_json data,
                           const struct model_device_profile *profile)
{
    const char *name = model_transport_name(profile->transport);
    if (!codec_json_is(data, CODEC_JSON_OBJECT)) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Validation error: 'profileData' must be an object");
    }
    const struct codec_json transport = codec_json_get(data, "transportConfiguration");
    if (!codec_json_is(transport, CODEC_JSON_OBJECT)) {
        return rest_call_refuse(
            call, ERR_INVALID,
            "Validation error: 'profileData.transportConfiguration' must be an object");
    }
    struct slice type;
    const enum err err = rest_read_text(call, transport, "type", &type);
    if (err == ERR_OK && !slice_equal(type, slice_text(name))) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Validation error: the type of 'transportConfiguration' is not "
                                "the transport type %s",
                                name);
    }
    return err == ERR_OK && profile->transport == MODEL_TRANSPORT_COAP ? check_coap(call, transport)
                                                                       : err;
}

static enum err provision_agrees(struct rest_call *call, struct slice type,
                                 const struct model_device_profile *profile)
{
    return slice_equal(type, profile->provision_type)
               ? ERR_OK
               : rest_call_refuse(call, ERR_INVALID,
                                  "Validation error: the type of 'provisionConfiguration' is not "
                                  "'provisionType'");
}

static enum err check_provision(struct rest_call *call, struct codec_json data,
                                const struct model_device_profile *profile)
{
    struct codec_json provision;
    struct slice type = SLICE("DISABLED");
    enum err err = rest_read_object(call, data, "provisionConfiguration", &provision);
    if (err == ERR_OK && codec_json_exists(provision)) {
        err = rest_read_text(call, provision, "type", &type);
    }
    return err == ERR_OK ? provision_agrees(call, type, profile) : err;
}

static enum err read_data(struct rest_call *call, struct codec_json object,
                          struct model_device_profile *profile)
{
    enum err err = rest_read_stored(call, object, "profileData", &profile->profile_data);
    if (err == ERR_OK && profile->profile_data.ptr == NULL) {
        profile->profile_data = profile->transport == MODEL_TRANSPORT_COAP
                                    ? SLICE(CORE_PROFILE_DATA_COAP)
                                    : SLICE(CORE_PROFILE_DATA_DEFAULT);
        return provision_agrees(call, SLICE("DISABLED"), profile);
    }
    const struct codec_json data = codec_json_get(object, "profileData");
    err = err == ERR_OK ? check_data(call, data, profile) : err;
    return err == ERR_OK ? check_provision(call, data, profile) : err;
}

static enum err read_unserved(struct rest_call *call, struct codec_json object)
{
    static const char *const names[] = {"defaultRuleChainId", "defaultDashboardId",
                                        "defaultQueueName",   "firmwareId",
                                        "softwareId",         "defaultEdgeRuleChainId"};
    enum err err = must_be(call, object, "type", "DEFAULT");
    for (unsigned i = 0; err == ERR_OK && i < sizeof(names) / sizeof(names[0]); i++) {
        err = rest_read_unserved(call, object, names[i]);
    }
    return err;
}

static enum err read_texts(struct rest_call *call, struct codec_json object,
                           struct model_device_profile *profile)
{
    static const char *const provisions[] = {"DISABLED", "ALLOW_CREATE_NEW_DEVICES",
                                             "CHECK_PRE_PROVISIONED_DEVICES"};
    enum err err = rest_read_text(call, object, "name", &profile->name);
    err = err == ERR_OK ? rest_read_text(call, object, "description", &profile->description) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "image", &profile->image) : err;
    err = err == ERR_OK
              ? rest_read_text(call, object, "provisionDeviceKey", &profile->provision_key)
              : err;
    err = err == ERR_OK ? rest_read_choice(call, object, "provisionType", provisions, 3,
                                           &profile->provision_type)
                        : err;
    if (profile->provision_type.ptr == NULL) {
        profile->provision_type = SLICE("DISABLED");
    }
    return err;
}

enum err rest_profile_save(struct rest_call *call)
{
    struct codec_json object;
    bool has_version = false;
    struct model_device_profile profile = {.version = 0};
    enum err err = rest_call_body(call, &object);
    err = err == ERR_OK ? rest_read_id(call, object, "id", &profile.id) : err;
    err = err == ERR_OK ? read_texts(call, object, &profile) : err;
    err = err == ERR_OK ? read_unserved(call, object) : err;
    err = err == ERR_OK ? read_transport(call, object, &profile) : err;
    err = err == ERR_OK ? read_data(call, object, &profile) : err;
    err = err == ERR_OK ? rest_read_int(call, object, "version", &has_version, &profile.version)
                        : err;
    if (err != ERR_OK) {
        return err;
    }
    const struct codec_json given = codec_json_get(object, "default");
    profile.is_default = codec_json_boolean(given, &profile.is_default) && profile.is_default;
    err = core_profile_save(&call->admin, &profile, has_version);
    if (err == ERR_OK) {
        struct rest_write_context context = rest_call_write(call);
        rest_write_profile(&context, &profile);
    }
    return err;
}
