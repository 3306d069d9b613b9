#include "crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

static void digest_of(const EVP_MD *kind, struct slice bytes, uint8_t *digest, unsigned size)
{
    unsigned len = 0;

    // Fails only when OpenSSL has no memory or was built without the digest.
    ASSERT(EVP_Digest(bytes.ptr, bytes.len, digest, &len, kind, NULL) == 1);
    ASSERT(len == size);
}

void crypto_hash_sha256(struct slice bytes, uint8_t digest[32])
{
    digest_of(EVP_sha256(), bytes, digest, 32);
}

void crypto_hash_sha3_256(struct slice bytes, uint8_t digest[32])
{
    digest_of(EVP_sha3_256(), bytes, digest, 32);
}

void crypto_hash_hmac_sha512(struct slice key, struct slice bytes,
                             uint8_t digest[CRYPTO_SHA512_SIZE])
{
    static const uint8_t nothing[1] = {0};
    const uint8_t *key_bytes = key.len > 0 ? key.ptr : nothing;
    unsigned len = 0;

    ASSERT(key.len <= INT32_MAX);
    ASSERT(HMAC(EVP_sha512(), key_bytes, (int)key.len, bytes.ptr, bytes.len, digest, &len) != NULL);
    ASSERT(len == CRYPTO_SHA512_SIZE);
}

bool crypto_hash_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void crypto_random(void *bytes, size_t len)
{
    ASSERT(len <= INT32_MAX);
    // Without entropy there are no secrets: better no server than a guessable one.
    ASSERT(RAND_bytes(bytes, (int)len) == 1);
}

void crypto_random_text(char *text, size_t len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const unsigned count = sizeof(letters) - 1;
    // Bytes from the largest multiple of 62 on would favour the first letters: they are thrown
    // away.
    const unsigned fair = 256 - 256 % count;
    uint8_t bytes[64];
    size_t done = 0;

    while (done < len) {
        crypto_random(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes) && done < len; i++) {
            if (bytes[i] < fair) {
                text[done++] = letters[bytes[i] % count];
            }
        }
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
}
