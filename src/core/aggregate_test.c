// Aggregates by kind and by what types of points they see (server-api.md 3.2), row by row.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/aggregate.h"

static uint8_t memory[4096] __attribute__((aligned(16)));

#define TEXT(t)                                                                                    \
    {                                                                                              \
        (const uint8_t *)(t), sizeof(t) - 1                                                        \
    }
// clang-format off
#define L(n) {.type = MODEL_VALUE_LONG, .number = (n)}
#define D(n) {.type = MODEL_VALUE_DOUBLE, .real = (n)}
#define S(t) {.type = MODEL_VALUE_STRING, .text = TEXT(t)}
#define B(b) {.type = MODEL_VALUE_BOOLEAN, .boolean = (b)}
#define J(t) {.type = MODEL_VALUE_JSON, .text = TEXT(t)}
#define NOTHING {.type = (enum model_value_type)99}
// clang-format on
#define POINTS_MAX 4

struct row {
    struct model_value points[POINTS_MAX];
    unsigned count;
    struct model_value min, max, avg, sum, number;
};

static const struct row rows[] = {
    {{L(3), L(-1), L(2)}, 3, L(-1), L(3), D(4.0 / 3), L(4), L(3)},
    {{L(3), D(2.5)}, 2, D(2.5), D(3), D(2.75), D(5.5), L(2)},
    {{L(1), D(2.5)}, 2, D(1), D(2.5), D(1.75), D(3.5), L(2)},
    {{D(0.5)}, 1, D(0.5), D(0.5), D(0.5), D(0.5), L(1)},
    {{L(INT64_MAX), L(INT64_MAX)},
     2,
     L(INT64_MAX),
     L(INT64_MAX),
     D(9223372036854775808.0),
     D(18446744073709551616.0),
     L(2)},
    {{S("b"), S("abc"), S("")}, 3, S(""), S("b"), NOTHING, NOTHING, L(3)},
    {{S("z"), L(5), S("a")}, 3, L(5), L(5), D(5), L(5), L(1)},
    {{B(true), J("{}")}, 2, NOTHING, NOTHING, NOTHING, NOTHING, L(2)},
    {{B(true), D(1.0)}, 2, D(1), D(1), D(1), D(1), L(1)},
    {{B(true), S("s")}, 2, S("s"), S("s"), NOTHING, NOTHING, L(2)},
};

static void expect(const struct row *row, enum core_aggregation kind,
                   const struct model_value *expected)
{
    struct arena arena;
    struct core_aggregate aggregate;
    struct model_value value;
    arena_init(&arena, memory, sizeof(memory));
    core_aggregate_begin(&aggregate, kind, &arena);
    // Twice: what was taken leaves nothing behind.
    for (unsigned n = 0; n < 2; n++) {
        for (unsigned i = 0; i < row->count; i++) {
            assert_int_equal(core_aggregate_add(&aggregate, &row->points[i]), ERR_OK);
        }
        const bool is_there = core_aggregate_take(&aggregate, &value);
        assert_int_equal(is_there, (int)expected->type != 99);
        assert_true(!is_there || model_value_equal(&value, expected));
        assert_false(core_aggregate_take(&aggregate, &value));
    }
}

static void aggregates_are_those_of_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect(&rows[i], CORE_AGGREGATION_MIN, &rows[i].min);
        expect(&rows[i], CORE_AGGREGATION_MAX, &rows[i].max);
        expect(&rows[i], CORE_AGGREGATION_AVG, &rows[i].avg);
        expect(&rows[i], CORE_AGGREGATION_SUM, &rows[i].sum);
        expect(&rows[i], CORE_AGGREGATION_COUNT, &rows[i].number);
    }
}

static void texts_use_their_memory_again(void **state)
{
    (void)state;
    static const struct model_value texts[] = {S("a longer text"), S("b"), S("c, longer again")};
    struct arena arena;
    struct core_aggregate aggregate;
    struct model_value value;
    arena_init(&arena, memory, 64);
    core_aggregate_begin(&aggregate, CORE_AGGREGATION_MAX, &arena);
    for (unsigned n = 0; n < 1000; n++) {
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(core_aggregate_add(&aggregate, &texts[i]), ERR_OK);
        }
        assert_true(core_aggregate_take(&aggregate, &value));
        assert_true(model_value_equal(&value, &texts[2]));
    }
}

static void a_text_without_room_is_an_error(void **state)
{
    (void)state;
    const struct model_value text = S("a text of some length");
    struct arena arena;
    struct core_aggregate aggregate;
    arena_init(&arena, memory, 16);
    core_aggregate_begin(&aggregate, CORE_AGGREGATION_MIN, &arena);
    assert_int_equal(core_aggregate_add(&aggregate, &text), ERR_EXHAUSTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aggregates_are_those_of_the_table),
        cmocka_unit_test(texts_use_their_memory_again),
        cmocka_unit_test(a_text_without_room_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
