#include "base/tape.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#define WORDS (TAPE_PART_SIZE / 8U)

struct slot {
    _Atomic uint64_t stamp;
    _Atomic uint64_t words[WORDS];
};

static_assert(sizeof(struct slot) == TAPE_SLOT_SIZE, "a slot is a line of the cache");

struct tape {
    // Written together after each record, on a line of their own.
    _Atomic uint64_t end; // position of the next slot
    _Atomic uint64_t records;
    uint64_t mask;
    uint8_t unused[40];
    struct slot slots[];
};

static_assert(sizeof(struct tape) == TAPE_SLOT_SIZE, "slots are aligned");

// Position (from 1, so that an empty slot is none), part and number of parts.
static uint64_t stamp_of(uint64_t position, unsigned part, unsigned parts)
{
    return (position + 1) << 8 | part << 4 | parts;
}

size_t tape_footprint(size_t size)
{
    return sizeof(struct tape) + size;
}

struct tape *tape_init(void *memory, size_t size)
{
    ASSERT(((uintptr_t)memory & 63U) == 0);
    ASSERT(size >= TAPE_SIZE_MIN && (size & (size - 1)) == 0);
    struct tape *tape = memory;
    tape->mask = size / TAPE_SLOT_SIZE - 1;
    return tape;
}

static void write_slot(struct slot *slot, uint64_t stamp, const uint8_t *part)
{
    atomic_store_explicit(&slot->stamp, 0, memory_order_relaxed);
    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t word;
        memcpy(&word, part + 8U * i, sizeof(word));
        atomic_store_explicit(&slot->words[i], word, memory_order_release);
    }
    atomic_store_explicit(&slot->stamp, stamp, memory_order_release);
}

void tape_write(struct tape *tape, const void *record, size_t len)
{
    ASSERT(len > 0 && len <= TAPE_RECORD_MAX);
    const unsigned parts = (unsigned)((len + TAPE_PART_SIZE - 1) / TAPE_PART_SIZE);
    const uint64_t at = atomic_load_explicit(&tape->end, memory_order_relaxed);
    const uint64_t records = atomic_load_explicit(&tape->records, memory_order_relaxed);
    const uint8_t *bytes = record;
    for (unsigned i = 0; i < parts; i++) {
        write_slot(&tape->slots[(at + i) & tape->mask], stamp_of(at + i, i, parts),
                   bytes + (size_t)i * TAPE_PART_SIZE);
    }
    atomic_store_explicit(&tape->records, records + 1, memory_order_relaxed);
    atomic_store_explicit(&tape->end, at + parts, memory_order_release);
}

size_t tape_used(const struct tape *tape)
{
    const uint64_t end = atomic_load_explicit(&tape->end, memory_order_relaxed);
    return (end <= tape->mask ? end : tape->mask + 1) * TAPE_SLOT_SIZE;
}

struct tape_cursor tape_rewind(const struct tape *tape)
{
    struct tape_cursor cursor;
    cursor.end = atomic_load_explicit(&tape->end, memory_order_acquire);
    cursor.records = atomic_load_explicit(&tape->records, memory_order_relaxed);
    cursor.position = cursor.end > tape->mask ? cursor.end - tape->mask - 1 : 0;
    return cursor;
}

// False if the slot holds, or came to hold, something else meanwhile.
static bool read_slot(const struct slot *slot, uint64_t stamp, uint8_t *part)
{
    if (atomic_load_explicit(&slot->stamp, memory_order_acquire) != stamp) {
        return false;
    }
    for (unsigned i = 0; i < WORDS; i++) {
        const uint64_t word = atomic_load_explicit(&slot->words[i], memory_order_acquire);
        memcpy(part + 8U * i, &word, sizeof(word));
    }
    return atomic_load_explicit(&slot->stamp, memory_order_relaxed) == stamp;
}

// The parts of the record that begins at a position; 0 if none does.
static unsigned parts_at(const struct tape *tape, uint64_t position)
{
    const uint64_t stamp =
        atomic_load_explicit(&tape->slots[position & tape->mask].stamp, memory_order_acquire);
    const unsigned parts = (unsigned)(stamp & 0xf);
    return stamp == stamp_of(position, 0, parts) && parts <= TAPE_PARTS_MAX ? parts : 0;
}

bool tape_next(const struct tape *tape, struct tape_cursor *cursor, void *record,
               uint64_t *position)
{
    while (cursor->position < cursor->end) {
        const uint64_t at = cursor->position;
        const unsigned parts = parts_at(tape, at);
        bool is_whole = parts > 0;
        for (unsigned i = 0; is_whole && i < parts; i++) {
            is_whole = read_slot(&tape->slots[(at + i) & tape->mask], stamp_of(at + i, i, parts),
                                 (uint8_t *)record + (size_t)i * TAPE_PART_SIZE);
        }
        cursor->position += is_whole ? parts : 1;
        if (is_whole) {
            *position = at;
            return true;
        }
    }
    return false;
}
