#include "crypto/jwt.h"

#include "crypto/hash.h"

// {"alg":"HS512"}: the only header that we write, so the only one that we take. Nothing in a token
// chooses how the token is checked (RFC 8725 3.1).
static const struct slice header = SLICE("eyJhbGciOiJIUzUxMiJ9");

void crypto_jwt_sign(struct buf *out, struct slice key, struct slice payload)
{
    const size_t start = out->len;
    uint8_t signature[CRYPTO_SHA512_SIZE];

    buf_put_slice(out, header);
    buf_put_u8(out, '.');
    crypto_base64url(out, payload);
    if (out->overflow) {
        return;
    }
    crypto_hash_hmac_sha512(key, slice_sub(buf_view(out), start, SIZE_MAX), signature);
    buf_put_u8(out, '.');
    crypto_base64url(out, slice_of(signature, sizeof(signature)));
}

static bool signature_matches(struct slice key, struct slice content, struct slice text)
{
    uint8_t right[CRYPTO_SHA512_SIZE];
    uint8_t given[CRYPTO_SHA512_SIZE];
    struct buf out = buf_over(given, sizeof(given));

    if (crypto_base64url_decode(&out, text) != ERR_OK) {
        return false;
    }
    crypto_hash_hmac_sha512(key, content, right);
    return crypto_hash_equal(buf_view(&out), slice_of(right, sizeof(right)));
}

enum err crypto_jwt_verify(struct buf *out, struct slice key, struct slice token)
{
    struct slice rest = token;
    const struct slice first = slice_cut(&rest, '.');
    const struct slice payload = slice_cut(&rest, '.');

    if (rest.ptr == NULL || !slice_equal(first, header)) {
        return ERR_UNAUTHORIZED;
    }
    const struct slice content = slice_sub(token, 0, first.len + 1 + payload.len);
    if (!signature_matches(key, content, rest)) {
        return ERR_UNAUTHORIZED;
    }
    return crypto_base64url_decode(out, payload) == ERR_OK ? ERR_OK : ERR_UNAUTHORIZED;
}
