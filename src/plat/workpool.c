#include <stdlib.h>

#include "plat/thread.h"

struct job {
    void *context;
    plat_job_fn *run;
};

struct plat_workpool {
    struct plat_mutex mutex; // guards all below but `threads`
    struct plat_cond changed;
    bool stopping;
    unsigned first; // the oldest job
    unsigned count;
    unsigned queue_max;
    struct job *jobs; // a ring
    unsigned thread_count;
    struct plat_thread threads[];
};

// The oldest job, waited for; false when there is none and none will come.
static bool next_job(struct plat_workpool *pool, struct job *job)
{
    plat_mutex_lock(&pool->mutex);
    while (pool->count == 0 && !pool->stopping) {
        plat_cond_wait(&pool->changed, &pool->mutex);
    }
    const bool found = pool->count > 0;
    if (found) {
        *job = pool->jobs[pool->first];
        pool->first = (pool->first + 1) % pool->queue_max;
        pool->count--;
    }
    plat_mutex_unlock(&pool->mutex);
    return found;
}

static void run_jobs(void *context)
{
    struct plat_workpool *pool = context;
    struct job job;

    while (next_job(pool, &job)) {
        job.run(job.context);
    }
}

enum err plat_workpool_create(struct plat_workpool **pool, const char *name, unsigned threads,
                              unsigned queue_max)
{
    ASSERT(threads > 0);
    ASSERT(queue_max > 0);
    struct plat_workpool *made = calloc(1, sizeof(*made) + threads * sizeof(made->threads[0]));
    struct job *jobs = calloc(queue_max, sizeof(*jobs));

    if (made == NULL || jobs == NULL) {
        free(made);
        free(jobs);
        return ERR_EXHAUSTED;
    }
    plat_mutex_init(&made->mutex);
    plat_cond_init(&made->changed);
    made->jobs = jobs;
    made->queue_max = queue_max;
    for (unsigned i = 0; i < threads; i++) {
        const enum err err = plat_thread_start(&made->threads[i], name, -1, made, run_jobs);
        if (err != ERR_OK) {
            plat_workpool_destroy(made);
            return err;
        }
        made->thread_count++;
    }
    *pool = made;
    return ERR_OK;
}

bool plat_workpool_submit(struct plat_workpool *pool, void *context, plat_job_fn *run)
{
    plat_mutex_lock(&pool->mutex);
    const bool taken = !pool->stopping && pool->count < pool->queue_max;
    if (taken) {
        pool->jobs[(pool->first + pool->count) % pool->queue_max] = (struct job){context, run};
        pool->count++;
        plat_cond_signal(&pool->changed);
    }
    plat_mutex_unlock(&pool->mutex);
    return taken;
}

unsigned plat_workpool_waiting(struct plat_workpool *pool)
{
    plat_mutex_lock(&pool->mutex);
    const unsigned waiting = pool->count;
    plat_mutex_unlock(&pool->mutex);
    return waiting;
}

void plat_workpool_destroy(struct plat_workpool *pool)
{
    plat_mutex_lock(&pool->mutex);
    pool->stopping = true;
    plat_cond_broadcast(&pool->changed);
    plat_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        plat_thread_join(&pool->threads[i]);
    }
    ASSERT(pool->count == 0 || pool->thread_count == 0);
    plat_cond_deinit(&pool->changed);
    plat_mutex_deinit(&pool->mutex);
    free(pool->jobs);
    free(pool);
}
