#include "rest/routes.h"

#include "rest/handlers.h"

#define S MODEL_SYS_ADMIN
#define T MODEL_TENANT_ADMIN
#define C MODEL_CUSTOMER_USER
#define ANYONE 0U

#define ROUTE(method, path, who, plain, handler)                                                   \
    {                                                                                              \
        HTTP_##method, path, &(const struct rest_action)                                           \
        {                                                                                          \
            who, plain, handler                                                                    \
        }                                                                                          \
    }
// Failures of these are plain texts (server-api.md 1.5, the exception).
#define TELEMETRY(method, path, handler)                                                           \
    ROUTE(method, "/api/plugins/telemetry/{entityType}/{entityId}" path, S | T | C, true, handler)
#define RPC(path, handler) ROUTE(POST, path, S | T | C, true, handler)
#define API(method, path, who, handler) ROUTE(method, path, who, false, handler)

// clang-format off
static const struct http_route routes[] = {
    API(GET, "/livez", ANYONE, rest_health_live),
    API(GET, "/readyz", ANYONE, rest_health_ready),
    API(GET, "/v3/api-docs", ANYONE, rest_docs_get_document),
    API(GET, "/v3/api-docs/thingsboard", ANYONE, rest_docs_get_document),
    API(GET, "/docs", ANYONE, rest_docs_get_page),
    API(GET, "/metrics", ANYONE, rest_health_metrics),

    API(GET, "/api/noauth/userPasswordPolicy", ANYONE, rest_activation_policy),
    API(GET, "/api/noauth/activate", ANYONE, rest_activation_check),
    API(POST, "/api/noauth/activate", ANYONE, rest_activation_use),

    API(POST, "/api/auth/login", ANYONE, rest_auth_log_in),
    API(POST, "/api/auth/login/public", ANYONE, rest_auth_log_in_public),
    API(POST, "/api/auth/token", ANYONE, rest_auth_refresh),
    API(GET, "/api/auth/user", S | T | C, rest_auth_user),
    API(POST, "/api/auth/logout", S | T | C, rest_auth_log_out),
    API(POST, "/api/auth/changePassword", S | T | C, rest_auth_change_password),

    API(POST, "/api/device", T | C, rest_device_save),
    API(POST, "/api/device-with-credentials", T | C, rest_device_save_with_credentials),
    API(GET, "/api/device/{deviceId}", T | C, rest_device_get),
    API(DELETE, "/api/device/{deviceId}", T, rest_device_delete),
    API(GET, "/api/device/info/{deviceId}", T | C, rest_device_info),
    API(GET, "/api/device/{deviceId}/credentials", T | C, rest_credentials_get),
    API(POST, "/api/device/credentials", T, rest_credentials_save),
    API(GET, "/api/tenant/devices", T, rest_device_list),
    API(GET, "/api/tenant/device", T, rest_device_by_name),
    API(GET, "/api/tenant/deviceInfos", T, rest_device_list_infos),
    API(GET, "/api/customer/{customerId}/devices", T | C, rest_device_list_of_customer),
    API(GET, "/api/customer/{customerId}/deviceInfos", T | C, rest_device_list_infos_of_customer),
    API(POST, "/api/customer/{customerId}/device/{deviceId}", T, rest_device_assign),
    API(DELETE, "/api/customer/device/{deviceId}", T, rest_device_unassign),
    API(POST, "/api/customer/public/device/{deviceId}", T, rest_device_publish),
    API(GET, "/api/devices", T | C, rest_device_list_of),
    API(GET, "/api/devices/count/{otaPackageType}/{deviceProfileId}", T | C,
        rest_device_count_without_package),
    API(GET, "/api/device/types", T | C, rest_profile_device_types),

    API(POST, "/api/customer", T, rest_customer_save),
    API(GET, "/api/customer/{customerId}", T | C, rest_customer_get),
    API(DELETE, "/api/customer/{customerId}", T, rest_customer_delete),
    API(GET, "/api/customer/{customerId}/shortInfo", T | C, rest_customer_short_info),
    API(GET, "/api/customer/{customerId}/title", T | C, rest_customer_title),
    API(GET, "/api/customers", T, rest_customer_list),
    API(GET, "/api/customers/list", T, rest_customer_list_of),
    API(GET, "/api/tenant/customers", T, rest_customer_by_title),

    API(POST, "/api/tenant", S, rest_tenant_save),
    API(GET, "/api/tenant/{tenantId}", S | T, rest_tenant_get),
    API(DELETE, "/api/tenant/{tenantId}", S | T, rest_tenant_delete),
    API(GET, "/api/tenant/info/{tenantId}", S | T, rest_tenant_info),
    API(GET, "/api/tenants", S | T, rest_tenant_list),
    API(GET, "/api/tenants/list", S | T, rest_tenant_list_of),
    API(GET, "/api/tenantInfos", S, rest_tenant_list_infos),

    API(POST, "/api/tenantProfile", S, rest_tenant_profile_save),
    API(GET, "/api/tenantProfile/{tenantProfileId}", S, rest_tenant_profile_get),
    API(DELETE, "/api/tenantProfile/{tenantProfileId}", S, rest_tenant_profile_delete),
    API(POST, "/api/tenantProfile/{tenantProfileId}/default", S, rest_tenant_profile_make_default),
    API(GET, "/api/tenantProfiles", S, rest_tenant_profile_list),
    API(GET, "/api/tenantProfileInfo/default", S, rest_tenant_profile_info_default),
    API(GET, "/api/tenantProfileInfo/{tenantProfileId}", S, rest_tenant_profile_info),
    API(GET, "/api/tenantProfileInfos", S, rest_tenant_profile_info_list),

    API(POST, "/api/user", S | T | C, rest_user_save),
    API(GET, "/api/user/{userId}", S | T | C, rest_user_get),
    API(DELETE, "/api/user/{userId}", S | T, rest_user_delete),
    API(POST, "/api/user/{userId}/userCredentialsEnabled", S | T, rest_user_enable),
    API(GET, "/api/user/{userId}/token", S | T, rest_user_token),
    API(GET, "/api/user/tokenAccessEnabled", S | T, rest_user_token_enabled),
    API(GET, "/api/user/{userId}/activationLink", S | T, rest_activation_link),
    API(GET, "/api/user/{userId}/activationLinkInfo", S | T, rest_activation_link_info),
    API(POST, "/api/user/sendActivationMail", S | T, rest_activation_mail),
    API(GET, "/api/users", T | C, rest_user_list),
    API(GET, "/api/users/info", T | C, rest_user_list),
    API(GET, "/api/tenant/{tenantId}/users", S, rest_user_list_of_tenant),
    API(GET, "/api/customer/{customerId}/users", T, rest_user_list_of_customer),

    API(GET, "/api/deviceProfile/{deviceProfileId}", T, rest_profile_get),
    API(POST, "/api/deviceProfile", T, rest_profile_save),
    API(DELETE, "/api/deviceProfile/{deviceProfileId}", T, rest_profile_delete),
    API(POST, "/api/deviceProfile/{deviceProfileId}/default", T, rest_profile_make_default),
    API(GET, "/api/deviceProfiles", T, rest_profile_list),
    API(GET, "/api/deviceProfileInfo/default", T | C, rest_profile_info_default),
    API(GET, "/api/deviceProfileInfo/{deviceProfileId}", T | C, rest_profile_info),
    API(GET, "/api/deviceProfileInfos", T | C, rest_profile_info_list),
    API(GET, "/api/deviceProfileInfos/list", T | C, rest_profile_info_list_of),
    API(GET, "/api/deviceProfile/names", T | C, rest_profile_names),
    API(GET, "/api/deviceProfile/devices/keys/timeseries", T, rest_profile_series_keys),
    API(GET, "/api/deviceProfile/devices/keys/attributes", T, rest_profile_attribute_keys),

    API(POST, "/api/v1/{deviceToken}/telemetry", ANYONE, rest_device_http_telemetry),
    API(POST, "/api/v1/{deviceToken}/attributes", ANYONE, rest_device_http_publish),
    API(GET, "/api/v1/{deviceToken}/attributes", ANYONE, rest_device_http_read),
    API(GET, "/api/v1/{deviceToken}/attributes/updates", ANYONE, rest_device_visit_attributes),
    API(GET, "/api/v1/{deviceToken}/rpc", ANYONE, rest_device_visit_rpc),
    API(POST, "/api/v1/{deviceToken}/rpc", ANYONE, rest_device_visit_call),
    API(POST, "/api/v1/{deviceToken}/rpc/{callId}", ANYONE, rest_device_visit_reply),

    RPC("/api/rpc/oneway/{deviceId}", rest_rpc_oneway),
    RPC("/api/rpc/twoway/{deviceId}", rest_rpc_twoway),
    RPC("/api/plugins/rpc/oneway/{deviceId}", rest_rpc_oneway_legacy),
    RPC("/api/plugins/rpc/twoway/{deviceId}", rest_rpc_twoway_legacy),
    ROUTE(GET, "/api/rpc/persistent/device/{deviceId}", S | T | C, true, rest_rpc_list),
    API(GET, "/api/rpc/persistent/{rpcId}", T | C, rest_rpc_get),
    API(DELETE, "/api/rpc/persistent/{rpcId}", T, rest_rpc_delete),

    API(POST, "/api/entitiesQuery/find", T | C, rest_entity_query_find),
    API(POST, "/api/entitiesQuery/count", T | C, rest_entity_query_count),
    API(POST, "/api/entitiesQuery/find/keys", T | C, rest_entity_query_keys),

    API(GET, "/api/motehub/v1/devices/{deviceId}/trace", T, rest_recorder_read),

    TELEMETRY(GET, "/keys/attributes", rest_attributes_keys),
    TELEMETRY(GET, "/keys/attributes/{scope}", rest_attributes_keys_of_scope),
    TELEMETRY(GET, "/values/attributes", rest_attributes_values),
    TELEMETRY(GET, "/values/attributes/{scope}", rest_attributes_values_of_scope),
    TELEMETRY(POST, "/{scope}", rest_attributes_save),
    TELEMETRY(POST, "/attributes/{scope}", rest_attributes_save),
    TELEMETRY(DELETE, "/{scope}", rest_attributes_delete),
    ROUTE(POST, "/api/plugins/telemetry/{deviceId}/{scope}", S | T | C, true,
          rest_attributes_save_of_device),
    ROUTE(DELETE, "/api/plugins/telemetry/{deviceId}/{scope}", S | T | C, true,
          rest_attributes_delete_of_device),
    TELEMETRY(POST, "/timeseries/{scope}", rest_telemetry_save),
    TELEMETRY(POST, "/timeseries/{scope}/{ttl}", rest_telemetry_save_with_ttl),
    TELEMETRY(DELETE, "/timeseries/delete", rest_telemetry_delete),
    TELEMETRY(GET, "/keys/timeseries", rest_telemetry_keys),
    TELEMETRY(GET, "/values/timeseries", rest_telemetry_values),
    TELEMETRY(GET, "/values/timeseries/history", rest_telemetry_history),
};
// clang-format on

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

enum http_match_verdict rest_routes_find(enum http_method method, struct slice path,
                                         struct http_match *match)
{
    return http_router_match(routes, ROUTE_COUNT, method == HTTP_HEAD ? HTTP_GET : method, path,
                             match);
}

const struct rest_action *rest_routes_action(const struct http_match *match)
{
    ASSERT(match->route != NULL);
    return match->route->target;
}

void rest_routes_allow(const struct http_match *match, struct buf *out)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET, HEAD",  [HTTP_POST] = "POST",   [HTTP_PUT] = "PUT",
        [HTTP_DELETE] = "DELETE",  [HTTP_PATCH] = "PATCH", [HTTP_HEAD] = "HEAD",
        [HTTP_OPTIONS] = "OPTIONS"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((match->methods >> i & 1U) != 0) {
            buf_put_text(out, names[i]);
            buf_put_text(out, ", ");
        }
    }
    buf_put_text(out, "OPTIONS");
}

const struct http_route *rest_routes_at(unsigned index)
{
    return index < ROUTE_COUNT ? &routes[index] : NULL;
}

void rest_routes_check(void)
{
    struct http_match match;
    for (unsigned i = 0; i < ROUTE_COUNT; i++) {
        const struct rest_action *action = routes[i].target;
        ASSERT(routes[i].pattern[0] == '/' && action->handler != NULL);
        ASSERT((action->authorities & ~(unsigned)(S | T | C)) == 0);
        // Its own pattern as a path finds the row, so no row hides another.
        ASSERT(rest_routes_find(routes[i].method, slice_text(routes[i].pattern), &match) ==
               HTTP_MATCH);
        ASSERT(match.route == &routes[i]);
    }
}
