// Tenant profiles (server-api.md 2.4 and 10). What a client sends as profileData is kept whole; of
// its members those that this version holds tenants to are checked.
#include "core/quota.h"
#include "core/tenant_admin.h"
#include "rest/handlers.h"
#include "rest/read.h"

static enum err answer_profile(struct rest_call *call, const struct model_tenant_profile *profile)
{
    struct rest_write_context context = rest_call_write(call);
    rest_write_tenant_profile(&context, profile);
    return ERR_OK;
}

static enum err check_count(struct rest_call *call, struct codec_json configuration,
                            const char *name)
{
    int64_t count = 0;
    const struct codec_json value = codec_json_get(configuration, name);
    if (rest_read_is_absent(value) ||
        (codec_json_int64(value, &count) && count >= 0 && count <= UINT32_MAX)) {
        return ERR_OK;
    }
    return rest_call_refuse(call, ERR_INVALID,
                            "Validation error: 'profileData.configuration.%s' must be a whole "
                            "number from 0 to %u; 0 is no limit",
                            name, UINT32_MAX);
}

static enum err check_rate(struct rest_call *call, struct codec_json configuration,
                           const char *name)
{
    struct slice text;
    struct rate rate;
    const struct codec_json value = codec_json_get(configuration, name);
    if (rest_read_is_absent(value) ||
        (codec_json_string(value, &text) && rate_parse(text, &rate) == ERR_OK)) {
        return ERR_OK;
    }
    return rest_call_refuse(call, ERR_INVALID,
                            "Validation error: 'profileData.configuration.%s' must be a text "
                            "capacity:seconds, or up to %d of them with commas between",
                            name, RATE_BUCKETS_MAX);
}

static enum err check_configuration(struct rest_call *call, struct codec_json configuration)
{
    static const char *const counts[] = {"maxDevices", "maxCustomers", "maxUsers",
                                         "defaultStorageTtlDays", "rpcTtlDays"};
    static const char *const rates[] = {"transportTenantMsgRateLimit",
                                        "transportTenantTelemetryMsgRateLimit",
                                        "transportTenantTelemetryDataPointsRateLimit",
                                        "transportDeviceMsgRateLimit",
                                        "transportDeviceTelemetryMsgRateLimit",
                                        "transportDeviceTelemetryDataPointsRateLimit"};
    struct slice type;
    enum err err = rest_read_text(call, configuration, "type", &type);
    if (err == ERR_OK && type.ptr != NULL && !slice_equal(type, SLICE("DEFAULT"))) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Validation error: 'profileData.configuration.type' %.*s is not "
                                "supported by this version",
                                SLICE_ARGS(slice_sub(type, 0, 64)));
    }
    for (unsigned i = 0; err == ERR_OK && i < sizeof(counts) / sizeof(counts[0]); i++) {
        err = check_count(call, configuration, counts[i]);
    }
    for (unsigned i = 0; err == ERR_OK && i < sizeof(rates) / sizeof(rates[0]); i++) {
        err = check_rate(call, configuration, rates[i]);
    }
    return err;
}

static enum err read_data(struct rest_call *call, struct codec_json object,
                          struct model_tenant_profile *profile)
{
    const struct codec_json data = codec_json_get(object, "profileData");
    if (rest_read_is_absent(data)) {
        profile->profile_data = core_quota_unlimited;
        return ERR_OK;
    }
    if (!codec_json_is(data, CODEC_JSON_OBJECT)) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Validation error: 'profileData' must be an object");
    }
    const struct codec_json configuration = codec_json_get(data, "configuration");
    if (!codec_json_is(configuration, CODEC_JSON_OBJECT)) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Validation error: 'profileData.configuration' must be an object");
    }
    const enum err err = check_configuration(call, configuration);
    return err == ERR_OK ? rest_read_stored(call, object, "profileData", &profile->profile_data)
                         : err;
}

enum err rest_tenant_profile_save(struct rest_call *call)
{
    struct codec_json object;
    struct model_tenant_profile profile = {.is_default = false};
    enum err err = rest_call_body(call, &object);
    err = err == ERR_OK ? rest_read_id(call, object, "id", &profile.id) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "name", &profile.name) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "description", &profile.description) : err;
    err = err == ERR_OK ? rest_read_boolean(call, object, "default", &profile.is_default) : err;
    err = err == ERR_OK
              ? rest_read_boolean(call, object, "isolatedTbRuleEngine", &profile.is_isolated)
              : err;
    err = err == ERR_OK ? read_data(call, object, &profile) : err;
    err = err == ERR_OK ? core_tenant_profile_save(&call->admin, &profile) : err;
    return err == ERR_OK ? answer_profile(call, &profile) : err;
}

static enum err get(struct rest_call *call, bool by_default, bool info)
{
    struct uuid id;
    struct model_tenant_profile profile;
    enum err err = by_default ? ERR_OK : rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_tenant_profile_get(&call->admin, by_default ? NULL : &id, &profile)
                        : err;
    if (err != ERR_OK) {
        return err;
    }
    struct rest_write_context context = rest_call_write(call);
    if (info) {
        rest_write_tenant_profile_info(&context, &profile);
    } else {
        rest_write_tenant_profile(&context, &profile);
    }
    return ERR_OK;
}

enum err rest_tenant_profile_get(struct rest_call *call)
{
    return get(call, false, false);
}

enum err rest_tenant_profile_info(struct rest_call *call)
{
    return get(call, false, true);
}

enum err rest_tenant_profile_info_default(struct rest_call *call)
{
    return get(call, true, true);
}

enum err rest_tenant_profile_make_default(struct rest_call *call)
{
    struct uuid id;
    struct model_tenant_profile profile;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_tenant_profile_make_default(&call->admin, &id, &profile) : err;
    return err == ERR_OK ? answer_profile(call, &profile) : err;
}

enum err rest_tenant_profile_delete(struct rest_call *call)
{
    struct uuid id;
    const enum err err = rest_call_id(call, 0, &id);
    return err == ERR_OK ? core_tenant_profile_delete(&call->admin, &id) : err;
}

static void emit_profile(void *context, const struct model_tenant_profile *profile)
{
    rest_write_tenant_profile(context, profile);
}

static void emit_info(void *context, const struct model_tenant_profile *profile)
{
    rest_write_tenant_profile_info(context, profile);
}

static enum err list(struct rest_call *call, store_tenant_profile_fn *emit)
{
    struct rest_call_list list;
    const enum err err = rest_call_list_begin(call, &list);
    if (err != ERR_OK) {
        return err;
    }
    return rest_call_list_end(&list, core_tenant_profile_list(&call->admin, &list.page, &list.total,
                                                              &list.context, emit));
}

enum err rest_tenant_profile_list(struct rest_call *call)
{
    return list(call, emit_profile);
}

enum err rest_tenant_profile_info_list(struct rest_call *call)
{
    return list(call, emit_info);
}
