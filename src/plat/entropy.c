#include "plat/entropy.h"

#include <errno.h>
#include <sys/random.h>

#include "base/assert.h"

void plat_entropy(void *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        // Large requests may be cut short or interrupted; early in a boot the kernel waits here.
        const ssize_t got = getrandom((uint8_t *)bytes + done, len - done, 0);
        ASSERT(got > 0 || (got < 0 && errno == EINTR));
        done += got > 0 ? (size_t)got : 0;
    }
}

uint64_t plat_entropy_word(void)
{
    uint64_t word;
    plat_entropy(&word, sizeof(word));
    return word;
}
