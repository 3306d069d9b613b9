// core/install.h: what a new data directory is filled with.
#pragma once

#include "core/core.h"

// The demo accounts, customers and devices of server-api.md 1.4, once per data directory. What has
// the same name, e-mail or token already stays as it is, and a directory that was filled before
// gets no further administrator of the system.
MUST_USE enum err core_install_demo(struct core *core, struct wall now);

#define CORE_INSTALL_PASSWORD_LEN 24U

// Keeps the first password where its owner will find it, durably.
typedef enum err core_install_keep_fn(void *context, const char *password);

// Without demo: the system administrator, one tenant and its administrator, both with one random
// password. `keep` is called before anything is stored, so that no crash leaves accounts that
// nobody can enter; its failure is the verb's. Nothing is done in a directory that was filled
// before, with demo data or without, whatever became of its accounts.
MUST_USE enum err core_install_first(struct core *core, struct wall now, void *context,
                                     core_install_keep_fn *keep);
