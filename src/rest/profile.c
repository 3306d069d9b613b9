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

static enum err list(struct rest_call *call, store_profile_fn *emit)
{
    struct model_page page;
    int64_t total = 0;
    enum err err = rest_call_unserved(call, "deviceProfileIds");
    err = err == ERR_OK ? rest_call_unserved(call, "transportType") : err;
    err = err == ERR_OK ? rest_call_page(call, &page) : err;
    if (err != ERR_OK) {
        return err;
    }
    struct rest_write_context context = rest_call_write(call);
    rest_write_page_begin(&context);
    err = core_profile_list(&call->admin, &page, &total, &context, emit);
    rest_write_page_end(&context, &page, total);
    return err;
}

enum err rest_profile_list(struct rest_call *call)
{
    return list(call, emit_profile);
}

enum err rest_profile_info_list(struct rest_call *call)
{
    return list(call, emit_info);
}
