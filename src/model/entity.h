// model/entity.h: the nouns that people administer: tenants, customers, users, devices with their
// credentials and profiles (server-api.md section 2). Values; texts are views into an arena that
// whoever reads them gives. A text that is null in JSON has `ptr == NULL`.
//
// The creation time of an entity is the time inside its id.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "model/ids.h"
#include "model/index.h"

#define MODEL_NAME_UNITS_MAX 255U

enum model_contact_field {
    MODEL_CONTACT_COUNTRY,
    MODEL_CONTACT_STATE,
    MODEL_CONTACT_CITY,
    MODEL_CONTACT_ADDRESS,
    MODEL_CONTACT_ADDRESS2,
    MODEL_CONTACT_ZIP,
    MODEL_CONTACT_PHONE,
    MODEL_CONTACT_EMAIL,
    MODEL_CONTACT_FIELDS,
};

struct model_contact {
    struct slice fields[MODEL_CONTACT_FIELDS];
};

// What its tenants may use (model/quotas.h has the part that this version holds them to).
struct model_tenant_profile {
    struct uuid id;
    struct slice name;
    struct slice description;
    bool is_default;
    bool is_isolated;          // kept for whoever sent it
    struct slice profile_data; // JSON
};

struct model_tenant {
    struct uuid id;
    struct tenant_id number;
    struct uuid profile;       // uuid_null, writing: the default one
    struct slice profile_name; // reading
    struct slice title;
    struct slice region;
    struct model_contact contact;
    struct slice additional_info; // JSON
    int64_t version;
};

struct model_customer {
    struct uuid id;
    struct tenant_id tenant;
    struct slice title;
    struct model_contact contact;
    struct slice additional_info;
    int64_t version;
};

enum model_authority { MODEL_SYS_ADMIN = 1, MODEL_TENANT_ADMIN = 2, MODEL_CUSTOMER_USER = 4 };

struct model_user {
    struct uuid id;
    struct tenant_id tenant; // 0: none (system administrator)
    struct uuid tenant_uuid;
    struct uuid customer; // uuid_null: none
    enum model_authority authority;
    struct slice email;
    struct slice first_name;
    struct slice last_name;
    struct slice phone;
    struct slice additional_info;
    struct slice password_hash;
    bool enabled;
    bool is_public;     // nobody's: whoever knows the id of a public customer
    int64_t changed_ms; // tokens issued before it are stale
    int64_t version;
};

struct model_device_profile {
    struct uuid id;
    struct tenant_id tenant;
    struct slice name;
    struct slice description;
    struct slice image;
    bool is_default;
    enum model_transport transport;
    struct slice provision_type;
    struct slice provision_key;
    struct slice profile_data; // JSON
    int64_t version;
};

struct model_device {
    struct uuid id;
    struct device_id number;
    struct tenant_id tenant;
    struct uuid customer; // uuid_null: not assigned
    struct uuid profile;
    struct slice name;
    struct slice type; // the profile's name
    struct slice label;
    struct slice additional_info;
    struct slice device_data;
    struct slice customer_title;    // for lists of infos
    struct slice customer_info;     // the customer's additional_info
    enum model_transport transport; // of the profile
    int64_t version;
};

struct model_credentials {
    struct uuid id;
    struct uuid device;
    enum model_credential_kind kind;
    struct slice credential; // the look-up key, unique over the platform
    struct slice value;
    int64_t version;
};

// One page of a list.
struct model_page {
    uint32_t size;
    uint32_t number;
    struct slice search; // case-insensitive part of the name; empty: all
    struct slice sort;   // property; empty: by creation
    bool descending;
};

const char *model_transport_name(enum model_transport transport);
const char *model_credential_name(enum model_credential_kind kind);
const char *model_authority_name(enum model_authority authority);
MUST_USE bool model_transport_parse(struct slice name, enum model_transport *transport);
MUST_USE bool model_credential_parse(struct slice name, enum model_credential_kind *kind);
