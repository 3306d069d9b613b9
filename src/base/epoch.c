#include "base/epoch.h"

#include "base/assert.h"

void epoch_init(struct epoch *epoch, unsigned reader_count)
{
    ASSERT(reader_count <= EPOCH_READERS_MAX);
    atomic_init(&epoch->current, 1);
    epoch->reader_count = reader_count;
    for (unsigned i = 0; i < EPOCH_READERS_MAX; i++) {
        atomic_init(&epoch->readers[i].seen, EPOCH_IDLE);
    }
}

void epoch_enter(struct epoch *epoch, unsigned reader)
{
    ASSERT(reader < epoch->reader_count);
    const uint64_t current = atomic_load_explicit(&epoch->current, memory_order_relaxed);
    // Sequentially consistent on both sides: either the writer sees that we are in, or we see what
    // the writer unlinked before it looked.
    atomic_store_explicit(&epoch->readers[reader].seen, current, memory_order_seq_cst);
    atomic_thread_fence(memory_order_seq_cst);
}

void epoch_leave(struct epoch *epoch, unsigned reader)
{
    atomic_store_explicit(&epoch->readers[reader].seen, EPOCH_IDLE, memory_order_release);
}

uint64_t epoch_advance(struct epoch *epoch)
{
    return atomic_fetch_add_explicit(&epoch->current, 1, memory_order_seq_cst) + 1;
}

bool epoch_passed(const struct epoch *epoch, uint64_t number)
{
    atomic_thread_fence(memory_order_seq_cst);
    for (unsigned i = 0; i < epoch->reader_count; i++) {
        const uint64_t seen =
            atomic_load_explicit(&epoch->readers[i].seen, memory_order_acquire);
        if (seen < number) {
            return false;
        }
    }
    return true;
}
