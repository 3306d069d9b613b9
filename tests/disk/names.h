// disk/names.h: the names of files, until their directory is synced. A new file, a rename and a
// removal are undone by a cut, the newest first, back to some point.
#pragma once

#include <stdint.h>

// `hidden`: a directory on the same file system, for files whose last name is gone.
void names_begin(const char *hidden);
void names_note_created(const char *path);
// About to happen:
void names_note_rename(const char *from, const char *to);
void names_note_unlink(const char *path);
// The directory is synced.
void names_forget(const char *directory);
void names_cut(uint64_t (*random)(void));
