#include "rest/handlers.h"
#include "rest/token.h"

static enum err read_field(struct rest_call *call, struct codec_json object, const char *name,
                           struct slice *text)
{
    if (codec_json_string(codec_json_get(object, name), text)) {
        return ERR_OK;
    }
    return rest_call_refuse(call, ERR_INVALID, "Validation error: '%s' must be a text", name);
}

static bool read_login(struct codec_json object, struct core_login *login)
{
    return codec_json_string(codec_json_get(object, "username"), &login->email) &&
           codec_json_string(codec_json_get(object, "password"), &login->password) &&
           login->email.len > 0 && login->password.len > 0;
}

enum err rest_auth_log_in(struct rest_call *call)
{
    struct codec_json object;
    struct core_login login = {.source = rest_call_source(call), .now = call->rest->mono()};
    enum err err = rest_call_body(call, &object);
    if (err != ERR_OK) {
        return err;
    }
    if (!read_login(object, &login)) {
        return rest_call_refuse(call, ERR_UNAUTHORIZED, "Username or Password not provided");
    }
    struct model_user user;
    err =
        core_session_log_in(call->rest->core, call->request->memory, &login, &user, &call->problem);
    if (err != ERR_OK) {
        return err;
    }
    return rest_token_begin(call, &user);
}

enum err rest_auth_log_in_public(struct rest_call *call)
{
    struct codec_json object;
    struct slice text;
    struct uuid customer;
    struct model_user user;
    enum err err = rest_call_body(call, &object);
    err = err == ERR_OK ? read_field(call, object, "publicId", &text) : err;
    if (err == ERR_OK && !uuid_parse(text, &customer)) {
        return rest_call_refuse(call, ERR_UNAUTHORIZED, "Public Id is not valid");
    }
    err = err == ERR_OK ? core_session_public(call->rest->core, call->request->memory, &customer,
                                              &user, &call->problem)
                        : err;
    if (err != ERR_OK) {
        return err;
    }
    return rest_token_begin(call, &user);
}

enum err rest_auth_refresh(struct rest_call *call)
{
    struct codec_json object;
    struct slice token;
    enum err err = rest_call_body(call, &object);
    if (err != ERR_OK) {
        return err;
    }
    if (!codec_json_string(codec_json_get(object, "refreshToken"), &token) || token.len == 0) {
        return rest_call_refuse(call, ERR_UNAUTHORIZED, "Refresh token is not provided");
    }
    err = rest_token_read(call, token, &call->claims);
    if (err == ERR_OK && !call->claims.refresh) {
        return rest_call_refuse(call, ERR_UNAUTHORIZED, "Invalid refresh token");
    }
    if (err == ERR_OK) {
        err =
            core_session_user(call->rest->core, call->request->memory, &call->claims, &call->user);
    }
    return err == ERR_OK ? rest_token_write_pair(call, &call->user, &call->claims.session) : err;
}

enum err rest_auth_user(struct rest_call *call)
{
    struct rest_write_context context = rest_call_write(call);
    rest_write_user(&context, &call->user);
    return ERR_OK;
}

enum err rest_auth_log_out(struct rest_call *call)
{
    const int64_t life_ms = (int64_t)call->rest->settings.refresh_life_s * 1000;
    return core_session_log_out(call->rest->core, &call->claims.session, call->now,
                                (struct wall){call->now.ms + life_ms});
}

enum err rest_auth_change_password(struct rest_call *call)
{
    struct codec_json object;
    struct wall changed = {0};
    struct core_password_change change = {
        .source = rest_call_source(call), .now = call->rest->mono(), .wall = call->rest->wall};
    enum err err = rest_call_body(call, &object);
    err = err == ERR_OK ? read_field(call, object, "currentPassword", &change.current) : err;
    err = err == ERR_OK ? read_field(call, object, "newPassword", &change.next) : err;
    if (err == ERR_OK) {
        err = core_session_change_password(call->rest->core, call->request->memory, &call->caller,
                                           &change, &changed, &call->problem);
    }
    if (err != ERR_OK) {
        return err;
    }
    call->user.changed_ms = changed.ms;
    return rest_token_begin(call, &call->user);
}
