// Records stand one after the other, each with an 8-byte header and padded to 8 bytes. One that
// does not fit before the end of the memory starts at its beginning, and the rest of the end is
// skipped. Positions only grow; their remainder by the size is the place in memory.
//
//   released <= read <= published <= written,  written - released <= size
#include "base/ring.h"

#include <stdatomic.h>

#define RING_HEADER_SIZE 8U
#define RING_SIZE_MIN 4096U
#define RING_CACHE_LINE 64U
// Length of the header that says: go on at the beginning.
#define RING_SKIP UINT32_MAX

struct ring_header {
    uint32_t len;
    uint32_t unused;
};

_Static_assert(sizeof(struct ring_header) == RING_HEADER_SIZE, "records are aligned to 8");

struct ring {
    // Never changes.
    _Alignas(RING_CACHE_LINE) size_t size;
    // Written by the producer, read by the consumer.
    _Alignas(RING_CACHE_LINE) _Atomic uint64_t published;
    // The producer's own.
    _Alignas(RING_CACHE_LINE) uint64_t written;
    uint64_t reserved_at; // position of the reserved record's header
    size_t reserved_len;
    bool reserved;
    uint64_t released_seen; // the last `released` that the producer loaded
    // Written by the consumer, read by the producer.
    _Alignas(RING_CACHE_LINE) _Atomic uint64_t released;
    // The consumer's own.
    _Alignas(RING_CACHE_LINE) uint64_t read;
    uint64_t published_seen; // the last `published` that the consumer loaded
    _Alignas(RING_CACHE_LINE) uint8_t bytes[];
};

size_t ring_footprint(size_t size)
{
    return sizeof(struct ring) + size;
}

struct ring *ring_init(void *memory, size_t size)
{
    struct ring *ring = memory;

    ASSERT((uintptr_t)memory % RING_CACHE_LINE == 0);
    ASSERT(size >= RING_SIZE_MIN);
    ASSERT((size & (size - 1)) == 0);
    ASSERT(size <= UINT32_MAX);
    memset(ring, 0, sizeof(*ring));
    ring->size = size;
    atomic_init(&ring->published, 0);
    atomic_init(&ring->released, 0);
    return ring;
}

size_t ring_record_max(const struct ring *ring)
{
    return ring->size / 4;
}

static size_t record_size(size_t len)
{
    return (RING_HEADER_SIZE + len + 7) & ~(size_t)7;
}

static struct ring_header *header_at(struct ring *ring, uint64_t position)
{
    ASSERT(position % RING_HEADER_SIZE == 0);
    return (struct ring_header *)(void *)(ring->bytes + (position & (ring->size - 1)));
}

// Bytes from the position to the end of the memory.
static size_t bytes_to_end(const struct ring *ring, uint64_t position)
{
    return ring->size - (size_t)(position & (ring->size - 1));
}

// The consumer's position is loaded only when the one seen last leaves too little room.
static bool has_room(struct ring *ring, uint64_t end)
{
    if (end - ring->released_seen <= ring->size) {
        return true;
    }
    // Acquire pairs with the release in ring_release: the consumer has read all it gave back.
    ring->released_seen = atomic_load_explicit(&ring->released, memory_order_acquire);
    return end - ring->released_seen <= ring->size;
}

void *ring_reserve(struct ring *ring, size_t len)
{
    const size_t size = record_size(len);
    const size_t to_end = bytes_to_end(ring, ring->written);
    const size_t skipped = size > to_end ? to_end : 0;

    ASSERT(len <= ring_record_max(ring));
    ring->reserved = false;
    if (!has_room(ring, ring->written + skipped + size)) {
        return NULL;
    }
    if (skipped > 0) {
        header_at(ring, ring->written)->len = RING_SKIP;
    }
    ring->reserved_at = ring->written + skipped;
    ring->reserved_len = len;
    ring->reserved = true;
    return header_at(ring, ring->reserved_at) + 1;
}

void ring_commit(struct ring *ring, size_t len)
{
    ASSERT(ring->reserved);
    ASSERT(len <= ring->reserved_len);
    *header_at(ring, ring->reserved_at) = (struct ring_header){(uint32_t)len, 0};
    ring->written = ring->reserved_at + record_size(len);
    ring->reserved = false;
}

void ring_publish(struct ring *ring)
{
    // Release: the records are whole before the consumer can see that they are there.
    atomic_store_explicit(&ring->published, ring->written, memory_order_release);
}

struct slice ring_peek(struct ring *ring)
{
    if (ring->read == ring->published_seen) {
        // Acquire pairs with the release in ring_publish.
        ring->published_seen = atomic_load_explicit(&ring->published, memory_order_acquire);
        if (ring->read == ring->published_seen) {
            return SLICE_EMPTY;
        }
    }
    if (header_at(ring, ring->read)->len == RING_SKIP) {
        ring->read += bytes_to_end(ring, ring->read);
        // What is skipped was committed together with the record behind it.
        ASSERT(ring->read < ring->published_seen);
    }
    const struct ring_header *header = header_at(ring, ring->read);
    ASSERT(header->len <= ring_record_max(ring));
    return slice_of(header + 1, header->len);
}

void ring_advance(struct ring *ring)
{
    const struct slice record = ring_peek(ring);

    ASSERT(record.ptr != NULL);
    ring->read += record_size(record.len);
    ASSERT(ring->read <= ring->published_seen);
}

void ring_release(struct ring *ring)
{
    // Release: all reads of these records are done before the producer writes over them.
    atomic_store_explicit(&ring->released, ring->read, memory_order_release);
}

size_t ring_used(const struct ring *ring)
{
    // In this order the difference cannot be negative.
    const uint64_t released = atomic_load_explicit(&ring->released, memory_order_acquire);
    const uint64_t published = atomic_load_explicit(&ring->published, memory_order_acquire);
    const uint64_t used = published - released;
    return used < ring->size ? (size_t)used : ring->size;
}
