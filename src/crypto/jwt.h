// crypto/jwt.h: JSON Web Tokens signed with HS512 (RFC 7515, 7519). The payload's JSON is made and
// read above; here it is bytes.
#pragma once

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define CRYPTO_JWT_KEY_SIZE 64

// Appends header.payload.signature. Overflow is in the buffer.
void crypto_jwt_sign(struct buf *out, struct slice key, struct slice payload);

// Checks form, header (exactly the one that crypto_jwt_sign writes) and signature; appends the
// decoded payload to `out`. ERR_UNAUTHORIZED when anything is wrong or the payload does not fit.
// Times in the payload are the caller's to check.
MUST_USE enum err crypto_jwt_verify(struct buf *out, struct slice key, struct slice token);
