// xoshiro256** of Blackman and Vigna, its state filled from the seed by SplitMix64.
#include "base/random.h"

#include "base/assert.h"
#include "base/hash.h"

static uint64_t rotate_left(uint64_t word, unsigned by)
{
    return word << by | word >> (64 - by);
}

void random_init(struct random *random, uint64_t seed)
{
    // hash_word(seed + i * golden) are the outputs of SplitMix64, which are never four zeros.
    for (unsigned i = 0; i < 4; i++) {
        random->state[i] = hash_word(seed + i * UINT64_C(0x9e3779b97f4a7c15));
    }
}

uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    ASSERT(bound > 0);
    // 2^64 mod bound values at the low end would favour some results. Each draw is good with
    // probability above one half, so 64 bad ones in a row do not happen.
    const uint64_t unfair = (0 - bound) % bound;
    uint64_t drawn = random_next(random);
    for (unsigned i = 0; drawn < unfair && i < 64; i++) {
        drawn = random_next(random);
    }
    return drawn % bound;
}

int random_chance(struct random *random, uint32_t numerator, uint32_t denominator)
{
    ASSERT(denominator > 0);
    ASSERT(numerator <= denominator);
    return random_below(random, denominator) < numerator;
}
