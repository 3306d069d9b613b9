// bench/devices.h: what the programs of the bench agree on about device n: its name and token, and
// the id under which bench_preload stores it.
#pragma once

#include <stdint.h>

#include "model/ids.h"

#define BENCH_TOKEN_SIZE 12U // without terminator: BENCH0000000
#define BENCH_TOKEN_DIGITS 7U

// The digits at the end of a token.
static inline void bench_token_digits(uint8_t *digits, uint32_t device)
{
    for (unsigned i = BENCH_TOKEN_DIGITS; i > 0; i--) {
        digits[i - 1] = (uint8_t)('0' + device % 10);
        device /= 10;
    }
}

static inline struct uuid bench_device_id(uint32_t device)
{
    const struct wall base = {1767225600000}; // 2026-01-01
    return uuid_make((struct wall){base.ms + device}, 0, 0x62656E6368000000U + device);
}
