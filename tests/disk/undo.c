#include "undo.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "real.h"

struct change {
    struct change *previous;
    off_t offset;
    size_t len;     // bytes changed
    off_t old_size; // of the file
    size_t old_len; // bytes of `old`: those of the range that were there
    uint8_t old[];
};

struct file {
    struct file *next;
    dev_t device;
    ino_t inode;
    int fd; // our own
    struct change *last;
};

static struct file *files;

static void check(bool is_good, const char *what)
{
    if (!is_good) {
        perror(what);
        abort();
    }
}

static struct file *find(const struct stat *stat)
{
    for (struct file *file = files; file != NULL; file = file->next) {
        if (file->device == stat->st_dev && file->inode == stat->st_ino) {
            return file;
        }
    }
    return NULL;
}

static struct file *need(int fd, struct stat *stat)
{
    check(fstat(fd, stat) == 0, "disk: fstat");
    struct file *file = find(stat);
    if (file == NULL) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        file = calloc(1, sizeof(*file));
        check(file != NULL, "disk: memory");
        file->device = stat->st_dev;
        file->inode = stat->st_ino;
        file->fd = real_open(path, O_RDWR | O_CLOEXEC);
        check(file->fd >= 0, "disk: open");
        file->next = files;
        files = file;
    }
    return file;
}

static void note(int fd, off_t offset, size_t len)
{
    struct stat stat;
    struct file *const file = need(fd, &stat);
    size_t old_len = 0;
    if (offset < stat.st_size) {
        const size_t there = (size_t)(stat.st_size - offset);
        old_len = there < len ? there : len;
    }
    struct change *const change = malloc(sizeof(*change) + old_len);
    check(change != NULL, "disk: memory");
    *change = (struct change){file->last, offset, len, stat.st_size, old_len};
    check(pread(file->fd, change->old, old_len, offset) == (ssize_t)old_len, "disk: pread");
    file->last = change;
}

void undo_note_write(int fd, off_t offset, size_t len)
{
    note(fd, offset, len);
}

void undo_note_size(int fd, off_t size)
{
    struct stat stat;
    check(fstat(fd, &stat) == 0, "disk: fstat");
    if (size < stat.st_size) {
        note(fd, size, (size_t)(stat.st_size - size));
    } else {
        note(fd, stat.st_size, (size_t)(size - stat.st_size));
    }
}

void undo_forget(int fd)
{
    struct stat stat;
    check(fstat(fd, &stat) == 0, "disk: fstat");
    struct file **link = &files;
    while (*link != NULL && ((*link)->device != stat.st_dev || (*link)->inode != stat.st_ino)) {
        link = &(*link)->next;
    }
    struct file *const file = *link;
    if (file == NULL) {
        return;
    }
    *link = file->next;
    while (file->last != NULL) {
        struct change *const change = file->last;
        file->last = change->previous;
        free(change);
    }
    real_close(file->fd);
    free(file);
}

// What was there before, from a place of the change on.
static void put_back(const struct file *file, const struct change *change, size_t from)
{
    if (from < change->old_len) {
        const size_t len = change->old_len - from;
        check(real_pwrite(file->fd, change->old + from, len, change->offset + (off_t)from) ==
                  (ssize_t)len,
              "disk: pwrite");
    }
}

static void lose(const struct file *file, const struct change *change)
{
    put_back(file, change, 0);
    check(real_ftruncate(file->fd, change->old_size) == 0, "disk: ftruncate");
}

// The write ends in the middle. What it added behind the end of the file is not there: a file
// system makes a file longer only once the bytes are.
static void tear(const struct file *file, const struct change *change, uint64_t (*random)(void))
{
    const size_t kept = (size_t)(random() % change->len);
    if (change->old_len > kept) {
        put_back(file, change, kept);
    }
    if (change->offset + (off_t)change->len > change->old_size) {
        const off_t end = change->offset + (off_t)kept;
        const off_t size = end > change->old_size ? end : change->old_size;
        check(real_ftruncate(file->fd, size) == 0, "disk: ftruncate");
    }
}

// Some of the newest writes are lost, the one before may be torn, and of the older ones those that
// only replaced bytes may be lost by themselves: a disk writes in the order that it likes.
static void lose_some(const struct file *file, uint64_t (*random)(void))
{
    const struct change *change = file->last;
    while (change != NULL && random() % 2 == 0) {
        lose(file, change);
        change = change->previous;
    }
    if (change != NULL && change->len > 0) {
        tear(file, change, random);
        change = change->previous;
    }
    for (; change != NULL; change = change->previous) {
        if (change->old_len == change->len && random() % 4 == 0) {
            put_back(file, change, 0);
        }
    }
}

void undo_cut(uint64_t (*random)(void))
{
    for (const struct file *file = files; file != NULL; file = file->next) {
        const uint64_t luck = random() % 4;
        if (luck < 2) {
            for (const struct change *at = file->last; at != NULL; at = at->previous) {
                lose(file, at);
            }
        } else if (luck == 2) {
            lose_some(file, random);
        }
    }
}
