#include "plat/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic uint64_t reserved_bytes;

void *plat_memory_reserve(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    atomic_fetch_add_explicit(&reserved_bytes, size, memory_order_relaxed);
    return memory;
}

void plat_memory_release(void *memory, size_t size)
{
    if (memory != NULL) {
        munmap(memory, size);
        atomic_fetch_sub_explicit(&reserved_bytes, size, memory_order_relaxed);
    }
}

void plat_memory_populate(void *memory, size_t size)
{
    const uintptr_t page_mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    uint8_t *const from = (uint8_t *)memory + (-(uintptr_t)memory & page_mask);
    uint8_t *const end = (uint8_t *)memory + size;
    if (from < end) {
        // Help only: without it each page comes when it is touched.
        (void)madvise(from, (size_t)(end - from) & ~(size_t)page_mask, MADV_POPULATE_WRITE);
    }
}

uint64_t plat_memory_reserved(void)
{
    return atomic_load_explicit(&reserved_bytes, memory_order_relaxed);
}
