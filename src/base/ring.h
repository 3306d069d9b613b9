// base/ring.h: bounded queue between exactly one producing and one consuming thread. Records have
// variable length and are contiguous in memory. Nothing blocks: a full ring is said, not waited
// for. The producer publishes with release, the consumer reads with acquire; positions stand on
// cache lines of their own.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/slice.h"

struct ring;

// `size` is a power of two, at least 4096, below 4 GiB; a record may have at most a quarter of it.
size_t ring_footprint(size_t size);
// Builds the ring inside `memory` (aligned to 64), which outlives it.
struct ring *ring_init(void *memory, size_t size);
size_t ring_record_max(const struct ring *ring);

// Producer: room for a record of at most `len` bytes (itself at most `ring_record_max`), aligned to
// 8, or NULL when the ring is full. Nothing is visible to the consumer before `ring_publish`. A
// reservation that is not committed is forgotten by the next one.
MUST_USE void *ring_reserve(struct ring *ring, size_t len);
// Producer: the reserved record is complete with `len` bytes (at most what was reserved).
void ring_commit(struct ring *ring, size_t len);
// Producer: makes all committed records visible, once per batch.
void ring_publish(struct ring *ring);

// Consumer: the next record, or `ptr == NULL` when there is none. It stays valid until released.
struct slice ring_peek(struct ring *ring);
// Consumer: steps past the record that `ring_peek` gave; more may be peeked before the release.
void ring_advance(struct ring *ring);
// Consumer: gives back the space of all records that were advanced over.
void ring_release(struct ring *ring);

// Either side, approximate: bytes in use.
size_t ring_used(const struct ring *ring);
