// disk/undo.h: what the disk would hold if the power went now. Writes go through to the files as
// usual, and what was there before is kept here until the file is synced; a cut puts it back, all
// or in part.
#pragma once

#include <stdint.h>
#include <sys/types.h>

// A change of a file's bytes is about to happen through `fd`: [offset, offset + len) is
// overwritten.
void undo_note_write(int fd, off_t offset, size_t len);
// The file gets this size.
void undo_note_size(int fd, off_t size);
// Everything that was written to the file is on disk now.
void undo_forget(int fd);

// The power goes: for each file with unsynced bytes all, none or some of them are lost, and the
// last write that stays may be torn.
void undo_cut(uint64_t (*random)(void));
