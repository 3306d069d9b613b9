// The loop: readiness, deadlines, and wake-ups that are neither lost nor repeated.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert_test.h"
#include "base/ring.h"
#include "plat/clock.h"
#include "plat/loop.h"
#include "plat/thread.h"

static struct plat_loop *new_loop(void)
{
    struct plat_loop *loop;
    assert_int_equal(plat_loop_create(&loop), ERR_OK);
    return loop;
}

static unsigned wait_for(struct plat_loop *loop, struct span span,
                         uint32_t tags[PLAT_LOOP_READY_MAX])
{
    const struct mono now = plat_clock_mono();
    return plat_loop_wait(loop, now, mono_add(now, span), tags);
}

static void wait_ends_at_the_deadline_and_not_before(void **state)
{
    (void)state;
    struct plat_loop *loop = new_loop();
    uint32_t tags[PLAT_LOOP_READY_MAX];
    const struct mono now = plat_clock_mono();
    // Not a whole number of milliseconds.
    const struct mono deadline = mono_add(now, span_us(20300));

    assert_int_equal(plat_loop_wait(loop, now, deadline, tags), 0);
    assert_true(mono_reached(plat_clock_mono(), deadline));
    plat_loop_destroy(loop);
}

static void deadline_that_has_passed_does_not_wait(void **state)
{
    (void)state;
    struct plat_loop *loop = new_loop();
    uint32_t tags[PLAT_LOOP_READY_MAX];
    const struct mono now = plat_clock_mono();
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(plat_loop_wait(loop, now, (struct mono){now.ns - i}, tags), 0);
    }
    assert_true(mono_since(plat_clock_mono(), now).ns < span_s(5).ns);
    plat_loop_destroy(loop);
}

static void an_error_is_marked(void **state)
{
    (void)state;
    struct plat_loop *loop = new_loop();
    uint32_t tags[PLAT_LOOP_READY_MAX];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(plat_loop_watch(loop, ends[1], 7), ERR_OK);
    assert_int_equal(wait_for(loop, span_ms(0), tags), 0);
    // A pipe that nobody reads is one.
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(wait_for(loop, span_s(5), tags), 1);
    assert_int_equal(tags[0], 7 | PLAT_LOOP_ERROR);
    assert_int_equal(close(ends[1]), 0);
    plat_loop_destroy(loop);
}

static void ready_descriptors_come_with_their_tags(void **state)
{
    (void)state;
    struct plat_loop *loop = new_loop();
    uint32_t tags[PLAT_LOOP_READY_MAX];
    int one[2];
    int two[2];
    char byte;

    assert_int_equal(pipe(one), 0);
    assert_int_equal(pipe(two), 0);
    assert_int_equal(plat_loop_watch(loop, one[0], 0), ERR_OK);
    assert_int_equal(plat_loop_watch(loop, two[0], 999), ERR_OK);
    assert_int_equal(wait_for(loop, span_ms(0), tags), 0);
    assert_int_equal(write(two[1], "x", 1), 1);
    // Level-triggered: said again until it is read.
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(plat_loop_wait(loop, plat_clock_mono(), MONO_NEVER, tags), 1);
        assert_int_equal(tags[0], 999);
    }
    assert_int_equal(write(one[1], "x", 1), 1);
    assert_int_equal(wait_for(loop, span_s(10), tags), 2);
    assert_int_equal(tags[0] + tags[1], 999);
    assert_int_equal(read(two[0], &byte, 1), 1);
    assert_int_equal(wait_for(loop, span_s(10), tags), 1);
    assert_int_equal(tags[0], 0);
    for (unsigned i = 0; i < 2; i++) {
        (void)close(one[i]);
        (void)close(two[i]);
    }
    plat_loop_destroy(loop);
}

static void more_than_fit_at_once_come_one_after_the_other(void **state)
{
    (void)state;
    enum { PIPES = PLAT_LOOP_READY_MAX * 2 + 3 };
    struct plat_loop *loop = new_loop();
    uint32_t tags[PLAT_LOOP_READY_MAX];
    int ends[PIPES][2];
    unsigned seen = 0;

    for (uint32_t i = 0; i < PIPES; i++) {
        assert_int_equal(pipe(ends[i]), 0);
        assert_int_equal(plat_loop_watch(loop, ends[i][0], i), ERR_OK);
        assert_int_equal(write(ends[i][1], "x", 1), 1);
    }
    plat_loop_wake(loop);
    for (unsigned turn = 0; turn < PIPES && seen < PIPES; turn++) {
        const unsigned count = wait_for(loop, span_s(10), tags);
        for (unsigned i = 0; i < count; i++) {
            char byte;
            assert_int_equal(read(ends[tags[i]][0], &byte, 1), 1);
            seen++;
        }
    }
    assert_int_equal(seen, PIPES);
    for (uint32_t i = 0; i < PIPES; i++) {
        (void)close(ends[i][0]);
        (void)close(ends[i][1]);
    }
    plat_loop_destroy(loop);
}

static void bad_descriptors_are_refused(void **state)
{
    (void)state;
    struct plat_loop *loop = new_loop();
    int ends[2];
    assert_int_equal(plat_loop_watch(loop, -1, 1), ERR_INVALID);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(plat_loop_watch(loop, ends[0], 1), ERR_OK);
    assert_int_equal(plat_loop_watch(loop, ends[0], 2), ERR_ALREADY_EXISTS);
    (void)close(ends[0]);
    (void)close(ends[1]);
    plat_loop_destroy(loop);
}

static void no_descriptors_left_is_an_error(void **state)
{
    (void)state;
    struct rlimit before;
    struct plat_loop *loop = NULL;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next = dup(0);
    assert_true(next >= 0);
    (void)close(next);
    // Room for none, then for the epoll descriptor but not for the event's.
    for (int room = 0; room < 2; room++) {
        const struct rlimit tight = {(rlim_t)(next + room), before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        const enum err err = plat_loop_create(&loop);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(err, ERR_EXHAUSTED);
        assert_null(loop);
    }
}

static void wake_while_awake_is_one_short_wait(void **state)
{
    (void)state;
    struct plat_loop *loop = new_loop();
    uint32_t tags[PLAT_LOOP_READY_MAX];

    for (unsigned i = 0; i < 5; i++) {
        plat_loop_wake(loop);
    }
    const struct mono before = plat_clock_mono();
    assert_int_equal(wait_for(loop, span_s(30), tags), 0);
    assert_true(mono_since(plat_clock_mono(), before).ns < span_s(15).ns);
    // Nothing is left of it: the next wait lasts to its end.
    const struct mono deadline = mono_add(plat_clock_mono(), span_ms(20));
    assert_int_equal(plat_loop_wait(loop, plat_clock_mono(), deadline, tags), 0);
    assert_true(mono_reached(plat_clock_mono(), deadline));
    plat_loop_destroy(loop);
}

static struct plat_loop *signalled_loop;

static void wake_from_handler(int number)
{
    (void)number;
    plat_loop_wake(signalled_loop);
}

static void signal_main(void *context)
{
    const struct timespec span = {.tv_sec = 0, .tv_nsec = 20000000};
    (void)nanosleep(&span, NULL);
    (void)pthread_kill(*(pthread_t *)context, SIGUSR1);
}

static void signal_handler_may_wake(void **state)
{
    (void)state;
    struct plat_loop *loop = new_loop();
    uint32_t tags[PLAT_LOOP_READY_MAX];
    struct sigaction action = {.sa_handler = wake_from_handler};
    pthread_t main_thread = pthread_self();
    struct plat_thread thread;

    signalled_loop = loop;
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(plat_thread_start(&thread, "kill", -1, &main_thread, signal_main), ERR_OK);
    const struct mono before = plat_clock_mono();
    assert_int_equal(wait_for(loop, span_s(30), tags), 0);
    assert_true(mono_since(plat_clock_mono(), before).ns < span_s(15).ns);
    plat_thread_join(&thread);
    plat_loop_destroy(loop);
}

struct mail {
    struct plat_loop *loop;
    struct ring *ring;
    _Atomic uint64_t taken;
};

#define LETTERS 20000U

// Writes one letter at a time and goes on when it was taken, so that the loop sleeps again and
// again.
static void write_letters(void *context)
{
    struct mail *mail = context;
    for (uint64_t number = 0; number < LETTERS; number++) {
        uint64_t *letter = ring_reserve(mail->ring, sizeof(*letter));
        ASSERT(letter != NULL);
        *letter = number;
        ring_commit(mail->ring, sizeof(*letter));
        ring_publish(mail->ring);
        plat_loop_wake(mail->loop);
        while (number % 2 == 0 && atomic_load(&mail->taken) <= number) {
            sched_yield();
        }
    }
}

static void no_wake_is_ever_lost(void **state)
{
    (void)state;
    static _Alignas(64) uint8_t memory[1 << 20];
    struct mail mail = {.loop = new_loop()};
    struct plat_thread writer;
    uint32_t tags[PLAT_LOOP_READY_MAX];
    uint64_t next = 0;

    assert_true(ring_footprint(1 << 19) <= sizeof(memory));
    mail.ring = ring_init(memory, 1 << 19);
    assert_int_equal(plat_thread_start(&writer, "writer", -1, &mail, write_letters), ERR_OK);
    while (next < LETTERS) {
        const struct mono before = plat_clock_mono();
        (void)plat_loop_wait(mail.loop, before, mono_add(before, span_s(30)), tags);
        assert_true(mono_since(plat_clock_mono(), before).ns < span_s(25).ns);
        for (struct slice letter = ring_peek(mail.ring); letter.ptr != NULL;
             letter = ring_peek(mail.ring)) {
            uint64_t number;
            memcpy(&number, letter.ptr, sizeof(number));
            assert_int_equal(number, next);
            next++;
            ring_advance(mail.ring);
        }
        ring_release(mail.ring);
        atomic_store(&mail.taken, next);
    }
    plat_thread_join(&writer);
    plat_loop_destroy(mail.loop);
}

static void watch_with_a_large_tag(void *context)
{
    (void)!plat_loop_watch(context, 0, 1000);
}

static void tag_out_of_range_is_a_bug(void **state)
{
    (void)state;
    struct plat_loop *loop = new_loop();
    assert_true(assert_stops(watch_with_a_large_tag, loop));
    plat_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_ends_at_the_deadline_and_not_before),
        cmocka_unit_test(deadline_that_has_passed_does_not_wait),
        cmocka_unit_test(an_error_is_marked),
        cmocka_unit_test(ready_descriptors_come_with_their_tags),
        cmocka_unit_test(more_than_fit_at_once_come_one_after_the_other),
        cmocka_unit_test(bad_descriptors_are_refused),
        cmocka_unit_test(no_descriptors_left_is_an_error),
        cmocka_unit_test(wake_while_awake_is_one_short_wait),
        cmocka_unit_test(signal_handler_may_wake),
        cmocka_unit_test(no_wake_is_ever_lost),
        cmocka_unit_test(tag_out_of_range_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
