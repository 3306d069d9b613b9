// plat/entropy.h: random bytes from the kernel. Used at start and for secrets; everything else
// takes its chance from a `struct random` that was seeded with it.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Fills `bytes`; stops the process if the kernel has none.
void plat_entropy(void *bytes, size_t len);
uint64_t plat_entropy_word(void);
