// disk/real.h: the C library's functions behind ours.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

void real_find(void);

extern int (*real_open)(const char *path, int flags, ...);
extern int (*real_openat)(int directory, const char *path, int flags, ...);
extern int (*real_close)(int fd);
extern ssize_t (*real_write)(int fd, const void *bytes, size_t len);
extern ssize_t (*real_pwrite)(int fd, const void *bytes, size_t len, off_t offset);
extern ssize_t (*real_writev)(int fd, const struct iovec *parts, int count);
extern ssize_t (*real_pwritev)(int fd, const struct iovec *parts, int count, off_t offset);
extern int (*real_ftruncate)(int fd, off_t size);
extern int (*real_fallocate)(int fd, int mode, off_t offset, off_t len);
extern int (*real_rename)(const char *from, const char *to);
extern int (*real_unlink)(const char *path);
extern int (*real_link)(const char *from, const char *to);
extern int (*real_clock_gettime)(clockid_t clock, struct timespec *time);
