#include "rest/write.h"

const char *const rest_write_contact_names[MODEL_CONTACT_FIELDS] = {
    [MODEL_CONTACT_COUNTRY] = "country",   [MODEL_CONTACT_STATE] = "state",
    [MODEL_CONTACT_CITY] = "city",         [MODEL_CONTACT_ADDRESS] = "address",
    [MODEL_CONTACT_ADDRESS2] = "address2", [MODEL_CONTACT_ZIP] = "zip",
    [MODEL_CONTACT_PHONE] = "phone",       [MODEL_CONTACT_EMAIL] = "email",
};

void rest_write_id(struct codec_json_writer *writer, const char *name, const char *type,
                   const struct uuid *id)
{
    char text[UUID_TEXT_SIZE];
    codec_json_name(writer, slice_text(name));
    codec_json_begin_object(writer);
    codec_json_field_string(writer, "entityType", slice_text(type));
    codec_json_field_string(writer, "id", slice_text(uuid_format(id, text)));
    codec_json_end_object(writer);
}

void rest_write_bare_id(struct codec_json_writer *writer, const char *name, const struct uuid *id)
{
    char text[UUID_TEXT_SIZE];
    codec_json_name(writer, slice_text(name));
    codec_json_begin_object(writer);
    codec_json_field_string(writer, "id", slice_text(uuid_format(id, text)));
    codec_json_end_object(writer);
}

void rest_write_text(struct codec_json_writer *writer, const char *name, struct slice text)
{
    if (text.ptr == NULL) {
        codec_json_field_null(writer, name);
    } else {
        codec_json_field_string(writer, name, text);
    }
}

void rest_write_json(struct codec_json_writer *writer, const char *name, struct slice json)
{
    codec_json_name(writer, slice_text(name));
    if (json.ptr == NULL) {
        codec_json_put_null(writer);
    } else {
        codec_json_put_raw(writer, json);
    }
}

static void put_created(struct codec_json_writer *writer, const struct uuid *id)
{
    codec_json_field_int64(writer, "createdTime", uuid_time(id).ms);
}

static void put_device_data(struct codec_json_writer *writer, const struct model_device *device)
{
    if (device->device_data.ptr != NULL) {
        rest_write_json(writer, "deviceData", device->device_data);
        return;
    }
    codec_json_name(writer, SLICE("deviceData"));
    codec_json_begin_object(writer);
    codec_json_name(writer, SLICE("configuration"));
    codec_json_begin_object(writer);
    codec_json_field_string(writer, "type", SLICE("DEFAULT"));
    codec_json_end_object(writer);
    codec_json_name(writer, SLICE("transportConfiguration"));
    codec_json_begin_object(writer);
    codec_json_field_string(writer, "type", slice_text(model_transport_name(device->transport)));
    codec_json_end_object(writer);
    codec_json_end_object(writer);
}

static bool is_public(struct rest_write_context *context, struct slice customer_info)
{
    const size_t mark = arena_mark(context->memory);
    struct codec_json info;
    struct err_place place;
    bool is = false;
    if (customer_info.len > 0 &&
        codec_json_parse(context->memory, customer_info, false, &info, &place) == ERR_OK &&
        codec_json_is(info, CODEC_JSON_OBJECT) &&
        !codec_json_boolean(codec_json_get(info, "isPublic"), &is)) {
        is = false;
    }
    arena_rewind(context->memory, mark);
    return is;
}

void rest_write_device(struct rest_write_context *context, const struct model_device *device,
                       bool info)
{
    struct codec_json_writer *writer = &context->writer;
    codec_json_begin_object(writer);
    rest_write_id(writer, "id", "DEVICE", &device->id);
    put_created(writer, &device->id);
    rest_write_id(writer, "tenantId", "TENANT", &context->tenant);
    rest_write_id(writer, "customerId", "CUSTOMER", &device->customer);
    rest_write_text(writer, "name", device->name);
    rest_write_text(writer, "type", device->type);
    rest_write_text(writer, "label", device->label);
    rest_write_id(writer, "deviceProfileId", "DEVICE_PROFILE", &device->profile);
    codec_json_field_null(writer, "firmwareId");
    codec_json_field_null(writer, "softwareId");
    codec_json_field_null(writer, "externalId");
    codec_json_field_int64(writer, "version", device->version);
    rest_write_json(writer, "additionalInfo", device->additional_info);
    put_device_data(writer, device);
    if (info) {
        rest_write_text(writer, "customerTitle", device->customer_title);
        codec_json_field_boolean(writer, "customerIsPublic",
                                 is_public(context, device->customer_info));
        rest_write_text(writer, "deviceProfileName", device->type);
        codec_json_field_boolean(writer, "active",
                                 core_presence_is_active(context->presence, device->number));
    }
    codec_json_end_object(writer);
}

void rest_write_credentials(struct rest_write_context *context,
                            const struct model_credentials *credentials)
{
    struct codec_json_writer *writer = &context->writer;
    codec_json_begin_object(writer);
    rest_write_bare_id(writer, "id", &credentials->id);
    put_created(writer, &credentials->id);
    rest_write_id(writer, "deviceId", "DEVICE", &credentials->device);
    codec_json_field_string(writer, "credentialsType",
                            slice_text(model_credential_name(credentials->kind)));
    rest_write_text(writer, "credentialsId", credentials->credential);
    rest_write_text(writer, "credentialsValue", credentials->value);
    codec_json_field_int64(writer, "version", credentials->version);
    codec_json_end_object(writer);
}

static void put_contact(struct codec_json_writer *writer, const struct model_contact *contact)
{
    for (unsigned i = 0; i < MODEL_CONTACT_FIELDS; i++) {
        rest_write_text(writer, rest_write_contact_names[i], contact->fields[i]);
    }
}

void rest_write_customer(struct rest_write_context *context, const struct model_customer *customer)
{
    struct codec_json_writer *writer = &context->writer;
    codec_json_begin_object(writer);
    rest_write_id(writer, "id", "CUSTOMER", &customer->id);
    put_created(writer, &customer->id);
    rest_write_text(writer, "title", customer->title);
    rest_write_text(writer, "name", customer->title);
    rest_write_id(writer, "tenantId", "TENANT", &context->tenant);
    codec_json_field_null(writer, "externalId");
    codec_json_field_int64(writer, "version", customer->version);
    put_contact(writer, &customer->contact);
    rest_write_json(writer, "additionalInfo", customer->additional_info);
    codec_json_end_object(writer);
}

void rest_write_customer_short_info(struct rest_write_context *context,
                                    const struct model_customer *customer)
{
    struct codec_json_writer *writer = &context->writer;
    codec_json_begin_object(writer);
    rest_write_text(writer, "title", customer->title);
    codec_json_field_boolean(writer, "isPublic", is_public(context, customer->additional_info));
    codec_json_end_object(writer);
}

void rest_write_tenant(struct rest_write_context *context, const struct model_tenant *tenant,
                       bool info)
{
    struct codec_json_writer *writer = &context->writer;
    codec_json_begin_object(writer);
    rest_write_id(writer, "id", "TENANT", &tenant->id);
    put_created(writer, &tenant->id);
    rest_write_text(writer, "title", tenant->title);
    rest_write_text(writer, "name", tenant->title);
    rest_write_text(writer, "region", tenant->region);
    rest_write_id(writer, "tenantProfileId", "TENANT_PROFILE", &tenant->profile);
    codec_json_field_int64(writer, "version", tenant->version);
    put_contact(writer, &tenant->contact);
    rest_write_json(writer, "additionalInfo", tenant->additional_info);
    if (info) {
        rest_write_text(writer, "tenantProfileName", tenant->profile_name);
    }
    codec_json_end_object(writer);
}

void rest_write_tenant_profile(struct rest_write_context *context,
                               const struct model_tenant_profile *profile)
{
    struct codec_json_writer *writer = &context->writer;
    codec_json_begin_object(writer);
    rest_write_id(writer, "id", "TENANT_PROFILE", &profile->id);
    put_created(writer, &profile->id);
    rest_write_text(writer, "name", profile->name);
    rest_write_text(writer, "description", profile->description);
    codec_json_field_boolean(writer, "default", profile->is_default);
    codec_json_field_boolean(writer, "isolatedTbRuleEngine", profile->is_isolated);
    rest_write_json(writer, "profileData", profile->profile_data);
    codec_json_end_object(writer);
}

void rest_write_tenant_profile_info(struct rest_write_context *context,
                                    const struct model_tenant_profile *profile)
{
    struct codec_json_writer *writer = &context->writer;
    codec_json_begin_object(writer);
    rest_write_id(writer, "id", "TENANT_PROFILE", &profile->id);
    rest_write_text(writer, "name", profile->name);
    codec_json_end_object(writer);
}

void rest_write_user(struct rest_write_context *context, const struct model_user *user)
{
    struct codec_json_writer *writer = &context->writer;
    const struct uuid *tenant = user->tenant.number == 0 ? &uuid_null : &user->tenant_uuid;
    codec_json_begin_object(writer);
    rest_write_id(writer, "id", "USER", &user->id);
    put_created(writer, &user->id);
    rest_write_id(writer, "tenantId", "TENANT", tenant);
    rest_write_id(writer, "customerId", "CUSTOMER", &user->customer);
    rest_write_text(writer, "email", user->email);
    rest_write_text(writer, "name", user->email);
    codec_json_field_string(writer, "authority", slice_text(model_authority_name(user->authority)));
    rest_write_text(writer, "firstName", user->first_name);
    rest_write_text(writer, "lastName", user->last_name);
    rest_write_text(writer, "phone", user->phone);
    codec_json_field_int64(writer, "version", user->version);
    rest_write_json(writer, "additionalInfo", user->additional_info);
    codec_json_end_object(writer);
}

void rest_write_profile(struct rest_write_context *context,
                        const struct model_device_profile *profile)
{
    struct codec_json_writer *writer = &context->writer;
    codec_json_begin_object(writer);
    rest_write_id(writer, "id", "DEVICE_PROFILE", &profile->id);
    put_created(writer, &profile->id);
    rest_write_id(writer, "tenantId", "TENANT", &context->tenant);
    rest_write_text(writer, "name", profile->name);
    rest_write_text(writer, "description", profile->description);
    rest_write_text(writer, "image", profile->image);
    codec_json_field_boolean(writer, "default", profile->is_default);
    codec_json_field_string(writer, "type", SLICE("DEFAULT"));
    codec_json_field_string(writer, "transportType",
                            slice_text(model_transport_name(profile->transport)));
    rest_write_text(writer, "provisionType", profile->provision_type);
    static const char *const absent[] = {"defaultRuleChainId", "defaultDashboardId",
                                         "defaultQueueName"};
    for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        codec_json_field_null(writer, absent[i]);
    }
    rest_write_text(writer, "provisionDeviceKey", profile->provision_key);
    codec_json_field_null(writer, "firmwareId");
    codec_json_field_null(writer, "softwareId");
    codec_json_field_null(writer, "defaultEdgeRuleChainId");
    codec_json_field_null(writer, "externalId");
    codec_json_field_int64(writer, "version", profile->version);
    rest_write_json(writer, "profileData", profile->profile_data);
    codec_json_end_object(writer);
}

void rest_write_profile_info(struct rest_write_context *context,
                             const struct model_device_profile *profile)
{
    struct codec_json_writer *writer = &context->writer;
    codec_json_begin_object(writer);
    rest_write_id(writer, "id", "DEVICE_PROFILE", &profile->id);
    rest_write_id(writer, "tenantId", "TENANT", &context->tenant);
    rest_write_text(writer, "name", profile->name);
    rest_write_text(writer, "image", profile->image);
    codec_json_field_null(writer, "defaultDashboardId");
    codec_json_field_string(writer, "type", SLICE("DEFAULT"));
    codec_json_field_string(writer, "transportType",
                            slice_text(model_transport_name(profile->transport)));
    codec_json_end_object(writer);
}

void rest_write_page_begin(struct rest_write_context *context)
{
    codec_json_begin_object(&context->writer);
    codec_json_name(&context->writer, SLICE("data"));
    codec_json_begin_array(&context->writer);
}

void rest_write_page_end(struct rest_write_context *context, const struct model_page *page,
                         int64_t total)
{
    const int64_t pages = (total + page->size - 1) / page->size;
    codec_json_end_array(&context->writer);
    codec_json_field_int64(&context->writer, "totalPages", pages);
    codec_json_field_int64(&context->writer, "totalElements", total);
    codec_json_field_boolean(&context->writer, "hasNext", (int64_t)page->number + 1 < pages);
    codec_json_end_object(&context->writer);
}
