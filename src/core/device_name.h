// core/device_name.h: what becomes of the name of a device that another one has
// (server-api.md 2.1, nameConflictPolicy).
#pragma once

#include "core/admin.h"

// Names that are tried before it is given up.
#define CORE_DEVICE_NAME_TRIES 1000U

// In a write, for a device that is about to be stored: with `rule->makes_free`, gives it a name
// that is free, if its own is not: name, separator, and a number from 1 or random letters.
// ERR_INVALID, with the problem, for a name that got too long; ERR_ALREADY_EXISTS if none that was
// tried is free.
MUST_USE enum err core_device_name_settle(const struct core_admin *admin, struct store_tx *tx,
                                          const struct core_name_rule *rule,
                                          struct model_device *device);
