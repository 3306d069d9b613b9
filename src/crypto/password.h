// crypto/password.h: password hashes by crypt_r (libxcrypt): yescrypt for new ones, bcrypt
// accepted, so that imported users keep their passwords. Takes 16 to 46 ms of CPU: never on a
// worker or the HTTP service thread.
#pragma once

#include <stdbool.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/slice.h"

#define CRYPTO_PASSWORD_HASH_SIZE 384
#define CRYPTO_PASSWORD_MAX 511

// ERR_TOO_LARGE for a password above CRYPTO_PASSWORD_MAX, ERR_INVALID if it holds a zero byte.
MUST_USE enum err crypto_password_hash(struct slice password, char hash[CRYPTO_PASSWORD_HASH_SIZE]);
// Takes the same time for a right and a wrong password of one hash. False for a hash of another
// kind, and for bcrypt with a cost above 14.
bool crypto_password_matches(struct slice password, const char *hash);
// Burns the time of one check, for a user that does not exist.
void crypto_password_pretend(struct slice password);
