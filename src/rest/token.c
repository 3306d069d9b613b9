#include "rest/token.h"

#include "crypto/hash.h"
#include "crypto/jwt.h"

#define CLAIMS_SIZE 8192U

static const char issuer[] = "thingsboard.io";

static void put_uuid(struct codec_json_writer *writer, const char *name, const struct uuid *uuid)
{
    char text[UUID_TEXT_SIZE];
    codec_json_field_string(writer, name, slice_text(uuid_format(uuid, text)));
}

static void put_optional(struct codec_json_writer *writer, const char *name, struct slice text)
{
    if (text.ptr != NULL) {
        codec_json_field_string(writer, name, text);
    }
}

static void put_scope(struct codec_json_writer *writer, const char *scope)
{
    codec_json_name(writer, SLICE("scopes"));
    codec_json_begin_array(writer);
    codec_json_put_string(writer, slice_text(scope));
    codec_json_end_array(writer);
}

static void put_access(struct codec_json_writer *writer, const struct model_user *user)
{
    put_optional(writer, "firstName", user->first_name);
    put_optional(writer, "lastName", user->last_name);
    codec_json_field_boolean(writer, "enabled", user->enabled);
    codec_json_field_boolean(writer, "isPublic", user->is_public);
    put_uuid(writer, "tenantId", &user->tenant_uuid);
    put_uuid(writer, "customerId", &user->customer);
}

static struct wall begin_of(const struct rest_call *call, const struct model_user *user)
{
    return call->now.ms > user->changed_ms ? call->now : (struct wall){user->changed_ms};
}

static void put_claims(struct codec_json_writer *writer, const struct rest_call *call,
                       const struct model_user *user, const struct uuid *session, bool refresh)
{
    const uint64_t life =
        refresh ? call->rest->settings.refresh_life_s : call->rest->settings.token_life_s;
    const int64_t now_s = begin_of(call, user).ms / 1000;
    codec_json_begin_object(writer);
    codec_json_field_string(writer, "sub", user->email);
    put_uuid(writer, "userId", &user->id);
    put_scope(writer, refresh ? "REFRESH_TOKEN" : model_authority_name(user->authority));
    put_uuid(writer, "sessionId", session);
    codec_json_field_int64(writer, "exp", now_s + (int64_t)life);
    codec_json_field_string(writer, "iss", slice_text(issuer));
    codec_json_field_int64(writer, "iat", now_s);
    if (refresh) {
        codec_json_field_boolean(writer, "isPublic", user->is_public);
        const struct uuid id = core_new_id(call->now);
        put_uuid(writer, "jti", &id);
    } else {
        put_access(writer, user);
    }
    codec_json_end_object(writer);
}

static enum err put_token(struct codec_json_writer *writer, const struct rest_call *call,
                          const struct model_user *user, const struct uuid *session, bool refresh)
{
    void *claims_memory = arena_take(call->request->memory, CLAIMS_SIZE);
    void *token_memory = arena_take(call->request->memory, CLAIMS_SIZE * 2);
    if (claims_memory == NULL || token_memory == NULL) {
        return ERR_EXHAUSTED;
    }
    struct buf claims = buf_over(claims_memory, CLAIMS_SIZE);
    struct codec_json_writer claims_writer = codec_json_writer_over(&claims);
    put_claims(&claims_writer, call, user, session, refresh);
    struct buf token = buf_over(token_memory, CLAIMS_SIZE * 2);
    crypto_jwt_sign(&token, slice_of(call->rest->core->token_key, CORE_TOKEN_KEY_SIZE),
                    buf_view(&claims));
    if (claims.overflow || token.overflow) {
        return ERR_TOO_LARGE;
    }
    codec_json_field_string(writer, refresh ? "refreshToken" : "token", buf_view(&token));
    return ERR_OK;
}

enum err rest_token_write_pair(struct rest_call *call, const struct model_user *user,
                               const struct uuid *session)
{
    struct codec_json_writer writer = rest_call_writer(call);
    codec_json_begin_object(&writer);
    enum err err = put_token(&writer, call, user, session, false);
    err = err == ERR_OK ? put_token(&writer, call, user, session, true) : err;
    codec_json_end_object(&writer);
    return err;
}

enum err rest_token_begin(struct rest_call *call, const struct model_user *user)
{
    const struct uuid session = core_new_id(begin_of(call, user));
    return rest_token_write_pair(call, user, &session);
}

static bool read_uuid(struct codec_json object, const char *name, struct uuid *uuid)
{
    struct slice text;
    return codec_json_string(codec_json_get(object, name), &text) && uuid_parse(text, uuid);
}

static bool is_refresh(struct codec_json object)
{
    const struct codec_json scopes = codec_json_get(object, "scopes");
    struct slice name;
    struct slice scope;
    struct codec_json item;
    if (!codec_json_exists(scopes) || !codec_json_is(scopes, CODEC_JSON_ARRAY)) {
        return false;
    }
    struct codec_json_walk walk = codec_json_walk_over(scopes);
    return codec_json_walk_next(&walk, &name, &item) && codec_json_string(item, &scope) &&
           slice_equal(scope, SLICE("REFRESH_TOKEN"));
}

// Three parts of base64url.
static bool is_token(struct slice token)
{
    unsigned dots = 0;
    size_t part = 0;
    for (size_t i = 0; i < token.len; i++) {
        const uint8_t c = token.ptr[i];
        const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (c == '.' && part > 0) {
            dots++;
            part = 0;
        } else if (letter || (c >= '0' && c <= '9') || c == '-' || c == '_') {
            part++;
        } else {
            return false;
        }
    }
    return dots == 2 && part > 0;
}

static bool read_claims(struct codec_json object, struct core_claims *claims)
{
    claims->refresh = is_refresh(object);
    claims->is_public =
        codec_json_boolean(codec_json_get(object, "isPublic"), &claims->is_public) &&
        claims->is_public;
    return read_uuid(object, "userId", &claims->user) &&
           read_uuid(object, "sessionId", &claims->session) &&
           codec_json_int64(codec_json_get(object, "iat"), &claims->issued_s) &&
           codec_json_int64(codec_json_get(object, "exp"), &claims->expires_s);
}

enum err rest_token_read(const struct rest_call *call, struct slice token,
                         struct core_claims *claims)
{
    struct arena *memory = call->request->memory;
    const struct slice key = slice_of(call->rest->core->token_key, CORE_TOKEN_KEY_SIZE);
    struct codec_json object;
    struct err_place place;
    if (!is_token(token)) {
        return ERR_UNAUTHORIZED;
    }
    void *bytes = arena_take(memory, CLAIMS_SIZE);
    if (bytes == NULL) {
        return ERR_EXHAUSTED;
    }
    struct buf payload = buf_over(bytes, CLAIMS_SIZE);
    if (crypto_jwt_verify(&payload, key, token) != ERR_OK ||
        codec_json_parse(memory, buf_view(&payload), false, &object, &place) != ERR_OK ||
        !codec_json_is(object, CODEC_JSON_OBJECT) || !read_claims(object, claims)) {
        return ERR_EXPIRED;
    }
    return claims->expires_s <= call->now.ms / 1000 ? ERR_EXPIRED : ERR_OK;
}
