// rest/write.h: entities as JSON, in the shapes of server-api.md section 2: every field, in order,
// nulls written out.
#pragma once

#include "base/arena.h"
#include "codec/json.h"
#include "core/presence.h"
#include "model/entity.h"

// The members of a contact, in the order of enum model_contact_field.
extern const char *const rest_write_contact_names[MODEL_CONTACT_FIELDS];

// {"entityType":type,"id":"uuid"}
void rest_write_id(struct codec_json_writer *writer, const char *name, const char *type,
                   const struct uuid *id);
// {"id":"uuid"}: ids of things that are no entities.
void rest_write_bare_id(struct codec_json_writer *writer, const char *name, const struct uuid *id);
// A text or null.
void rest_write_text(struct codec_json_writer *writer, const char *name, struct slice text);
// JSON text as it is, or null.
void rest_write_json(struct codec_json_writer *writer, const char *name, struct slice json);

struct rest_write_context {
    struct codec_json_writer writer;
    struct uuid tenant; // of all that is written
    const struct core_presence *presence;
    struct arena *memory; // for the time of one entity
};

void rest_write_device(struct rest_write_context *context, const struct model_device *device,
                       bool info);
void rest_write_credentials(struct rest_write_context *context,
                            const struct model_credentials *credentials);
void rest_write_customer(struct rest_write_context *context, const struct model_customer *customer);
// {"title":..,"isPublic":..}
void rest_write_customer_short_info(struct rest_write_context *context,
                                    const struct model_customer *customer);
void rest_write_tenant(struct rest_write_context *context, const struct model_tenant *tenant,
                       bool info);
void rest_write_tenant_profile(struct rest_write_context *context,
                               const struct model_tenant_profile *profile);
void rest_write_tenant_profile_info(struct rest_write_context *context,
                                    const struct model_tenant_profile *profile);
void rest_write_user(struct rest_write_context *context, const struct model_user *user);
void rest_write_profile(struct rest_write_context *context,
                        const struct model_device_profile *profile);
void rest_write_profile_info(struct rest_write_context *context,
                             const struct model_device_profile *profile);

// Around the items of a page: {"data":[ ... ],"totalPages":..,"totalElements":..,"hasNext":..}.
void rest_write_page_begin(struct rest_write_context *context);
void rest_write_page_end(struct rest_write_context *context, const struct model_page *page,
                         int64_t total);
