#include "crypto/password.h"

#include <assert.h>
#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

static_assert(CRYPTO_PASSWORD_HASH_SIZE >= CRYPT_OUTPUT_SIZE, "crypt's result fits");
static_assert(CRYPTO_PASSWORD_MAX < CRYPT_MAX_PASSPHRASE_SIZE, "crypt takes it whole");

#define SALT_BYTES 32
// Time doubles with each: 10, Spring's default, takes 50 ms; 14 is nearly a second. A hash that
// came by import must not hold up the pool for longer.
#define BCRYPT_COST_MAX 14

// Checked in place of a hash that is not there.
static const char pretended[] = "$y$j9T$PretendPretendPreten$";

static enum err check(struct slice password)
{
    if (password.len > CRYPTO_PASSWORD_MAX) {
        return ERR_TOO_LARGE;
    }
    return password.len > 0 && memchr(password.ptr, 0, password.len) != NULL ? ERR_INVALID : ERR_OK;
}

// crypt_r's result for a password that passed the check; false if the setting is none.
static bool hash_with(struct slice password, const char *setting,
                      char hash[CRYPTO_PASSWORD_HASH_SIZE])
{
    char text[CRYPTO_PASSWORD_MAX + 1];
    // 32 KiB: too much for the stack of a small thread.
    struct crypt_data *data = calloc(1, sizeof(*data));

    ASSERT(data != NULL);
    if (password.len > 0) {
        memcpy(text, password.ptr, password.len);
    }
    text[password.len] = 0;
    const char *result = crypt_r(text, setting, data);
    // A failure is a text that starts with '*' and is no hash.
    const bool good = result != NULL && result[0] != '*';
    if (good) {
        memcpy(hash, result, strlen(result) + 1);
    }
    explicit_bzero(text, sizeof(text));
    explicit_bzero(data, sizeof(*data));
    free(data);
    return good;
}

enum err crypto_password_hash(struct slice password, char hash[CRYPTO_PASSWORD_HASH_SIZE])
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    char random[SALT_BYTES];
    const enum err err = check(password);

    if (err != ERR_OK) {
        return err;
    }
    crypto_random(random, sizeof(random));
    ASSERT(crypt_gensalt_rn("$y$", 0, random, sizeof(random), setting, sizeof(setting)) != NULL);
    ASSERT(hash_with(password, setting, hash));
    return ERR_OK;
}

// Only the two kinds that we know, and no bcrypt that would take for ever: "$2a$10$".
static bool is_known(const char *hash)
{
    if (strncmp(hash, "$y$", 3) == 0) {
        return true;
    }
    const bool bcrypt = strncmp(hash, "$2a$", 4) == 0 || strncmp(hash, "$2b$", 4) == 0 ||
                        strncmp(hash, "$2y$", 4) == 0;
    int64_t cost = 0;
    return bcrypt && strlen(hash) > 7 && hash[6] == '$' &&
           slice_to_int64(slice_of(hash + 4, 2), &cost) && cost <= BCRYPT_COST_MAX;
}

bool crypto_password_matches(struct slice password, const char *hash)
{
    char again[CRYPTO_PASSWORD_HASH_SIZE];

    if (check(password) != ERR_OK || !is_known(hash) || !hash_with(password, hash, again)) {
        return false;
    }
    return crypto_hash_equal(slice_text(again), slice_text(hash));
}

void crypto_password_pretend(struct slice password)
{
    char again[CRYPTO_PASSWORD_HASH_SIZE];

    if (check(password) == ERR_OK) {
        ASSERT(hash_with(password, pretended, again));
    }
}
