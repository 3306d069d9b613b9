// Key filters of a query in JSON, as predicates in the order in which they are worked out.
#include <stdio.h>

#include "codec/number.h"
#include "rest/query_priv.h"

#define PLACE_SIZE 80U

static const struct rest_word text_operations[] = {
    {"EQUAL", CORE_PREDICATE_EQUAL},
    {"NOT_EQUAL", CORE_PREDICATE_NOT_EQUAL},
    {"STARTS_WITH", CORE_PREDICATE_STARTS_WITH},
    {"ENDS_WITH", CORE_PREDICATE_ENDS_WITH},
    {"CONTAINS", CORE_PREDICATE_CONTAINS},
    {"NOT_CONTAINS", CORE_PREDICATE_NOT_CONTAINS},
    {"IN", CORE_PREDICATE_IN},
    {"NOT_IN", CORE_PREDICATE_NOT_IN},
    {NULL, 0},
};

static const struct rest_word number_operations[] = {
    {"EQUAL", CORE_PREDICATE_EQUAL},
    {"NOT_EQUAL", CORE_PREDICATE_NOT_EQUAL},
    {"GREATER", CORE_PREDICATE_GREATER},
    {"LESS", CORE_PREDICATE_LESS},
    {"GREATER_OR_EQUAL", CORE_PREDICATE_GREATER_OR_EQUAL},
    {"LESS_OR_EQUAL", CORE_PREDICATE_LESS_OR_EQUAL},
    {NULL, 0},
};

static const struct rest_word boolean_operations[] = {
    {"EQUAL", CORE_PREDICATE_EQUAL}, {"NOT_EQUAL", CORE_PREDICATE_NOT_EQUAL}, {NULL, 0}};

static const struct rest_word complex_operations[] = {
    {"AND", CORE_PREDICATE_ALL}, {"OR", CORE_PREDICATE_ANY}, {NULL, 0}};

// What a key filter says its values are, and so which predicates it may have.
static const struct rest_word value_types[] = {
    {"STRING", CORE_PREDICATE_TEXT},
    {"NUMERIC", CORE_PREDICATE_NUMBER},
    {"BOOLEAN", CORE_PREDICATE_BOOLEAN},
    {"DATE_TIME", CORE_PREDICATE_NUMBER},
    {NULL, 0},
};

static const struct rest_word predicate_types[] = {
    {"STRING", CORE_PREDICATE_TEXT},
    {"NUMERIC", CORE_PREDICATE_NUMBER},
    {"BOOLEAN", CORE_PREDICATE_BOOLEAN},
    {"COMPLEX", CORE_PREDICATE_ALL},
    {NULL, 0},
};

struct predicate_reader {
    const struct rest_query_reader *query;
    struct core_query_predicate *predicates; // room for CORE_QUERY_PREDICATES_MAX
    uint32_t count;
    enum core_query_predicate_kind kind; // of the leaves of the filter that is read
    uint32_t column;                     // its key
    const char *place;                   // its predicate
};

static enum err push(struct predicate_reader *reader, const struct core_query_predicate *given)
{
    if (reader->count == CORE_QUERY_PREDICATES_MAX) {
        return rest_shape_refuse(reader->query->problem, ERR_INVALID,
                                 "The query has more than %u predicates",
                                 CORE_QUERY_PREDICATES_MAX);
    }
    reader->predicates[reader->count++] = *given;
    return ERR_OK;
}

// Tenants, customers and users have no attributes here, so the other value always counts; that of
// a device would be another for each row.
static enum err check_dynamic(const struct predicate_reader *reader, struct codec_json value)
{
    static const struct rest_member members[] = {{"sourceType", CODEC_JSON_STRING},
                                                 {"sourceAttribute", CODEC_JSON_STRING},
                                                 {"inherit", CODEC_JSON_BOOLEAN},
                                                 {NULL, 0}};
    static const struct rest_word sources[] = {{"CURRENT_TENANT", true},
                                               {"CURRENT_CUSTOMER", true},
                                               {"CURRENT_USER", true},
                                               {"CURRENT_DEVICE", false},
                                               {NULL, 0}};
    struct core_problem *problem = reader->query->problem;
    const struct codec_json dynamic = codec_json_get(value, "dynamicValue");
    int is_served = true;
    if (!rest_shape_has(value, "dynamicValue")) {
        return ERR_OK;
    }
    char place[PLACE_SIZE + 32];
    snprintf(place, sizeof(place), "%s.value.dynamicValue", reader->place);
    enum err err = rest_shape_check(problem, dynamic, place, members, reader->query->is_strict);
    err = err == ERR_OK && rest_shape_has(dynamic, "sourceType")
              ? rest_shape_word(problem, dynamic, place, "sourceType", sources, &is_served)
              : err;
    if (err == ERR_OK && !is_served) {
        return rest_shape_refuse(problem, ERR_UNSUPPORTED,
                                 "%s.sourceType: CURRENT_DEVICE is not served by this version",
                                 place);
    }
    return err;
}

// The value of a leaf, of the type of its kind.
static enum err take_value(const struct predicate_reader *reader, struct codec_json given,
                           struct model_value *value)
{
    struct core_problem *problem = reader->query->problem;
    const char *reason = NULL;
    switch (reader->kind) {
    case CORE_PREDICATE_TEXT:
        value->type = MODEL_VALUE_STRING;
        return codec_json_string(given, &value->text)
                   ? ERR_OK
                   : rest_shape_refuse(problem, ERR_INVALID, "%s.value is not a text",
                                       reader->place);
    case CORE_PREDICATE_NUMBER:
        if (codec_json_is(given, CODEC_JSON_NUMBER) &&
            codec_number_value(reader->query->memory, codec_json_literal(given), false, value,
                               &reason) == ERR_OK) {
            return ERR_OK;
        }
        return rest_shape_refuse(problem, ERR_INVALID, "%s.value is not a number", reader->place);
    case CORE_PREDICATE_BOOLEAN:
        value->type = MODEL_VALUE_BOOLEAN;
        return codec_json_boolean(given, &value->boolean)
                   ? ERR_OK
                   : rest_shape_refuse(problem, ERR_INVALID, "%s.value is not a boolean",
                                       reader->place);
    case CORE_PREDICATE_ALL:
    case CORE_PREDICATE_ANY:
        break;
    }
    ASSERT(false);
    return ERR_INVALID;
}

static enum err read_value(const struct predicate_reader *reader, struct codec_json value,
                           struct model_value *taken)
{
    // Of `defaultValue` and `userValue` any type is a shape; whether it fits is said by name.
    struct core_problem *problem = reader->query->problem;
    struct codec_json_walk walk;
    struct codec_json member;
    struct slice name;
    if (!codec_json_exists(value) || !codec_json_is(value, CODEC_JSON_OBJECT)) {
        return rest_shape_refuse(problem, ERR_SYNTAX, "%s.value is not an object", reader->place);
    }
    walk = codec_json_walk_over(value);
    while (reader->query->is_strict && codec_json_walk_next(&walk, &name, &member)) {
        if (!slice_equal(name, SLICE("defaultValue")) && !slice_equal(name, SLICE("userValue")) &&
            !slice_equal(name, SLICE("dynamicValue"))) {
            return rest_shape_refuse(problem, ERR_SYNTAX, "%s.value has no '%.*s'", reader->place,
                                     SLICE_ARGS(slice_sub(name, 0, 32)));
        }
    }
    const char *which = rest_shape_has(value, "userValue") ? "userValue" : "defaultValue";
    if (!rest_shape_has(value, which)) {
        return rest_shape_refuse(problem, ERR_INVALID, "%s.value.defaultValue is missing",
                                 reader->place);
    }
    const enum err err = check_dynamic(reader, value);
    return err == ERR_OK ? take_value(reader, codec_json_get(value, which), taken) : err;
}

static enum err read_leaf(struct predicate_reader *reader, struct codec_json predicate)
{
    static const struct rest_member members[] = {{"type", CODEC_JSON_STRING},
                                                 {"operation", CODEC_JSON_STRING},
                                                 {"value", CODEC_JSON_OBJECT},
                                                 {"ignoreCase", CODEC_JSON_BOOLEAN},
                                                 {NULL, 0}};
    struct core_problem *problem = reader->query->problem;
    const struct rest_word *operations = reader->kind == CORE_PREDICATE_TEXT ? text_operations
                                         : reader->kind == CORE_PREDICATE_NUMBER
                                             ? number_operations
                                             : boolean_operations;
    struct core_query_predicate leaf = {.kind = reader->kind, .column = reader->column};
    int operation = 0;
    enum err err =
        rest_shape_check(problem, predicate, reader->place, members, reader->query->is_strict);
    err = err == ERR_OK ? rest_shape_word(problem, predicate, reader->place, "operation",
                                          operations, &operation)
                        : err;
    leaf.operation = (enum core_query_operation)operation;
    leaf.ignore_case = rest_shape_boolean(predicate, "ignoreCase");
    err = err == ERR_OK ? read_value(reader, codec_json_get(predicate, "value"), &leaf.value) : err;
    return err == ERR_OK ? push(reader, &leaf) : err;
}

// A COMPLEX predicate whose own predicates are being read.
struct level {
    struct codec_json_walk walk;
    enum core_query_predicate_kind kind;
    uint32_t count;
};

static enum err open_level(const struct predicate_reader *reader, struct codec_json predicate,
                           struct level levels[REST_QUERY_DEPTH], unsigned *depth)
{
    static const struct rest_member members[] = {{"type", CODEC_JSON_STRING},
                                                 {"operation", CODEC_JSON_STRING},
                                                 {"predicates", CODEC_JSON_ARRAY},
                                                 {NULL, 0}};
    struct core_problem *problem = reader->query->problem;
    const struct codec_json inner = codec_json_get(predicate, "predicates");
    int kind = 0;
    enum err err =
        rest_shape_check(problem, predicate, reader->place, members, reader->query->is_strict);
    err = err == ERR_OK ? rest_shape_word(problem, predicate, reader->place, "operation",
                                          complex_operations, &kind)
                        : err;
    if (err != ERR_OK) {
        return err;
    }
    if (!rest_shape_has(predicate, "predicates") || codec_json_count(inner) == 0) {
        return rest_shape_refuse(problem, ERR_INVALID, "%s.predicates is empty", reader->place);
    }
    if (*depth == REST_QUERY_DEPTH) {
        return rest_shape_refuse(problem, ERR_INVALID,
                                 "%s: more than %u COMPLEX predicates within each other",
                                 reader->place, REST_QUERY_DEPTH);
    }
    levels[(*depth)++] =
        (struct level){codec_json_walk_over(inner), (enum core_query_predicate_kind)kind, 0};
    return ERR_OK;
}

// What is read after a predicate: the next one of the innermost level that has any; the levels
// that end are pushed. False when all is read.
static enum err next_predicate(struct predicate_reader *reader, struct level *levels,
                               unsigned *depth, struct codec_json *predicate, bool *is_end)
{
    struct slice unnamed;
    while (*depth > 0) {
        struct level *level = &levels[*depth - 1];
        if (codec_json_walk_next(&level->walk, &unnamed, predicate)) {
            level->count++;
            return ERR_OK;
        }
        const struct core_query_predicate leaf = {.kind = level->kind, .count = level->count};
        const enum err err = push(reader, &leaf);
        if (err != ERR_OK) {
            return err;
        }
        (*depth)--;
    }
    *is_end = true;
    return ERR_OK;
}

static enum err read_predicates(struct predicate_reader *reader, struct codec_json predicate)
{
    static const struct rest_member any[] = {{"type", CODEC_JSON_STRING}, {NULL, 0}};
    struct core_problem *problem = reader->query->problem;
    struct level levels[REST_QUERY_DEPTH];
    unsigned depth = 0;
    bool is_end = false;
    enum err err = ERR_OK;
    while (err == ERR_OK && !is_end) {
        int type = 0;
        err = rest_shape_check(problem, predicate, reader->place, any, false);
        err = err == ERR_OK ? rest_shape_word(problem, predicate, reader->place, "type",
                                              predicate_types, &type)
                            : err;
        if (err == ERR_OK && type == CORE_PREDICATE_ALL) {
            err = open_level(reader, predicate, levels, &depth);
        } else if (err == ERR_OK && type != (int)reader->kind) {
            err = rest_shape_refuse(problem, ERR_INVALID,
                                    "%s.type does not go with the valueType of its filter",
                                    reader->place);
        } else if (err == ERR_OK) {
            err = read_leaf(reader, predicate);
        }
        err = err == ERR_OK ? next_predicate(reader, levels, &depth, &predicate, &is_end) : err;
    }
    return err;
}

static enum err read_filter(struct predicate_reader *reader, struct codec_json filter,
                            unsigned number, struct rest_query_keys *keys)
{
    static const struct rest_member members[] = {{"key", CODEC_JSON_OBJECT},
                                                 {"valueType", CODEC_JSON_STRING},
                                                 {"predicate", CODEC_JSON_OBJECT},
                                                 {NULL, 0}};
    struct core_problem *problem = reader->query->problem;
    char place[PLACE_SIZE];
    char within[PLACE_SIZE];
    struct core_query_key key;
    int kind = 0;
    snprintf(place, sizeof(place), "keyFilters[%u]", number);
    snprintf(within, sizeof(within), "keyFilters[%u].key", number);
    enum err err = rest_shape_check(problem, filter, place, members, reader->query->is_strict);
    err = err == ERR_OK
              ? rest_query_read_key(reader->query, codec_json_get(filter, "key"), within, &key)
              : err;
    err = err == ERR_OK ? rest_query_take_key(reader->query, keys, &key, &reader->column) : err;
    err = err == ERR_OK ? rest_shape_word(problem, filter, place, "valueType", value_types, &kind)
                        : err;
    if (err != ERR_OK) {
        return err;
    }
    snprintf(within, sizeof(within), "keyFilters[%u].predicate", number);
    reader->place = within;
    reader->kind = (enum core_query_predicate_kind)kind;
    return read_predicates(reader, codec_json_get(filter, "predicate"));
}

enum err rest_query_read_predicates(const struct rest_query_reader *reader, struct codec_json query,
                                    struct core_find *find, struct rest_query_keys *keys)
{
    struct predicate_reader all = {.query = reader};
    int kind = CORE_PREDICATE_ALL;
    uint32_t count = 0;
    enum err err = ERR_OK;
    if (rest_shape_has(query, "keyFiltersOperation")) {
        err = rest_shape_word(reader->problem, query, "query", "keyFiltersOperation",
                              complex_operations, &kind);
    }
    if (err != ERR_OK || !rest_shape_has(query, "keyFilters")) {
        return err;
    }
    all.predicates =
        arena_take_array(reader->memory, CORE_QUERY_PREDICATES_MAX, sizeof(*all.predicates));
    if (all.predicates == NULL) {
        return ERR_EXHAUSTED;
    }
    struct codec_json_walk walk = codec_json_walk_over(codec_json_get(query, "keyFilters"));
    struct codec_json filter;
    struct slice unnamed;
    while (err == ERR_OK && codec_json_walk_next(&walk, &unnamed, &filter)) {
        err = read_filter(&all, filter, count++, keys);
    }
    if (err == ERR_OK && count > 1) {
        const struct core_query_predicate leaf = {.kind = (enum core_query_predicate_kind)kind,
                                                  .count = count};
        err = push(&all, &leaf);
    }
    find->predicates = all.predicates;
    find->predicate_count = all.count;
    return err;
}
