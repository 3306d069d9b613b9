// core/user_admin.h: people administer users. As core/admin.h, whose rules hold here too. The
// system administrator reaches other system administrators and those of tenants, a tenant
// administrator all users of the tenant, a customer user oneself.
#pragma once

#include "core/admin.h"
#include "store/entities_user.h"

MUST_USE enum err core_user_get(const struct core_admin *admin, const struct uuid *id,
                                struct model_user *user);
// id uuid_null creates: a user who cannot log in yet, with a link to choose a password. `user` has
// the authority, and the tenant (`tenant_uuid`, for an administrator of one) or the customer it is
// of; none of these can change later. ERR_ENTITY_LIMIT.
MUST_USE enum err core_user_save(const struct core_admin *admin, struct model_user *user,
                                 bool has_version);
// Its tokens are over. Nobody deletes the own account of a system administrator.
MUST_USE enum err core_user_delete(const struct core_admin *admin, const struct uuid *id);
// Whether the user may log in; its tokens are over. ERR_INVALID for one without a password, and for
// the caller.
MUST_USE enum err core_user_enable(const struct core_admin *admin, const struct uuid *id,
                                   bool enabled);
// Those of the caller's tenant, or of one customer of it; of a customer user those of its customer.
MUST_USE enum err core_user_list(const struct core_admin *admin, const struct uuid *customer,
                                 const struct model_page *page, int64_t *total, void *context,
                                 store_user_fn *emit);
// The administrators of a tenant, for the system administrator.
MUST_USE enum err core_user_list_of_tenant(const struct core_admin *admin,
                                           const struct uuid *tenant, const struct model_page *page,
                                           int64_t *total, void *context, store_user_fn *emit);
// The secret by which the user chooses a password; a new one if the old one is over. ERR_INVALID
// for a user who has a password.
MUST_USE enum err core_user_activation(const struct core_admin *admin, const struct uuid *id,
                                       struct store_activation *activation);
// A user in whose name the caller may act: the system administrator in that of a tenant
// administrator, this one in that of a customer user.
MUST_USE enum err core_user_stand_for(const struct core_admin *admin, const struct uuid *id,
                                      struct model_user *user);
