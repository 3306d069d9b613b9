// core/install.h: what a new data directory is filled with.
#pragma once

#include "core/core.h"

// The demo accounts, customers and devices of server-api.md 1.4, once per data directory. What has
// the same name, e-mail or token already stays as it is.
MUST_USE enum err core_install_demo(struct core *core, struct wall now);

#define CORE_INSTALL_PASSWORD_LEN 24U

// Without demo: the system administrator, one tenant and its administrator, both with one random
// password that is given once in `password` (with terminator). `*made` is false, and nothing is
// done, if there is a system administrator already.
MUST_USE enum err core_install_first(struct core *core, struct wall now, bool *made,
                                     char password[CORE_INSTALL_PASSWORD_LEN + 1]);
