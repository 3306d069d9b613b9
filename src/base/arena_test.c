// The arena: alignment, the end of the memory, marks, and that nothing leaks over a reset.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/assert_test.h"

static _Alignas(16) uint8_t memory[256];

static void what_is_taken_is_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    uint8_t *first = arena_take(&arena, 1);
    uint8_t *second = arena_take(&arena, 17);
    uint8_t *third = arena_take(&arena, 16);
    assert_non_null(first);
    assert_int_equal((uintptr_t)first % 16, 0);
    assert_ptr_equal(second, first + 16);
    assert_ptr_equal(third, second + 32);
}

static void full_arena_gives_null_and_stays_usable(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, memory, 64);
    assert_null(arena_take(&arena, 65));
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_non_null(arena_take(&arena, 64));
    assert_null(arena_take(&arena, 1));
    // Nothing still fits.
    assert_non_null(arena_take(&arena, 0));
    assert_non_null(arena_copy(&arena, SLICE_EMPTY).ptr);
    assert_null(arena_copy(&arena, SLICE("x")).ptr);
    arena_reset(&arena);
    assert_non_null(arena_take(&arena, 64));
}

static void unaligned_memory_loses_its_edges(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, memory + 3, 50);
    uint8_t *taken = arena_take(&arena, 32);
    assert_ptr_equal(taken, memory + 16);
    assert_null(arena_take(&arena, 1));
}

static void array_is_cleared_and_its_size_cannot_wrap(void **state)
{
    (void)state;
    struct arena arena;
    memset(memory, 0xee, sizeof(memory));
    arena_init(&arena, memory, sizeof(memory));
    const uint32_t *numbers = arena_take_array(&arena, 5, sizeof(uint32_t));
    assert_non_null(numbers);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(numbers[i], 0);
    }
    assert_null(arena_take_array(&arena, SIZE_MAX / 2, 3));
    assert_null(arena_take_array(&arena, 1000, 1));
}

static void copy_does_not_follow_the_original(void **state)
{
    (void)state;
    struct arena arena;
    char text[] = "hello";
    arena_init(&arena, memory, sizeof(memory));
    const struct slice copy = arena_copy(&arena, slice_text(text));
    text[0] = 'J';
    assert_true(slice_equal(copy, SLICE("hello")));
}

static void rewind_gives_back_what_came_after_the_mark(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    assert_non_null(arena_take(&arena, 10));
    const size_t mark = arena_mark(&arena);
    const void *lost = arena_take(&arena, 100);
    arena_rewind(&arena, mark);
    assert_ptr_equal(arena_take(&arena, 10), lost);
    // The most that was used stays known, over rewinds and resets.
    arena_reset(&arena);
    assert_int_equal(arena.used_max, 16 + 112);
    assert_int_equal(arena.used, 0);
}

static void rewind_forward(void *context)
{
    arena_rewind(context, arena_mark(context) + 16);
}

static void rewind_cannot_go_forward(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    assert_true(assert_stops(rewind_forward, &arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_aligned_and_apart),
        cmocka_unit_test(full_arena_gives_null_and_stays_usable),
        cmocka_unit_test(unaligned_memory_loses_its_edges),
        cmocka_unit_test(array_is_cleared_and_its_size_cannot_wrap),
        cmocka_unit_test(copy_does_not_follow_the_original),
        cmocka_unit_test(rewind_gives_back_what_came_after_the_mark),
        cmocka_unit_test(rewind_cannot_go_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
