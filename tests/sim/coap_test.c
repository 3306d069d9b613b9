// Thousands of exchanges over a bad network, judged by the oracles of fleet.h. SEED replays a run,
// SIM_SECONDS (virtual) makes it longer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/fleet.h"

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static struct sim_plan plan_of(struct sim_weather weather, bool addresses_change)
{
    return (struct sim_plan){
        .seed = from_environment("SEED", 1),
        .seconds = from_environment("SIM_SECONDS", 300),
        .clients = 20,
        .weather = weather,
        .addresses_change = addresses_change,
    };
}

static struct sim_outcome run(const char *name, const struct sim_plan *plan)
{
    // Said before the run, since a broken invariant stops the process.
    printf("# %s: SEED=%llu SIM_SECONDS=%llu\n", name, (unsigned long long)plan->seed,
           (unsigned long long)plan->seconds);
    fflush(stdout);
    const struct sim_outcome outcome = sim_fleet_run(plan);
    printf("# started %llu answered %llu lost %llu rejected %llu duplicates %llu bodies %llu\n",
           (unsigned long long)outcome.started, (unsigned long long)outcome.answered,
           (unsigned long long)outcome.lost, (unsigned long long)outcome.rejected,
           (unsigned long long)outcome.duplicates, (unsigned long long)outcome.bodies);
    return outcome;
}

static void on_a_perfect_network_everything_is_answered(void **state)
{
    (void)state;
    const struct sim_plan plan = plan_of((struct sim_weather){.delay_ms = 5}, false);
    const struct sim_outcome outcome = run("perfect", &plan);
    assert_true(outcome.started > 1000);
    assert_int_equal(outcome.answered, outcome.started);
    assert_int_equal(outcome.duplicates, 0);
    assert_true(outcome.bodies > 10);
}

static const struct sim_weather storm = {
    .loss_percent = 20, .repeat_percent = 20, .slow_percent = 10, .delay_ms = 300, .slow_ms = 8000};

static void in_a_storm_every_request_ends_and_no_handler_runs_twice(void **state)
{
    (void)state;
    const struct sim_plan plan = plan_of(storm, false);
    const struct sim_outcome outcome = run("storm", &plan);
    assert_true(outcome.started > 1000);
    assert_true(outcome.duplicates > 100);
    assert_true(outcome.answered * 2 > outcome.started);
}

static void changing_addresses_lose_answers_but_nothing_else(void **state)
{
    (void)state;
    const struct sim_plan plan = plan_of(storm, true);
    const struct sim_outcome outcome = run("changing addresses", &plan);
    assert_true(outcome.started > 1000);
    assert_true(outcome.handled > 500);
}

static void the_same_seed_gives_the_same_trace(void **state)
{
    (void)state;
    const struct sim_plan plan = plan_of(storm, true);
    const struct sim_outcome first = run("first", &plan);
    const struct sim_outcome second = run("second", &plan);
    assert_true(first.trace == second.trace);
    struct sim_plan other = plan;
    other.seed++;
    assert_true(run("other seed", &other).trace != first.trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_a_perfect_network_everything_is_answered),
        cmocka_unit_test(in_a_storm_every_request_ends_and_no_handler_runs_twice),
        cmocka_unit_test(changing_addresses_lose_answers_but_nothing_else),
        cmocka_unit_test(the_same_seed_gives_the_same_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
