#include "core/aggregate.h"

void core_aggregate_begin(struct core_aggregate *aggregate, enum core_aggregation kind,
                          struct arena *memory)
{
    *aggregate = (struct core_aggregate){.kind = kind, .memory = memory};
}

static bool is_extreme(const struct core_aggregate *aggregate)
{
    return aggregate->kind == CORE_AGGREGATION_MIN || aggregate->kind == CORE_AGGREGATION_MAX;
}

static void add_long(struct core_aggregate *aggregate, int64_t number)
{
    const bool is_better = aggregate->kind == CORE_AGGREGATION_MIN ? number < aggregate->best_long
                                                                   : number > aggregate->best_long;
    if (!aggregate->has_long || is_better) {
        aggregate->best_long = number;
    }
    aggregate->has_long = true;
    aggregate->is_long_sum_over |=
        __builtin_add_overflow(aggregate->long_sum, number, &aggregate->long_sum);
    aggregate->sum += (double)number;
    aggregate->numbers++;
}

static void add_double(struct core_aggregate *aggregate, double number)
{
    const bool is_better = aggregate->kind == CORE_AGGREGATION_MIN
                               ? number < aggregate->best_double
                               : number > aggregate->best_double;
    if (!aggregate->has_double || is_better) {
        aggregate->best_double = number;
    }
    aggregate->has_double = true;
    aggregate->sum += number;
    aggregate->numbers++;
}

static int compare(struct slice a, struct slice b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

// Keeps a copy; room is used again, and grows to twice what is needed, so that the memory taken
// stays below four times the longest text.
static enum err keep_text(struct core_aggregate *aggregate, struct slice text)
{
    if (aggregate->best_text_room < text.len || aggregate->best_text_room == 0) {
        const size_t room = text.len * 2 + 16;
        void *const memory = arena_take(aggregate->memory, room);
        if (memory == NULL) {
            return ERR_EXHAUSTED;
        }
        aggregate->best_text.ptr = memory;
        aggregate->best_text_room = room;
    }
    memcpy((void *)(uintptr_t)aggregate->best_text.ptr, text.ptr, text.len);
    aggregate->best_text.len = text.len;
    aggregate->has_text = true;
    return ERR_OK;
}

static enum err add_text(struct core_aggregate *aggregate, struct slice text)
{
    aggregate->others++;
    // Numbers come first: with one there, texts do not count.
    if (!is_extreme(aggregate) || aggregate->numbers > 0) {
        return ERR_OK;
    }
    const int order = aggregate->has_text ? compare(text, aggregate->best_text) : 0;
    const bool is_better = aggregate->kind == CORE_AGGREGATION_MIN ? order < 0 : order > 0;
    return !aggregate->has_text || is_better ? keep_text(aggregate, text) : ERR_OK;
}

enum err core_aggregate_add(struct core_aggregate *aggregate, const struct model_value *value)
{
    switch (value->type) {
    case MODEL_VALUE_LONG:
        add_long(aggregate, value->number);
        return ERR_OK;
    case MODEL_VALUE_DOUBLE:
        add_double(aggregate, value->real);
        return ERR_OK;
    case MODEL_VALUE_STRING:
        return add_text(aggregate, value->text);
    case MODEL_VALUE_BOOLEAN:
    case MODEL_VALUE_JSON:
        aggregate->others++;
        return ERR_OK;
    }
    ASSERT(false);
    return ERR_OK;
}

static struct model_value long_of(int64_t number)
{
    return (struct model_value){.type = MODEL_VALUE_LONG, .number = number};
}

static struct model_value double_of(double number)
{
    return (struct model_value){.type = MODEL_VALUE_DOUBLE, .real = number};
}

static bool take_extreme(const struct core_aggregate *aggregate, struct model_value *value)
{
    if (aggregate->has_double) {
        const double other = (double)aggregate->best_long;
        const bool is_better = aggregate->kind == CORE_AGGREGATION_MIN
                                   ? other < aggregate->best_double
                                   : other > aggregate->best_double;
        *value = double_of(aggregate->has_long && is_better ? other : aggregate->best_double);
        return true;
    }
    if (aggregate->has_long) {
        *value = long_of(aggregate->best_long);
        return true;
    }
    *value = (struct model_value){.type = MODEL_VALUE_STRING, .text = aggregate->best_text};
    return aggregate->has_text;
}

static bool take(const struct core_aggregate *aggregate, struct model_value *value)
{
    switch (aggregate->kind) {
    case CORE_AGGREGATION_MIN:
    case CORE_AGGREGATION_MAX:
        return take_extreme(aggregate, value);
    case CORE_AGGREGATION_AVG:
        *value = double_of(aggregate->sum / (double)aggregate->numbers);
        return aggregate->numbers > 0;
    case CORE_AGGREGATION_SUM:
        *value = aggregate->has_double || aggregate->is_long_sum_over
                     ? double_of(aggregate->sum)
                     : long_of(aggregate->long_sum);
        return aggregate->numbers > 0;
    case CORE_AGGREGATION_COUNT:
        *value =
            long_of((int64_t)(aggregate->numbers > 0 ? aggregate->numbers : aggregate->others));
        return aggregate->numbers + aggregate->others > 0;
    case CORE_AGGREGATION_NONE:
        break;
    }
    ASSERT(false);
    return false;
}

bool core_aggregate_take(struct core_aggregate *aggregate, struct model_value *value)
{
    const bool is_there = take(aggregate, value);
    // The text that `value` may show stays where it is until the next one is kept.
    *aggregate = (struct core_aggregate){.kind = aggregate->kind,
                                         .memory = aggregate->memory,
                                         .best_text = {aggregate->best_text.ptr, 0},
                                         .best_text_room = aggregate->best_text_room};
    return is_there;
}
