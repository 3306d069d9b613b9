// core/admin_priv.h: what the administrative verbs share.
#pragma once

#include "core/access.h"
#include "core/admin.h"

// ERR_FORBIDDEN, with the problem, unless the caller has the right.
MUST_USE enum err core_admin_require(const struct core_admin *admin, enum core_right right);
MUST_USE enum err core_admin_refuse(const struct core_admin *admin);
// Names what was not found, if that is the error; gives the error back.
MUST_USE enum err core_admin_missing(const struct core_admin *admin, const char *what,
                                     const struct uuid *id, enum err err);
// Waits until every worker has passed what was changed in the index.
void core_admin_await(struct core *core);
// Names a sort property that does not exist, if that is the error; gives the error back.
MUST_USE enum err core_admin_listed(const struct core_admin *admin, const struct model_page *page,
                                    enum err err);
