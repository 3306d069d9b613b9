#include "rest/handlers.h"

static enum err get(struct rest_call *call, bool by_default, bool info)
{
    struct uuid id;
    struct model_device_profile profile;
    enum err err = by_default ? ERR_OK : rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_profile_get(&call->admin, by_default ? NULL : &id, &profile) : err;
    if (err != ERR_OK) {
        return err;
    }
    struct rest_write_context context = rest_call_write(call);
    if (info) {
        rest_write_profile_info(&context, &profile);
    } else {
        rest_write_profile(&context, &profile);
    }
    return ERR_OK;
}

enum err rest_profile_get(struct rest_call *call)
{
    return get(call, false, false);
}

enum err rest_profile_info(struct rest_call *call)
{
    return get(call, false, true);
}

enum err rest_profile_info_default(struct rest_call *call)
{
    return get(call, true, true);
}

enum err rest_profile_make_default(struct rest_call *call)
{
    struct uuid id;
    struct model_device_profile profile;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_profile_make_default(&call->admin, &id, &profile) : err;
    if (err == ERR_OK) {
        struct rest_write_context context = rest_call_write(call);
        rest_write_profile(&context, &profile);
    }
    return err;
}

enum err rest_profile_delete(struct rest_call *call)
{
    struct uuid id;
    const enum err err = rest_call_id(call, 0, &id);
    return err == ERR_OK ? core_profile_delete(&call->admin, &id) : err;
}

static void emit_profile(void *context, const struct model_device_profile *profile)
{
    rest_write_profile(context, profile);
}

static void emit_info(void *context, const struct model_device_profile *profile)
{
    rest_write_profile_info(context, profile);
}

static enum err read_transport(struct rest_call *call, enum model_transport *transport)
{
    const struct slice name = http_request_parameter(call->request, "transportType");
    return name.len == 0 || model_transport_parse(name, transport)
               ? ERR_OK
               : rest_call_refuse(call, ERR_INVALID, "Parameter 'transportType' is none: %.*s",
                                  SLICE_ARGS(slice_sub(name, 0, 32)));
}

static enum err list(struct rest_call *call, bool by_transport, store_profile_fn *emit)
{
    struct rest_call_list list;
    enum model_transport transport = MODEL_TRANSPORT_DEFAULT;
    const bool is_filtered = by_transport && rest_call_has(call, "transportType");
    enum err err = by_transport ? read_transport(call, &transport) : ERR_OK;
    err = err == ERR_OK ? rest_call_list_begin(call, &list) : err;
    if (err != ERR_OK) {
        return err;
    }
    return rest_call_list_end(&list,
                              core_profile_list(&call->admin, is_filtered ? &transport : NULL,
                                                &list.page, &list.total, &list.context, emit));
}

enum err rest_profile_list(struct rest_call *call)
{
    return list(call, false, emit_profile);
}

static enum err put_info(struct rest_call *call, const struct uuid *id,
                         struct rest_write_context *context)
{
    struct model_device_profile profile;
    const enum err err = core_profile_get(&call->admin, id, &profile);
    if (err == ERR_OK) {
        rest_write_profile_info(context, &profile);
    }
    return err;
}

enum err rest_profile_info_list_of(struct rest_call *call)
{
    return rest_call_list_of(call, "deviceProfileIds", put_info);
}

enum err rest_profile_info_list(struct rest_call *call)
{
    return rest_call_has(call, "deviceProfileIds") ? rest_profile_info_list_of(call)
                                                   : list(call, true, emit_info);
}
