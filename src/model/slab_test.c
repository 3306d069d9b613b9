// Slabs: items do not overlap, come back, and are aligned; a sanitizer sees what is left behind.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/slab.h"

#define ITEMS 5000U
#define ITEM_SIZE 104U

static uint8_t *items[ITEMS];

static void items_are_apart_and_aligned(void **state)
{
    (void)state;
    struct model_slab slab;
    model_slab_init(&slab, ITEM_SIZE);
    for (unsigned i = 0; i < ITEMS; i++) {
        items[i] = model_slab_take(&slab);
        assert_non_null(items[i]);
        assert_int_equal((uintptr_t)items[i] % 8, 0);
        memset(items[i], (int)(i & 0xFF), ITEM_SIZE);
    }
    for (unsigned i = 0; i < ITEMS; i++) {
        assert_int_equal(items[i][0], i & 0xFF);
        assert_int_equal(items[i][ITEM_SIZE - 1], i & 0xFF);
    }
    // Eight pieces of 630 items hold them all.
    assert_int_equal(slab.bytes, 8 * MODEL_SLAB_SIZE);
    model_slab_deinit(&slab);
}

static void given_items_are_taken_again_first(void **state)
{
    (void)state;
    struct model_slab slab;
    model_slab_init(&slab, 16);
    void *first = model_slab_take(&slab);
    void *second = model_slab_take(&slab);
    model_slab_give(&slab, first);
    model_slab_give(&slab, second);
    assert_ptr_equal(model_slab_take(&slab), second);
    assert_ptr_equal(model_slab_take(&slab), first);
    assert_int_equal(slab.bytes, MODEL_SLAB_SIZE);
    model_slab_deinit(&slab);
    assert_int_equal(slab.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_apart_and_aligned),
        cmocka_unit_test(given_items_are_taken_again_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
