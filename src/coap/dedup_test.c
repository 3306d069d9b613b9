// A message is new once in its lifetime; its answer is given again; a full table forgets the oldest
// but none younger than 60 s.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "coap/dedup.h"

struct fixture {
    void *memory;
    struct coap_dedup *dedup;
    struct mono now;
};

static struct fixture make(uint32_t entries)
{
    const struct coap_dedup_limits limits = {entries, 4096};
    struct fixture fixture = {.now = {span_s(1000).ns}};
    const size_t size = (coap_dedup_footprint(limits) + 63U) & ~(size_t)63U;
    fixture.memory = aligned_alloc(64, size);
    memset(fixture.memory, 0, size);
    fixture.dedup = coap_dedup_init(fixture.memory, limits, fixture.now);
    return fixture;
}

static void drop(struct fixture *fixture)
{
    coap_dedup_check(fixture->dedup);
    free(fixture->memory);
}

static struct coap_dedup_key numbered(uint64_t number, bool confirmable)
{
    return (struct coap_dedup_key){hash_word(number + 1), (uint16_t)number, confirmable};
}

static struct coap_dedup_hit seen(struct fixture *fixture, struct coap_dedup_key key)
{
    return coap_dedup_seen(fixture->dedup, fixture->now, key);
}

static void a_repeat_is_told_from_a_new_message(void **state)
{
    (void)state;
    struct fixture f = make(64);
    const struct coap_dedup_key key = numbered(1, true);
    assert_int_equal(seen(&f, key).verdict, COAP_DEDUP_NEW);
    assert_int_equal(seen(&f, key).verdict, COAP_DEDUP_IN_HAND);
    assert_false(seen(&f, key).ack_sent);
    coap_dedup_ack_sent(f.dedup, key);
    assert_true(seen(&f, key).ack_sent);
    coap_dedup_answered(f.dedup, key, COAP_CREATED, SLICE_EMPTY);
    const struct coap_dedup_hit hit = seen(&f, key);
    assert_int_equal(hit.verdict, COAP_DEDUP_ANSWERED);
    assert_int_equal(hit.code, COAP_CREATED);
    assert_int_equal(hit.answer.len, 0);
    // Another token under the same message id is another message.
    struct coap_dedup_key other = key;
    other.token++;
    assert_int_equal(seen(&f, other).verdict, COAP_DEDUP_NEW);
    drop(&f);
}

static void an_answer_with_payload_is_given_again(void **state)
{
    (void)state;
    struct fixture f = make(64);
    const struct coap_dedup_key key = numbered(1, true);
    assert_int_equal(seen(&f, key).verdict, COAP_DEDUP_NEW);
    coap_dedup_answered(f.dedup, key, COAP_CONTENT, SLICE("\xFF{}"));
    assert_true(slice_equal(seen(&f, key).answer, SLICE("\xFF{}")));
    // Overwritten by 40 others of 200 bytes it is rebuilt from its code alone.
    static const uint8_t zeros[200];
    for (uint64_t i = 0; i < 40; i++) {
        const struct coap_dedup_key more = numbered(100 + i, true);
        (void)seen(&f, more);
        coap_dedup_answered(f.dedup, more, COAP_CONTENT, slice_of(zeros, sizeof(zeros)));
    }
    const struct coap_dedup_hit hit = seen(&f, key);
    assert_int_equal(hit.verdict, COAP_DEDUP_ANSWERED);
    assert_int_equal(hit.answer.len, 0);
    drop(&f);
}

static void a_recycled_message_id_leaves_the_answer_of_before(void **state)
{
    (void)state;
    struct fixture f = make(64);
    const struct coap_dedup_key key = numbered(1, true);
    struct coap_dedup_key other = key;
    other.token++;
    assert_int_equal(seen(&f, key).verdict, COAP_DEDUP_NEW);
    coap_dedup_answered(f.dedup, key, COAP_CONTENT, SLICE("\xFFone"));
    assert_int_equal(seen(&f, other).verdict, COAP_DEDUP_NEW);
    coap_dedup_answered(f.dedup, other, COAP_CONTENT, SLICE("\xFFtwo"));
    assert_true(slice_equal(seen(&f, key).answer, SLICE("\xFFone")));
    assert_true(slice_equal(seen(&f, other).answer, SLICE("\xFFtwo")));
    drop(&f);
}

static void lifetimes_are_247_s_for_con_and_145_s_for_non(void **state)
{
    (void)state;
    struct fixture f = make(64);
    const struct coap_dedup_key con = numbered(1, true);
    const struct coap_dedup_key non = numbered(2, false);
    (void)seen(&f, con);
    (void)seen(&f, non);
    f.now = mono_add(f.now, span_s(144));
    assert_int_equal(seen(&f, non).verdict, COAP_DEDUP_IN_HAND);
    f.now = mono_add(f.now, span_s(2));
    assert_int_equal(seen(&f, non).verdict, COAP_DEDUP_NEW);
    f.now = mono_add(f.now, span_s(100));
    assert_int_equal(seen(&f, con).verdict, COAP_DEDUP_IN_HAND);
    f.now = mono_add(f.now, span_s(2));
    assert_int_equal(seen(&f, con).verdict, COAP_DEDUP_NEW);
    drop(&f);
}

static void a_refused_message_is_forgotten(void **state)
{
    (void)state;
    struct fixture f = make(64);
    const struct coap_dedup_key key = numbered(1, true);
    (void)seen(&f, key);
    coap_dedup_forget(f.dedup, key);
    assert_int_equal(seen(&f, key).verdict, COAP_DEDUP_NEW);
    drop(&f);
}

static void a_full_table_refuses_while_all_are_young_then_forgets_the_oldest(void **state)
{
    (void)state;
    struct fixture f = make(64);
    unsigned refused = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        refused += seen(&f, numbered(i, true)).verdict == COAP_DEDUP_FULL ? 1 : 0;
    }
    assert_true(refused >= 1000 - 64);
    assert_int_equal(coap_dedup_stats(f.dedup).forgotten_early, 0);
    f.now = mono_add(f.now, span_s(61));
    assert_int_equal(seen(&f, numbered(5000, true)).verdict, COAP_DEDUP_NEW);
    assert_int_equal(coap_dedup_stats(f.dedup).forgotten_early, 1);
    drop(&f);
}

static void a_table_filled_to_five_eighths_refuses_nothing(void **state)
{
    (void)state;
    struct fixture f = make(65536);
    for (uint64_t i = 0; i < 40960; i++) {
        assert_int_equal(seen(&f, numbered(i, true)).verdict, COAP_DEDUP_NEW);
    }
    assert_int_equal(coap_dedup_stats(f.dedup).refused, 0);
    drop(&f);
}

static void what_was_restored_is_a_repeat_for_the_rest_of_its_life(void **state)
{
    (void)state;
    struct fixture f = make(64);
    coap_dedup_restore(f.dedup, f.now, numbered(1, true), COAP_CREATED, span_s(200));
    coap_dedup_restore(f.dedup, f.now, numbered(2, true), COAP_CREATED, span_s(300));
    assert_int_equal(seen(&f, numbered(1, true)).code, COAP_CREATED);
    assert_int_equal(seen(&f, numbered(2, true)).verdict, COAP_DEDUP_NEW);
    f.now = mono_add(f.now, span_s(48));
    assert_int_equal(seen(&f, numbered(1, true)).verdict, COAP_DEDUP_NEW);
    drop(&f);
}

// The id came again, rightly so, once it was free again: the newer message counts.
static void of_two_restored_with_one_key_the_later_counts(void **state)
{
    (void)state;
    struct fixture f = make(64);
    coap_dedup_restore(f.dedup, f.now, numbered(1, false), COAP_CREATED, span_s(200));
    coap_dedup_restore(f.dedup, f.now, numbered(1, false), COAP_CHANGED, span_s(10));
    assert_int_equal(coap_dedup_stats(f.dedup).entries, 1);
    assert_int_equal(seen(&f, numbered(1, false)).code, COAP_CHANGED);
    drop(&f);
}

// Restored twice, each is one entry, also those that had to go to their second bucket.
static void what_is_restored_again_takes_no_more_room(void **state)
{
    (void)state;
    struct fixture f = make(4096);
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 3000; i++) {
            coap_dedup_restore(f.dedup, f.now, numbered(i, true), COAP_CREATED, span_s(100));
        }
        assert_int_equal(coap_dedup_stats(f.dedup).entries, 3000);
    }
    coap_dedup_check(f.dedup);
    for (uint64_t i = 0; i < 3000; i++) {
        assert_int_equal(seen(&f, numbered(i, true)).code, COAP_CREATED);
    }
    drop(&f);
}

static void a_part_is_a_stretch_of_the_table_and_all_are_used(void **state)
{
    (void)state;
    const uint32_t sizes[] = {64, 4096, 65536};
    for (unsigned s = 0; s < 3; s++) {
        struct fixture f = make(sizes[s]);
        uint64_t before = 0;
        bool used[COAP_DEDUP_PARTS] = {false};
        for (uint64_t bucket = 0; bucket < sizes[s] / 4; bucket++) {
            const struct coap_dedup_key key = {.peer_and_mid = bucket};
            const unsigned part = coap_dedup_part(f.dedup, key);
            assert_true(part >= before && part < COAP_DEDUP_PARTS);
            used[part] = true;
            before = part;
        }
        for (unsigned part = 0; sizes[s] / 4 >= COAP_DEDUP_PARTS && part < COAP_DEDUP_PARTS;
             part++) {
            assert_true(used[part]);
        }
        drop(&f);
    }
}

// Against an array of what should be remembered; never more than half full, so nothing is lost.
static void random_use_agrees_with_a_plain_model(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    struct {
        bool used;
        bool confirmable;
        uint8_t code;
        struct mono born;
    } model[COUNT] = {{false, false, 0, {0}}};
    struct fixture f = make(1024);
    struct random random;
    random_init(&random, 42);
    for (unsigned step = 0; step < 200000; step++) {
        const uint64_t i = random_below(&random, COUNT);
        const bool confirmable = i % 3 != 0;
        const struct coap_dedup_key key = numbered(i, confirmable);
        const uint64_t life = confirmable ? COAP_EXCHANGE_LIFETIME_MS : COAP_NON_LIFETIME_MS;
        const uint64_t age_ms = mono_since(f.now, model[i].born).ns / 1000000U;
        const struct coap_dedup_hit hit = seen(&f, key);
        // Ages are kept to 1/16 s: at the border either answer is right.
        if (model[i].used && age_ms + 125 < life) {
            assert_int_equal(hit.verdict,
                             model[i].code != 0 ? COAP_DEDUP_ANSWERED : COAP_DEDUP_IN_HAND);
        } else if (!model[i].used || age_ms > life + 125) {
            assert_int_equal(hit.verdict, COAP_DEDUP_NEW);
        }
        if (hit.verdict == COAP_DEDUP_NEW) {
            model[i].used = true;
            model[i].code = 0;
            model[i].born = f.now;
        }
        if (random_chance(&random, 1, 3)) {
            coap_dedup_answered(f.dedup, key, COAP_CREATED, SLICE_EMPTY);
            model[i].code = COAP_CREATED;
        } else if (random_chance(&random, 1, 50)) {
            coap_dedup_forget(f.dedup, key);
            model[i].used = false;
        }
        f.now = mono_add(f.now, span_ms(random_below(&random, 100)));
    }
    drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeat_is_told_from_a_new_message),
        cmocka_unit_test(an_answer_with_payload_is_given_again),
        cmocka_unit_test(a_recycled_message_id_leaves_the_answer_of_before),
        cmocka_unit_test(lifetimes_are_247_s_for_con_and_145_s_for_non),
        cmocka_unit_test(a_refused_message_is_forgotten),
        cmocka_unit_test(a_full_table_refuses_while_all_are_young_then_forgets_the_oldest),
        cmocka_unit_test(a_table_filled_to_five_eighths_refuses_nothing),
        cmocka_unit_test(what_was_restored_is_a_repeat_for_the_rest_of_its_life),
        cmocka_unit_test(of_two_restored_with_one_key_the_later_counts),
        cmocka_unit_test(what_is_restored_again_takes_no_more_room),
        cmocka_unit_test(a_part_is_a_stretch_of_the_table_and_all_are_used),
        cmocka_unit_test(random_use_agrees_with_a_plain_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
