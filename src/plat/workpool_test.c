// The pool of threads: every job that was taken runs once, and a full queue says so.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdatomic.h>

#include "plat/thread.h"

static void count(void *context)
{
    atomic_fetch_add((atomic_uint *)context, 1);
}

struct gate {
    struct plat_mutex mutex;
    struct plat_cond cond;
    bool open;
    bool reached;
    atomic_uint ran;
};

static void wait_for_gate(void *context)
{
    struct gate *gate = context;
    plat_mutex_lock(&gate->mutex);
    gate->reached = true;
    plat_cond_broadcast(&gate->cond);
    while (!gate->open) {
        plat_cond_wait(&gate->cond, &gate->mutex);
    }
    plat_mutex_unlock(&gate->mutex);
    atomic_fetch_add(&gate->ran, 1);
}

static void gate_init(struct gate *gate)
{
    memset(gate, 0, sizeof(*gate));
    plat_mutex_init(&gate->mutex);
    plat_cond_init(&gate->cond);
}

static void gate_await_first(struct gate *gate)
{
    plat_mutex_lock(&gate->mutex);
    while (!gate->reached) {
        plat_cond_wait(&gate->cond, &gate->mutex);
    }
    plat_mutex_unlock(&gate->mutex);
}

static void gate_open(struct gate *gate)
{
    plat_mutex_lock(&gate->mutex);
    gate->open = true;
    plat_cond_broadcast(&gate->cond);
    plat_mutex_unlock(&gate->mutex);
}

static void gate_deinit(struct gate *gate)
{
    plat_cond_deinit(&gate->cond);
    plat_mutex_deinit(&gate->mutex);
}

static void every_job_that_was_taken_runs_once(void **state)
{
    (void)state;
    struct plat_workpool *pool;
    atomic_uint ran = 0;
    unsigned taken = 0;

    assert_int_equal(plat_workpool_create(&pool, "jobs", 3, 16), ERR_OK);
    for (unsigned i = 0; i < 20000; i++) {
        taken += plat_workpool_submit(pool, &ran, count) ? 1 : 0;
    }
    plat_workpool_destroy(pool);
    assert_true(taken >= 16);
    assert_int_equal(atomic_load(&ran), taken);
}

static void full_queue_refuses_and_never_runs_the_job(void **state)
{
    (void)state;
    struct plat_workpool *pool;
    struct gate gate;
    atomic_uint refused = 0;

    gate_init(&gate);
    assert_int_equal(plat_workpool_create(&pool, "jobs", 1, 2), ERR_OK);
    assert_true(plat_workpool_submit(pool, &gate, wait_for_gate));
    gate_await_first(&gate);
    // The thread is busy, so two more fill the queue.
    assert_true(plat_workpool_submit(pool, &gate, wait_for_gate));
    assert_true(plat_workpool_submit(pool, &gate, wait_for_gate));
    assert_false(plat_workpool_submit(pool, &refused, count));
    gate_open(&gate);
    plat_workpool_destroy(pool);
    assert_int_equal(atomic_load(&gate.ran), 3);
    assert_int_equal(atomic_load(&refused), 0);
    gate_deinit(&gate);
}

struct order {
    unsigned next;
    unsigned wrong;
    struct step {
        struct order *order;
        unsigned number;
    } steps[100];
};

static void note_order(void *context)
{
    const struct step *step = context;
    step->order->wrong += step->order->next == step->number ? 0 : 1;
    step->order->next++;
}

static void one_thread_keeps_the_order(void **state)
{
    (void)state;
    struct plat_workpool *pool;
    struct order order = {.next = 0};

    assert_int_equal(plat_workpool_create(&pool, "jobs", 1, 100), ERR_OK);
    for (unsigned i = 0; i < 100; i++) {
        order.steps[i] = (struct step){&order, i};
        assert_true(plat_workpool_submit(pool, &order.steps[i], note_order));
    }
    plat_workpool_destroy(pool);
    assert_int_equal(order.next, 100);
    assert_int_equal(order.wrong, 0);
}

struct late {
    struct gate gate;
    struct plat_workpool *pool;
    atomic_bool stopping;
    bool taken;
};

static void submit_when_stopping(void *context)
{
    struct late *late = context;
    wait_for_gate(&late->gate);
    while (!atomic_load(&late->stopping)) {
    }
    // Some may be taken until the other thread has got as far as to say that the pool stops.
    do {
        late->taken = plat_workpool_submit(late->pool, &late->gate.ran, count);
    } while (late->taken);
}

static void destroy_pool(void *context)
{
    struct late *late = context;
    atomic_store(&late->stopping, true);
    plat_workpool_destroy(late->pool);
}

static void stopping_pool_takes_no_more_jobs(void **state)
{
    (void)state;
    struct late late = {.taken = true};
    struct plat_thread stopper;

    gate_init(&late.gate);
    assert_int_equal(plat_workpool_create(&late.pool, "jobs", 2, 1000000), ERR_OK);
    assert_true(plat_workpool_submit(late.pool, &late, submit_when_stopping));
    gate_await_first(&late.gate);
    gate_open(&late.gate);
    assert_int_equal(plat_thread_start(&stopper, "stopper", -1, &late, destroy_pool), ERR_OK);
    plat_thread_join(&stopper);
    assert_false(late.taken);
    gate_deinit(&late.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_that_was_taken_runs_once),
        cmocka_unit_test(full_queue_refuses_and_never_runs_the_job),
        cmocka_unit_test(one_thread_keeps_the_order),
        cmocka_unit_test(stopping_pool_takes_no_more_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
