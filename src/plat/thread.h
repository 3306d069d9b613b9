// plat/thread.h: threads, locks, and a small pool for work that may block. Mutexes exist here and
// in the store's back ends only; workers take none.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/time.h"

struct plat_thread {
    pthread_t id;
};

// Starts a thread named `name` (at most 15 characters), with all signals blocked. `cpu` pins it, or
// -1 leaves it free. Start-up only. ERR_EXHAUSTED, or ERR_INVALID if there is no such processor.
MUST_USE enum err plat_thread_start(struct plat_thread *thread, const char *name, int cpu,
                                    void *context, void (*run)(void *context));
void plat_thread_join(struct plat_thread *thread);
// Does nothing for so long.
void plat_thread_sleep(struct span span);
// Processors that this process may use, at least 1.
unsigned plat_thread_cpu_count(void);

// Locking twice and unlocking what another holds stop the process.
struct plat_mutex {
    pthread_mutex_t mutex;
};

void plat_mutex_init(struct plat_mutex *mutex);
void plat_mutex_deinit(struct plat_mutex *mutex);
void plat_mutex_lock(struct plat_mutex *mutex);
void plat_mutex_unlock(struct plat_mutex *mutex);

// Many readers or one writer. A waiting writer goes first, so a reader must not take it again.
struct plat_rwlock {
    pthread_rwlock_t lock;
};

void plat_rwlock_init(struct plat_rwlock *lock);
void plat_rwlock_deinit(struct plat_rwlock *lock);
void plat_rwlock_read(struct plat_rwlock *lock);
void plat_rwlock_write(struct plat_rwlock *lock);
void plat_rwlock_unlock(struct plat_rwlock *lock);

// Waits on the monotonic clock.
struct plat_cond {
    pthread_cond_t cond;
};

void plat_cond_init(struct plat_cond *cond);
void plat_cond_deinit(struct plat_cond *cond);
void plat_cond_wait(struct plat_cond *cond, struct plat_mutex *mutex);
// False when the deadline passed.
bool plat_cond_wait_until(struct plat_cond *cond, struct plat_mutex *mutex, struct mono deadline);
void plat_cond_signal(struct plat_cond *cond);
void plat_cond_broadcast(struct plat_cond *cond);

// A pool of threads with a bounded queue of jobs.
struct plat_workpool;

typedef void plat_job_fn(void *context);

// Start-up only. `name` names the threads.
MUST_USE enum err plat_workpool_create(struct plat_workpool **pool, const char *name,
                                       unsigned threads, unsigned queue_max);
// False when the queue is full or the pool stops; `run` is then never called.
MUST_USE bool plat_workpool_submit(struct plat_workpool *pool, void *context, plat_job_fn *run);
// Any thread: jobs that wait for a thread now.
unsigned plat_workpool_waiting(struct plat_workpool *pool);
// Runs what is queued, then stops the threads.
void plat_workpool_destroy(struct plat_workpool *pool);
