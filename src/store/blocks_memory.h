// store/blocks_memory.h: blocks on a simulated disk, for tests of what power loss leaves behind.
//
// The disk outlives the handles opened on it. Every put, remove and write counts as one operation;
// the disk can be told to fail from a given operation on: then nothing more reaches it, and a write
// that stands at the cut is lost, or (`keeps_last`) is on disk although its caller saw a failure.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/blocks.h"

struct store_disk;

struct store_disk *store_disk_create(void);
void store_disk_destroy(struct store_disk *disk);
void store_disk_clear(struct store_disk *disk);

// Operations so far.
uint64_t store_disk_operations(struct store_disk *disk);
// Fails the operation with this number and all later ones; UINT64_MAX: none.
void store_disk_cut(struct store_disk *disk, uint64_t operation, bool keeps_last);
void store_disk_set_free_space(struct store_disk *disk, uint64_t bytes);
// For damage: flips one bit in the middle of the first row of the family; false if there is none.
bool store_disk_damage(struct store_disk *disk, enum store_family family);
uint32_t store_disk_rows(struct store_disk *disk, enum store_family family);

struct store_blocks *store_disk_open(struct store_disk *disk);
