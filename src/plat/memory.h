// plat/memory.h: large zeroed memory from the kernel, touched as it is used. For start-up.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

// Aligned to a page; NULL when the address space is used up.
MUST_USE void *plat_memory_reserve(size_t size);
void plat_memory_release(void *memory, size_t size);
// Touches all whole pages of it at once: quicker than page by page for what will be touched all
// over anyway. What is there stays; a kernel that cannot does nothing.
void plat_memory_populate(void *memory, size_t size);
// Any thread: bytes of all that is reserved now, as they were asked for.
uint64_t plat_memory_reserved(void);
