#include "core/order.h"
#include "rest/handlers.h"
#include "rest/read.h"

static enum err answer_device(struct rest_call *call, const struct model_device *device, bool info)
{
    struct rest_write_context context = rest_call_write(call);
    rest_write_device(&context, device, info);
    return ERR_OK;
}

// What this version goes by is checked, everything is kept.
static enum err read_data(struct rest_call *call, struct codec_json object, struct slice *json)
{
    struct codec_json data;
    struct codec_json transport = {NULL};
    enum err err = rest_read_object(call, object, "deviceData", &data);
    if (err == ERR_OK && codec_json_exists(data)) {
        err = rest_read_object(call, data, "transportConfiguration", &transport);
    }
    if (err == ERR_OK && codec_json_exists(transport)) {
        err = rest_read_power(call, transport);
    }
    return err == ERR_OK ? rest_read_stored(call, object, "deviceData", json) : err;
}

static enum err read_device(struct rest_call *call, struct codec_json object,
                            struct core_device_save *save)
{
    struct model_device *device = &save->device;
    enum err err = rest_read_id(call, object, "id", &device->id);
    err = err == ERR_OK ? rest_read_id(call, object, "customerId", &device->customer) : err;
    err = err == ERR_OK ? rest_read_id(call, object, "deviceProfileId", &device->profile) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "name", &device->name) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "type", &device->type) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "label", &device->label) : err;
    err = err == ERR_OK ? rest_read_stored(call, object, "additionalInfo", &device->additional_info)
                        : err;
    err = err == ERR_OK ? read_data(call, object, &device->device_data) : err;
    err = err == ERR_OK ? rest_read_unserved(call, object, "firmwareId") : err;
    err = err == ERR_OK ? rest_read_unserved(call, object, "softwareId") : err;
    return err == ERR_OK
               ? rest_read_int(call, object, "version", &save->has_version, &device->version)
               : err;
}

// A parameter that is one of two words, in any case; the first if it is absent.
static enum err read_word(struct rest_call *call, const char *name, const char *const words[2],
                          bool *is_second)
{
    const struct slice given = http_request_parameter(call->request, name);
    *is_second = slice_equal_nocase(given, slice_text(words[1]));
    return *is_second || given.len == 0 || slice_equal_nocase(given, slice_text(words[0]))
               ? ERR_OK
               : rest_call_refuse(call, ERR_INVALID, "Parameter '%s' must be %s or %s, not %.*s",
                                  name, words[0], words[1], SLICE_ARGS(slice_sub(given, 0, 32)));
}

// What to do about a name that is taken.
static enum err read_name_rule(struct rest_call *call, struct core_name_rule *rule)
{
    static const char *const policies[2] = {"FAIL", "UNIQUIFY"};
    static const char *const strategies[2] = {"RANDOM", "INCREMENTAL"};
    rule->separator = http_request_parameter(call->request, "uniquifySeparator");
    if (rule->separator.ptr == NULL) {
        rule->separator = SLICE("_");
    }
    const enum err err = read_word(call, "nameConflictPolicy", policies, &rule->makes_free);
    return err == ERR_OK ? read_word(call, "uniquifyStrategy", strategies, &rule->counts_up) : err;
}

enum err rest_device_save(struct rest_call *call)
{
    struct codec_json object;
    struct core_device_save save = {.token = http_request_parameter(call->request, "accessToken")};
    enum err err = read_name_rule(call, &save.name_rule);
    err = err == ERR_OK ? rest_call_body(call, &object) : err;
    err = err == ERR_OK ? read_device(call, object, &save) : err;
    err = err == ERR_OK ? core_device_save(&call->admin, &save) : err;
    return err == ERR_OK ? answer_device(call, &save.device, false) : err;
}

static enum err read_credentials(struct rest_call *call, struct codec_json object,
                                 struct model_credentials *credentials)
{
    struct slice kind = SLICE_EMPTY;
    enum err err = rest_read_id(call, object, "id", &credentials->id);
    err = err == ERR_OK ? rest_read_id(call, object, "deviceId", &credentials->device) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "credentialsType", &kind) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "credentialsId", &credentials->credential)
                        : err;
    err =
        err == ERR_OK ? rest_read_text(call, object, "credentialsValue", &credentials->value) : err;
    if (err == ERR_OK && !model_credential_parse(kind, &credentials->kind)) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Validation error: Unsupported credentials type '%.*s'",
                                SLICE_ARGS(slice_sub(kind, 0, 64)));
    }
    if (err == ERR_OK && credentials->kind != MODEL_CREDENTIAL_TOKEN) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Credentials of type %s are not supported by this version",
                                model_credential_name(credentials->kind));
    }
    return err;
}

enum err rest_device_save_with_credentials(struct rest_call *call)
{
    struct codec_json object;
    struct core_device_save save = {.has_version = false};
    struct model_credentials credentials = {.kind = MODEL_CREDENTIAL_TOKEN};
    enum err err = read_name_rule(call, &save.name_rule);
    err = err == ERR_OK ? rest_call_body(call, &object) : err;
    if (err != ERR_OK) {
        return err;
    }
    const struct codec_json device = codec_json_get(object, "device");
    const struct codec_json given = codec_json_get(object, "credentials");
    if (!codec_json_exists(device) || !codec_json_is(device, CODEC_JSON_OBJECT) ||
        !codec_json_exists(given) || !codec_json_is(given, CODEC_JSON_OBJECT)) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Validation error: 'device' and 'credentials' must be objects");
    }
    err = read_device(call, device, &save);
    err = err == ERR_OK ? read_credentials(call, given, &credentials) : err;
    save.credentials = &credentials;
    err = err == ERR_OK ? core_device_save(&call->admin, &save) : err;
    return err == ERR_OK ? answer_device(call, &save.device, false) : err;
}

static enum err get(struct rest_call *call, bool info)
{
    struct uuid id;
    struct model_device device;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_device_get(&call->admin, &id, &device) : err;
    return err == ERR_OK ? answer_device(call, &device, info) : err;
}

enum err rest_device_get(struct rest_call *call)
{
    return get(call, false);
}

enum err rest_device_info(struct rest_call *call)
{
    return get(call, true);
}

enum err rest_device_by_name(struct rest_call *call)
{
    struct model_device device;
    struct slice name;
    enum err err = rest_call_required(call, "deviceName", &name);
    err = err == ERR_OK ? core_device_by_name(&call->admin, name, &device) : err;
    return err == ERR_OK ? answer_device(call, &device, false) : err;
}

enum err rest_device_delete(struct rest_call *call)
{
    struct uuid id;
    const enum err err = rest_call_id(call, 0, &id);
    return err == ERR_OK ? core_device_delete(&call->admin, &id) : err;
}

static void emit_device(void *context, const struct model_device *device)
{
    rest_write_device(context, device, false);
}

static void emit_info(void *context, const struct model_device *device)
{
    rest_write_device(context, device, true);
}

static enum err read_wish(struct rest_call *call, struct core_device_list *wanted,
                          struct uuid *profile)
{
    bool by_profile = false;
    const enum err err = rest_call_id_parameter(call, "deviceProfileId", &by_profile, profile);
    wanted->profile = by_profile ? profile : NULL;
    wanted->type = http_request_parameter(call->request, "type");
    return err;
}

// Which devices are active is not in the database: all that are asked for are walked, and counted,
// and those of the page are written.
struct sifting {
    struct rest_write_context *context;
    bool active;
    int64_t found;
    int64_t first; // of the page
    int64_t end;
};

static void emit_sifted(void *context, const struct model_device *device)
{
    struct sifting *sifting = context;
    if (core_presence_is_active(sifting->context->presence, device->number) != sifting->active) {
        return;
    }
    if (sifting->found >= sifting->first && sifting->found < sifting->end) {
        rest_write_device(sifting->context, device, true);
    }
    sifting->found++;
}

static enum err list_sifted(struct rest_call *call, struct core_device_list *wanted, bool active,
                            struct rest_call_list *list)
{
    const int64_t first = (int64_t)list->page.size * list->page.number;
    struct model_page all = list->page;
    struct sifting sifting = {.context = &list->context,
                              .active = active,
                              .first = first,
                              .end = first + list->page.size};
    int64_t walked = 0;
    all.size = REST_DEVICE_WALK;
    all.number = 0;
    wanted->page = &all;
    const enum err err = core_device_list(&call->admin, wanted, &walked, &sifting, emit_sifted);
    list->total = sifting.found;
    return err == ERR_OK && walked > REST_DEVICE_WALK
               ? rest_call_refuse(call, ERR_INVALID,
                                  "Parameter 'active' is for at most %u devices, here are %lld: "
                                  "ask for those of one profile or customer",
                                  REST_DEVICE_WALK, (long long)walked)
               : err;
}

static enum err list(struct rest_call *call, const struct uuid *customer, bool infos)
{
    struct rest_call_list list;
    struct uuid profile;
    struct core_device_list wanted = {.customer = customer, .page = &list.page};
    bool active = false;
    enum err err = read_wish(call, &wanted, &profile);
    err = err == ERR_OK && infos ? rest_call_boolean(call, "active", false, &active) : err;
    err = err == ERR_OK ? rest_call_list_begin(call, &list) : err;
    if (err != ERR_OK) {
        return err;
    }
    err = infos && rest_call_has(call, "active")
              ? list_sifted(call, &wanted, active, &list)
              : core_device_list(&call->admin, &wanted, &list.total, &list.context,
                                 infos ? emit_info : emit_device);
    return rest_call_list_end(&list, err);
}

enum err rest_device_list(struct rest_call *call)
{
    // The hidden overload: one device by its name.
    if (http_request_parameter(call->request, "deviceName").ptr != NULL) {
        return rest_device_by_name(call);
    }
    return list(call, NULL, false);
}

enum err rest_device_list_infos(struct rest_call *call)
{
    return list(call, NULL, true);
}

enum err rest_device_list_of_customer(struct rest_call *call)
{
    struct uuid customer;
    const enum err err = rest_call_id(call, 0, &customer);
    return err == ERR_OK ? list(call, &customer, false) : err;
}

enum err rest_device_list_infos_of_customer(struct rest_call *call)
{
    struct uuid customer;
    const enum err err = rest_call_id(call, 0, &customer);
    return err == ERR_OK ? list(call, &customer, true) : err;
}

static enum err assign(struct rest_call *call, const struct uuid *id, const struct uuid *customer)
{
    struct model_device device;
    const enum err err = core_device_assign(&call->admin, id, customer, &device);
    return err == ERR_OK ? answer_device(call, &device, false) : err;
}

enum err rest_device_assign(struct rest_call *call)
{
    struct uuid customer;
    struct uuid id;
    enum err err = rest_call_id(call, 0, &customer);
    err = err == ERR_OK ? rest_call_id(call, 1, &id) : err;
    return err == ERR_OK ? assign(call, &id, &customer) : err;
}

enum err rest_device_unassign(struct rest_call *call)
{
    struct uuid id;
    const enum err err = rest_call_id(call, 0, &id);
    return err == ERR_OK ? assign(call, &id, &uuid_null) : err;
}

static enum err answer_credentials(struct rest_call *call,
                                   const struct model_credentials *credentials)
{
    struct rest_write_context context = rest_call_write(call);
    rest_write_credentials(&context, credentials);
    return ERR_OK;
}

enum err rest_credentials_get(struct rest_call *call)
{
    struct uuid id;
    struct model_credentials credentials;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_credentials_get(&call->admin, &id, &credentials) : err;
    return err == ERR_OK ? answer_credentials(call, &credentials) : err;
}

enum err rest_credentials_save(struct rest_call *call)
{
    struct codec_json object;
    struct model_credentials credentials = {.kind = MODEL_CREDENTIAL_TOKEN};
    bool has_version = false;
    struct device_id device;
    enum err err = rest_call_body(call, &object);
    err = err == ERR_OK ? read_credentials(call, object, &credentials) : err;
    err = err == ERR_OK ? rest_read_int(call, object, "version", &has_version, &credentials.version)
                        : err;
    err = err == ERR_OK ? core_credentials_save(&call->admin, &credentials, has_version, &device)
                        : err;
    if (err != ERR_OK) {
        return err;
    }
    // Whoever registered did so with the old credential.
    core_desk_end(call->rest->core, rest_call_desk(call), call->caller.tenant, device, false);
    return answer_credentials(call, &credentials);
}

static enum err put_one(struct rest_call *call, const struct uuid *id,
                        struct rest_write_context *context)
{
    struct model_device device;
    const enum err err = core_device_get(&call->admin, id, &device);
    if (err == ERR_OK) {
        rest_write_device(context, &device, false);
    }
    return err;
}

enum err rest_device_list_of(struct rest_call *call)
{
    return rest_call_list_of(call, "deviceIds", put_one);
}

enum err rest_device_publish(struct rest_call *call)
{
    struct uuid id;
    struct model_device device;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_device_make_public(&call->admin, &id, &device) : err;
    return err == ERR_OK ? answer_device(call, &device, false) : err;
}

static void ignore_device(void *context, const struct model_device *device)
{
    (void)context;
    (void)device;
}

// No device has a package of its own in this version.
enum err rest_device_count_without_package(struct rest_call *call)
{
    struct uuid profile;
    int64_t total = 0;
    const struct slice type = call->match.parameters[0];
    enum err err = rest_call_id(call, 1, &profile);
    if (!slice_equal(type, SLICE("FIRMWARE")) && !slice_equal(type, SLICE("SOFTWARE"))) {
        return rest_call_refuse(call, ERR_INVALID, "Invalid package type: %.*s",
                                SLICE_ARGS(slice_sub(type, 0, 32)));
    }
    const struct model_page page = {.size = 1};
    const bool is_customer = call->caller.authority == MODEL_CUSTOMER_USER;
    const struct core_device_list wanted = {.customer = is_customer ? &call->caller.customer : NULL,
                                            .profile = &profile,
                                            .page = &page};
    err =
        err == ERR_OK ? core_device_list(&call->admin, &wanted, &total, NULL, ignore_device) : err;
    struct codec_json_writer writer = rest_call_writer(call);
    codec_json_put_int64(&writer, total);
    return err;
}
