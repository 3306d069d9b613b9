// A waiting writer goes before new readers: with the C library's default, readers that overlap
// would keep it out for ever.
#include "plat/thread.h"

void plat_rwlock_init(struct plat_rwlock *lock)
{
    pthread_rwlockattr_t attributes;
    int failed = pthread_rwlockattr_init(&attributes);

    ASSERT(failed == 0);
    failed =
        pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    ASSERT(failed == 0);
    failed = pthread_rwlock_init(&lock->lock, &attributes);
    ASSERT(failed == 0);
    (void)pthread_rwlockattr_destroy(&attributes);
}

void plat_rwlock_deinit(struct plat_rwlock *lock)
{
    const int failed = pthread_rwlock_destroy(&lock->lock);
    ASSERT(failed == 0);
}

void plat_rwlock_read(struct plat_rwlock *lock)
{
    const int failed = pthread_rwlock_rdlock(&lock->lock);
    ASSERT(failed == 0);
}

void plat_rwlock_write(struct plat_rwlock *lock)
{
    const int failed = pthread_rwlock_wrlock(&lock->lock);
    ASSERT(failed == 0);
}

void plat_rwlock_unlock(struct plat_rwlock *lock)
{
    const int failed = pthread_rwlock_unlock(&lock->lock);
    ASSERT(failed == 0);
}
