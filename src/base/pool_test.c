// Pools: handles die with their slot, a full pool says so, and a long random run keeps the model.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert_test.h"
#include "base/pool.h"
#include "base/random.h"

#define SLOTS 37U

static void *new_memory(uint32_t count, size_t slot_size)
{
    // The exact size and no cleared bytes: the sanitizers see every step beside it.
    const size_t size = pool_footprint(count, slot_size);
    void *memory = aligned_alloc(16, (size + 15) & ~(size_t)15);
    assert_non_null(memory);
    memset(memory, 0xee, size);
    return memory;
}

static void slots_are_cleared_aligned_and_apart(void **state)
{
    (void)state;
    void *memory = new_memory(3, 20);
    struct pool *pool = pool_init(memory, 3, 20);
    struct pool_handle handles[3];
    uint8_t *slots[3];

    for (unsigned i = 0; i < 3; i++) {
        static const uint8_t zeros[20];
        slots[i] = pool_take(pool, &handles[i]);
        assert_non_null(slots[i]);
        assert_int_equal((uintptr_t)slots[i] % 16, 0);
        assert_memory_equal(slots[i], zeros, sizeof(zeros));
        memset(slots[i], (int)i + 1, 20);
        assert_int_equal(handles[i].generation & 1, 1);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(slots[i][0], i + 1);
        assert_int_equal(slots[i][19], i + 1);
        assert_ptr_equal(pool_get(pool, handles[i]), slots[i]);
        const struct pool_handle found = pool_handle_of(pool, slots[i]);
        assert_memory_equal(&found, &handles[i], sizeof(found));
    }
    free(memory);
}

static void full_pool_gives_null_and_no_handle(void **state)
{
    (void)state;
    void *memory = new_memory(1, 8);
    struct pool *pool = pool_init(memory, 1, 8);
    struct pool_handle first;
    struct pool_handle second = {9, 9};

    assert_non_null(pool_take(pool, &first));
    assert_null(pool_take(pool, &second));
    assert_int_equal(second.generation, 0);
    assert_null(pool_get(pool, second));
    pool_give(pool, first);
    assert_non_null(pool_take(pool, &second));
    pool_check(pool);
    free(memory);
}

static void pool_of_no_slots_is_full(void **state)
{
    (void)state;
    void *memory = new_memory(0, 8);
    struct pool *pool = pool_init(memory, 0, 8);
    struct pool_handle handle;
    assert_null(pool_take(pool, &handle));
    assert_int_equal(pool_count(pool), 0);
    pool_check(pool);
    free(memory);
}

static void late_handle_finds_nothing_in_the_recycled_slot(void **state)
{
    (void)state;
    void *memory = new_memory(4, 8);
    struct pool *pool = pool_init(memory, 4, 8);
    struct pool_handle old;
    struct pool_handle fresh;

    const void *slot = pool_take(pool, &old);
    pool_give(pool, old);
    assert_null(pool_get(pool, old));
    // Last in, first out: the same slot comes again under another generation.
    assert_ptr_equal(pool_take(pool, &fresh), slot);
    assert_int_equal(fresh.index, old.index);
    assert_null(pool_get(pool, old));
    assert_ptr_equal(pool_get(pool, fresh), slot);
    free(memory);
}

static void handles_from_nowhere_find_nothing(void **state)
{
    (void)state;
    void *memory = new_memory(2, 8);
    struct pool *pool = pool_init(memory, 2, 8);
    struct pool_handle taken;

    assert_non_null(pool_take(pool, &taken));
    assert_null(pool_get(pool, POOL_HANDLE_NONE));
    assert_null(pool_get(pool, (struct pool_handle){1, 1}));
    assert_null(pool_get(pool, (struct pool_handle){2, 1}));
    assert_null(pool_get(pool, (struct pool_handle){UINT32_MAX, 1}));
    assert_null(pool_get(pool, (struct pool_handle){taken.index, taken.generation + 1}));
    assert_null(pool_get(pool, (struct pool_handle){taken.index, taken.generation + 2}));
    free(memory);
}

struct misuse {
    struct pool *pool;
    struct pool_handle handle;
    const uint8_t *slot;
};

static void give_twice(void *context)
{
    struct misuse *misuse = context;
    pool_give(misuse->pool, misuse->handle);
    pool_give(misuse->pool, misuse->handle);
}

static void handle_of_the_middle(void *context)
{
    struct misuse *misuse = context;
    (void)pool_handle_of(misuse->pool, misuse->slot + 1);
}

static void handle_of_a_free_slot(void *context)
{
    struct misuse *misuse = context;
    pool_give(misuse->pool, misuse->handle);
    (void)pool_handle_of(misuse->pool, misuse->slot);
}

static void misuse_stops_the_process(void **state)
{
    (void)state;
    void *memory = new_memory(2, 8);
    struct misuse misuse = {.pool = pool_init(memory, 2, 8)};

    misuse.slot = pool_take(misuse.pool, &misuse.handle);
    assert_true(assert_stops(give_twice, &misuse));
    assert_true(assert_stops(handle_of_the_middle, &misuse));
    assert_true(assert_stops(handle_of_a_free_slot, &misuse));
    free(memory);
}

// 20,000 random takes and gives beside a plain list of what is taken; each slot carries a number.
static void random_takes_and_gives_agree_with_a_list(void **state)
{
    (void)state;
    void *memory = new_memory(SLOTS, sizeof(uint64_t));
    struct pool *pool = pool_init(memory, SLOTS, sizeof(uint64_t));
    struct pool_handle live[SLOTS];
    uint64_t marks[SLOTS];
    uint32_t live_count = 0;
    struct random random;

    random_init(&random, 1);
    for (uint64_t turn = 0; turn < 20000; turn++) {
        // Waves, so that the pool gets full and empty.
        const uint32_t chance = turn / 500 % 2 == 0 ? 70 : 30;
        if (random_chance(&random, chance, 100)) {
            struct pool_handle handle;
            uint64_t *slot = pool_take(pool, &handle);
            assert_true((slot == NULL) == (live_count == SLOTS));
            if (slot != NULL) {
                assert_int_equal(*slot, 0);
                *slot = turn + 1;
                marks[live_count] = turn + 1;
                live[live_count++] = handle;
            }
        } else if (live_count > 0) {
            const uint32_t i = (uint32_t)random_below(&random, live_count);
            const uint64_t *slot = pool_get(pool, live[i]);
            assert_non_null(slot);
            assert_int_equal(*slot, marks[i]);
            pool_give(pool, live[i]);
            assert_null(pool_get(pool, live[i]));
            live[i] = live[--live_count];
            marks[i] = marks[live_count];
        }
        assert_int_equal(pool_taken(pool), live_count);
        pool_check(pool);
    }
    uint32_t walked = 0;
    for (uint32_t i = 0; i < pool_count(pool); i++) {
        bool taken;
        assert_non_null(pool_at(pool, i, &taken));
        walked += taken ? 1 : 0;
    }
    assert_int_equal(walked, live_count);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_cleared_aligned_and_apart),
        cmocka_unit_test(full_pool_gives_null_and_no_handle),
        cmocka_unit_test(pool_of_no_slots_is_full),
        cmocka_unit_test(late_handle_finds_nothing_in_the_recycled_slot),
        cmocka_unit_test(handles_from_nowhere_find_nothing),
        cmocka_unit_test(misuse_stops_the_process),
        cmocka_unit_test(random_takes_and_gives_agree_with_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
