// rest/token.h: what a token says, as JSON Web Token with upstream's claims (server-api.md 1.3).
#pragma once

#include "rest/call.h"

// Begins a session: appends {"token":...,"refreshToken":...} for this user. A clock that was set
// back makes it no older than the user's credentials, which would end it.
MUST_USE enum err rest_token_begin(struct rest_call *call, const struct model_user *user);
// The same for a session that goes on.
MUST_USE enum err rest_token_write_pair(struct rest_call *call, const struct model_user *user,
                                        const struct uuid *session);

// Reads and checks one. ERR_UNAUTHORIZED if it is no token at all, ERR_EXPIRED if its life is over
// and for a signature or claims that are not ours (server-api.md 1.5 has one code for these),
// ERR_EXHAUSTED.
MUST_USE enum err rest_token_read(const struct rest_call *call, struct slice token,
                                  struct core_claims *claims);
