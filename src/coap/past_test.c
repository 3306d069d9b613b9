// Messages of before a restart all reach the table, whatever the size of a batch, with their own
// age and answer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "coap/past.h"

#define ENTRIES 4096U
#define BATCH 16U

struct fixture {
    void *table;
    void *memory;
    struct coap_dedup *dedup;
    struct coap_past *past;
    struct mono now;
};

static void *zeroed(size_t size)
{
    const size_t rounded = (size + 63U) & ~(size_t)63U;
    void *const memory = aligned_alloc(64, rounded);
    assert_non_null(memory);
    memset(memory, 0, rounded);
    return memory;
}

static struct fixture make(void)
{
    const struct coap_dedup_limits limits = {ENTRIES, 4096};
    struct fixture f = {.now = {span_s(1000).ns}};
    f.table = zeroed(coap_dedup_footprint(limits));
    f.memory = zeroed(coap_past_footprint(BATCH));
    f.dedup = coap_dedup_init(f.table, limits, f.now);
    f.past = coap_past_init(f.memory, BATCH, f.dedup, f.now);
    return f;
}

static void drop(struct fixture *f)
{
    coap_dedup_check(f->dedup);
    free(f->table);
    free(f->memory);
}

static struct coap_dedup_key numbered(uint64_t number)
{
    return (struct coap_dedup_key){hash_word(number + 1), (uint16_t)number, true};
}

static uint8_t code_of(uint64_t number)
{
    return number % 3 == 0 ? COAP_CREATED : COAP_CHANGED;
}

static void all_are_restored_whatever_is_left_of_a_batch(void **state)
{
    (void)state;
    const uint64_t counts[] = {0, 1, BATCH - 1, BATCH, BATCH + 1, 10 * BATCH, 2000};
    for (unsigned c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct fixture f = make();
        for (uint64_t i = 0; i < counts[c]; i++) {
            coap_past_put(f.past, numbered(i), code_of(i), span_s(240 - i / 10));
        }
        coap_past_end(f.past);
        assert_int_equal(coap_dedup_stats(f.dedup).entries, counts[c]);
        for (uint64_t i = 0; i < counts[c]; i++) {
            assert_int_equal(coap_dedup_seen(f.dedup, f.now, numbered(i)).code, code_of(i));
        }
        drop(&f);
    }
}

static void each_keeps_its_age(void **state)
{
    (void)state;
    struct fixture f = make();
    for (uint64_t i = 0; i < 100; i++) {
        coap_past_put(f.past, numbered(i), COAP_CREATED, span_s(i < 50 ? 240 : 100));
    }
    coap_past_end(f.past);
    f.now = mono_add(f.now, span_s(10));
    for (uint64_t i = 0; i < 100; i++) {
        const struct coap_dedup_hit hit = coap_dedup_seen(f.dedup, f.now, numbered(i));
        assert_int_equal(hit.verdict, i < 50 ? COAP_DEDUP_NEW : COAP_DEDUP_ANSWERED);
    }
    drop(&f);
}

static void of_two_with_one_key_the_later_counts(void **state)
{
    (void)state;
    struct fixture f = make();
    coap_past_put(f.past, numbered(1), COAP_CREATED, span_s(200));
    coap_past_put(f.past, numbered(2), COAP_CREATED, span_s(150));
    coap_past_put(f.past, numbered(1), COAP_CHANGED, span_s(100));
    coap_past_end(f.past);
    assert_int_equal(coap_dedup_stats(f.dedup).entries, 2);
    assert_int_equal(coap_dedup_seen(f.dedup, f.now, numbered(1)).code, COAP_CHANGED);
    drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_restored_whatever_is_left_of_a_batch),
        cmocka_unit_test(each_keeps_its_age),
        cmocka_unit_test(of_two_with_one_key_the_later_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
