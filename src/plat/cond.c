#include <errno.h>

#include "plat/thread.h"

void plat_cond_init(struct plat_cond *cond)
{
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);

    ASSERT(failed == 0);
    failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    ASSERT(failed == 0);
    failed = pthread_cond_init(&cond->cond, &attributes);
    ASSERT(failed == 0);
    (void)pthread_condattr_destroy(&attributes);
}

void plat_cond_deinit(struct plat_cond *cond)
{
    const int failed = pthread_cond_destroy(&cond->cond);
    ASSERT(failed == 0);
}

void plat_cond_wait(struct plat_cond *cond, struct plat_mutex *mutex)
{
    const int failed = pthread_cond_wait(&cond->cond, &mutex->mutex);
    ASSERT(failed == 0);
}

bool plat_cond_wait_until(struct plat_cond *cond, struct plat_mutex *mutex, struct mono deadline)
{
    const struct timespec until = {
        .tv_sec = (time_t)(deadline.ns / 1000000000U),
        .tv_nsec = (long)(deadline.ns % 1000000000U),
    };
    const int failed = pthread_cond_timedwait(&cond->cond, &mutex->mutex, &until);

    ASSERT(failed == 0 || failed == ETIMEDOUT);
    return failed == 0;
}

void plat_cond_signal(struct plat_cond *cond)
{
    const int failed = pthread_cond_signal(&cond->cond);
    ASSERT(failed == 0);
}

void plat_cond_broadcast(struct plat_cond *cond)
{
    const int failed = pthread_cond_broadcast(&cond->cond);
    ASSERT(failed == 0);
}
