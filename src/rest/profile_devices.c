// Device profiles by what their devices have: names, types, and keys (server-api.md 2.1 and 2.3).
#include "core/attributes.h"
#include "core/series.h"
#include "rest/handlers.h"
#include "rest/names.h"

static void put_name(void *context, const struct uuid *id, struct slice name)
{
    struct rest_write_context *write = context;
    codec_json_begin_object(&write->writer);
    rest_write_id(&write->writer, "id", "DEVICE_PROFILE", id);
    codec_json_field_string(&write->writer, "name", name);
    codec_json_end_object(&write->writer);
}

static void put_type(void *context, const struct uuid *id, struct slice name)
{
    (void)id;
    struct rest_write_context *write = context;
    codec_json_begin_object(&write->writer);
    rest_write_id(&write->writer, "tenantId", "TENANT", &write->tenant);
    codec_json_field_string(&write->writer, "entityType", SLICE("DEVICE"));
    codec_json_field_string(&write->writer, "type", name);
    codec_json_end_object(&write->writer);
}

static enum err put_all(struct rest_call *call, bool in_use, store_profile_name_fn *put)
{
    struct rest_write_context context = rest_call_write(call);
    codec_json_begin_array(&context.writer);
    const enum err err = core_profile_names(&call->admin, in_use, &context, put);
    codec_json_end_array(&context.writer);
    return err;
}

enum err rest_profile_names(struct rest_call *call)
{
    bool in_use = false;
    const enum err err = rest_call_boolean(call, "activeOnly", false, &in_use);
    return err == ERR_OK ? put_all(call, in_use, put_name) : err;
}

enum err rest_profile_device_types(struct rest_call *call)
{
    return put_all(call, false, put_type);
}

struct devices {
    struct model_device items[REST_NAMES_DEVICES];
    uint32_t count;
};

static void take_device(void *context, const struct model_device *device)
{
    struct devices *devices = context;
    ASSERT(devices->count < REST_NAMES_DEVICES);
    devices->items[devices->count++] =
        (struct model_device){.number = device->number, .tenant = device->tenant};
}

// The newest devices of the profile: what they say is what its devices say now.
static enum err find_devices(struct rest_call *call, struct devices *devices)
{
    struct uuid profile;
    bool by_profile = false;
    int64_t total = 0;
    const struct model_page page = {.size = REST_NAMES_DEVICES, .descending = true};
    enum err err = rest_call_id_parameter(call, "deviceProfileId", &by_profile, &profile);
    const struct core_device_list wanted = {.profile = by_profile ? &profile : NULL, .page = &page};
    devices->count = 0;
    return err == ERR_OK ? core_device_list(&call->admin, &wanted, &total, devices, take_device)
                         : err;
}

static bool take_attribute(void *context, enum core_scope scope,
                           const struct store_attribute *attribute)
{
    (void)scope;
    return rest_names_add(context, attribute->key);
}

static enum err read_series(struct rest_call *call, const struct model_device *device,
                            struct rest_names *names)
{
    return core_series_keys(&call->admin, device, names, rest_names_add);
}

static enum err read_attributes(struct rest_call *call, const struct model_device *device,
                                struct rest_names *names)
{
    static const enum core_scope scopes[] = {CORE_SCOPE_CLIENT, CORE_SCOPE_SHARED,
                                             CORE_SCOPE_SERVER};
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < sizeof(scopes) / sizeof(scopes[0]); i++) {
        err = core_attributes_read(&call->admin, device, scopes[i], names, take_attribute);
    }
    return err;
}

typedef enum err read_fn(struct rest_call *call, const struct model_device *device,
                         struct rest_names *names);

static enum err answer_keys(struct rest_call *call, read_fn *read)
{
    struct rest_names names;
    struct devices *devices = arena_take(call->request->memory, sizeof(*devices));
    enum err err = devices != NULL ? rest_names_make(call, &names) : ERR_EXHAUSTED;
    err = err == ERR_OK ? find_devices(call, devices) : err;
    for (uint32_t i = 0; err == ERR_OK && i < devices->count; i++) {
        err = read(call, &devices->items[i], &names);
    }
    err = err == ERR_OK ? rest_names_check(call, &names) : err;
    if (err == ERR_OK) {
        struct codec_json_writer writer = rest_call_writer(call);
        rest_names_put(&writer, &names);
    }
    return err;
}

enum err rest_profile_series_keys(struct rest_call *call)
{
    return answer_keys(call, read_series);
}

enum err rest_profile_attribute_keys(struct rest_call *call)
{
    return answer_keys(call, read_attributes);
}
