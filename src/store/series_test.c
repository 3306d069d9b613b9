// Blocks: random readings come back from their columns, summaries say what the values are, damage
// is an error and never more than that.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "store/series.h"

#define COLUMNS 6U

// Readings and cells of one random block; values are encoded in `bytes`.
struct world {
    struct random random;
    struct store_reading readings[STORE_BLOCK_READINGS_MAX];
    struct store_cell cells[STORE_BLOCK_READINGS_MAX * COLUMNS];
    uint32_t cell_count;
    uint32_t keys[COLUMNS];
    uint8_t bytes[64 * 1024];
    size_t used;
};

static struct slice add_value(struct world *world, const struct model_value *value)
{
    uint8_t *const start = world->bytes + world->used;
    const size_t len = (size_t)(store_wire_put_value(start, value) - start);
    world->used += len;
    assert_in_range(world->used, 0, sizeof(world->bytes));
    return slice_of(start, len);
}

// Columns 0 and 1 hold one type each, the others whatever comes.
static struct model_value random_value(struct world *world, uint32_t column)
{
    static const uint8_t text[] = "0123456789";
    const uint64_t chance = random_next(&world->random);
    struct model_value value = {.type = (enum model_value_type)(chance % 5)};
    value.type = column == 0 ? MODEL_VALUE_LONG : column == 1 ? MODEL_VALUE_DOUBLE : value.type;
    switch (value.type) {
    case MODEL_VALUE_BOOLEAN:
        value.boolean = (chance >> 8 & 1) != 0;
        break;
    case MODEL_VALUE_LONG:
        value.number = (int64_t)(chance >> (chance >> 8 & 63));
        break;
    case MODEL_VALUE_DOUBLE:
        value.real = (double)(int64_t)(chance >> 16) / 64.0;
        break;
    case MODEL_VALUE_STRING:
    case MODEL_VALUE_JSON:
        value.text = slice_of(text, chance >> 8 & 7);
        break;
    }
    return value;
}

static struct store_block_plan random_plan(struct world *world, uint32_t count, bool is_sparse)
{
    int64_t time_ms = (int64_t)random_below(&world->random, 1000) - 500;
    world->cell_count = 0;
    world->used = 0;
    for (uint32_t i = 0; i < count; i++) {
        time_ms += (int64_t)random_below(&world->random, 3);
        world->readings[i] = (struct store_reading){
            .time_ms = time_ms, .sequence = 1000 + random_below(&world->random, 100000)};
        if (is_sparse && random_chance(&world->random, 1, 3)) {
            world->readings[i].expires_ms = 1 + (int64_t)random_below(&world->random, 5000);
        }
        for (uint32_t column = 0; column < COLUMNS; column++) {
            if (!is_sparse || column == 2 || random_chance(&world->random, 1, 2)) {
                const struct model_value value = random_value(world, column);
                world->cells[world->cell_count++] =
                    (struct store_cell){7 + i, column, add_value(world, &value)};
            }
        }
    }
    for (uint32_t i = 0; i < COLUMNS; i++) {
        world->keys[i] = 100 + i;
    }
    return (struct store_block_plan){.readings = world->readings,
                                     .reading_count = count,
                                     .cells = world->cells,
                                     .cell_count = world->cell_count,
                                     .reading_base = 7,
                                     .column_keys = world->keys,
                                     .column_count = COLUMNS};
}

static struct slice cell_at(const struct world *world, uint32_t reading, uint32_t column)
{
    for (uint32_t i = 0; i < world->cell_count; i++) {
        if (world->cells[i].reading == 7 + reading && world->cells[i].column == column) {
            return world->cells[i].value;
        }
    }
    return SLICE_EMPTY;
}

static uint32_t expect_column(const struct world *world, const struct store_block *block,
                              const struct store_column *column)
{
    struct store_values values;
    struct model_value value = {0};
    uint32_t reading = 0;
    uint32_t count = 0;
    enum err err = ERR_OK;
    store_values_begin(&values, block, column);
    while (store_values_next(&values, &reading, &value, &err)) {
        uint8_t memory[64];
        const size_t len = (size_t)(store_wire_put_value(memory, &value) - memory);
        assert_true(slice_equal(slice_of(memory, len), cell_at(world, reading, column->key - 100)));
        count++;
    }
    assert_int_equal(err, ERR_OK);
    assert_int_equal(count, column->count);
    return count;
}

static void expect_block(const struct world *world, const struct store_block_plan *plan,
                         struct slice bytes)
{
    struct store_block block;
    struct store_frame frame;
    struct store_columns columns;
    struct store_column column;
    enum err err = ERR_OK;
    uint32_t cells = 0;
    assert_int_equal(store_block_open(bytes, plan->readings[0].time_ms, &block), ERR_OK);
    assert_int_equal(block.reading_count, plan->reading_count);
    assert_int_equal(block.last_ms, plan->readings[plan->reading_count - 1].time_ms);
    assert_int_equal(store_block_frame(&block, &frame), ERR_OK);
    for (uint32_t i = 0; i < plan->reading_count; i++) {
        assert_int_equal(frame.times_ms[i], plan->readings[i].time_ms);
        assert_int_equal(frame.sequences[i], plan->readings[i].sequence);
        assert_int_equal(frame.expires_ms[i], plan->readings[i].expires_ms);
        assert_in_range(frame.sequences[i], block.sequence_least, block.sequence_most);
    }
    store_columns_begin(&columns, &block);
    while (store_columns_next(&columns, &column, &err)) {
        cells += expect_column(world, &block, &column);
    }
    assert_int_equal(err, ERR_OK);
    assert_int_equal(cells, plan->cell_count);
}

static void random_blocks_come_back(void **state)
{
    (void)state;
    static struct world world;
    struct store_builder builder;
    struct store_bytes bytes = {0};
    random_init(&world.random, 11);
    store_builder_init(&builder);
    for (uint32_t round = 0; round < 200; round++) {
        const uint32_t count = 1 + (uint32_t)random_below(&world.random, STORE_BLOCK_READINGS_MAX);
        const struct store_block_plan plan = random_plan(&world, count, round % 2 == 0);
        bytes.len = 0;
        store_builder_encode(&builder, &plan, &bytes);
        expect_block(&world, &plan, store_bytes_view(&bytes));
    }
    store_bytes_deinit(&bytes);
    store_builder_deinit(&builder);
}

// Reads a block to the end, whatever it holds.
static void read_through(struct slice bytes)
{
    struct store_block block;
    struct store_frame frame;
    struct store_columns columns;
    struct store_column column;
    struct store_values values;
    struct model_value value = {0};
    uint32_t reading = 0;
    enum err err = store_block_open(bytes, 0, &block);
    if (err != ERR_OK || store_block_frame(&block, &frame) != ERR_OK) {
        return;
    }
    store_columns_begin(&columns, &block);
    while (store_columns_next(&columns, &column, &err)) {
        store_values_begin(&values, &block, &column);
        while (store_values_next(&values, &reading, &value, &err)) {
            assert_in_range(reading, 0, block.reading_count - 1);
        }
    }
}

static void damaged_blocks_are_read_without_harm(void **state)
{
    (void)state;
    static struct world world;
    struct store_builder builder;
    struct store_bytes bytes = {0};
    struct store_block block;
    random_init(&world.random, 12);
    store_builder_init(&builder);
    const struct store_block_plan plan = random_plan(&world, 20, true);
    store_builder_encode(&builder, &plan, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_equal(store_block_open(slice_of(bytes.ptr, len), 0, &block), ERR_CORRUPT);
    }
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
        read_through(store_bytes_view(&bytes));
        bytes.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    store_bytes_deinit(&bytes);
    store_builder_deinit(&builder);
}

// A block of one column from given values, one reading each.
static struct store_column build_column(struct store_bytes *bytes, struct store_block *block,
                                        const struct model_value *values, uint32_t count)
{
    static struct world world;
    static const uint32_t key = 5;
    struct store_builder builder;
    struct store_columns columns;
    struct store_column column = {0};
    enum err err = ERR_OK;
    world.used = 0;
    for (uint32_t i = 0; i < count; i++) {
        world.readings[i] = (struct store_reading){.time_ms = i, .sequence = i + 1};
        world.cells[i] = (struct store_cell){i, 0, add_value(&world, &values[i])};
    }
    const struct store_block_plan plan = {.readings = world.readings,
                                          .reading_count = count,
                                          .cells = world.cells,
                                          .cell_count = count,
                                          .column_keys = &key,
                                          .column_count = 1};
    store_builder_init(&builder);
    bytes->len = 0;
    store_builder_encode(&builder, &plan, bytes);
    store_builder_deinit(&builder);
    assert_int_equal(store_block_open(store_bytes_view(bytes), 0, block), ERR_OK);
    store_columns_begin(&columns, block);
    assert_true(store_columns_next(&columns, &column, &err));
    return column;
}

static void summary_says_what_the_column_holds(void **state)
{
    (void)state;
    const struct model_value values[] = {
        {.type = MODEL_VALUE_STRING, .text = SLICE("x")},
        {.type = MODEL_VALUE_LONG, .number = 5},
        {.type = MODEL_VALUE_DOUBLE, .real = -2.5},
        {.type = MODEL_VALUE_LONG, .number = -1},
        {.type = MODEL_VALUE_LONG, .number = 7},
        {.type = MODEL_VALUE_BOOLEAN, .boolean = true},
    };
    struct store_bytes bytes = {0};
    struct store_block block;
    const struct store_column column = build_column(&bytes, &block, values, 6);
    const struct store_summary *const summary = &column.summary;
    assert_int_equal(summary->types, 1 | 2 | 4 | 8);
    assert_int_equal(summary->long_count, 3);
    assert_int_equal(summary->double_count, 1);
    assert_true(summary->long_sum_fits);
    assert_int_equal(summary->long_sum, 11);
    assert_true(summary->double_sum == -2.5);
    assert_true(summary->least.type == MODEL_VALUE_DOUBLE && summary->least.real == -2.5);
    assert_int_equal(summary->most.number, 7);
    assert_int_equal(summary->first.number, 5);
    assert_int_equal(summary->last.number, 7);
    assert_true(block.times_differ);
    assert_false(block.has_expiry);
    store_bytes_deinit(&bytes);
}

static void sum_beyond_64_bits_is_not_given(void **state)
{
    (void)state;
    const struct model_value values[] = {
        {.type = MODEL_VALUE_LONG, .number = INT64_MAX},
        {.type = MODEL_VALUE_LONG, .number = 1},
        {.type = MODEL_VALUE_LONG, .number = INT64_MIN},
    };
    struct store_bytes bytes = {0};
    struct store_block block;
    const struct store_column column = build_column(&bytes, &block, values, 3);
    assert_false(column.summary.long_sum_fits);
    assert_int_equal(column.summary.least.number, INT64_MIN);
    assert_int_equal(column.summary.most.number, INT64_MAX);
    struct store_values walk;
    struct model_value value = {0};
    uint32_t reading = 0;
    enum err err = ERR_OK;
    store_values_begin(&walk, &block, &column);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(store_values_next(&walk, &reading, &value, &err));
        assert_int_equal(value.number, values[i].number);
    }
    store_bytes_deinit(&bytes);
}

static int64_t expiry_of(const int64_t expires_ms[2])
{
    static const uint32_t key = 1;
    static const uint8_t value[] = {0};
    const struct store_reading readings[] = {
        {.time_ms = 1, .sequence = 1, .expires_ms = expires_ms[0]},
        {.time_ms = 2, .sequence = 2, .expires_ms = expires_ms[1]}};
    const struct store_cell cell = {0, 0, {value, 1}};
    const struct store_block_plan plan = {.readings = readings,
                                          .reading_count = 2,
                                          .cells = &cell,
                                          .cell_count = 1,
                                          .column_keys = &key,
                                          .column_count = 1};
    struct store_builder builder;
    struct store_bytes bytes = {0};
    store_builder_init(&builder);
    store_builder_encode(&builder, &plan, &bytes);
    const int64_t expiry_ms = store_block_expiry(store_bytes_view(&bytes));
    store_builder_deinit(&builder);
    store_bytes_deinit(&bytes);
    return expiry_ms;
}

static void block_expires_with_its_last_reading(void **state)
{
    (void)state;
    assert_int_equal(expiry_of((const int64_t[]){50, 40}), 50);
    assert_int_equal(expiry_of((const int64_t[]){-50, -60}), -50);
    assert_int_equal(expiry_of((const int64_t[]){50, 0}), 0);
    assert_int_equal(expiry_of((const int64_t[]){0, 0}), 0);
    assert_int_equal(store_block_expiry(SLICE_EMPTY), 0);
    assert_int_equal(store_block_expiry(SLICE("\1\1\0")), 0);
}

static void keys_sort_by_day_device_time_sequence(void **state)
{
    (void)state;
    static const struct store_series_key sorted[] = {
        {INT64_MIN, 9, 0, 0}, {-1, 0, 5, 5},       {0, 0, INT64_MIN, 0}, {0, 0, -1, UINT64_MAX},
        {0, 0, 0, 0},         {0, 0, 0, 1},        {0, 1, INT64_MIN, 0}, {0, UINT64_MAX, 0, 0},
        {1, 0, 0, 0},         {INT64_MAX, 0, 0, 0}};
    uint8_t previous[STORE_SERIES_KEY];
    for (size_t i = 0; i < sizeof(sorted) / sizeof(sorted[0]); i++) {
        uint8_t bytes[STORE_SERIES_KEY];
        struct store_series_key key;
        store_series_key_put(bytes, &sorted[i]);
        assert_true(i == 0 || memcmp(previous, bytes, sizeof(bytes)) < 0);
        assert_true(store_series_key_get(slice_of(bytes, sizeof(bytes)), &key));
        assert_memory_equal(&key, &sorted[i], sizeof(key));
        assert_false(store_series_key_get(slice_of(bytes, sizeof(bytes) - 1), &key));
        memcpy(previous, bytes, sizeof(bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_blocks_come_back),
        cmocka_unit_test(damaged_blocks_are_read_without_harm),
        cmocka_unit_test(summary_says_what_the_column_holds),
        cmocka_unit_test(sum_beyond_64_bits_is_not_given),
        cmocka_unit_test(block_expires_with_its_last_reading),
        cmocka_unit_test(keys_sort_by_day_device_time_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
