// How a new user comes to a password: a link, and what is behind it (server-api.md 1.1).
#include "core/user_admin.h"
#include "crypto/password.h"
#include "rest/handlers.h"
#include "rest/token.h"

#define URL_SIZE 512U

static void put_link(struct rest_call *call, const struct store_activation *activation,
                     struct buf *out)
{
    const struct slice host = call->request->host;
    buf_put_text(out, "http://");
    buf_put_slice(out, host.len > 0 ? host : SLICE("localhost"));
    buf_put_text(out, "/api/noauth/activate?activateToken=");
    buf_put(out, activation->token, STORE_ACTIVATION_LEN);
}

static enum err get_activation(struct rest_call *call, struct store_activation *activation)
{
    struct uuid id;
    const enum err err = rest_call_id(call, 0, &id);
    return err == ERR_OK ? core_user_activation(&call->admin, &id, activation) : err;
}

enum err rest_activation_link(struct rest_call *call)
{
    struct store_activation activation;
    const enum err err = get_activation(call, &activation);
    if (err == ERR_OK) {
        call->response->content_type = "text/plain;charset=UTF-8";
        put_link(call, &activation, &call->response->body);
    }
    return err;
}

enum err rest_activation_link_info(struct rest_call *call)
{
    uint8_t memory[URL_SIZE];
    struct buf link = buf_over(memory, sizeof(memory));
    struct store_activation activation;
    const enum err err = get_activation(call, &activation);
    if (err != ERR_OK) {
        return err;
    }
    put_link(call, &activation, &link);
    if (link.overflow) {
        return rest_call_refuse(call, ERR_INVALID, "The header 'Host' is too long");
    }
    struct codec_json_writer writer = rest_call_writer(call);
    codec_json_begin_object(&writer);
    codec_json_field_string(&writer, "value", buf_view(&link));
    codec_json_field_int64(&writer, "ttlMs", activation.until_ms - call->now.ms);
    codec_json_end_object(&writer);
    return ERR_OK;
}

enum err rest_activation_mail(struct rest_call *call)
{
    struct slice email;
    const enum err err = rest_call_required(call, "email", &email);
    return err == ERR_OK ? rest_call_refuse(call, ERR_INVALID,
                                            "This version sends no mail: ask for "
                                            "/api/user/{userId}/activationLink instead")
                         : err;
}

// To the page of the UI where a password is chosen.
enum err rest_activation_check(struct rest_call *call)
{
    static const char page[] = "/login/createPassword?activateToken=";
    struct slice token;
    enum err err = rest_call_required(call, "activateToken", &token);
    err = err == ERR_OK ? core_session_activation(call->rest->core, token, call->now) : err;
    if (err == ERR_NOT_FOUND) {
        return rest_call_refuse(call, ERR_CONFLICT,
                                "The activation token is not known, used up or over");
    }
    // A token that was found is of letters and digits.
    char *location =
        err == ERR_OK ? arena_take(call->request->memory, sizeof(page) + token.len) : NULL;
    if (location == NULL) {
        return err == ERR_OK ? ERR_EXHAUSTED : err;
    }
    memcpy(location, page, sizeof(page) - 1);
    memcpy(location + sizeof(page) - 1, token.ptr, token.len);
    location[sizeof(page) - 1 + token.len] = 0;
    call->response->status = 303;
    call->response->location = location;
    return ERR_OK;
}

enum err rest_activation_use(struct rest_call *call)
{
    struct codec_json object;
    struct slice token;
    struct slice password;
    bool wants_mail = false;
    enum err err = rest_call_boolean(call, "sendActivationMail", false, &wants_mail);
    err = err == ERR_OK ? rest_call_body(call, &object) : err;
    if (err != ERR_OK) {
        return err;
    }
    if (!codec_json_string(codec_json_get(object, "activateToken"), &token) ||
        !codec_json_string(codec_json_get(object, "password"), &password)) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Validation error: 'activateToken' and 'password' must be texts");
    }
    struct model_user user;
    err = core_session_activate(call->rest->core, call->request->memory, token, password, call->now,
                                &user, &call->problem);
    if (err != ERR_OK) {
        return err;
    }
    return rest_token_begin(call, &user);
}

enum err rest_activation_policy(struct rest_call *call)
{
    struct codec_json_writer writer = rest_call_writer(call);
    codec_json_begin_object(&writer);
    codec_json_field_int64(&writer, "minimumLength", CORE_PASSWORD_UNITS_MIN);
    codec_json_field_int64(&writer, "maximumLength", CRYPTO_PASSWORD_MAX);
    static const char *const absent[] = {"minimumUppercaseLetters", "minimumLowercaseLetters",
                                         "minimumDigits", "minimumSpecialCharacters"};
    for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        codec_json_field_null(&writer, absent[i]);
    }
    codec_json_field_boolean(&writer, "allowWhitespaces", true);
    codec_json_field_boolean(&writer, "forceUserToResetPasswordIfNotValid", false);
    codec_json_field_null(&writer, "passwordExpirationPeriodDays");
    codec_json_field_null(&writer, "passwordReuseFrequencyDays");
    codec_json_end_object(&writer);
    return ERR_OK;
}
