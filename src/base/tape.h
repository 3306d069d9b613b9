// base/tape.h: the latest records of one thread, for any other thread to read. A bounded ring that
// is never full: each record overwrites the oldest ones. The writer neither waits nor looks at who
// reads; a reader copies, and leaves out what was overwritten under its eyes.
//
// A record takes one to TAPE_PARTS_MAX slots of 64 bytes, which is a line of the cache. The first
// word of a slot says which position of the tape it holds; it is cleared before the slot is written
// and set after. All words are atomic, written with release and read with acquire: who has seen a
// word of a newer record sees at its second look that the slot was cleared.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

#define TAPE_SLOT_SIZE 64U
#define TAPE_PART_SIZE 56U
#define TAPE_PARTS_MAX 6U
#define TAPE_RECORD_MAX (TAPE_PARTS_MAX * TAPE_PART_SIZE)
#define TAPE_SIZE_MIN 4096U

struct tape;

// `size` is a power of two, at least TAPE_SIZE_MIN.
size_t tape_footprint(size_t size);
// `memory` is zeroed (fresh from mmap, so that pages are touched as used), aligned to 64, and
// outlives the tape.
struct tape *tape_init(void *memory, size_t size);

// Owner: adds a record of `len` bytes, 1 to TAPE_RECORD_MAX. `record` is aligned to 8 and readable
// up to the next multiple of TAPE_PART_SIZE.
void tape_write(struct tape *tape, const void *record, size_t len);

// Any thread: bytes that hold a record.
size_t tape_used(const struct tape *tape);

// Any thread: the way from the oldest record to the newest of this moment.
struct tape_cursor {
    uint64_t position; // of the next slot
    uint64_t end;
    uint64_t records; // written ever, by the time of tape_rewind
};

struct tape_cursor tape_rewind(const struct tape *tape);
// The next record in `record` (TAPE_RECORD_MAX bytes, aligned to 8; as far as a multiple of
// TAPE_PART_SIZE), and in `*position` where it stands: positions only grow. False at the end.
MUST_USE bool tape_next(const struct tape *tape, struct tape_cursor *cursor, void *record,
                        uint64_t *position);
