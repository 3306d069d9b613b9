#include "core/query.h"

#include "base/assert.h"

// Any boolean, integer or double as text.
#define NUMBER_TEXT_SIZE 64U

static bool is_text(const struct model_value *value)
{
    return value->type == MODEL_VALUE_STRING || value->type == MODEL_VALUE_JSON;
}

static bool is_number(const struct model_value *value)
{
    return value->type == MODEL_VALUE_LONG || value->type == MODEL_VALUE_DOUBLE;
}

static struct slice text_of(const struct model_value *value, core_query_text_fn *text,
                            char memory[NUMBER_TEXT_SIZE])
{
    if (is_text(value)) {
        return value->text;
    }
    struct buf out = buf_over(memory, NUMBER_TEXT_SIZE);
    text(value, &out);
    return buf_view(&out);
}

static bool equal(struct slice a, struct slice b, bool ignore_case)
{
    return ignore_case ? slice_equal_nocase(a, b) : slice_equal(a, b);
}

static bool contains(struct slice whole, struct slice part, bool ignore_case)
{
    for (size_t at = 0; at + part.len <= whole.len; at++) {
        if (equal(slice_sub(whole, at, part.len), part, ignore_case)) {
            return true;
        }
    }
    return false;
}

static struct slice trim(struct slice text)
{
    while (text.len > 0 && text.ptr[0] == ' ') {
        text = slice_sub(text, 1, text.len);
    }
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

static bool is_listed(struct slice list, struct slice text, bool ignore_case)
{
    while (list.ptr != NULL) {
        if (equal(trim(slice_cut(&list, ',')), text, ignore_case)) {
            return true;
        }
    }
    return false;
}

static bool text_holds(const struct core_query_predicate *predicate, struct slice text)
{
    const struct slice wanted = predicate->value.text;
    const bool ignore_case = predicate->ignore_case;
    switch (predicate->operation) {
    case CORE_PREDICATE_EQUAL:
        return equal(text, wanted, ignore_case);
    case CORE_PREDICATE_NOT_EQUAL:
        return !equal(text, wanted, ignore_case);
    case CORE_PREDICATE_STARTS_WITH:
        return equal(slice_sub(text, 0, wanted.len), wanted, ignore_case);
    case CORE_PREDICATE_ENDS_WITH:
        return text.len >= wanted.len &&
               equal(slice_sub(text, text.len - wanted.len, wanted.len), wanted, ignore_case);
    case CORE_PREDICATE_CONTAINS:
        return contains(text, wanted, ignore_case);
    case CORE_PREDICATE_NOT_CONTAINS:
        return !contains(text, wanted, ignore_case);
    case CORE_PREDICATE_IN:
        return is_listed(wanted, text, ignore_case);
    case CORE_PREDICATE_NOT_IN:
        return !is_listed(wanted, text, ignore_case);
    case CORE_PREDICATE_GREATER:
    case CORE_PREDICATE_LESS:
    case CORE_PREDICATE_GREATER_OR_EQUAL:
    case CORE_PREDICATE_LESS_OR_EQUAL:
        break;
    }
    ASSERT(false);
    return false;
}

// A long double holds every LONG and every DOUBLE exactly.
static long double number_of(const struct model_value *value)
{
    return value->type == MODEL_VALUE_LONG ? (long double)value->number : (long double)value->real;
}

static int compare_numbers(const struct model_value *a, const struct model_value *b)
{
    const long double left = number_of(a);
    const long double right = number_of(b);
    return (left > right) - (left < right);
}

static bool order_holds(enum core_query_operation operation, int order)
{
    return operation == CORE_PREDICATE_EQUAL              ? order == 0
           : operation == CORE_PREDICATE_NOT_EQUAL        ? order != 0
           : operation == CORE_PREDICATE_GREATER          ? order > 0
           : operation == CORE_PREDICATE_LESS             ? order < 0
           : operation == CORE_PREDICATE_GREATER_OR_EQUAL ? order >= 0
                                                          : order <= 0;
}

static bool leaf_holds(const struct core_query_predicate *predicate,
                       const struct core_query_cell *cell, core_query_text_fn *text)
{
    char memory[NUMBER_TEXT_SIZE];
    const struct model_value *value = &cell->value;
    if (!cell->is_there) {
        return false;
    }
    if (predicate->kind == CORE_PREDICATE_TEXT) {
        return text_holds(predicate, text_of(value, text, memory));
    }
    if (predicate->kind == CORE_PREDICATE_NUMBER) {
        return is_number(value) &&
               order_holds(predicate->operation, compare_numbers(value, &predicate->value));
    }
    return value->type == MODEL_VALUE_BOOLEAN &&
           order_holds(predicate->operation, value->boolean != predicate->value.boolean);
}

bool core_query_holds(const struct core_query_predicate *predicates, uint32_t count,
                      const struct core_query_cell *cells, core_query_text_fn *text)
{
    bool results[CORE_QUERY_PREDICATES_MAX];
    uint32_t used = 0;
    ASSERT(count <= CORE_QUERY_PREDICATES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const struct core_query_predicate *predicate = &predicates[i];
        if (predicate->kind != CORE_PREDICATE_ALL && predicate->kind != CORE_PREDICATE_ANY) {
            results[used++] = leaf_holds(predicate, &cells[predicate->column], text);
            continue;
        }
        ASSERT(predicate->count > 0 && predicate->count <= used);
        const bool decides = predicate->kind == CORE_PREDICATE_ANY;
        bool holds = !decides;
        for (uint32_t k = 0; k < predicate->count; k++) {
            holds = results[--used] == decides ? decides : holds;
        }
        results[used++] = holds;
    }
    ASSERT(used == (count > 0 ? 1 : 0));
    return count == 0 || results[0];
}

// Which come first, whatever they hold.
static int rank_of(const struct model_value *value)
{
    return is_number(value) ? 0 : is_text(value) ? 1 : 2;
}

static int compare_values(const struct model_value *a, const struct model_value *b)
{
    const int rank = rank_of(a);
    if (rank != rank_of(b)) {
        return rank - rank_of(b);
    }
    return rank == 0   ? compare_numbers(a, b)
           : rank == 1 ? slice_compare(a->text, b->text)
                       : (int)a->boolean - (int)b->boolean;
}

int core_query_compare(const struct core_query_cell *a, const struct core_query_cell *b,
                       bool descending)
{
    if (!a->is_there || !b->is_there) {
        return (int)b->is_there - (int)a->is_there;
    }
    const int order = compare_values(&a->value, &b->value);
    return descending ? -order : order;
}

bool core_query_mentions(const struct core_query_cell *cell, struct slice part,
                         core_query_text_fn *text)
{
    char memory[NUMBER_TEXT_SIZE];
    return cell->is_there && contains(text_of(&cell->value, text, memory), part, true);
}
