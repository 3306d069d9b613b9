// crypto/hash.h: digests and message authentication (OpenSSL), and the text forms around them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define CRYPTO_SHA512_SIZE 64

void crypto_hash_sha256(struct slice bytes, uint8_t digest[32]);
void crypto_hash_sha3_256(struct slice bytes, uint8_t digest[32]);
void crypto_hash_hmac_sha512(struct slice key, struct slice bytes,
                             uint8_t digest[CRYPTO_SHA512_SIZE]);
// Time does not depend on where they differ.
bool crypto_hash_equal(struct slice a, struct slice b);

// Lower-case.
void crypto_hex(struct buf *out, struct slice bytes);
void crypto_base64(struct buf *out, struct slice bytes);
void crypto_base64url(struct buf *out, struct slice bytes); // without padding
// RFC 4648, strict: with padding here and without there, no other characters, no stray bits.
// ERR_SYNTAX; ERR_TOO_LARGE when `out` is full. After an error nothing was added.
MUST_USE enum err crypto_base64_decode(struct buf *out, struct slice text);
MUST_USE enum err crypto_base64url_decode(struct buf *out, struct slice text);

// Cryptographically random bytes, and text of [A-Za-z0-9] without bias (no terminator). Stops the
// process if there is no entropy.
void crypto_random(void *bytes, size_t len);
void crypto_random_text(char *text, size_t len);
