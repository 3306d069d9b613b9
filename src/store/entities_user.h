// store/entities_user.h: users, their sessions, and the links by which a new user chooses a
// password, in the entity store (store/entities.h, whose rules for errors and texts hold here too).
//
// A user of a tenant that is being deleted is not there.
#pragma once

#include "store/entities.h"

MUST_USE enum err store_user_insert(struct store_tx *tx, const struct model_user *user);
// What people say of themselves: e-mail, names, phone, additional info; the version grows. The
// info of a user who has chosen a password says so, and whether the user may log in.
MUST_USE enum err store_user_update(struct store_tx *tx, struct model_user *user);
MUST_USE enum err store_user_delete(struct store_tx *tx, const struct uuid *id);
MUST_USE enum err store_user_get(struct store_tx *tx, struct arena *memory, const struct uuid *id,
                                 struct model_user *user);
MUST_USE enum err store_user_by_email(struct store_tx *tx, struct arena *memory, struct slice email,
                                      struct model_user *user);
MUST_USE enum err store_user_exists(struct store_tx *tx, struct slice email, bool *exists);
// Tokens issued before `changed_ms` are stale from then on.
MUST_USE enum err store_user_set_password(struct store_tx *tx, const struct uuid *id,
                                          struct slice password_hash, int64_t changed_ms);
// Lets the user log in, or no more; tokens issued before `changed_ms` are stale from then on.
MUST_USE enum err store_user_enable(struct store_tx *tx, const struct uuid *id, bool enabled,
                                    int64_t changed_ms);

// Whoever came in by the id of a public customer, as a user of it: the id is the customer's, the
// e-mail its text.
MUST_USE enum err store_user_public(struct store_tx *tx, struct arena *memory,
                                    const struct uuid *customer, struct model_user *user);

struct store_user_filter {
    struct tenant_id tenant;
    const struct uuid *customer; // NULL: all
    bool administrators;         // only those of the tenant itself
};

typedef void store_user_fn(void *context, const struct model_user *user);
MUST_USE enum err store_user_list(struct store_tx *tx, struct arena *memory,
                                  const struct store_user_filter *filter,
                                  const struct model_page *page, int64_t *total, void *context,
                                  store_user_fn *emit);

#define STORE_ACTIVATION_LEN 32U

// A secret that lets whoever has it choose the password of a user.
struct store_activation {
    char token[STORE_ACTIVATION_LEN];
    int64_t until_ms;
};

// In the place of an older one.
MUST_USE enum err store_activation_put(struct store_tx *tx, const struct uuid *user,
                                       const struct store_activation *activation);
MUST_USE enum err store_activation_get(struct store_tx *tx, const struct uuid *user,
                                       struct store_activation *activation);
// The user of a token that is good at `now_ms`.
MUST_USE enum err store_activation_find(struct store_tx *tx, struct slice token, int64_t now_ms,
                                        struct uuid *user);
MUST_USE enum err store_activation_remove(struct store_tx *tx, const struct uuid *user);

// Sessions that were logged out, kept until their tokens are over anyway.
MUST_USE enum err store_session_end(struct store_tx *tx, const struct uuid *session,
                                    int64_t until_ms, int64_t now_ms);
MUST_USE enum err store_session_ended(struct store_tx *tx, const struct uuid *session, bool *ended);
