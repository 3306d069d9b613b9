// Large memory: zero, aligned, paid for as it is touched, and NULL when there is no address space.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "plat/memory.h"

static void memory_is_zero_aligned_and_writable(void **state)
{
    (void)state;
    const size_t size = 3 * 1024 * 1024 + 5;
    uint8_t *memory = plat_memory_reserve(size);
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
    assert_int_equal(memory[0], 0);
    assert_int_equal(memory[size - 1], 0);
    memory[0] = 1;
    memory[size - 1] = 2;
    assert_int_equal(memory[0] + memory[size - 1], 3);
    plat_memory_release(memory, size);
}

static void only_touched_pages_are_paid_for(void **state)
{
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *memory = plat_memory_reserve(16 * page);
    unsigned char resident[16];
    assert_non_null(memory);
    memory[3 * page] = 1;
    assert_int_equal(mincore(memory, 16 * page, resident), 0);
    assert_int_equal(resident[3] & 1, 1);
    assert_int_equal(resident[9] & 1, 0);
    plat_memory_release(memory, 16 * page);
}

static void what_is_populated_is_there_and_keeps_what_it_held(void **state)
{
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *memory = plat_memory_reserve(16 * page);
    unsigned char resident[16];
    assert_non_null(memory);
    memory[3 * page] = 7;
    plat_memory_populate(memory + page + 1, 8 * page);
    assert_int_equal(mincore(memory, 16 * page, resident), 0);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(resident[i] & 1, i >= 2 && i < 9);
    }
    assert_int_equal(memory[3 * page], 7);
    assert_int_equal(memory[4 * page], 0);
    plat_memory_populate(memory + 1, 2); // no whole page
    plat_memory_release(memory, 16 * page);
}

static void too_much_is_refused(void **state)
{
    (void)state;
    assert_null(plat_memory_reserve(SIZE_MAX / 2));
}

static void what_is_reserved_is_counted(void **state)
{
    (void)state;
    const uint64_t before = plat_memory_reserved();
    void *first = plat_memory_reserve(5000);
    void *second = plat_memory_reserve(1);
    assert_int_equal(plat_memory_reserved() - before, 5001);
    plat_memory_release(first, 5000);
    assert_int_equal(plat_memory_reserved() - before, 1);
    plat_memory_release(second, 1);
    assert_null(plat_memory_reserve(SIZE_MAX / 2));
    assert_int_equal(plat_memory_reserved(), before);
}

static void nothing_is_released_in_peace(void **state)
{
    (void)state;
    plat_memory_release(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zero_aligned_and_writable),
        cmocka_unit_test(only_touched_pages_are_paid_for),
        cmocka_unit_test(what_is_populated_is_there_and_keeps_what_it_held),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(what_is_reserved_is_counted),
        cmocka_unit_test(nothing_is_released_in_peace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
