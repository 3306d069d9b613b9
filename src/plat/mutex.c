// Error-checking mutexes: locking twice or unlocking another's is a bug that is worth its few
// nanoseconds.
#include "plat/thread.h"

void plat_mutex_init(struct plat_mutex *mutex)
{
    pthread_mutexattr_t attributes;
    int failed = pthread_mutexattr_init(&attributes);

    ASSERT(failed == 0);
    failed = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    ASSERT(failed == 0);
    failed = pthread_mutex_init(&mutex->mutex, &attributes);
    ASSERT(failed == 0);
    (void)pthread_mutexattr_destroy(&attributes);
}

void plat_mutex_deinit(struct plat_mutex *mutex)
{
    const int failed = pthread_mutex_destroy(&mutex->mutex);
    ASSERT(failed == 0);
}

void plat_mutex_lock(struct plat_mutex *mutex)
{
    const int failed = pthread_mutex_lock(&mutex->mutex);
    ASSERT(failed == 0);
}

void plat_mutex_unlock(struct plat_mutex *mutex)
{
    const int failed = pthread_mutex_unlock(&mutex->mutex);
    ASSERT(failed == 0);
}
