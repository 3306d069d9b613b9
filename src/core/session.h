// core/session.h: people log in, stay logged in by a refresh token, and log out. Here are the rules;
// how claims become tokens is `rest`'s business.
#pragma once

#include "base/arena.h"
#include "core/core.h"

// What a token says (server-api.md 1.3).
struct core_claims {
    struct uuid user;
    struct uuid session;
    bool refresh;        // a refresh token, good for nothing else
    int64_t issued_s;
    int64_t expires_s;
};

// Checks e-mail and password. ERR_UNAUTHORIZED for either being wrong (the same text and the same
// time for both), ERR_FORBIDDEN for a disabled user, ERR_LIMITED after too many wrong attempts for
// this user from this source. `source` is a hash of the address.
MUST_USE enum err core_session_log_in(struct core *core, struct arena *memory, struct slice email,
                                      struct slice password, struct wall now, struct mono mono,
                                      uint64_t source, struct model_user *user,
                                      struct core_problem *problem);

// The user of a token whose signature and life were checked. ERR_EXPIRED when it was issued before
// the user's credentials changed, or its session was logged out.
MUST_USE enum err core_session_user(struct core *core, struct arena *memory,
                                    const struct core_claims *claims, struct model_user *user);

struct core_caller core_session_caller(const struct model_user *user, struct wall now);

// Ends all tokens of the session; they are remembered until `until`.
MUST_USE enum err core_session_log_out(struct core *core, const struct uuid *session,
                                       struct wall now, struct wall until);

// ERR_INVALID with the problem for a wrong current or a weak new password.
MUST_USE enum err core_session_change_password(struct core *core, struct arena *memory,
                                               const struct core_caller *caller,
                                               struct slice current, struct slice next,
                                               struct core_problem *problem);
