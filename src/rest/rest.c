#include "rest/rest.h"

#include "rest/handlers.h"
#include "rest/status.h"
#include "rest/token.h"

#define S MODEL_SYS_ADMIN
#define T MODEL_TENANT_ADMIN
#define C MODEL_CUSTOMER_USER
#define ANYONE 0U

#define TELEMETRY "/api/plugins/telemetry/{entityType}/{entityId}"

// Every route: method, path, who may call, whether failures are plain texts, handler.
static const struct rest_route routes[] = {
    {HTTP_GET, "/livez", ANYONE, false, rest_health_live},
    {HTTP_GET, "/readyz", ANYONE, false, rest_health_ready},

    {HTTP_POST, "/api/auth/login", ANYONE, false, rest_auth_log_in},
    {HTTP_POST, "/api/auth/token", ANYONE, false, rest_auth_refresh},
    {HTTP_GET, "/api/auth/user", S | T | C, false, rest_auth_user},
    {HTTP_POST, "/api/auth/logout", S | T | C, false, rest_auth_log_out},
    {HTTP_POST, "/api/auth/changePassword", S | T | C, false, rest_auth_change_password},

    {HTTP_POST, "/api/device", T | C, false, rest_device_save},
    {HTTP_POST, "/api/device-with-credentials", T | C, false, rest_device_save_with_credentials},
    {HTTP_GET, "/api/device/{deviceId}", T | C, false, rest_device_get},
    {HTTP_DELETE, "/api/device/{deviceId}", T, false, rest_device_delete},
    {HTTP_GET, "/api/device/info/{deviceId}", T | C, false, rest_device_info},
    {HTTP_GET, "/api/tenant/devices", T, false, rest_device_list},
    {HTTP_GET, "/api/tenant/device", T, false, rest_device_by_name},
    {HTTP_GET, "/api/tenant/deviceInfos", T, false, rest_device_list_infos},
    {HTTP_GET, "/api/customer/{customerId}/devices", T | C, false, rest_device_list_of_customer},
    {HTTP_GET, "/api/customer/{customerId}/deviceInfos", T | C, false,
     rest_device_list_infos_of_customer},
    {HTTP_POST, "/api/customer/{customerId}/device/{deviceId}", T, false, rest_device_assign},
    {HTTP_DELETE, "/api/customer/device/{deviceId}", T, false, rest_device_unassign},
    {HTTP_GET, "/api/device/{deviceId}/credentials", T | C, false, rest_credentials_get},
    {HTTP_POST, "/api/device/credentials", T, false, rest_credentials_save},

    {HTTP_GET, "/api/tenant/{tenantId}", S | T, false, rest_tenant_get},
    {HTTP_POST, "/api/customer", T, false, rest_customer_save},
    {HTTP_GET, "/api/customer/{customerId}", T | C, false, rest_customer_get},
    {HTTP_DELETE, "/api/customer/{customerId}", T, false, rest_customer_delete},
    {HTTP_GET, "/api/customers", T, false, rest_customer_list},
    {HTTP_GET, "/api/tenant/customers", T, false, rest_customer_by_title},
    {HTTP_GET, "/api/user/{userId}", S | T | C, false, rest_user_get},
    {HTTP_GET, "/api/users", T | C, false, rest_user_list},
    {HTTP_GET, "/api/customer/{customerId}/users", T, false, rest_user_list_of_customer},

    {HTTP_GET, "/api/deviceProfile/{deviceProfileId}", T, false, rest_profile_get},
    {HTTP_GET, "/api/deviceProfiles", T, false, rest_profile_list},
    {HTTP_GET, "/api/deviceProfileInfo/default", T | C, false, rest_profile_info_default},
    {HTTP_GET, "/api/deviceProfileInfo/{deviceProfileId}", T | C, false, rest_profile_info},
    {HTTP_GET, "/api/deviceProfileInfos", T | C, false, rest_profile_info_list},

    {HTTP_GET, TELEMETRY "/keys/timeseries", S | T | C, true, rest_telemetry_keys},
    {HTTP_GET, TELEMETRY "/values/timeseries", S | T | C, true, rest_telemetry_values},
    {HTTP_GET, TELEMETRY "/values/timeseries/history", S | T | C, true, rest_telemetry_values},
};

#undef S
#undef T
#undef C

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

static enum http_match_verdict find_route(struct rest_call *call, enum http_method method)
{
    struct http_route table[ROUTE_COUNT];
    for (unsigned i = 0; i < ROUTE_COUNT; i++) {
        table[i] = (struct http_route){routes[i].method, routes[i].pattern, i};
    }
    return http_router_match(table, ROUTE_COUNT, method, call->request->path, &call->match);
}

static void answer_error(struct rest_call *call, struct rest_status status)
{
    struct http_response *response = call->response;
    const char *text = call->problem.text[0] != 0 ? call->problem.text : status.text;
    response->status = status.http;
    response->body.len = 0;
    response->body.overflow = false;
    if (status.http == 503 || status.http == 429) {
        response->retry_after_s = 2;
    }
    if (call->plain_errors) {
        response->content_type = "text/plain;charset=UTF-8";
        buf_put_text(&response->body, text);
        return;
    }
    struct codec_json_writer writer = rest_call_writer(call);
    codec_json_begin_object(&writer);
    codec_json_field_int64(&writer, "status", status.http);
    codec_json_field_string(&writer, "message", slice_text(text));
    codec_json_field_int64(&writer, "errorCode", status.code);
    codec_json_field_int64(&writer, "timestamp", call->now.ms);
    codec_json_end_object(&writer);
}

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
    if (token.len == 0) {
        return ERR_UNAUTHORIZED;
    }
    enum err err = rest_token_read(call, token, &call->claims);
    if (err == ERR_UNAUTHORIZED) {
        // Upstream tells a bad signature like a token that is over (server-api.md 1.5).
        return ERR_EXPIRED;
    }
    if (err == ERR_OK && call->claims.refresh) {
        return ERR_UNAUTHORIZED;
    }
    if (err == ERR_OK) {
        err = core_session_user(call->rest->core, call->request->memory, &call->claims,
                                &call->user);
    }
    call->caller = core_session_caller(&call->user, call->now);
    return err;
}

static enum err run(struct rest_call *call, const struct rest_route *route)
{
    if (route->authorities != ANYONE) {
        const enum err err = authenticate(call);
        if (err != ERR_OK) {
            return err;
        }
        call->plain_errors = route->plain_errors;
        if ((route->authorities & call->caller.authority) == 0) {
            return ERR_FORBIDDEN;
        }
    }
    return route->handler(call);
}

static void answer_unrouted(struct rest_call *call, enum http_match_verdict verdict)
{
    struct rest_status status = rest_status(ERR_NOT_FOUND);
    if (verdict == HTTP_NO_METHOD) {
        status = (struct rest_status){405, rest_status(ERR_INVALID).code,
                                      "Request method is not supported"};
    }
    if (slice_equal(call->request->path, SLICE("/api/auth/login")) ||
        slice_equal(call->request->path, SLICE("/api/auth/token"))) {
        status = (struct rest_status){401, rest_status(ERR_UNAUTHORIZED).code,
                                      "Authentication method not supported"};
    }
    answer_error(call, status);
}

void rest_handle(void *context, const struct http_request *request, struct http_response *response)
{
    const struct rest *rest = context;
    struct rest_call call = {
        .rest = rest, .request = request, .response = response, .now = rest->wall()};
    call.admin =
        (struct core_admin){rest->core, &call.caller, request->memory, &call.problem};
    if (request->method == HTTP_OPTIONS) {
        response->content_type = "text/plain";
        return;
    }
    const enum http_method method = request->method == HTTP_HEAD ? HTTP_GET : request->method;
    const enum http_match_verdict verdict = find_route(&call, method);
    if (verdict != HTTP_MATCH) {
        answer_unrouted(&call, verdict);
        return;
    }
    const enum err err = run(&call, &routes[call.match.tag]);
    if (err != ERR_OK) {
        answer_error(&call, rest_status(err));
    }
}
