#include "base/ring.h"

#include <stdatomic.h>

// Positions count bytes and never wrap in practice (64 bits); the offset is position mod size. A
// record is an 8-byte header with its length, then its bytes, rounded up to 8. Where a record would
// not fit before the end of the memory, a filler header steps to the start.
#define HEADER 8U
#define FILLER UINT32_MAX

struct ring {
    _Alignas(64) _Atomic uint64_t published;  // by the producer
    uint64_t written;                         // producer: committed, not yet published
    uint64_t reserved;                        // producer: position of the reserved record
    uint64_t released_seen;                   // producer: the last read of `released`
    _Alignas(64) _Atomic uint64_t released;   // by the consumer
    uint64_t read;                            // consumer: position of the next record
    uint64_t published_seen;                  // consumer: the last read of `published`
    _Alignas(64) size_t size;
    uint8_t bytes[];
};

size_t ring_footprint(size_t size)
{
    return sizeof(struct ring) + size;
}

struct ring *ring_init(void *memory, size_t size)
{
    ASSERT(size >= 4096 && (size & (size - 1)) == 0);
    ASSERT(((uintptr_t)memory & 63U) == 0);
    struct ring *ring = memory;
    ring->written = ring->reserved = ring->released_seen = ring->read = ring->published_seen = 0;
    ring->size = size;
    atomic_init(&ring->published, 0);
    atomic_init(&ring->released, 0);
    return ring;
}

size_t ring_record_max(const struct ring *ring)
{
    return ring->size / 4;
}

static uint32_t *header_at(struct ring *ring, uint64_t position)
{
    return (uint32_t *)(void *)(ring->bytes + (position & (ring->size - 1)));
}

static uint64_t rounded(uint64_t len)
{
    return (len + 7U) & ~(uint64_t)7U;
}

static bool has_room(struct ring *ring, uint64_t end)
{
    if (end - ring->released_seen <= ring->size) {
        return true;
    }
    // Acquire: the consumer is done with the bytes that it released.
    ring->released_seen = atomic_load_explicit(&ring->released, memory_order_acquire);
    return end - ring->released_seen <= ring->size;
}

void *ring_reserve(struct ring *ring, size_t len)
{
    ASSERT(len <= ring_record_max(ring));
    const uint64_t need = HEADER + rounded(len);
    const uint64_t to_end = ring->size - (ring->written & (ring->size - 1));
    const uint64_t start = need <= to_end ? ring->written : ring->written + to_end;
    if (!has_room(ring, start + need)) {
        return NULL;
    }
    if (start != ring->written) {
        *header_at(ring, ring->written) = FILLER;
    }
    ring->reserved = start;
    return (uint8_t *)header_at(ring, start) + HEADER;
}

void ring_commit(struct ring *ring, size_t len)
{
    *header_at(ring, ring->reserved) = (uint32_t)len;
    ring->written = ring->reserved + HEADER + rounded(len);
}

void ring_publish(struct ring *ring)
{
    // Release: the records are complete before their position is seen.
    atomic_store_explicit(&ring->published, ring->written, memory_order_release);
}

static bool something_to_read(struct ring *ring)
{
    if (ring->read != ring->published_seen) {
        return true;
    }
    ring->published_seen = atomic_load_explicit(&ring->published, memory_order_acquire);
    return ring->read != ring->published_seen;
}

struct slice ring_peek(struct ring *ring)
{
    if (!something_to_read(ring)) {
        return SLICE_EMPTY;
    }
    if (*header_at(ring, ring->read) == FILLER) {
        ring->read += ring->size - (ring->read & (ring->size - 1));
    }
    const uint32_t *header = header_at(ring, ring->read);
    return slice_of((const uint8_t *)header + HEADER, *header);
}

void ring_advance(struct ring *ring)
{
    ASSERT(ring->read != ring->published_seen);
    ring->read += HEADER + rounded(*header_at(ring, ring->read));
}

void ring_release(struct ring *ring)
{
    atomic_store_explicit(&ring->released, ring->read, memory_order_release);
}

size_t ring_used(const struct ring *ring)
{
    const uint64_t released = atomic_load_explicit(&ring->released, memory_order_relaxed);
    const uint64_t published = atomic_load_explicit(&ring->published, memory_order_relaxed);
    return published > released ? (size_t)(published - released) : 0;
}
