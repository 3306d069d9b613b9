// core/session.h: people log in, stay logged in by a refresh token, and log out. Here are the
// rules; how claims become tokens is `rest`'s business.
#pragma once

#include "base/arena.h"
#include "core/core.h"

// What a token says (server-api.md 1.3).
struct core_claims {
    struct uuid user;
    struct uuid session; // made by core_new_id when the user logged in: its time counts
    bool is_public;      // the user is the public customer of this id
    bool refresh;        // a refresh token, good for nothing else
    int64_t issued_s;
    int64_t expires_s;
};

// One attempt to show that one knows a password.
struct core_login {
    struct slice email; // ASCII case does not matter
    struct slice password;
    uint64_t source; // hash of the address it comes from
    struct mono now;
};

// Checks e-mail and password. ERR_UNAUTHORIZED for either being wrong (the same text and the same
// time for both) and for a disabled user, ERR_LIMITED after too many wrong attempts for this user
// from this source.
MUST_USE enum err core_session_log_in(struct core *core, struct arena *memory,
                                      const struct core_login *login, struct model_user *user,
                                      struct core_problem *problem);

// The user of a token whose signature and life were checked. ERR_EXPIRED when the user is gone or
// disabled, when the token was issued or its session began before the user's credentials changed,
// and when the session was logged out.
MUST_USE enum err core_session_user(struct core *core, struct arena *memory,
                                    const struct core_claims *claims, struct model_user *user);

// Whoever knows the id of a public customer may read as a user of it. ERR_UNAUTHORIZED with the
// problem if there is no such customer.
MUST_USE enum err core_session_public(struct core *core, struct arena *memory,
                                      const struct uuid *customer, struct model_user *user,
                                      struct core_problem *problem);

struct core_caller core_session_caller(const struct model_user *user, struct wall now);

// Ends all tokens of the session; they are remembered until `until`.
MUST_USE enum err core_session_log_out(struct core *core, const struct uuid *session,
                                       struct wall now, struct wall until);

struct core_password_change {
    struct slice current;
    struct slice next;
    uint64_t source;
    struct mono now;
    struct wall (*wall)(void); // read when the change is made
};

// The caller's own password. Every session of the user that began before `changed` is over; the
// caller makes a new one, not before that time. ERR_INVALID with the problem for a wrong current or
// a weak new password, ERR_LIMITED after too many wrong ones.
MUST_USE enum err core_session_change_password(struct core *core, struct arena *memory,
                                               const struct core_caller *caller,
                                               const struct core_password_change *change,
                                               struct wall *changed, struct core_problem *problem);

// What is asked of a password; at most CRYPTO_PASSWORD_MAX bytes.
#define CORE_PASSWORD_UNITS_MIN 6U

// How long a new user has to choose a password.
#define CORE_ACTIVATION_LIFE_MS INT64_C(86400000)

// Whether a user waits for this secret (core/user_admin.h). ERR_NOT_FOUND.
MUST_USE enum err core_session_activation(struct core *core, struct slice token, struct wall now);
// The user chooses the first password and may log in from now on; the secret is used up.
// ERR_INVALID with the problem for a secret that is none or over, and for a weak password.
MUST_USE enum err core_session_activate(struct core *core, struct arena *memory, struct slice token,
                                        struct slice password, struct wall now,
                                        struct model_user *user, struct core_problem *problem);
