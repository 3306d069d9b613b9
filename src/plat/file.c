#include "plat/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "plat/os_error.h"

#define READ_SIZE_FIRST 4096U
#define NEW_SUFFIX ".new"

// The path of the directory that holds `path`: "." if it names none, "/" for what stands in the
// root.
static bool parent_of(const char *path, char parent[PATH_MAX])
{
    size_t len = strlen(path);

    if (len >= PATH_MAX) {
        return false;
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    if (len == 0) {
        memcpy(parent, ".", 2);
        return true;
    }
    memcpy(parent, path, len);
    parent[len] = 0;
    return true;
}

enum err plat_file_sync_directory(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err err = ERR_OK;

    if (fd < 0) {
        return plat_os_error(errno);
    }
    // Some file systems know no sync of directories and say EINVAL.
    if (fsync(fd) != 0 && errno != EINVAL) {
        err = plat_os_error(errno);
    }
    (void)close(fd);
    return err;
}

static enum err sync_parent(const char *path)
{
    char parent[PATH_MAX];
    return parent_of(path, parent) ? plat_file_sync_directory(parent) : ERR_TOO_LARGE;
}

static bool is_directory(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static enum err make_one(const char *path)
{
    if (is_directory(path)) {
        return ERR_OK;
    }
    if (mkdir(path, 0700) != 0) {
        // Another process may have been faster; a file of that name stays in the way.
        return errno == EEXIST && is_directory(path) ? ERR_OK : plat_os_error(errno);
    }
    return sync_parent(path);
}

enum err plat_file_make_directory(const char *path)
{
    char part[PATH_MAX];
    const size_t len = strlen(path);

    if (len == 0) {
        return ERR_INVALID;
    }
    if (len >= sizeof(part)) {
        return ERR_TOO_LARGE;
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; i < len; i++) {
        if (part[i] != '/') {
            continue;
        }
        part[i] = 0;
        const enum err err = make_one(part);
        if (err != ERR_OK) {
            return err;
        }
        part[i] = '/';
    }
    return make_one(part);
}

enum err plat_file_lock(const char *path, int *descriptor)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        return plat_os_error(errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const enum err err = plat_os_error(errno);
        (void)close(fd);
        return err;
    }
    *descriptor = fd;
    return ERR_OK;
}

void plat_file_unlock(int descriptor)
{
    (void)close(descriptor);
}

// Reads on until `size` bytes are there or the file ends.
static enum err fill(int fd, uint8_t *bytes, size_t size, size_t *len)
{
    while (*len < size) {
        const ssize_t got = read(fd, bytes + *len, size - *len);
        if (got < 0 && errno != EINTR) {
            return plat_os_error(errno);
        }
        if (got == 0) {
            return ERR_OK;
        }
        *len += got > 0 ? (size_t)got : 0;
    }
    return ERR_OK;
}

// The size that a file says it has may be wrong (it grows, or it is none, as in /proc), so memory
// is doubled until the end has been seen. One byte more than `max` tells a file that is too large.
static enum err read_all(int fd, size_t max, uint8_t **bytes, size_t *len)
{
    struct stat about;
    size_t size = READ_SIZE_FIRST;

    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size >= (off_t)size) {
        size = (size_t)about.st_size + 1;
    }
    for (;;) {
        size = size <= max ? size : max + 1;
        uint8_t *grown = realloc(*bytes, size);
        if (grown == NULL) {
            return ERR_EXHAUSTED;
        }
        *bytes = grown;
        const enum err err = fill(fd, *bytes, size, len);
        if (err != ERR_OK) {
            return err;
        }
        if (*len < size) {
            return ERR_OK;
        }
        if (*len > max) {
            return ERR_TOO_LARGE;
        }
        size *= 2;
    }
}

enum err plat_file_read(const char *path, size_t max, uint8_t **owned_bytes, size_t *len)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *bytes = NULL;
    size_t read_len = 0;

    ASSERT(max < SIZE_MAX / 2);
    if (fd < 0) {
        return plat_os_error(errno);
    }
    const enum err err = read_all(fd, max, &bytes, &read_len);
    (void)close(fd);
    if (err != ERR_OK) {
        free(bytes);
        return err;
    }
    *owned_bytes = bytes;
    *len = read_len;
    return ERR_OK;
}

void plat_file_free(uint8_t *owned_bytes)
{
    free(owned_bytes);
}

static enum err put_all(int fd, struct slice bytes)
{
    size_t done = 0;

    while (done < bytes.len) {
        const ssize_t put = write(fd, bytes.ptr + done, bytes.len - done);
        if (put < 0 && errno != EINTR) {
            return plat_os_error(errno);
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return ERR_OK;
}

static enum err write_synced(const char *path, struct slice bytes, unsigned mode)
{
    // Private until it is whole; the mode does not depend on the umask.
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0) {
        return plat_os_error(errno);
    }
    enum err err = put_all(fd, bytes);
    if (err == ERR_OK && (fchmod(fd, (mode_t)mode) != 0 || fsync(fd) != 0)) {
        err = plat_os_error(errno);
    }
    if (close(fd) != 0 && err == ERR_OK) {
        err = plat_os_error(errno);
    }
    return err;
}

enum err plat_file_write(const char *path, struct slice bytes, unsigned mode)
{
    char fresh[PATH_MAX];
    const int len = snprintf(fresh, sizeof(fresh), "%s" NEW_SUFFIX, path);

    if (len < 0 || (size_t)len >= sizeof(fresh)) {
        return ERR_TOO_LARGE;
    }
    enum err err = write_synced(fresh, bytes, mode);
    if (err == ERR_OK && rename(fresh, path) != 0) {
        err = plat_os_error(errno);
    }
    if (err != ERR_OK) {
        (void)unlink(fresh);
        return err;
    }
    return sync_parent(path);
}

bool plat_file_exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

enum err plat_file_reserve(const char *path, uint64_t bytes)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return plat_os_error(errno);
    }
    const bool is_reserved = fallocate(fd, 0, 0, (off_t)bytes) == 0;
    const enum err err = is_reserved           ? ERR_OK
                         : errno == EOPNOTSUPP ? ERR_UNSUPPORTED
                                               : plat_os_error(errno);
    close(fd);
    if (err != ERR_OK) {
        (void)unlink(path);
    }
    return err;
}

enum err plat_file_remove(const char *path)
{
    return unlink(path) == 0 ? ERR_OK : plat_os_error(errno);
}

enum err plat_file_free_space(const char *path, uint64_t *bytes)
{
    struct statvfs about;

    if (statvfs(path, &about) != 0) {
        return plat_os_error(errno);
    }
    *bytes = (uint64_t)about.f_bavail * about.f_frsize;
    return ERR_OK;
}
