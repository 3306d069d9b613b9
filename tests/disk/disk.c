// A disk for tests, put between a program and the C library by LD_PRELOAD: it loses what was not
// synced when its power goes, and can be slow, broken, or on a machine whose clock jumps.
//
//   DISK_ROOT      files below this directory are on the disk; what else happens is passed on
//   DISK_HIDDEN    a directory on the same file system, for the disk's own use
//   DISK_CUT       PATTERN:N:before|after   the power goes at the N-th sync of a file whose path
//                  matches (fnmatch), before or after it has its effect; the process is killed
//   DISK_FAIL      PATTERN:N                from the N-th such sync on, syncs fail (EIO)
//   DISK_LIE       PATTERN                  such syncs say that they were done, and do nothing
//   DISK_FREE      a file "BYTES PATTERN": so much room is left; at 0, writes to such files fail
//                  (ENOSPC). Read again at each call; no such file: as much as there really is
//   DISK_TRACE     a file for the order of writes, syncs and sends (trace.h)
//   DISK_SYNC_MS   each sync takes so long
//   DISK_SEED      of what is lost
//   DISK_CLOCK     a file with a number: so many seconds the wall clock is ahead
//
// Syncs take no time otherwise: the kernel's cache outlives the process, which is all that counts.
// What the disk does not know is refused with abort(): files that are written through a mapping,
// but for SQLite's -shm, which is made anew at each start.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "names.h"
#include "real.h"
#include "trace.h"
#include "undo.h"

int (*real_open)(const char *path, int flags, ...);
int (*real_openat)(int directory, const char *path, int flags, ...);
int (*real_close)(int fd);
ssize_t (*real_write)(int fd, const void *bytes, size_t len);
ssize_t (*real_pwrite)(int fd, const void *bytes, size_t len, off_t offset);
ssize_t (*real_writev)(int fd, const struct iovec *parts, int count);
ssize_t (*real_pwritev)(int fd, const struct iovec *parts, int count, off_t offset);
int (*real_ftruncate)(int fd, off_t size);
int (*real_fallocate)(int fd, int mode, off_t offset, off_t len);
int (*real_rename)(const char *from, const char *to);
int (*real_unlink)(const char *path);
int (*real_link)(const char *from, const char *to);
int (*real_clock_gettime)(clockid_t clock, struct timespec *time);
static int (*real_statvfs)(const char *path, struct statvfs *out);
static void *(*real_mmap)(void *at, size_t len, int protection, int flags, int fd, off_t offset);

#define DESCRIPTORS_MAX 65536

struct trigger {
    char pattern[256];
    long at; // 0: never
    long seen;
    bool is_after;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_len;
static char *paths[DESCRIPTORS_MAX]; // of descriptors on the disk
static struct trigger cut;
static struct trigger fail;
static long sync_ms;
static uint64_t seed;
static const char *clock_path;
static const char *free_path;
static const char *lie;

static void *find(const char *name)
{
    void *const found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        (void)fprintf(stderr, "disk: no %s\n", name);
        abort();
    }
    return found;
}

#define FIND(name) *(void **)&real_##name = find(#name)

void real_find(void)
{
    FIND(open);
    FIND(openat);
    FIND(close);
    FIND(write);
    FIND(pwrite);
    FIND(writev);
    FIND(pwritev);
    FIND(ftruncate);
    FIND(fallocate);
    FIND(rename);
    FIND(unlink);
    FIND(link);
    FIND(clock_gettime);
    FIND(statvfs);
    FIND(mmap);
}

static void read_trigger(const char *name, struct trigger *trigger)
{
    const char *const text = getenv(name);
    char phase[16] = "before";
    if (text != NULL &&
        sscanf(text, "%255[^:]:%ld:%15s", trigger->pattern, &trigger->at, phase) < 2) {
        (void)fprintf(stderr, "disk: %s is not PATTERN:N[:before|after]\n", name);
        abort();
    }
    trigger->is_after = strcmp(phase, "after") == 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *const milliseconds = getenv("DISK_SYNC_MS");
    const char *const random_seed = getenv("DISK_SEED");
    const char *const hidden = getenv("DISK_HIDDEN");
    const char *const directory = getenv("DISK_ROOT");
    real_find();
    if (directory == NULL || hidden == NULL || realpath(directory, root) == NULL) {
        (void)fprintf(stderr, "disk: DISK_ROOT and DISK_HIDDEN name no directories\n");
        abort();
    }
    root_len = strlen(root);
    names_begin(hidden);
    read_trigger("DISK_CUT", &cut);
    read_trigger("DISK_FAIL", &fail);
    sync_ms = milliseconds != NULL ? atol(milliseconds) : 0;
    seed = random_seed != NULL ? strtoull(random_seed, NULL, 10) : 1;
    clock_path = getenv("DISK_CLOCK");
    free_path = getenv("DISK_FREE");
    lie = getenv("DISK_LIE");
    trace_begin(getenv("DISK_TRACE"));
}

static uint64_t next_random(void)
{
    seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

// Small files by which a test steers a running program. False: there is none.
static bool read_knob(const char *path, char text[300])
{
    const int fd = path == NULL ? -1 : real_open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t len = fd < 0 ? -1 : read(fd, text, 299);
    if (fd >= 0) {
        real_close(fd);
    }
    text[len < 0 ? 0 : len] = 0;
    return len > 0;
}

// The bytes left for files like `path`; negative: unknown.
static long long room(const char *path)
{
    char text[300];
    char pattern[256];
    long long bytes = -1;
    const bool is_set = read_knob(free_path, text) &&
                        sscanf(text, "%lld %255s", &bytes, pattern) == 2 &&
                        (path == NULL || fnmatch(pattern, path, 0) == 0);
    return is_set ? bytes : -1;
}

// Descriptors.

static bool is_on_disk(const char *path)
{
    return strncmp(path, root, root_len) == 0 && (path[root_len] == '/' || path[root_len] == 0);
}

// SQLite maps its -shm, so to put its size back while threads still run would be their SIGBUS.
static bool is_mapped(const char *path)
{
    return fnmatch("*-shm", path, 0) == 0;
}

static const char *path_of(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS_MAX ? paths[fd] : NULL;
}

static void learn(int fd)
{
    char link[64];
    char path[PATH_MAX];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (len < 0 || fd >= DESCRIPTORS_MAX) {
        return;
    }
    path[len] = 0;
    free(paths[fd]);
    paths[fd] = is_on_disk(path) && !is_mapped(path) ? strdup(path) : NULL;
}

// The absolute path; what does not exist yet is below a directory that does.
static bool absolute(const char *path, char out[PATH_MAX])
{
    char directory[PATH_MAX];
    if (realpath(path, out) != NULL) {
        return true;
    }
    const char *const slash = strrchr(path, '/');
    const int len = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%.*s", len, slash == NULL ? "." : path);
    if (realpath(parent, directory) == NULL) {
        return false;
    }
    const char *const name = slash == NULL ? path : slash + 1;
    return snprintf(out, PATH_MAX, "%s/%s", directory, name) < PATH_MAX;
}

static int open_with(int directory, const char *path, int flags, mode_t mode)
{
    char full[PATH_MAX];
    (void)pthread_mutex_lock(&lock);
    const bool is_plain = directory == AT_FDCWD || path[0] == '/';
    const bool is_known = is_plain && absolute(path, full) && is_on_disk(full);
    const bool was_there = is_known && access(full, F_OK) == 0;
    // Truncated while it is opened: noted first, through a descriptor of its own.
    if (was_there && (flags & O_TRUNC) != 0) {
        const int before = real_open(full, O_RDWR | O_CLOEXEC);
        if (before >= 0) {
            undo_note_size(before, 0);
            real_close(before);
        }
    }
    const int fd = real_openat(directory, path, flags, mode);
    const int error = errno;
    if (fd >= 0) {
        learn(fd);
        if (is_known && !was_there) {
            names_note_created(full);
        }
    }
    (void)pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_with(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_with(directory, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int directory, const char *path, int flags, ...) __attribute__((alias("openat")));

int close(int fd)
{
    (void)pthread_mutex_lock(&lock);
    if (path_of(fd) != NULL) {
        free(paths[fd]);
        paths[fd] = NULL;
    }
    (void)pthread_mutex_unlock(&lock);
    return real_close(fd);
}

// Writing. The lock is held over the write, so that a cut sees all of it or nothing.

static off_t position_of(int fd)
{
    struct stat stat;
    const int flags = fcntl(fd, F_GETFL);
    if ((flags & O_APPEND) != 0 && fstat(fd, &stat) == 0) {
        return stat.st_size;
    }
    return lseek(fd, 0, SEEK_CUR);
}

static size_t length_of(const struct iovec *parts, int count)
{
    size_t len = 0;
    for (int i = 0; i < count; i++) {
        len += parts[i].iov_len;
    }
    return len;
}

#define ON_DISK(fd, parts, count, note, call)                                                      \
    (void)pthread_mutex_lock(&lock);                                                               \
    if (path_of(fd) != NULL && room(path_of(fd)) == 0) {                                           \
        (void)pthread_mutex_unlock(&lock);                                                         \
        errno = ENOSPC;                                                                            \
        return -1;                                                                                 \
    }                                                                                              \
    if (path_of(fd) != NULL) {                                                                     \
        trace_note("write", path_of(fd), parts, (size_t)(count));                                  \
        note;                                                                                      \
    }                                                                                              \
    const ssize_t done = call;                                                                     \
    const int error = errno;                                                                       \
    (void)pthread_mutex_unlock(&lock);                                                             \
    errno = error;                                                                                 \
    return done

ssize_t write(int fd, const void *bytes, size_t len)
{
    if (path_of(fd) == NULL) {
        return real_write(fd, bytes, len);
    }
    const struct iovec part = {(void *)(uintptr_t)bytes, len};
    ON_DISK(fd, &part, 1, undo_note_write(fd, position_of(fd), len), real_write(fd, bytes, len));
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    const struct iovec part = {(void *)(uintptr_t)bytes, len};
    ON_DISK(fd, &part, 1, undo_note_write(fd, offset, len), real_pwrite(fd, bytes, len, offset));
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
    __attribute__((alias("pwrite")));

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (path_of(fd) == NULL) {
        return real_writev(fd, parts, count);
    }
    ON_DISK(fd, parts, count, undo_note_write(fd, position_of(fd), length_of(parts, count)),
            real_writev(fd, parts, count));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    ON_DISK(fd, parts, count, undo_note_write(fd, offset, length_of(parts, count)),
            real_pwritev(fd, parts, count, offset));
}

int ftruncate(int fd, off_t size)
{
    (void)pthread_mutex_lock(&lock);
    if (path_of(fd) != NULL) {
        undo_note_size(fd, size);
    }
    const int result = real_ftruncate(fd, size);
    (void)pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));

int fallocate(int fd, int mode, off_t offset, off_t len)
{
    struct stat stat;
    (void)pthread_mutex_lock(&lock);
    const bool grows = path_of(fd) != NULL && (mode & FALLOC_FL_KEEP_SIZE) == 0 &&
                       fstat(fd, &stat) == 0 && offset + len > stat.st_size;
    if (grows) {
        undo_note_size(fd, offset + len);
    }
    const int result = real_fallocate(fd, mode, offset, len);
    (void)pthread_mutex_unlock(&lock);
    return result;
}

int fallocate64(int fd, int mode, off_t offset, off_t len) __attribute__((alias("fallocate")));

// Names.

int rename(const char *from, const char *to)
{
    char full_from[PATH_MAX];
    char full_to[PATH_MAX];
    (void)pthread_mutex_lock(&lock);
    if (absolute(from, full_from) && absolute(to, full_to) && is_on_disk(full_from)) {
        names_note_rename(full_from, full_to);
    }
    const int result = real_rename(from, to);
    (void)pthread_mutex_unlock(&lock);
    return result;
}

int unlink(const char *path)
{
    char full[PATH_MAX];
    (void)pthread_mutex_lock(&lock);
    if (absolute(path, full) && is_on_disk(full)) {
        names_note_unlink(full);
    }
    const int result = real_unlink(path);
    (void)pthread_mutex_unlock(&lock);
    return result;
}

// Syncing.

static bool is_time(struct trigger *trigger, const char *path)
{
    return trigger->at > 0 && fnmatch(trigger->pattern, path, 0) == 0 &&
           ++trigger->seen >= trigger->at;
}

// The lock stays taken: nobody changes anything any more.
static void power_goes(void)
{
    undo_cut(next_random);
    names_cut(next_random);
    (void)kill(getpid(), SIGKILL);
    (void)pause();
}

static void take_time(void)
{
    const struct timespec time = {sync_ms / 1000, sync_ms % 1000 * 1000000};
    if (sync_ms > 0) {
        (void)nanosleep(&time, NULL);
    }
}

static int sync_file(int fd)
{
    struct stat stat;
    take_time();
    (void)pthread_mutex_lock(&lock);
    const char *const path = path_of(fd);
    if (path != NULL && is_time(&fail, path)) {
        (void)pthread_mutex_unlock(&lock);
        errno = EIO;
        return -1;
    }
    const bool is_cut = path != NULL && is_time(&cut, path);
    if (is_cut && !cut.is_after) {
        power_goes();
    }
    const bool is_done = path != NULL && (lie == NULL || fnmatch(lie, path, 0) != 0);
    if (is_done && fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode)) {
        names_forget(path);
    } else if (is_done) {
        undo_forget(fd);
        trace_note("sync", path, NULL, 0);
    }
    if (is_cut) {
        power_goes();
    }
    (void)pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int fd)
{
    return sync_file(fd);
}

int fdatasync(int fd)
{
    return sync_file(fd);
}

// The wall clock.

int clock_gettime(clockid_t clock, struct timespec *time)
{
    const int result = real_clock_gettime(clock, time);
    if (clock_path == NULL || clock != CLOCK_REALTIME || result != 0) {
        return result;
    }
    char text[300];
    (void)read_knob(clock_path, text);
    time->tv_sec += atol(text);
    return 0;
}

// Room.

int statvfs(const char *path, struct statvfs *out)
{
    char full[PATH_MAX];
    const int result = real_statvfs(path, out);
    const long long bytes = absolute(path, full) && is_on_disk(full) ? room(NULL) : -1;
    if (result == 0 && bytes >= 0) {
        out->f_bavail = out->f_bfree = (fsblkcnt_t)bytes / out->f_frsize;
    }
    return result;
}

int statvfs64(const char *path, struct statvfs64 *out) __attribute__((alias("statvfs")));

// Mappings.

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    if (real_mmap == NULL) {
        *(void **)&real_mmap = dlsym(RTLD_NEXT, "mmap");
    }
    const bool writes = (flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0;
    if (writes && path_of(fd) != NULL) {
        (void)fprintf(stderr, "disk: %s is written through a mapping\n", path_of(fd));
        abort();
    }
    return real_mmap(at, len, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset)
    __attribute__((alias("mmap")));
