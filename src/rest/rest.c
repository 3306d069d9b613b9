#include "rest/rest.h"

#include "rest/error.h"
#include "rest/routes.h"
#include "rest/token.h"

static struct slice bearer(struct slice authorization)
{
    const struct slice prefix = SLICE("Bearer ");
    if (authorization.len > prefix.len &&
        slice_equal_nocase(slice_sub(authorization, 0, prefix.len), prefix)) {
        return slice_sub(authorization, prefix.len, authorization.len);
    }
    return SLICE_EMPTY;
}

static enum err authenticate(struct rest_call *call)
{
    const struct slice token = bearer(call->request->authorization);
    enum err err = token.len > 0 ? rest_token_read(call, token, &call->claims) : ERR_UNAUTHORIZED;
    if (err == ERR_OK && call->claims.refresh) {
        return ERR_UNAUTHORIZED;
    }
    if (err == ERR_OK) {
        err =
            core_session_user(call->rest->core, call->request->memory, &call->claims, &call->user);
    }
    if (err == ERR_OK) {
        call->caller = core_session_caller(&call->user, call->now);
    }
    return err;
}

static enum err run(struct rest_call *call, const struct rest_action *action)
{
    if (action->authorities != 0) {
        const enum err err = authenticate(call);
        if (err != ERR_OK) {
            return err;
        }
        call->plain_errors = action->plain_errors;
        if ((action->authorities & (unsigned)call->caller.authority) == 0) {
            return ERR_FORBIDDEN;
        }
    }
    const enum err err = action->handler(call);
    if (err == ERR_OK && call->response->body.overflow) {
        return rest_call_refuse(call, ERR_INVALID,
                                "The answer is larger than %zu bytes, ask for less at a time",
                                call->response->body.cap);
    }
    return err;
}

// What is taken from the URL ends in answers, which are UTF-8.
static bool url_is_text(const struct http_request *request)
{
    bool is = slice_is_utf8(request->path);
    for (unsigned i = 0; is && i < request->parameter_count; i++) {
        is = slice_is_utf8(request->parameters[i].name) &&
             slice_is_utf8(request->parameters[i].value);
    }
    return is;
}

void rest_handle(void *context, const struct http_request *request, struct http_response *response)
{
    const struct rest *rest = context;
    struct rest_call call = {
        .rest = rest, .request = request, .response = response, .now = rest->wall()};
    call.admin = (struct core_admin){rest->core, &call.caller, request->memory, &call.problem};
    if (!url_is_text(request)) {
        rest_error_answer(&call, rest_call_refuse(&call, ERR_INVALID, "The URL is not UTF-8"));
        return;
    }
    const enum http_match_verdict verdict =
        rest_routes_find(request->method, request->path, &call.match);
    if (verdict != HTTP_MATCH) {
        rest_error_answer_unrouted(&call, verdict);
        return;
    }
    const enum err err = run(&call, rest_routes_action(&call.match));
    if (err != ERR_OK) {
        rest_error_answer(&call, err);
    }
}
