// core/admin.h: people administer devices, credentials, customers and profiles. Every verb knows
// its caller and holds to the permission matrix of server-api.md 1.6: ERR_FORBIDDEN for what the
// caller may not do, ERR_NOT_FOUND for what is not in the caller's tenant.
//
// Texts of results live in `memory`. A verb that changes credentials returns only when every worker
// has passed the change.
#pragma once

#include "base/arena.h"
#include "core/core.h"

struct core_admin {
    struct core *core;
    const struct core_caller *caller;
    struct arena *memory;
    struct core_problem *problem;
};

// What to do with a name that another device has: nothing, or to make one of it that is free.
struct core_name_rule {
    bool makes_free;
    bool counts_up; // with numbers; else with random letters
    struct slice separator;
};

// A device to be saved: id uuid_null creates. `profile` uuid_null takes the profile named by
// `type`, made if need be, or the tenant's default. `token` is for a new device; empty: a random
// one. `credentials` go instead of the token, and replace those of an older device; or NULL.
struct core_device_save {
    struct model_device device;
    struct core_name_rule name_rule;
    bool has_version;
    struct slice token;
    const struct model_credentials *credentials;
};

MUST_USE enum err core_device_save(const struct core_admin *admin, struct core_device_save *save);
MUST_USE enum err core_device_get(const struct core_admin *admin, const struct uuid *id,
                                  struct model_device *device);
MUST_USE enum err core_device_by_name(const struct core_admin *admin, struct slice name,
                                      struct model_device *device);
MUST_USE enum err core_device_delete(const struct core_admin *admin, const struct uuid *id);
// `customer` uuid_null takes it away: ERR_INVALID if it has none.
MUST_USE enum err core_device_assign(const struct core_admin *admin, const struct uuid *id,
                                     const struct uuid *customer, struct model_device *device);

// Gives it to the tenant's public customer, which is made if there is none.
MUST_USE enum err core_device_make_public(const struct core_admin *admin, const struct uuid *id,
                                          struct model_device *device);

struct core_device_list {
    const struct uuid *customer; // NULL: the tenant's
    const struct uuid *profile;  // NULL: all
    struct slice type;           // profile by name; empty: all
    const struct model_page *page;
};

MUST_USE enum err core_device_list(const struct core_admin *admin,
                                   const struct core_device_list *list, int64_t *total,
                                   void *context, store_device_fn *emit);

MUST_USE enum err core_credentials_get(const struct core_admin *admin, const struct uuid *device,
                                       struct model_credentials *credentials);
// `*number` is that of the device, for core_desk_end.
MUST_USE enum err core_credentials_save(const struct core_admin *admin,
                                        struct model_credentials *credentials, bool has_version,
                                        struct device_id *number);

// id uuid_null creates; without `has_version` an older one is overwritten unseen.
MUST_USE enum err core_customer_save(const struct core_admin *admin,
                                     struct model_customer *customer, bool has_version);
MUST_USE enum err core_customer_get(const struct core_admin *admin, const struct uuid *id,
                                    struct model_customer *customer);
MUST_USE enum err core_customer_by_title(const struct core_admin *admin, struct slice title,
                                         struct model_customer *customer);
MUST_USE enum err core_customer_delete(const struct core_admin *admin, const struct uuid *id);
MUST_USE enum err core_customer_list(const struct core_admin *admin, const struct model_page *page,
                                     int64_t *total, void *context, store_customer_fn *emit);

// `id` NULL: the tenant's default profile.
MUST_USE enum err core_profile_get(const struct core_admin *admin, const struct uuid *id,
                                   struct model_device_profile *profile);
// id uuid_null creates. `is_default` asks for what only core_profile_make_default gives: refused
// unless the profile is the default already. Errors name the reason in the problem.
MUST_USE enum err core_profile_save(const struct core_admin *admin,
                                    struct model_device_profile *profile, bool has_version);
MUST_USE enum err core_profile_make_default(const struct core_admin *admin, const struct uuid *id,
                                            struct model_device_profile *profile);
// Not the default one, and not one that devices have: ERR_INVALID.
MUST_USE enum err core_profile_delete(const struct core_admin *admin, const struct uuid *id);
// `transport` NULL: all.
MUST_USE enum err core_profile_list(const struct core_admin *admin,
                                    const enum model_transport *transport,
                                    const struct model_page *page, int64_t *total, void *context,
                                    store_profile_fn *emit);
// All of them by name, or those that devices have.
MUST_USE enum err core_profile_names(const struct core_admin *admin, bool in_use, void *context,
                                     store_profile_name_fn *emit);
