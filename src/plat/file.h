// plat/file.h: the few file operations outside the databases. Names are C strings; directories are
// synced after create and rename, so that a file which was said to exist survives power loss.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/slice.h"

// Creates the directory and its parents (mode 0700 for the new ones) and syncs their parents. That
// it exists is no error; ERR_ALREADY_EXISTS if a file of that name does, ERR_FORBIDDEN,
// ERR_NO_SPACE, ERR_IO.
MUST_USE enum err plat_file_make_directory(const char *path);

// After creating or renaming something in it.
MUST_USE enum err plat_file_sync_directory(const char *path);

// Takes an exclusive lock on `path`, creating it. ERR_IN_USE when another process has it. The lock
// lives until the process ends or `plat_file_unlock`.
MUST_USE enum err plat_file_lock(const char *path, int *descriptor);
void plat_file_unlock(int descriptor);

// Reads a whole file of at most `max` bytes into fresh memory (free with plat_file_free).
// ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_FORBIDDEN, ERR_IO.
MUST_USE enum err plat_file_read(const char *path, size_t max, uint8_t **owned_bytes, size_t *len);
void plat_file_free(uint8_t *owned_bytes);

// Writes a whole file by a temporary name (`path` with ".new"), sync, rename and sync of the
// directory: after a crash the old or the new one is there, whole. `mode` holds whatever the umask.
// One writer at a time for a path. ERR_NO_SPACE, ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_IO.
MUST_USE enum err plat_file_write(const char *path, struct slice bytes, unsigned mode);

bool plat_file_exists(const char *path);
// A file of so many bytes that nobody has written but that take up the disk. ERR_UNSUPPORTED where
// the file system cannot; ERR_NO_SPACE, ERR_FORBIDDEN, ERR_IO. On failure there is no file.
MUST_USE enum err plat_file_reserve(const char *path, uint64_t bytes);
// ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_IO.
MUST_USE enum err plat_file_remove(const char *path);
// Bytes that this user may still write on the file system of `path`.
MUST_USE enum err plat_file_free_space(const char *path, uint64_t *bytes);
