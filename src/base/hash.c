#include "base/hash.h"

#include <xxhash.h>

uint64_t hash_bytes(struct slice s)
{
    return XXH3_64bits(s.ptr, s.len);
}

uint64_t hash_keyed(struct hash_key key, struct slice s)
{
    return hash_word(XXH3_64bits_withSeed(s.ptr, s.len, key.words[0]) ^ key.words[1]);
}

uint64_t hash_word(uint64_t word)
{
    word ^= word >> 32;
    word *= 0xd6e8feb86659fd93U;
    word ^= word >> 32;
    word *= 0xd6e8feb86659fd93U;
    return word ^ (word >> 32);
}
