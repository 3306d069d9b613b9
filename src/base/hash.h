// base/hash.h: hashes for tables (XXH3) and keyed hashes against chosen collisions. Not for
// secrets: those are in `crypto`.
#pragma once

#include <stdint.h>

#include "base/slice.h"

struct hash_key {
    uint64_t words[2];
};

uint64_t hash_bytes(struct slice s);
// Keyed: an outsider who does not know the key cannot aim at one bucket.
uint64_t hash_keyed(struct hash_key key, struct slice s);
// A good mix of one 64-bit word.
uint64_t hash_word(uint64_t word);
