// The walk over blocks: empty days cost one step, early stops read little, blocks that overlap are
// merged in both directions, and damage is an error. The blocks are counted as they are moved over.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/blocks_memory.h"
#include "store/merge.h"
#include "store/seal.h"

#define DAY_MS INT64_C(86400000)
#define KEY 3U

// Blocks that count the moves of their scans.
struct counted {
    struct store_blocks base;
    struct store_blocks *inner;
};

static uint32_t moves;
static const struct store_blocks_ops *inner_ops;

static struct store_scan *counted_open(struct store_blocks *blocks, enum store_family family,
                                       enum store_scan_use use)
{
    return inner_ops->scan_open(((struct counted *)blocks)->inner, family, use);
}

static void counted_move(struct store_scan *scan, enum store_scan_move move, struct slice key)
{
    moves++;
    inner_ops->scan_move(scan, move, key);
}

static void counted_close(struct store_scan *scan)
{
    inner_ops->scan_close(scan);
}

static const struct store_blocks_ops counted_ops = {
    .scan_open = counted_open, .scan_move = counted_move, .scan_close = counted_close};

struct world {
    struct store_disk *disk;
    struct counted blocks;
    struct store_sealer sealer;
    struct store_row row;
    uint64_t sequence;
};

static void open_world(struct world *world)
{
    *world = (struct world){.disk = store_disk_create(), .sequence = 1};
    world->blocks.inner = store_disk_open(world->disk);
    world->blocks.base.ops = &counted_ops;
    inner_ops = world->blocks.inner->ops;
    store_sealer_init(&world->sealer);
    store_row_init(&world->row);
    store_row_add(&world->row, KEY);
}

static void close_world(struct world *world)
{
    store_row_deinit(&world->row);
    store_sealer_deinit(&world->sealer);
    inner_ops->close(world->blocks.inner);
    store_disk_destroy(world->disk);
}

// One seal: `count` points from `start_ms` on, `step_ms` apart; a value is its sequence.
static void add_points(struct world *world, uint64_t device, int64_t start_ms, int64_t step_ms,
                       uint32_t count)
{
    uint8_t memory[8192];
    uint8_t *at = memory;
    struct store_row other;
    store_row_init(&other);
    store_row_add(&other, KEY);
    for (uint32_t i = 0; i < count; i++) {
        const struct store_reading reading = {.series = true,
                                              .time_ms = start_ms + step_ms * i,
                                              .sequence = world->sequence,
                                              .point_count = 1};
        const struct model_value value = {.type = MODEL_VALUE_LONG,
                                          .number = (int64_t)world->sequence++};
        at = store_reading_put(at, &reading);
        at = store_wire_put_varint(at, KEY);
        at = store_wire_put_value(at, &value);
    }
    struct store_row *const row = device == 1 ? &world->row : &other;
    assert_int_equal(store_seal_take(&world->sealer, slice_of(memory, (size_t)(at - memory)), row),
                     ERR_OK);
    store_seal_put(&world->sealer, device, row, world->blocks.inner);
    assert_int_equal(inner_ops->write(world->blocks.inner), ERR_OK);
    store_row_deinit(&other);
}

struct seen {
    char text[4096];
    size_t len;
    uint32_t stop_after;
    uint32_t count;
};

static bool note(void *context, int64_t time_ms, const struct model_value *value)
{
    struct seen *const seen = context;
    if (seen->len + 64 < sizeof(seen->text)) {
        seen->len += (size_t)snprintf(seen->text + seen->len, 64, "%lld=%lld ", (long long)time_ms,
                                      (long long)value->number);
    }
    return ++seen->count != seen->stop_after;
}

static struct store_merge merge_of(struct world *world, int64_t first_ms, int64_t last_ms,
                                   bool descending)
{
    return (struct store_merge){.blocks = &world->blocks.base,
                                .device = 1,
                                .row = &world->row,
                                .key = KEY,
                                .first_ms = first_ms,
                                .last_ms = last_ms,
                                .descending = descending,
                                .limit = UINT64_MAX,
                                .waiting_max = SIZE_MAX};
}

static void days_without_blocks_cost_one_step(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    add_points(&world, 1, 5, 1, 1);
    add_points(&world, 1, 3650 * DAY_MS, 1, 1);
    add_points(&world, 2, 1000 * DAY_MS, 1, 1); // a neighbour in between
    for (int descending = 0; descending < 2; descending++) {
        struct seen seen = {0};
        const struct store_merge merge = merge_of(&world, INT64_MIN, INT64_MAX, descending != 0);
        moves = 0;
        assert_int_equal(store_merge_run(&merge, &seen, note), ERR_OK);
        assert_string_equal(seen.text, descending ? "315360000000=2 5=1 " : "5=1 315360000000=2 ");
        assert_in_range(moves, 1, 8);
    }
    close_world(&world);
}

static void neighbours_on_every_day_cost_a_step_a_day(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    add_points(&world, 2, 5, 1, 1);
    for (int64_t day = 0; day < 100; day++) {
        for (uint64_t device = 0; device < 20; device += 2) {
            add_points(&world, device, day * DAY_MS + 9, 1, 1);
        }
    }
    add_points(&world, 1, 0, 1, 1);
    add_points(&world, 1, 99 * DAY_MS, 1, 1);
    for (int descending = 0; descending < 2; descending++) {
        struct seen seen = {0};
        const struct store_merge merge = merge_of(&world, INT64_MIN, INT64_MAX, descending != 0);
        moves = 0;
        assert_int_equal(store_merge_run(&merge, &seen, note), ERR_OK);
        assert_int_equal(seen.count, 2);
        assert_in_range(moves, 100, 310);
    }
    close_world(&world);
}

static void early_stop_reads_little(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    for (int64_t i = 0; i < 200; i++) {
        add_points(&world, 1, i * 64000, 1000, 64);
    }
    for (int descending = 0; descending < 2; descending++) {
        struct seen seen = {.stop_after = 10};
        struct store_merge merge = merge_of(&world, 0, INT64_MAX, descending != 0);
        moves = 0;
        assert_int_equal(store_merge_run(&merge, &seen, note), ERR_OK);
        assert_int_equal(seen.count, 10);
        assert_in_range(moves, 1, 5);
        merge.limit = 3;
        seen = (struct seen){0};
        assert_int_equal(store_merge_run(&merge, &seen, note), ERR_OK);
        assert_int_equal(seen.count, 3);
    }
    // A narrow range begins near its start, not at the beginning of the day.
    struct seen seen = {0};
    const struct store_merge merge = merge_of(&world, 6400000, 6402000, false);
    moves = 0;
    assert_int_equal(store_merge_run(&merge, &seen, note), ERR_OK);
    assert_int_equal(seen.count, 3);
    assert_in_range(moves, 1, 6);
    close_world(&world);
}

static void blocks_that_overlap_are_merged(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    add_points(&world, 1, 0, 20, 4);  // 0 20 40 60: sequences 1 to 4
    add_points(&world, 1, 10, 20, 3); // 10 30 50: 5 to 7
    add_points(&world, 1, 20, 20, 2); // 20 40 again: 8, 9
    add_points(&world, 1, 25, 1, 1);  // 10
    struct seen seen = {0};
    struct store_merge merge = merge_of(&world, INT64_MIN, INT64_MAX, false);
    assert_int_equal(store_merge_run(&merge, &seen, note), ERR_OK);
    assert_string_equal(seen.text, "0=1 10=5 20=8 25=10 30=6 40=9 50=7 60=4 ");
    merge.descending = true;
    seen = (struct seen){0};
    assert_int_equal(store_merge_run(&merge, &seen, note), ERR_OK);
    assert_string_equal(seen.text, "60=4 50=7 40=9 30=6 25=10 20=8 10=5 0=1 ");
    merge.first_ms = 20;
    merge.last_ms = 30;
    seen = (struct seen){0};
    assert_int_equal(store_merge_run(&merge, &seen, note), ERR_OK);
    assert_string_equal(seen.text, "30=6 25=10 20=8 ");
    close_world(&world);
}

// Each block spans all later ones, so nothing comes out before the last of them.
static void what_waits_is_bounded(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    for (int64_t i = 0; i < 1000; i++) {
        add_points(&world, 1, i, 4000 - 2 * i, 2);
    }
    add_points(&world, 1, 0, 4000, 2); // again: 2001, 2002
    for (int descending = 0; descending < 2; descending++) {
        struct seen all = {.stop_after = 100};
        struct store_merge merge = merge_of(&world, INT64_MIN, INT64_MAX, descending != 0);
        assert_int_equal(store_merge_run(&merge, &all, note), ERR_OK);
        assert_true(strncmp(all.text, descending ? "4000=2002 " : "0=2001 ", 7) == 0);
        merge.waiting_max = 32 << 10;
        struct seen seen = {0};
        assert_int_equal(store_merge_run(&merge, &seen, note), ERR_TOO_LARGE);
        // What a limit leaves over does not wait.
        for (merge.limit = 1; merge.limit <= 64; merge.limit *= 2) {
            seen = (struct seen){0};
            assert_int_equal(store_merge_run(&merge, &seen, note), ERR_OK);
            assert_int_equal(seen.count, merge.limit);
            assert_memory_equal(seen.text, all.text, seen.len);
        }
    }
    close_world(&world);
}

static void damaged_block_is_an_error(void **state)
{
    (void)state;
    struct world world;
    struct seen seen = {0};
    uint8_t key[STORE_SERIES_KEY];
    const struct store_series_key parts = {0, 1, 7, 1};
    open_world(&world);
    add_points(&world, 1, 0, 1, 3);
    store_series_key_put(key, &parts);
    inner_ops->put(world.blocks.inner, STORE_FAMILY_SERIES, slice_of(key, sizeof(key)),
                   SLICE("nonsense"));
    assert_int_equal(inner_ops->write(world.blocks.inner), ERR_OK);
    const struct store_merge merge = merge_of(&world, INT64_MIN, INT64_MAX, false);
    assert_int_equal(store_merge_run(&merge, &seen, note), ERR_CORRUPT);
    close_world(&world);
}

static void damaged_readings_in_memory_are_an_error(void **state)
{
    (void)state;
    struct world world;
    struct seen seen = {0};
    open_world(&world);
    struct store_merge merge = merge_of(&world, INT64_MIN, INT64_MAX, false);
    merge.readings = SLICE("\1\2\3\5\7");
    assert_int_equal(store_merge_run(&merge, &seen, note), ERR_CORRUPT);
    assert_int_equal(store_seal_take(&world.sealer, merge.readings, &world.row), ERR_CORRUPT);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_without_blocks_cost_one_step),
        cmocka_unit_test(neighbours_on_every_day_cost_a_step_a_day),
        cmocka_unit_test(early_stop_reads_little),
        cmocka_unit_test(blocks_that_overlap_are_merged),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(damaged_block_is_an_error),
        cmocka_unit_test(damaged_readings_in_memory_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
