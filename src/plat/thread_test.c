// Threads: their name, signals and processor; mutexes, read-write locks and conditions between two.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/assert_test.h"
#include "plat/clock.h"
#include "plat/thread.h"

#if defined(__has_feature)
#define HAS_THREAD_SANITIZER __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define HAS_THREAD_SANITIZER true
#else
#define HAS_THREAD_SANITIZER false
#endif

static struct plat_thread started(void *context, void (*run)(void *context))
{
    struct plat_thread thread;
    assert_int_equal(plat_thread_start(&thread, "test", -1, context, run), ERR_OK);
    return thread;
}

static void sleep_ms(long ms)
{
    const struct timespec span = {.tv_sec = 0, .tv_nsec = ms * 1000000};
    (void)nanosleep(&span, NULL);
}

struct self {
    char name[16];
    sigset_t blocked;
    int cpu;
};

static void look_at_self(void *context)
{
    struct self *self = context;
    cpu_set_t set;
    (void)pthread_getname_np(pthread_self(), self->name, sizeof(self->name));
    (void)pthread_sigmask(SIG_BLOCK, NULL, &self->blocked);
    (void)sched_getaffinity(0, sizeof(set), &set);
    self->cpu = CPU_COUNT(&set) == 1 ? sched_getcpu() : -1;
}

static void thread_has_its_name_and_no_signals(void **state)
{
    (void)state;
    struct self self;
    struct plat_thread thread;
    sigset_t mine;

    assert_int_equal(plat_thread_start(&thread, "fifteen-letters", -1, &self, look_at_self),
                     ERR_OK);
    plat_thread_join(&thread);
    assert_string_equal(self.name, "fifteen-letters");
    assert_int_equal(sigismember(&self.blocked, SIGTERM), 1);
    assert_int_equal(sigismember(&self.blocked, SIGUSR1), 1);
    // The starter's own mask is as before.
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &mine), 0);
    assert_int_equal(sigismember(&mine, SIGTERM), 0);
}

static void thread_stays_on_its_processor(void **state)
{
    (void)state;
    struct self self;
    struct plat_thread thread;
    cpu_set_t set;
    int first = 0;

    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    while (!CPU_ISSET((size_t)first, &set)) {
        first++;
    }
    assert_int_equal(plat_thread_start(&thread, "pinned", first, &self, look_at_self), ERR_OK);
    plat_thread_join(&thread);
    assert_int_equal(self.cpu, first);
}

static void processor_that_is_not_there_is_refused(void **state)
{
    (void)state;
    struct self self;
    struct plat_thread thread;
    assert_int_equal(plat_thread_start(&thread, "t", 1023, &self, look_at_self), ERR_INVALID);
    assert_int_equal(plat_thread_start(&thread, "t", 1000000, &self, look_at_self), ERR_INVALID);
}

static void processors_are_counted(void **state)
{
    (void)state;
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    assert_int_equal(plat_thread_cpu_count(), CPU_COUNT(&set));
}

static void start_with_a_long_name(void *context)
{
    struct plat_thread thread;
    (void)!plat_thread_start(&thread, "sixteen-letters!", -1, context, look_at_self);
}

static void lock_twice(void *context)
{
    plat_mutex_lock(context);
    plat_mutex_lock(context);
}

static void unlock_unlocked(void *context)
{
    plat_mutex_unlock(context);
}

static void misuse_stops_the_process(void **state)
{
    (void)state;
    struct plat_mutex mutex;
    plat_mutex_init(&mutex);
    assert_true(assert_stops(start_with_a_long_name, NULL));
    assert_true(assert_stops(lock_twice, &mutex));
    // ThreadSanitizer ends the process in its own way before we do.
    if (!HAS_THREAD_SANITIZER) {
        assert_true(assert_stops(unlock_unlocked, &mutex));
    }
    plat_mutex_deinit(&mutex);
}

struct counter {
    struct plat_mutex mutex;
    struct plat_rwlock lock;
    uint64_t one;
    uint64_t two;
    atomic_bool stop;
    unsigned torn;
};

static void count_under_mutex(void *context)
{
    struct counter *counter = context;
    for (unsigned i = 0; i < 50000; i++) {
        plat_mutex_lock(&counter->mutex);
        counter->one++;
        plat_mutex_unlock(&counter->mutex);
    }
}

static void mutex_lets_one_in_at_a_time(void **state)
{
    (void)state;
    struct counter counter = {.one = 0};
    plat_mutex_init(&counter.mutex);
    struct plat_thread first = started(&counter, count_under_mutex);
    struct plat_thread second = started(&counter, count_under_mutex);
    plat_thread_join(&first);
    plat_thread_join(&second);
    assert_int_equal(counter.one, 100000);
    plat_mutex_deinit(&counter.mutex);
}

static void read_under_lock(void *context)
{
    struct counter *counter = context;
    unsigned torn = 0;
    while (!atomic_load(&counter->stop)) {
        plat_rwlock_read(&counter->lock);
        torn += counter->one == counter->two ? 0 : 1;
        plat_rwlock_unlock(&counter->lock);
    }
    plat_rwlock_write(&counter->lock);
    counter->torn += torn;
    plat_rwlock_unlock(&counter->lock);
}

// The readers overlap all the time; the writer gets in nevertheless and nobody sees half of a
// change.
static void writer_gets_in_and_is_alone(void **state)
{
    (void)state;
    struct counter counter = {.one = 0};
    plat_rwlock_init(&counter.lock);
    struct plat_thread first = started(&counter, read_under_lock);
    struct plat_thread second = started(&counter, read_under_lock);
    for (unsigned i = 0; i < 2000; i++) {
        plat_rwlock_write(&counter.lock);
        counter.one++;
        counter.two++;
        plat_rwlock_unlock(&counter.lock);
    }
    atomic_store(&counter.stop, true);
    plat_thread_join(&first);
    plat_thread_join(&second);
    assert_int_equal(counter.torn, 0);
    plat_rwlock_deinit(&counter.lock);
}

static void write_once(void *context)
{
    struct counter *counter = context;
    plat_rwlock_write(&counter->lock);
    counter->one = 1;
    plat_rwlock_unlock(&counter->lock);
}

// As soon as the writer waits, no new reader is let in before it.
static void waiting_writer_goes_before_new_readers(void **state)
{
    (void)state;
    struct counter counter = {.one = 0};
    const struct mono deadline = mono_add(plat_clock_mono(), span_s(20));
    bool let_in = true;

    plat_rwlock_init(&counter.lock);
    plat_rwlock_read(&counter.lock);
    struct plat_thread writer = started(&counter, write_once);
    while (let_in && !mono_reached(plat_clock_mono(), deadline)) {
        let_in = pthread_rwlock_tryrdlock(&counter.lock.lock) == 0;
        if (let_in) {
            plat_rwlock_unlock(&counter.lock);
            sched_yield();
        }
    }
    assert_false(let_in);
    plat_rwlock_unlock(&counter.lock);
    plat_thread_join(&writer);
    assert_int_equal(counter.one, 1);
    plat_rwlock_deinit(&counter.lock);
}

struct gate {
    struct plat_mutex mutex;
    struct plat_rwlock lock;
    struct plat_cond cond;
    bool open;
    unsigned passed;
};

static void read_once(void *context)
{
    struct gate *gate = context;
    plat_rwlock_read(&gate->lock);
    gate->passed = 1;
    plat_rwlock_unlock(&gate->lock);
}

static void readers_share_the_lock(void **state)
{
    (void)state;
    struct gate gate = {.open = false};
    plat_rwlock_init(&gate.lock);
    plat_rwlock_read(&gate.lock);
    // It could not end if it had to wait for our share.
    struct plat_thread other = started(&gate, read_once);
    plat_thread_join(&other);
    assert_int_equal(gate.passed, 1);
    plat_rwlock_unlock(&gate.lock);
    plat_rwlock_deinit(&gate.lock);
}

static void pass_gate(void *context)
{
    struct gate *gate = context;
    plat_mutex_lock(&gate->mutex);
    while (!gate->open) {
        plat_cond_wait(&gate->cond, &gate->mutex);
    }
    gate->passed++;
    plat_cond_signal(&gate->cond);
    plat_mutex_unlock(&gate->mutex);
}

static void broadcast_reaches_all_and_signal_one(void **state)
{
    (void)state;
    struct gate gate = {.open = false};
    plat_mutex_init(&gate.mutex);
    plat_cond_init(&gate.cond);
    struct plat_thread first = started(&gate, pass_gate);
    struct plat_thread second = started(&gate, pass_gate);
    sleep_ms(5);
    plat_mutex_lock(&gate.mutex);
    assert_int_equal(gate.passed, 0);
    gate.open = true;
    plat_cond_broadcast(&gate.cond);
    const struct mono deadline = mono_add(plat_clock_mono(), span_s(20));
    while (gate.passed < 2) {
        assert_true(plat_cond_wait_until(&gate.cond, &gate.mutex, deadline));
    }
    plat_mutex_unlock(&gate.mutex);
    plat_thread_join(&first);
    plat_thread_join(&second);
    plat_cond_deinit(&gate.cond);
    plat_mutex_deinit(&gate.mutex);
}

static void wait_ends_at_its_deadline(void **state)
{
    (void)state;
    struct gate gate = {.open = false};
    plat_mutex_init(&gate.mutex);
    plat_cond_init(&gate.cond);
    plat_mutex_lock(&gate.mutex);
    const struct mono deadline = mono_add(plat_clock_mono(), span_ms(20));
    // It may wake for nothing before, but it says when the time is up.
    while (plat_cond_wait_until(&gate.cond, &gate.mutex, deadline)) {
    }
    assert_true(mono_reached(plat_clock_mono(), deadline));
    assert_false(plat_cond_wait_until(&gate.cond, &gate.mutex, (struct mono){1}));
    plat_mutex_unlock(&gate.mutex);
    plat_cond_deinit(&gate.cond);
    plat_mutex_deinit(&gate.mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_has_its_name_and_no_signals),
        cmocka_unit_test(thread_stays_on_its_processor),
        cmocka_unit_test(processor_that_is_not_there_is_refused),
        cmocka_unit_test(processors_are_counted),
        cmocka_unit_test(misuse_stops_the_process),
        cmocka_unit_test(mutex_lets_one_in_at_a_time),
        cmocka_unit_test(writer_gets_in_and_is_alone),
        cmocka_unit_test(waiting_writer_goes_before_new_readers),
        cmocka_unit_test(readers_share_the_lock),
        cmocka_unit_test(broadcast_reaches_all_and_signal_one),
        cmocka_unit_test(wait_ends_at_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
