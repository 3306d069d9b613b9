// base/random.h: seeded random numbers (xoshiro256**). Chance enters the program once, from
// `plat_entropy`; from there every run can be replayed from its seed. Not for secrets.
#pragma once

#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_init(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
// Uniform in [0, bound); bound at least 1.
uint64_t random_below(struct random *random, uint64_t bound);
// True with probability numerator / denominator.
int random_chance(struct random *random, uint32_t numerator, uint32_t denominator);
