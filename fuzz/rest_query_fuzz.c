// Any bytes as a query for entities in JSON. What must hold:
//
//   an error has a text, and is none of a kind that only running could give;
//   what is right when unknown members are errors is right when they are not, and means the same;
//   a query is well-formed: its keys are there once each, what points at them does, the page is
//   within its bounds;
//   its predicates can be worked out over any cells.
//
// The first byte says whether it is a query for a count, and may ask for a small arena.
#include <string.h>

#include "rest/query.h"

#define INPUT_MAX 8192U
#define ARENA_SIZE (4U << 20)
#define COUNT_ONLY 1U
#define SMALL 2U
// So many keys are compared with each other; more would be slow.
#define COMPARED_MAX 100U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[2][ARENA_SIZE] __attribute__((aligned(16)));

static void check_keys(const struct core_find *find)
{
    ASSERT(find->key_count <= REST_QUERY_KEYS && find->shown_count <= find->key_count);
    ASSERT(find->sort == CORE_FIND_NO_SORT || find->sort < find->key_count);
    for (uint32_t i = 0; i < find->key_count && i < COMPARED_MAX; i++) {
        ASSERT(find->keys[i].name.len > 0);
        for (uint32_t k = 0; k < i; k++) {
            ASSERT(find->keys[i].kind != find->keys[k].kind ||
                   !slice_equal(find->keys[i].name, find->keys[k].name));
        }
    }
}

static void check_predicates(const struct core_find *find)
{
    static const struct model_value values[] = {
        {.type = MODEL_VALUE_BOOLEAN, .boolean = true},
        {.type = MODEL_VALUE_LONG, .number = INT64_MIN},
        {.type = MODEL_VALUE_DOUBLE, .real = -1e300},
        {.type = MODEL_VALUE_STRING, .text = {(const uint8_t *)"a,b", 3}},
        {.type = MODEL_VALUE_STRING, .text = {NULL, 0}},
        {.type = MODEL_VALUE_JSON, .text = {(const uint8_t *)"{}", 2}},
    };
    static struct core_query_cell cells[REST_QUERY_KEYS];
    for (uint32_t i = 0; i < find->predicate_count; i++) {
        const struct core_query_predicate *predicate = &find->predicates[i];
        ASSERT(predicate->column < find->key_count || predicate->kind == CORE_PREDICATE_ALL ||
               predicate->kind == CORE_PREDICATE_ANY);
    }
    for (unsigned n = 0; n <= sizeof(values) / sizeof(values[0]); n++) {
        for (uint32_t i = 0; i < find->key_count; i++) {
            cells[i] = (struct core_query_cell){.is_there = false};
            if (n > 0) {
                cells[i] = (struct core_query_cell){true, 1, values[n - 1]};
            }
        }
        (void)core_query_holds(find->predicates, find->predicate_count, cells, find->text);
    }
}

static enum err read(unsigned index, struct slice text, unsigned how, bool is_strict,
                     struct core_find *find)
{
    struct core_problem problem = {.text = ""};
    struct arena arena;
    struct codec_json root;
    struct err_place place;
    bool is_dynamic = false;
    arena_init(&arena, memory[index], (how & SMALL) != 0 ? ARENA_SIZE / 256 : ARENA_SIZE);
    enum err err = codec_json_parse(&arena, text, false, &root, &place);
    if (err != ERR_OK) {
        return err;
    }
    const struct rest_query_reader reader = {&arena, &problem, is_strict};
    err = (how & COUNT_ONLY) != 0 ? rest_query_read_count(&reader, root, find)
                                  : rest_query_read(&reader, root, find, &is_dynamic);
    ASSERT(err == ERR_OK || err == ERR_EXHAUSTED || err == ERR_SYNTAX || err == ERR_INVALID ||
           err == ERR_UNSUPPORTED);
    ASSERT(err == ERR_OK || err == ERR_EXHAUSTED || problem.text[0] != 0);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct core_find strict;
    struct core_find lenient;
    if (size == 0 || size > INPUT_MAX) {
        return 0;
    }
    const struct slice text = slice_of(data + 1, size - 1);
    const enum err err = read(0, text, data[0], true, &strict);
    const enum err other = read(1, text, data[0], false, &lenient);
    ASSERT(err != ERR_OK || other == ERR_OK);
    if (other == ERR_OK) {
        check_keys(&lenient);
        check_predicates(&lenient);
        ASSERT((data[0] & COUNT_ONLY) != 0 ||
               (lenient.page_size > 0 && lenient.page_size <= REST_QUERY_PAGE_SIZE));
    }
    if (err == ERR_OK) {
        ASSERT(strict.key_count == lenient.key_count && strict.id_count == lenient.id_count &&
               strict.predicate_count == lenient.predicate_count && strict.sort == lenient.sort);
    }
    return 0;
}
