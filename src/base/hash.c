// The keyed hash is SipHash-1-3 (Aumasson and Bernstein), not XXH3 with a seed: XXH3 makes no
// promise to whoever does not know its seed. It costs some 20 ns for an address.
#include "base/hash.h"

#include <xxhash.h>

uint64_t hash_bytes(struct slice s)
{
    return XXH3_64bits(s.ptr, s.len);
}

static uint64_t rotate_left(uint64_t word, unsigned by)
{
    return word << by | word >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate_left(v[1], 13) ^ v[0];
    v[3] = rotate_left(v[3], 16) ^ v[2];
    v[0] = rotate_left(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate_left(v[1], 17) ^ v[2];
    v[3] = rotate_left(v[3], 21) ^ v[0];
    v[2] = rotate_left(v[2], 32);
}

static uint64_t little_endian(const uint8_t *bytes, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) {
        word |= (uint64_t)bytes[i] << (8 * i);
    }
    return word;
}

static void sip_absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

uint64_t hash_keyed(struct hash_key key, struct slice s)
{
    uint64_t v[4] = {
        key.words[0] ^ UINT64_C(0x736f6d6570736575),
        key.words[1] ^ UINT64_C(0x646f72616e646f6d),
        key.words[0] ^ UINT64_C(0x6c7967656e657261),
        key.words[1] ^ UINT64_C(0x7465646279746573),
    };
    const size_t tail_len = s.len % 8;
    const size_t whole = s.len - tail_len;

    for (size_t at = 0; at < whole; at += 8) {
        sip_absorb(v, little_endian(s.ptr + at, 8));
    }
    const uint64_t tail = tail_len == 0 ? 0 : little_endian(s.ptr + whole, tail_len);
    sip_absorb(v, tail | (uint64_t)s.len << 56);
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 3; i++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_word(uint64_t word)
{
    // The step of SplitMix64 (Steele, Lea and Flood): a bijection that moves 0 too.
    word += UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}
