// Buckets whose limit comes with the question: refill, several tokens, changed limits, parts.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/meter.h"

static struct rate rate_of(const char *text)
{
    struct rate rate;
    assert_int_equal(rate_parse(slice_text(text), &rate), ERR_OK);
    return rate;
}

static bool take(struct meter *meter, const struct rate *rate, double part, uint32_t tokens)
{
    const bool is_there = meter_wait(meter, rate, part, tokens).ns == 0;
    if (is_there) {
        meter_take(meter, rate, tokens);
    }
    return is_there;
}

static void expect_wait(const struct meter *meter, const struct rate *rate, uint32_t tokens,
                        uint64_t ms)
{
    const uint64_t ns = meter_wait(meter, rate, 1, tokens).ns;
    assert_in_range(ns, ms * 1000000, ms * 1000000 + 1000);
}

static void tokens_go_and_come_back(void **state)
{
    (void)state;
    struct meter meter = {{0}};
    const struct rate rate = rate_of("3:6");
    for (int i = 0; i < 3; i++) {
        assert_true(take(&meter, &rate, 1, 1));
    }
    assert_false(take(&meter, &rate, 1, 1));
    expect_wait(&meter, &rate, 1, 2000);
    expect_wait(&meter, &rate, 2, 4000);
    meter_refill(&meter, &rate, 1, span_ms(1999));
    assert_false(take(&meter, &rate, 1, 1));
    meter_refill(&meter, &rate, 1, span_ms(1));
    assert_true(take(&meter, &rate, 1, 1));
    assert_false(take(&meter, &rate, 1, 1));
    meter_refill(&meter, &rate, 1, span_s(100));
    assert_true(take(&meter, &rate, 1, 3));
    assert_false(take(&meter, &rate, 1, 1));
}

static void what_is_told_to_wait_is_enough(void **state)
{
    (void)state;
    const char *const limits[] = {"1:3", "7:13", "1000000:7", "3:86400", "2147483647:2147483647"};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct meter meter = {{0}};
        const struct rate rate = rate_of(limits[i]);
        assert_true(take(&meter, &rate, 1, rate.capacity[0]));
        for (int round = 0; round < 50; round++) {
            assert_false(take(&meter, &rate, 1, 1));
            meter_refill(&meter, &rate, 1, meter_wait(&meter, &rate, 1, 1));
            assert_true(take(&meter, &rate, 1, 1));
        }
    }
}

static void each_bucket_must_have_the_tokens(void **state)
{
    (void)state;
    struct meter meter = {{0}};
    const struct rate rate = rate_of("2:1,3:60");
    assert_true(take(&meter, &rate, 1, 2));
    assert_false(take(&meter, &rate, 1, 1));
    meter_refill(&meter, &rate, 1, span_s(1));
    assert_true(take(&meter, &rate, 1, 1));
    assert_false(take(&meter, &rate, 1, 1));
    expect_wait(&meter, &rate, 1, 19000);
}

static void more_than_a_bucket_holds_is_never_there(void **state)
{
    (void)state;
    struct meter meter = {{0}};
    const struct rate rate = rate_of("10:7");
    assert_true(take(&meter, &rate, 1, 10));
    meter_refill(&meter, &rate, 1, span_s(7));
    expect_wait(&meter, &rate, 11, 7000);
    assert_true(take(&meter, &rate, 1, 10));
}

static void a_new_limit_finds_what_is_missing(void **state)
{
    (void)state;
    struct meter meter = {{0}};
    const struct rate small = rate_of("5:10");
    const struct rate large = rate_of("8:10");
    const struct rate none = rate_of("");
    assert_true(take(&meter, &small, 1, 5));
    assert_true(take(&meter, &large, 1, 3));
    assert_false(take(&meter, &large, 1, 1));
    assert_false(take(&meter, &small, 1, 1));
    expect_wait(&meter, &small, 1, 8000);
    assert_true(take(&meter, &none, 1, 1000000));
}

static void parts_together_never_have_more_than_the_limit(void **state)
{
    (void)state;
    struct meter meters[2] = {{{0}}, {{0}}};
    const struct rate rate = rate_of("100:10");
    double part = 0.5;
    uint32_t taken = 0;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 2; i++) {
            const double mine = i == 0 ? part : 1 - part;
            meter_refill(&meters[i], &rate, mine, span_ms(50));
            while (take(&meters[i], &rate, mine, 1)) {
                taken++;
            }
        }
        const double next = (round * 37 % 100) / 100.0;
        meter_move(&meters[0], &rate, part, next);
        meter_move(&meters[1], &rate, 1 - part, 1 - next);
        part = next;
    }
    // 100 at once, and ten in each of the ten seconds.
    assert_in_range(taken, 150, 200);
}

static void a_part_that_is_too_small_may_grow(void **state)
{
    (void)state;
    struct meter meter = {{0}};
    const struct rate rate = rate_of("10:10");
    assert_int_equal(meter_wait(&meter, &rate, 0, 1).ns, span_s(1).ns);
    assert_int_equal(meter_wait(&meter, &rate, 0.5, 6).ns, span_s(1).ns);
    assert_int_equal(meter_wait(&meter, &rate, 0.5, 5).ns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_go_and_come_back),
        cmocka_unit_test(what_is_told_to_wait_is_enough),
        cmocka_unit_test(each_bucket_must_have_the_tokens),
        cmocka_unit_test(more_than_a_bucket_holds_is_never_there),
        cmocka_unit_test(a_new_limit_finds_what_is_missing),
        cmocka_unit_test(parts_together_never_have_more_than_the_limit),
        cmocka_unit_test(a_part_that_is_too_small_may_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
