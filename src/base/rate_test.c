// Token buckets: exact at their edges, several at once, beside a plain model over random times, and
// the bound of the table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/rate.h"

#define SENDERS 64U

static struct rate parsed(const char *text)
{
    struct rate rate;
    assert_int_equal(rate_parse(slice_text(text), &rate), ERR_OK);
    return rate;
}

static struct rate_table *new_table(const char *text, uint32_t senders_max)
{
    const struct rate rate = parsed(text);
    void *memory = calloc(1, rate_table_footprint(senders_max));
    assert_non_null(memory);
    return rate_table_init(memory, senders_max, &rate);
}

static struct mono at_ms(uint64_t ms)
{
    return (struct mono){ms * 1000000};
}

static unsigned take_all(struct rate_table *table, struct mono now, uint64_t key)
{
    unsigned count = 0;
    while (count < 10000 && rate_table_take(table, now, key)) {
        count++;
    }
    return count;
}

static void text_names_up_to_four_buckets(void **state)
{
    (void)state;
    const struct rate rate = parsed("10:1,300:60,2147483647:2147483647,1:1");
    assert_int_equal(rate.count, 4);
    assert_int_equal(rate.capacity[1], 300);
    assert_int_equal(rate.seconds[1], 60);
    assert_int_equal(rate.capacity[2], INT32_MAX);
    assert_int_equal(parsed("").count, 0);
}

static void other_text_is_refused_and_leaves_the_result_alone(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ",",
        "1",
        "1:",
        ":1",
        "1:1,",
        ",1:1",
        "1:1,,1:1",
        "0:1",
        "1:0",
        "-1:1",
        "2147483648:1",
        "1:2147483648",
        "1:1:1",
        "1 :1",
        "a:1",
        "1:1,1:1,1:1,1:1,1:1",
        "1:00000000001",
        "00000000001:1",
    };
    struct rate rate = {.count = 3};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(rate_parse(slice_text(bad[i]), &rate), ERR_INVALID);
    }
    assert_int_equal(rate.count, 3);
}

static void full_bucket_gives_its_capacity_and_then_one_by_one(void **state)
{
    (void)state;
    struct rate_table *table = new_table("10:5", SENDERS);
    assert_int_equal(take_all(table, at_ms(1000), 7), 10);
    // A token comes every half second.
    assert_true(rate_table_wait(table, at_ms(1000), 7).ns == span_ms(500).ns);
    assert_false(rate_table_has(table, (struct mono){at_ms(1500).ns - 1}, 7));
    assert_true(rate_table_has(table, at_ms(1500), 7));
    assert_int_equal(take_all(table, at_ms(1500), 7), 1);
    assert_int_equal(take_all(table, at_ms(3000), 7), 3);
    // However long it rests, it holds no more than its capacity.
    assert_int_equal(take_all(table, at_ms(1000000), 7), 10);
    free(table);
}

static void every_bucket_must_have_a_token(void **state)
{
    (void)state;
    struct rate_table *table = new_table("2:1,5:100", SENDERS);
    assert_int_equal(take_all(table, at_ms(0), 7), 2);
    assert_int_equal(take_all(table, at_ms(1000), 7), 2);
    // The short bucket is full again, the long one has but one left.
    assert_int_equal(take_all(table, at_ms(2000), 7), 1);
    assert_true(rate_table_has(table, at_ms(20000), 7));
    assert_true(rate_table_wait(table, at_ms(2000), 7).ns == span_ms(18000).ns);
    // What was refused took nothing from the short one.
    assert_int_equal(take_all(table, at_ms(20000), 7), 1);
    free(table);
}

static void no_limit_refuses_nothing(void **state)
{
    (void)state;
    struct rate_table *table = new_table("", SENDERS);
    assert_int_equal(take_all(table, at_ms(5), 7), 10000);
    assert_true(rate_table_wait(table, at_ms(5), 7).ns == 0);
    free(table);
}

static void senders_do_not_share_and_zero_is_a_key(void **state)
{
    (void)state;
    struct rate_table *table = new_table("3:1", SENDERS);
    assert_int_equal(take_all(table, at_ms(5), 0), 3);
    assert_int_equal(take_all(table, at_ms(5), 2), 3);
    assert_int_equal(take_all(table, at_ms(5), 0), 0);
    assert_int_equal(take_all(table, at_ms(5), UINT64_MAX), 3);
    free(table);
}

static void a_third_of_a_second_is_rounded_up(void **state)
{
    (void)state;
    struct rate_table *table = new_table("3:1", SENDERS);
    assert_int_equal(take_all(table, at_ms(1000), 7), 3);
    assert_true(rate_table_wait(table, at_ms(1000), 7).ns == 333333334);
    free(table);
}

// The rate of large buckets is kept too: nothing is lost by rounding, however often it is asked.
static void large_buckets_are_exact(void **state)
{
    (void)state;
    struct rate_table *table = new_table("100000000:100", SENDERS);
    uint64_t taken = 0;
    for (uint64_t us = 0; us < 2000; us++) {
        taken += rate_table_take(table, (struct mono){us * 1000}, 7) ? 1 : 0;
        assert_true(rate_table_has(table, (struct mono){us * 1000}, 7));
    }
    assert_int_equal(taken, 2000);
    free(table);

    table = new_table("2147483647:2147483647", SENDERS);
    assert_int_equal(take_all(table, at_ms(5), 7), 10000);
    free(table);
}

// Four tokens per second and at most four at once, asked at random times.
static void random_takes_agree_with_a_model(void **state)
{
    (void)state;
    struct rate_table *table = new_table("4:1", SENDERS);
    struct random random;
    uint64_t now_ms = 1000;
    // 250 ms of rest are a token.
    uint64_t level = 4 * 250;
    random_init(&random, 4);
    for (unsigned i = 0; i < 20000; i++) {
        const uint64_t step = random_below(&random, 400);
        now_ms += step;
        level = level + step < 1000 ? level + step : 1000;
        const bool expected = level >= 250;
        assert_int_equal(rate_table_has(table, at_ms(now_ms), 9), expected);
        const uint64_t wait_ms = expected ? 0 : 250 - level;
        assert_true(rate_table_wait(table, at_ms(now_ms), 9).ns == span_ms(wait_ms).ns);
        assert_int_equal(rate_table_take(table, at_ms(now_ms), 9), expected);
        level -= expected ? 250 : 0;
    }
    free(table);
}

static void in_a_full_set_the_one_seen_longest_ago_gives_way(void **state)
{
    (void)state;
    // One set of four.
    struct rate_table *table = new_table("1:1000", 4);
    for (uint64_t key = 1; key <= 4; key++) {
        assert_true(rate_table_take(table, at_ms(key), key));
    }
    // The first is seen again, so the second is the oldest when a fifth comes.
    assert_false(rate_table_has(table, at_ms(5), 1));
    assert_true(rate_table_take(table, at_ms(6), 5));
    assert_false(rate_table_has(table, at_ms(7), 1));
    assert_false(rate_table_has(table, at_ms(8), 3));
    assert_false(rate_table_has(table, at_ms(9), 4));
    assert_false(rate_table_has(table, at_ms(10), 5));
    assert_true(rate_table_has(table, at_ms(11), 2));
    free(table);
}

static void places_are_counted_and_never_more_than_there_are(void **state)
{
    (void)state;
    struct rate_table *table = new_table("10:5", SENDERS);
    assert_int_equal(rate_table_count(table), 0);
    assert_true(rate_table_take(table, at_ms(1), 7));
    assert_true(rate_table_take(table, at_ms(2), 7));
    assert_int_equal(rate_table_count(table), 1);
    for (uint64_t key = 1; key < 100 * SENDERS; key++) {
        assert_true(rate_table_take(table, at_ms(3), key));
    }
    assert_int_equal(rate_table_count(table), SENDERS);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_names_up_to_four_buckets),
        cmocka_unit_test(other_text_is_refused_and_leaves_the_result_alone),
        cmocka_unit_test(full_bucket_gives_its_capacity_and_then_one_by_one),
        cmocka_unit_test(every_bucket_must_have_a_token),
        cmocka_unit_test(no_limit_refuses_nothing),
        cmocka_unit_test(senders_do_not_share_and_zero_is_a_key),
        cmocka_unit_test(a_third_of_a_second_is_rounded_up),
        cmocka_unit_test(large_buckets_are_exact),
        cmocka_unit_test(random_takes_agree_with_a_model),
        cmocka_unit_test(in_a_full_set_the_one_seen_longest_ago_gives_way),
        cmocka_unit_test(places_are_counted_and_never_more_than_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
