// The wheel beside a plain array of deadlines: random sets, moves and cancels over spans from one
// tick to days. A timer must fire in the first expiry at or after its tick, once, and never before
// it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/wheel.h"

#define TIMERS 200U

static struct mono at_tick(uint64_t tick)
{
    return (struct mono){tick * WHEEL_TICK_NS};
}

static struct wheel *new_wheel(struct mono now)
{
    struct wheel *wheel = malloc(sizeof(*wheel));
    assert_non_null(wheel);
    memset(wheel, 0xee, sizeof(*wheel));
    wheel_init(wheel, now);
    return wheel;
}

static void timer_fires_at_its_deadline_and_not_before(void **state)
{
    (void)state;
    const struct mono start = {123456789};
    struct wheel *wheel = new_wheel(start);
    struct wheel_timer timer = {0};
    const struct mono deadline = mono_add(start, span_ms(100));

    wheel_set(wheel, &timer, deadline);
    assert_true(wheel_timer_runs(&timer));
    for (uint64_t ns = start.ns; ns < deadline.ns; ns += 1000000) {
        assert_null(wheel_expire(wheel, (struct mono){ns}));
    }
    assert_null(wheel_expire(wheel, (struct mono){deadline.ns - 1}));
    const struct mono next = wheel_deadline(wheel);
    assert_true(next.ns >= deadline.ns && next.ns < deadline.ns + WHEEL_TICK_NS);
    assert_null(wheel_expire(wheel, (struct mono){next.ns - 1}));
    assert_ptr_equal(wheel_expire(wheel, next), &timer);
    assert_false(wheel_timer_runs(&timer));
    assert_null(wheel_expire(wheel, next));
    assert_true(wheel_deadline(wheel).ns == MONO_NEVER.ns);
    free(wheel);
}

static void cancelled_timer_never_fires(void **state)
{
    (void)state;
    struct wheel *wheel = new_wheel(at_tick(10));
    struct wheel_timer timer = {0};
    wheel_cancel(wheel, &timer);
    wheel_set(wheel, &timer, at_tick(20));
    wheel_cancel(wheel, &timer);
    assert_false(wheel_timer_runs(&timer));
    wheel_cancel(wheel, &timer);
    assert_true(wheel_deadline(wheel).ns == MONO_NEVER.ns);
    assert_null(wheel_expire(wheel, at_tick(100)));
    wheel_check(wheel);
    free(wheel);
}

static void due_timer_can_still_be_cancelled_or_moved(void **state)
{
    (void)state;
    struct wheel *wheel = new_wheel(at_tick(1));
    struct wheel_timer timers[3] = {0};
    for (unsigned i = 0; i < 3; i++) {
        wheel_set(wheel, &timers[i], at_tick(5));
    }
    assert_ptr_equal(wheel_expire(wheel, at_tick(5)), &timers[0]);
    assert_true(wheel_deadline(wheel).ns <= at_tick(5).ns);
    wheel_cancel(wheel, &timers[1]);
    wheel_set(wheel, &timers[2], at_tick(9));
    wheel_check(wheel);
    assert_null(wheel_expire(wheel, at_tick(8)));
    assert_ptr_equal(wheel_expire(wheel, at_tick(9)), &timers[2]);
    free(wheel);
}

static void timer_that_is_set_again_while_handled_cannot_loop(void **state)
{
    (void)state;
    struct wheel *wheel = new_wheel(at_tick(1));
    struct wheel_timer timer = {0};
    unsigned fired = 0;

    wheel_set(wheel, &timer, at_tick(2));
    while (wheel_expire(wheel, at_tick(10)) != NULL) {
        fired++;
        assert_true(fired <= 10);
        wheel_set(wheel, &timer, (struct mono){0});
    }
    assert_true(fired >= 1);
    // It waits for the next tick.
    assert_true(wheel_deadline(wheel).ns == at_tick(11).ns);
    assert_ptr_equal(wheel_expire(wheel, at_tick(11)), &timer);
    free(wheel);
}

// The edges of the levels, and beyond the last one, seen from ticks with all kinds of digits.
static void each_distance_fires_on_its_tick(void **state)
{
    (void)state;
    static const uint64_t starts[] = {0, 1, 63, 64, 4095, 262143, 262144, 16777215, 123456789};
    static const uint64_t edges[] = {1, 64, 4096, 262144, 16777216, 33554432, 100000000};
    for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
        for (size_t e = 0; e < sizeof(edges) / sizeof(edges[0]); e++) {
            for (uint64_t delta = 0; delta <= 2; delta++) {
                struct wheel *wheel = new_wheel(at_tick(starts[s]));
                struct wheel_timer timer = {0};
                const uint64_t tick = starts[s] + edges[e] + delta - 1;
                wheel_set(wheel, &timer, at_tick(tick));
                wheel_check(wheel);
                if (tick > starts[s]) {
                    assert_null(wheel_expire(wheel, at_tick(tick - 1)));
                }
                wheel_check(wheel);
                assert_ptr_equal(wheel_expire(wheel, at_tick(tick)), &timer);
                free(wheel);
            }
        }
    }
}

// Sleeping until `wheel_deadline` each time must reach the timer, without many idle wake-ups.
static void deadlines_lead_to_the_timer_in_few_steps(void **state)
{
    (void)state;
    struct wheel *wheel = new_wheel(at_tick(77));
    struct wheel_timer timer = {0};
    const uint64_t tick = 77 + 10000000;
    struct wheel_timer *fired = NULL;
    struct mono now = at_tick(77);
    unsigned wakes = 0;

    wheel_set(wheel, &timer, at_tick(tick));
    while (fired == NULL) {
        const struct mono next = wheel_deadline(wheel);
        assert_true(next.ns > now.ns);
        assert_true(next.ns <= at_tick(tick).ns);
        now = next;
        fired = wheel_expire(wheel, now);
        wakes++;
    }
    assert_true(now.ns == at_tick(tick).ns);
    assert_true(wakes <= 2 * WHEEL_LEVELS);
    free(wheel);
}

static void timer_of_never_stays(void **state)
{
    (void)state;
    struct wheel *wheel = new_wheel(at_tick(5));
    struct wheel_timer timer = {0};
    wheel_set(wheel, &timer, MONO_NEVER);
    assert_null(wheel_expire(wheel, at_tick(50000000)));
    assert_true(wheel_timer_runs(&timer));
    wheel_check(wheel);
    free(wheel);
}

struct model {
    struct wheel *wheel;
    struct wheel_timer timers[TIMERS];
    uint64_t due_tick[TIMERS]; // 0: does not run
    uint64_t now_tick;
    struct random random;
};

static uint64_t random_distance(struct random *random)
{
    return random_below(random, UINT64_C(1) << random_below(random, 26));
}

static void model_set(struct model *model, uint32_t index)
{
    const uint64_t tick = model->now_tick + random_distance(&model->random);
    // What is late or due in this tick waits for the next one.
    wheel_set(model->wheel, &model->timers[index], at_tick(tick));
    model->due_tick[index] = tick > model->now_tick ? tick : model->now_tick + 1;
}

static void model_expire(struct model *model)
{
    struct wheel_timer *timer;
    model->now_tick += random_distance(&model->random) / 16;
    while ((timer = wheel_expire(model->wheel, at_tick(model->now_tick))) != NULL) {
        const size_t index = (size_t)(timer - model->timers);
        assert_true(index < TIMERS);
        assert_true(model->due_tick[index] != 0);
        assert_true(model->due_tick[index] <= model->now_tick);
        model->due_tick[index] = 0;
    }
}

static void model_check(const struct model *model)
{
    uint64_t earliest = UINT64_MAX;
    for (uint32_t i = 0; i < TIMERS; i++) {
        assert_true(wheel_timer_runs(&model->timers[i]) == (model->due_tick[i] != 0));
        if (model->due_tick[i] != 0) {
            assert_true(model->due_tick[i] > model->now_tick);
            earliest = model->due_tick[i] < earliest ? model->due_tick[i] : earliest;
        }
    }
    const struct mono deadline = wheel_deadline(model->wheel);
    if (earliest == UINT64_MAX) {
        assert_true(deadline.ns == MONO_NEVER.ns);
        return;
    }
    assert_true(deadline.ns > at_tick(model->now_tick).ns);
    assert_true(deadline.ns <= at_tick(earliest).ns);
}

static void random_timers_agree_with_an_array(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct model model = {.now_tick = seed * 1000003};
        random_init(&model.random, seed);
        model.wheel = new_wheel(at_tick(model.now_tick));
        assert_null(wheel_expire(model.wheel, at_tick(model.now_tick)));
        for (unsigned turn = 0; turn < 5000; turn++) {
            const uint32_t index = (uint32_t)random_below(&model.random, TIMERS);
            switch (random_below(&model.random, 8)) {
            case 0:
                wheel_cancel(model.wheel, &model.timers[index]);
                model.due_tick[index] = 0;
                break;
            case 1:
                model_expire(&model);
                break;
            default:
                model_set(&model, index);
                break;
            }
            if (turn % 8 == 0) {
                wheel_check(model.wheel);
            }
            if (turn % 4 == 0) {
                model_expire(&model);
                model_check(&model);
            }
        }
        free(model.wheel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timer_fires_at_its_deadline_and_not_before),
        cmocka_unit_test(cancelled_timer_never_fires),
        cmocka_unit_test(due_timer_can_still_be_cancelled_or_moved),
        cmocka_unit_test(timer_that_is_set_again_while_handled_cannot_loop),
        cmocka_unit_test(each_distance_fires_on_its_tick),
        cmocka_unit_test(deadlines_lead_to_the_timer_in_few_steps),
        cmocka_unit_test(timer_of_never_stays),
        cmocka_unit_test(random_timers_agree_with_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
