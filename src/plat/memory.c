#include "plat/memory.h"

#include <sys/mman.h>

void *plat_memory_reserve(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void plat_memory_release(void *memory, size_t size)
{
    if (memory != NULL) {
        munmap(memory, size);
    }
}
