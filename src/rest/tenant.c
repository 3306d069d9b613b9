#include "core/tenant_admin.h"
#include "rest/handlers.h"
#include "rest/read.h"

static enum err answer_tenant(struct rest_call *call, const struct model_tenant *tenant, bool info)
{
    struct rest_write_context context = rest_call_write(call);
    rest_write_tenant(&context, tenant, info);
    return ERR_OK;
}

enum err rest_tenant_save(struct rest_call *call)
{
    struct codec_json object;
    bool has_version = false;
    struct model_tenant tenant = {.version = 0};
    enum err err = rest_call_body(call, &object);
    err = err == ERR_OK ? rest_read_id(call, object, "id", &tenant.id) : err;
    err = err == ERR_OK ? rest_read_id(call, object, "tenantProfileId", &tenant.profile) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "title", &tenant.title) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "region", &tenant.region) : err;
    err = err == ERR_OK ? rest_read_contact(call, object, &tenant.contact) : err;
    err = err == ERR_OK ? rest_read_stored(call, object, "additionalInfo", &tenant.additional_info)
                        : err;
    err =
        err == ERR_OK ? rest_read_int(call, object, "version", &has_version, &tenant.version) : err;
    err = err == ERR_OK ? core_tenant_save(&call->admin, &tenant, has_version) : err;
    return err == ERR_OK ? answer_tenant(call, &tenant, false) : err;
}

static enum err get(struct rest_call *call, bool info)
{
    struct uuid id;
    struct model_tenant tenant;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_tenant_get(&call->admin, &id, &tenant) : err;
    return err == ERR_OK ? answer_tenant(call, &tenant, info) : err;
}

enum err rest_tenant_get(struct rest_call *call)
{
    return get(call, false);
}

enum err rest_tenant_info(struct rest_call *call)
{
    return get(call, true);
}

enum err rest_tenant_delete(struct rest_call *call)
{
    struct uuid id;
    const enum err err = rest_call_id(call, 0, &id);
    return err == ERR_OK ? core_tenant_delete(&call->admin, &id) : err;
}

static void emit_tenant(void *context, const struct model_tenant *tenant)
{
    rest_write_tenant(context, tenant, false);
}

static void emit_info(void *context, const struct model_tenant *tenant)
{
    rest_write_tenant(context, tenant, true);
}

static enum err list(struct rest_call *call, store_tenant_fn *emit)
{
    struct rest_call_list list;
    const enum err err = rest_call_list_begin(call, &list);
    if (err != ERR_OK) {
        return err;
    }
    return rest_call_list_end(
        &list, core_tenant_list(&call->admin, &list.page, &list.total, &list.context, emit));
}

static enum err put_one(struct rest_call *call, const struct uuid *id,
                        struct rest_write_context *context)
{
    struct model_tenant tenant;
    const enum err err = core_tenant_get(&call->admin, id, &tenant);
    if (err == ERR_OK) {
        rest_write_tenant(context, &tenant, false);
    }
    return err;
}

enum err rest_tenant_list_of(struct rest_call *call)
{
    return rest_call_list_of(call, "tenantIds", put_one);
}

enum err rest_tenant_list(struct rest_call *call)
{
    return rest_call_has(call, "tenantIds") ? rest_tenant_list_of(call) : list(call, emit_tenant);
}

enum err rest_tenant_list_infos(struct rest_call *call)
{
    return list(call, emit_info);
}
