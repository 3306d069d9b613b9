// Users as people administer them (server-api.md 2.4); how they come to a password is in
// activation.c.
#include "core/user_admin.h"
#include "rest/handlers.h"
#include "rest/read.h"
#include "rest/token.h"

static enum err answer_user(struct rest_call *call, const struct model_user *user)
{
    struct rest_write_context context = rest_call_write(call);
    rest_write_user(&context, user);
    return ERR_OK;
}

static enum err read_authority(struct rest_call *call, struct codec_json object,
                               struct model_user *user)
{
    static const enum model_authority all[] = {MODEL_SYS_ADMIN, MODEL_TENANT_ADMIN,
                                               MODEL_CUSTOMER_USER};
    struct slice name;
    const enum err err = rest_read_text(call, object, "authority", &name);
    for (unsigned i = 0; err == ERR_OK && i < sizeof(all) / sizeof(all[0]); i++) {
        if (slice_equal(name, slice_text(model_authority_name(all[i])))) {
            user->authority = all[i];
            return ERR_OK;
        }
    }
    return err != ERR_OK ? err
                         : rest_call_refuse(call, ERR_INVALID,
                                            "Validation error: 'authority' must be SYS_ADMIN, "
                                            "TENANT_ADMIN or CUSTOMER_USER");
}

static enum err read_info(struct rest_call *call, struct codec_json object, struct model_user *user)
{
    const struct codec_json info = codec_json_get(object, "additionalInfo");
    if (!rest_read_is_absent(info) && !codec_json_is(info, CODEC_JSON_OBJECT)) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Validation error: 'additionalInfo' must be an object");
    }
    return rest_read_stored(call, object, "additionalInfo", &user->additional_info);
}

// A log-in writes the texts of a user into its tokens, which have room for so much.
static enum err read_name(struct rest_call *call, struct codec_json object, const char *name,
                          struct slice *text)
{
    const enum err err = rest_read_text(call, object, name, text);
    return err == ERR_OK && slice_utf16_units(*text) > MODEL_NAME_UNITS_MAX
               ? rest_call_refuse(call, ERR_INVALID,
                                  "Validation error: '%s' is longer than %u characters", name,
                                  MODEL_NAME_UNITS_MAX)
               : err;
}

static enum err read_user(struct rest_call *call, struct codec_json object, struct model_user *user,
                          bool *has_version)
{
    enum err err = rest_read_id(call, object, "id", &user->id);
    err = err == ERR_OK ? rest_read_id(call, object, "tenantId", &user->tenant_uuid) : err;
    err = err == ERR_OK ? rest_read_id(call, object, "customerId", &user->customer) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "email", &user->email) : err;
    err = err == ERR_OK ? read_authority(call, object, user) : err;
    err = err == ERR_OK ? read_name(call, object, "firstName", &user->first_name) : err;
    err = err == ERR_OK ? read_name(call, object, "lastName", &user->last_name) : err;
    err = err == ERR_OK ? read_name(call, object, "phone", &user->phone) : err;
    err = err == ERR_OK ? read_info(call, object, user) : err;
    return err == ERR_OK ? rest_read_int(call, object, "version", has_version, &user->version)
                         : err;
}

// There is no mail; who asks for one must know that none is sent.
static enum err refuse_mail(struct rest_call *call)
{
    bool wants_mail = false;
    const enum err err = rest_call_boolean(call, "sendActivationMail", false, &wants_mail);
    return err == ERR_OK && wants_mail
               ? rest_call_refuse(call, ERR_INVALID,
                                  "This version sends no mail: ask for "
                                  "/api/user/{userId}/activationLink instead")
               : err;
}

enum err rest_user_save(struct rest_call *call)
{
    struct codec_json object;
    bool has_version = false;
    struct model_user user = {.version = 0};
    enum err err = refuse_mail(call);
    err = err == ERR_OK ? rest_call_body(call, &object) : err;
    err = err == ERR_OK ? read_user(call, object, &user, &has_version) : err;
    err = err == ERR_OK ? core_user_save(&call->admin, &user, has_version) : err;
    return err == ERR_OK ? answer_user(call, &user) : err;
}

enum err rest_user_get(struct rest_call *call)
{
    struct uuid id;
    struct model_user user;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_user_get(&call->admin, &id, &user) : err;
    return err == ERR_OK ? answer_user(call, &user) : err;
}

enum err rest_user_delete(struct rest_call *call)
{
    struct uuid id;
    const enum err err = rest_call_id(call, 0, &id);
    return err == ERR_OK ? core_user_delete(&call->admin, &id) : err;
}

enum err rest_user_enable(struct rest_call *call)
{
    struct uuid id;
    bool enabled = true;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? rest_call_boolean(call, "userCredentialsEnabled", true, &enabled) : err;
    return err == ERR_OK ? core_user_enable(&call->admin, &id, enabled) : err;
}

enum err rest_user_token(struct rest_call *call)
{
    struct uuid id;
    struct model_user user;
    enum err err = rest_call_id(call, 0, &id);
    if (err == ERR_OK && !call->rest->settings.user_tokens) {
        return rest_call_refuse(call, ERR_FORBIDDEN, "Tokens of other users are switched off");
    }
    err = err == ERR_OK ? core_user_stand_for(&call->admin, &id, &user) : err;
    if (err != ERR_OK) {
        return err;
    }
    return rest_token_begin(call, &user);
}

enum err rest_user_token_enabled(struct rest_call *call)
{
    struct codec_json_writer writer = rest_call_writer(call);
    codec_json_put_boolean(&writer, call->rest->settings.user_tokens);
    return ERR_OK;
}

static void emit_user(void *context, const struct model_user *user)
{
    rest_write_user(context, user);
}

typedef enum err list_fn(const struct core_admin *admin, const struct uuid *of,
                         const struct model_page *page, int64_t *total, void *context,
                         store_user_fn *emit);

static enum err list(struct rest_call *call, const struct uuid *of, list_fn *run)
{
    struct rest_call_list list;
    const enum err err = rest_call_list_begin(call, &list);
    if (err != ERR_OK) {
        return err;
    }
    return rest_call_list_end(
        &list, run(&call->admin, of, &list.page, &list.total, &list.context, emit_user));
}

enum err rest_user_list(struct rest_call *call)
{
    return list(call, NULL, core_user_list);
}

enum err rest_user_list_of_customer(struct rest_call *call)
{
    struct uuid customer;
    const enum err err = rest_call_id(call, 0, &customer);
    return err == ERR_OK ? list(call, &customer, core_user_list) : err;
}

enum err rest_user_list_of_tenant(struct rest_call *call)
{
    struct uuid tenant;
    const enum err err = rest_call_id(call, 0, &tenant);
    return err == ERR_OK ? list(call, &tenant, core_user_list_of_tenant) : err;
}
