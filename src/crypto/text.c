// Bytes as text: hexadecimal and base64 (RFC 4648), the latter read strictly, so that one sequence
// of bytes has one text only.
#include "crypto/hash.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void crypto_hex(struct buf *out, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes.len; i++) {
        const char pair[2] = {digits[bytes.ptr[i] >> 4], digits[bytes.ptr[i] & 15]};
        buf_put(out, pair, sizeof(pair));
    }
}

// Three bytes make four characters; a shorter rest of n bytes makes n + 1 and, if asked, padding.
static void encode(struct buf *out, struct slice bytes, const char *letters, bool pad)
{
    for (size_t at = 0; at < bytes.len; at += 3) {
        const size_t left = bytes.len - at < 3 ? bytes.len - at : 3;
        uint32_t group = 0;
        char quad[4] = {'=', '=', '=', '='};
        for (size_t i = 0; i < 3; i++) {
            group = group << 8 | (i < left ? bytes.ptr[at + i] : 0);
        }
        for (size_t i = 0; i <= left; i++) {
            quad[i] = letters[group >> (18 - 6 * i) & 63];
        }
        buf_put(out, quad, pad ? 4 : left + 1);
    }
}

static int value_of(const char *letters, uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == (uint8_t)letters[62]) {
        return 62;
    }
    return c == (uint8_t)letters[63] ? 63 : -1;
}

// Two to four characters. False if they are no group, or if bits stand where no byte is.
static bool decode_group(struct buf *out, struct slice text, const char *letters)
{
    uint32_t group = 0;

    if (text.len < 2) {
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        const int value = i < text.len ? value_of(letters, text.ptr[i]) : 0;
        if (value < 0) {
            return false;
        }
        group = group << 6 | (uint32_t)value;
    }
    const size_t count = text.len - 1;
    const uint8_t bytes[3] = {(uint8_t)(group >> 16), (uint8_t)(group >> 8), (uint8_t)group};
    if ((group & ((UINT32_C(1) << (24 - 8 * count)) - 1)) != 0) {
        return false;
    }
    buf_put(out, bytes, count);
    return true;
}

static enum err decode(struct buf *out, struct slice text, const char *letters)
{
    const size_t start = out->len;

    for (size_t at = 0; at < text.len; at += 4) {
        if (!decode_group(out, slice_sub(text, at, 4), letters)) {
            out->len = start;
            return ERR_SYNTAX;
        }
    }
    if (out->overflow) {
        out->len = start;
        return ERR_TOO_LARGE;
    }
    return ERR_OK;
}

void crypto_base64(struct buf *out, struct slice bytes)
{
    encode(out, bytes, alphabet, true);
}

void crypto_base64url(struct buf *out, struct slice bytes)
{
    encode(out, bytes, alphabet_url, false);
}

enum err crypto_base64_decode(struct buf *out, struct slice text)
{
    if (text.len % 4 != 0) {
        return ERR_SYNTAX;
    }
    for (unsigned i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; i++) {
        text.len--;
    }
    return decode(out, text, alphabet);
}

enum err crypto_base64url_decode(struct buf *out, struct slice text)
{
    return decode(out, text, alphabet_url);
}
