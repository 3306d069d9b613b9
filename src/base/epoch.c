// Why no pointer is lost between the writer's look and the reader's announcement: a reader stores
// what it saw of `current` and then loads `current` once more. All of these are sequentially
// consistent, as are the writer's increment and its look at `seen`, so there are two cases. Either
// the reader's second load comes before the increment; then its store does too, and the writer sees
// it. Or the load comes after; then it acquires what the writer released, and the reader can no
// longer find what was unlinked. A fence would do as well, but the thread sanitizer knows none.
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
    atomic_store(&epoch->readers[reader].seen, atomic_load(&epoch->current));
    (void)atomic_load(&epoch->current);
}

void epoch_leave(struct epoch *epoch, unsigned reader)
{
    ASSERT(reader < epoch->reader_count);
    // Release: the reads of this turn are done before the writer may free.
    atomic_store_explicit(&epoch->readers[reader].seen, EPOCH_IDLE, memory_order_release);
}

uint64_t epoch_advance(struct epoch *epoch)
{
    return atomic_fetch_add(&epoch->current, 1) + 1;
}

bool epoch_passed(const struct epoch *epoch, uint64_t number)
{
    for (unsigned i = 0; i < epoch->reader_count; i++) {
        if (atomic_load(&epoch->readers[i].seen) < number) {
            return false;
        }
    }
    return true;
}
