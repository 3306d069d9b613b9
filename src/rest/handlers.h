// rest/handlers.h: the handlers behind the table of routes (rest/routes.c), by file.
#pragma once

#include "rest/call.h"

// auth.c
enum err rest_auth_log_in(struct rest_call *call);
enum err rest_auth_log_in_public(struct rest_call *call);
enum err rest_auth_refresh(struct rest_call *call);
enum err rest_auth_user(struct rest_call *call);
enum err rest_auth_log_out(struct rest_call *call);
enum err rest_auth_change_password(struct rest_call *call);
// device.c
#define REST_DEVICE_WALK 100000U // devices that are looked at for whether they are active
enum err rest_device_save(struct rest_call *call);
enum err rest_device_save_with_credentials(struct rest_call *call);
enum err rest_device_get(struct rest_call *call);
enum err rest_device_info(struct rest_call *call);
enum err rest_device_by_name(struct rest_call *call);
enum err rest_device_delete(struct rest_call *call);
enum err rest_device_list(struct rest_call *call);
enum err rest_device_list_infos(struct rest_call *call);
enum err rest_device_list_of_customer(struct rest_call *call);
enum err rest_device_list_infos_of_customer(struct rest_call *call);
enum err rest_device_assign(struct rest_call *call);
enum err rest_device_unassign(struct rest_call *call);
enum err rest_device_list_of(struct rest_call *call);
enum err rest_device_publish(struct rest_call *call);
enum err rest_device_count_without_package(struct rest_call *call);
enum err rest_credentials_get(struct rest_call *call);
enum err rest_credentials_save(struct rest_call *call);
// customer.c
enum err rest_customer_save(struct rest_call *call);
enum err rest_customer_get(struct rest_call *call);
enum err rest_customer_by_title(struct rest_call *call);
enum err rest_customer_delete(struct rest_call *call);
enum err rest_customer_list(struct rest_call *call);
enum err rest_customer_list_of(struct rest_call *call);
enum err rest_customer_short_info(struct rest_call *call);
enum err rest_customer_title(struct rest_call *call);
// activation.c
enum err rest_activation_link(struct rest_call *call);
enum err rest_activation_link_info(struct rest_call *call);
enum err rest_activation_mail(struct rest_call *call);
enum err rest_activation_check(struct rest_call *call);
enum err rest_activation_use(struct rest_call *call);
enum err rest_activation_policy(struct rest_call *call);
// tenant.c
enum err rest_tenant_save(struct rest_call *call);
enum err rest_tenant_get(struct rest_call *call);
enum err rest_tenant_info(struct rest_call *call);
enum err rest_tenant_delete(struct rest_call *call);
enum err rest_tenant_list(struct rest_call *call);
enum err rest_tenant_list_infos(struct rest_call *call);
enum err rest_tenant_list_of(struct rest_call *call);
// tenant_profile.c
enum err rest_tenant_profile_save(struct rest_call *call);
enum err rest_tenant_profile_get(struct rest_call *call);
enum err rest_tenant_profile_info(struct rest_call *call);
enum err rest_tenant_profile_info_default(struct rest_call *call);
enum err rest_tenant_profile_make_default(struct rest_call *call);
enum err rest_tenant_profile_delete(struct rest_call *call);
enum err rest_tenant_profile_list(struct rest_call *call);
enum err rest_tenant_profile_info_list(struct rest_call *call);
// user.c
enum err rest_user_save(struct rest_call *call);
enum err rest_user_get(struct rest_call *call);
enum err rest_user_delete(struct rest_call *call);
enum err rest_user_enable(struct rest_call *call);
enum err rest_user_token(struct rest_call *call);
enum err rest_user_token_enabled(struct rest_call *call);
enum err rest_user_list_of_tenant(struct rest_call *call);
enum err rest_user_list(struct rest_call *call);
enum err rest_user_list_of_customer(struct rest_call *call);
// profile.c
enum err rest_profile_get(struct rest_call *call);
enum err rest_profile_make_default(struct rest_call *call);
enum err rest_profile_delete(struct rest_call *call);
enum err rest_profile_list(struct rest_call *call);
enum err rest_profile_info(struct rest_call *call);
enum err rest_profile_info_default(struct rest_call *call);
enum err rest_profile_info_list(struct rest_call *call);
enum err rest_profile_info_list_of(struct rest_call *call);
// profile_devices.c
enum err rest_profile_names(struct rest_call *call);
enum err rest_profile_device_types(struct rest_call *call);
enum err rest_profile_series_keys(struct rest_call *call);
enum err rest_profile_attribute_keys(struct rest_call *call);
// profile_save.c
enum err rest_profile_save(struct rest_call *call);
// telemetry.c
enum err rest_telemetry_keys(struct rest_call *call);
enum err rest_telemetry_values(struct rest_call *call);
enum err rest_telemetry_history(struct rest_call *call);
// telemetry_write.c
enum err rest_telemetry_save(struct rest_call *call);
enum err rest_telemetry_save_with_ttl(struct rest_call *call);
enum err rest_telemetry_delete(struct rest_call *call);
// attributes.c
enum err rest_attributes_keys(struct rest_call *call);
enum err rest_attributes_keys_of_scope(struct rest_call *call);
enum err rest_attributes_values(struct rest_call *call);
enum err rest_attributes_values_of_scope(struct rest_call *call);
enum err rest_attributes_save(struct rest_call *call);
enum err rest_attributes_save_of_device(struct rest_call *call);
enum err rest_attributes_delete(struct rest_call *call);
enum err rest_attributes_delete_of_device(struct rest_call *call);
// entity_query.c
enum err rest_entity_query_find(struct rest_call *call);
enum err rest_entity_query_count(struct rest_call *call);
enum err rest_entity_query_keys(struct rest_call *call);
// device_http.c
enum err rest_device_http_telemetry(struct rest_call *call);
enum err rest_device_http_publish(struct rest_call *call);
enum err rest_device_http_read(struct rest_call *call);
// device_visit.c
enum err rest_device_visit_attributes(struct rest_call *call);
enum err rest_device_visit_rpc(struct rest_call *call);
enum err rest_device_visit_reply(struct rest_call *call);
enum err rest_device_visit_call(struct rest_call *call);
// rpc.c
enum err rest_rpc_oneway(struct rest_call *call);
enum err rest_rpc_twoway(struct rest_call *call);
enum err rest_rpc_oneway_legacy(struct rest_call *call);
enum err rest_rpc_twoway_legacy(struct rest_call *call);
enum err rest_rpc_get(struct rest_call *call);
enum err rest_rpc_delete(struct rest_call *call);
enum err rest_rpc_list(struct rest_call *call);
// recorder.c
enum err rest_recorder_read(struct rest_call *call);
// health.c
enum err rest_health_live(struct rest_call *call);
enum err rest_health_ready(struct rest_call *call);
// docs.c
enum err rest_docs_get_document(struct rest_call *call);
enum err rest_docs_get_page(struct rest_call *call);
enum err rest_health_metrics(struct rest_call *call);
