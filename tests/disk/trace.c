#include "trace.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "real.h"

#define BYTES_MAX 65536U

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int file = -1;

void trace_begin(const char *path)
{
    if (path != NULL) {
        file = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
}

static size_t put_bytes(char *line, const struct iovec *parts, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *const bytes = parts[i].iov_base;
        for (size_t n = 0; n < parts[i].iov_len && len < (size_t)2 * BYTES_MAX; n++) {
            line[len++] = digits[bytes[n] >> 4];
            line[len++] = digits[bytes[n] & 15];
        }
    }
    return len;
}

void trace_note(const char *what, const char *path, const struct iovec *parts, size_t count)
{
    static char line[2 * BYTES_MAX + PATH_MAX + 16];
    if (file < 0) {
        return;
    }
    (void)pthread_mutex_lock(&lock);
    size_t len = (size_t)snprintf(line, PATH_MAX + 16, "%s %s ", what, path);
    len += put_bytes(line + len, parts, count);
    line[len++] = '\n';
    if (real_write(file, line, len) != (ssize_t)len) {
        abort();
    }
    (void)pthread_mutex_unlock(&lock);
}

// What leaves is noted before it leaves.

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    static int (*real)(int fd, struct mmsghdr *messages, unsigned count, int flags);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "sendmmsg");
    }
    for (unsigned i = 0; i < count; i++) {
        trace_note("send", "-", messages[i].msg_hdr.msg_iov, messages[i].msg_hdr.msg_iovlen);
    }
    return real(fd, messages, count, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    static ssize_t (*real)(int fd, const void *bytes, size_t len, int flags);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "send");
    }
    const struct iovec part = {(void *)(uintptr_t)bytes, len};
    trace_note("send", "-", &part, 1);
    return real(fd, bytes, len, flags);
}
