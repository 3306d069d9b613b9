// Tests of a query, row by row: every operation, case, types that do not fit, what is not there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/query.h"

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
// clang-format on

// Longs and booleans suffice here; codec has the rest.
static void value_text(const struct model_value *value, struct buf *out)
{
    if (value->type == MODEL_VALUE_BOOLEAN) {
        buf_put_text(out, value->boolean ? "true" : "false");
    } else {
        buf_put_format(out, "%lld", (long long)value->number);
    }
}

struct row {
    struct model_value value;
    enum core_query_predicate_kind kind;
    enum core_query_operation operation;
    struct model_value wanted;
    bool holds;
    bool holds_without_case;
};

#define T(value, operation, wanted, holds, without_case)                                           \
    {                                                                                              \
        value, CORE_PREDICATE_TEXT, CORE_PREDICATE_##operation, S(wanted), holds, without_case     \
    }
#define N(value, operation, wanted, holds)                                                         \
    {                                                                                              \
        value, CORE_PREDICATE_NUMBER, CORE_PREDICATE_##operation, wanted, holds, holds             \
    }
#define O(value, operation, wanted, holds)                                                         \
    {                                                                                              \
        value, CORE_PREDICATE_BOOLEAN, CORE_PREDICATE_##operation, B(wanted), holds, holds         \
    }

// clang-format off
static const struct row rows[] = {
    T(S("Meter"), EQUAL, "Meter", true, true),
    T(S("Meter"), EQUAL, "meter", false, true),
    T(S("Meter"), EQUAL, "Met", false, false),
    T(S(""), EQUAL, "", true, true),
    T(S("Meter"), NOT_EQUAL, "meter", true, false),
    T(S("Meter"), NOT_EQUAL, "pump", true, true),
    T(S("Meter"), STARTS_WITH, "Me", true, true),
    T(S("Meter"), STARTS_WITH, "mE", false, true),
    T(S("Me"), STARTS_WITH, "Meter", false, false),
    T(S("Meter"), STARTS_WITH, "", true, true),
    T(S("Meter"), ENDS_WITH, "ter", true, true),
    T(S("Meter"), ENDS_WITH, "TER", false, true),
    T(S("er"), ENDS_WITH, "ter", false, false),
    T(S("Meter"), CONTAINS, "ete", true, true),
    T(S("Meter"), CONTAINS, "ETE", false, true),
    T(S("Meter"), CONTAINS, "Meters", false, false),
    T(S("Meter"), CONTAINS, "", true, true),
    T(S("Meter"), NOT_CONTAINS, "ETE", true, false),
    T(S("Meter"), NOT_CONTAINS, "x", true, true),
    T(S("b"), IN, "a, b ,c", true, true),
    T(S("B"), IN, "a,b", false, true),
    T(S("a,b"), IN, "a,b", false, false),
    T(S("d"), IN, "a,b", false, false),
    T(S("B"), NOT_IN, "a,b", true, false),
    T(S("d"), NOT_IN, "a,b", true, true),
    // Texts of other types are as they are shown.
    T(L(42), EQUAL, "42", true, true),
    T(B(true), CONTAINS, "RU", false, true),
    T(J("{\"a\":1}"), CONTAINS, "\"a\"", true, true),

    N(L(5), EQUAL, L(5), true),
    N(L(5), EQUAL, D(5.0), true),
    N(D(5.5), EQUAL, L(5), false),
    N(L(5), NOT_EQUAL, L(6), true),
    N(L(5), NOT_EQUAL, D(5), false),
    N(D(5.5), GREATER, L(5), true),
    N(L(5), GREATER, L(5), false),
    N(L(-5), LESS, D(-4.5), true),
    N(L(5), LESS, L(5), false),
    N(L(5), GREATER_OR_EQUAL, L(5), true),
    N(L(4), GREATER_OR_EQUAL, L(5), false),
    N(L(5), LESS_OR_EQUAL, L(5), true),
    N(L(6), LESS_OR_EQUAL, L(5), false),
    // Neighbours that are one double.
    N(L(9007199254740993), GREATER, L(9007199254740992), true),
    N(L(9007199254740993), GREATER, D(9007199254740992.0), true),
    N(S("5"), EQUAL, L(5), false),
    N(S("5"), NOT_EQUAL, L(5), false),
    N(B(true), EQUAL, L(1), false),
    N(J("5"), EQUAL, L(5), false),

    O(B(true), EQUAL, true, true),
    O(B(true), EQUAL, false, false),
    O(B(false), NOT_EQUAL, true, true),
    O(B(false), NOT_EQUAL, false, false),
    O(S("true"), EQUAL, true, false),
    O(L(1), EQUAL, true, false),
    O(L(1), NOT_EQUAL, true, false),
};
// clang-format on

static void every_operation_on_every_type(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct core_query_cell cell = {true, 1, rows[i].value};
        struct core_query_predicate test = {
            .kind = rows[i].kind, .operation = rows[i].operation, .value = rows[i].wanted};
        for (unsigned without_case = 0; without_case < 2; without_case++) {
            const bool wanted = without_case ? rows[i].holds_without_case : rows[i].holds;
            test.ignore_case = without_case != 0;
            if (core_query_holds(&test, 1, &cell, value_text) != wanted) {
                fail_msg("row %u%s", i, without_case ? " without case" : "");
            }
        }
    }
}

static void what_is_not_there_meets_no_test(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct core_query_cell cell = {.is_there = false};
        const struct core_query_predicate test = {
            .kind = rows[i].kind, .operation = rows[i].operation, .value = rows[i].wanted};
        assert_false(core_query_holds(&test, 1, &cell, value_text));
    }
}

static void all_and_any_hold_together_what_stands_before(void **state)
{
    (void)state;
    const struct core_query_cell cells[] = {{true, 1, L(1)}, {true, 1, L(2)}};
    for (unsigned bits = 0; bits < 8; bits++) {
        const bool a = (bits & 1) != 0;
        const bool b = (bits & 2) != 0;
        const bool c = (bits & 4) != 0;
        // (a and b) or c, then a and (b or c)
        struct core_query_predicate tests[] = {
            {.kind = CORE_PREDICATE_NUMBER, .column = 0, .value = L(a ? 1 : 9)},
            {.kind = CORE_PREDICATE_NUMBER, .column = 1, .value = L(b ? 2 : 9)},
            {.kind = CORE_PREDICATE_ALL, .count = 2},
            {.kind = CORE_PREDICATE_NUMBER, .column = 0, .value = L(c ? 1 : 9)},
            {.kind = CORE_PREDICATE_ANY, .count = 2},
        };
        assert_int_equal(core_query_holds(tests, 5, cells, value_text), (a && b) || c);
        tests[2] = tests[3];
        tests[3] = (struct core_query_predicate){.kind = CORE_PREDICATE_ANY, .count = 2};
        tests[4] = (struct core_query_predicate){.kind = CORE_PREDICATE_ALL, .count = 2};
        assert_int_equal(core_query_holds(tests, 5, cells, value_text), a && (b || c));
    }
    assert_true(core_query_holds(NULL, 0, cells, value_text));
}

static void cells_have_an_order(void **state)
{
    (void)state;
    static const struct core_query_cell sorted[] = {
        {true, 1, D(-1.5)},     {true, 1, L(2)},     {true, 1, D(2.5)},  {true, 1, S("a")},
        {true, 1, J("{\"b\"")}, {true, 1, B(false)}, {true, 1, B(true)},
    };
    const struct core_query_cell missing = {.is_there = false};
    const unsigned count = sizeof(sorted) / sizeof(sorted[0]);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = 0; k < count; k++) {
            const int wanted = (i > k) - (i < k);
            const int order = core_query_compare(&sorted[i], &sorted[k], false);
            assert_int_equal((order > 0) - (order < 0), wanted);
            const int back = core_query_compare(&sorted[i], &sorted[k], true);
            assert_int_equal((back > 0) - (back < 0), -wanted);
        }
        assert_true(core_query_compare(&sorted[i], &missing, false) < 0);
        assert_true(core_query_compare(&missing, &sorted[i], true) > 0);
    }
    assert_int_equal(core_query_compare(&missing, &missing, false), 0);
}

static void a_search_looks_at_texts_whatever_their_case(void **state)
{
    (void)state;
    const struct core_query_cell text = {true, 1, S("Meter 7")};
    const struct core_query_cell number = {true, 1, L(1234)};
    const struct core_query_cell missing = {.is_there = false};
    assert_true(core_query_mentions(&text, SLICE("mETER"), value_text));
    assert_false(core_query_mentions(&text, SLICE("meters"), value_text));
    assert_true(core_query_mentions(&number, SLICE("23"), value_text));
    assert_false(core_query_mentions(&missing, SLICE(""), value_text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_on_every_type),
        cmocka_unit_test(what_is_not_there_meets_no_test),
        cmocka_unit_test(all_and_any_hold_together_what_stands_before),
        cmocka_unit_test(cells_have_an_order),
        cmocka_unit_test(a_search_looks_at_texts_whatever_their_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
