// The rows that are read for a lane are bounded in bytes: what does not fit is thrown away and
// said, and room comes back with what is collected.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plat/clock.h"
#include "plat/thread.h"
#include "store/fixture.h"
#include "store/loads.h"

#define DEVICE ((struct device_id){42})
#define VALUE_BYTES 200000U
#define VALUES 15U // of 3 MB, below what one load may bring
#define LOADS 40U

static void fill(struct store_fixture *f)
{
    char *const value = malloc(VALUE_BYTES);
    assert_non_null(value);
    memset(value, 'x', VALUE_BYTES);
    for (unsigned i = 0; i < VALUES; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "k%u", i);
        const struct store_state_change item = {STORE_STATE_CLIENT, slice_text(name), false,
                                                slice_of(value, VALUE_BYTES)};
        const struct store_record record = {
            .verb = STORE_CHANGE, .tenant = {1}, .device = DEVICE, .change = {&item, 1}};
        assert_int_equal(store_fixture_do(f, &record).err, ERR_OK);
    }
    free(value);
}

static void submit(struct store_fixture *f, uint64_t ticket)
{
    const struct store_load_query query = {
        .device = DEVICE, .kinds = STORE_STATE_BIT(STORE_STATE_CLIENT), .ticket = ticket};
    assert_int_equal(store_load_submit(f->lane, &query), ERR_OK);
}

static struct store_load *wait_for_load(struct store_fixture *f)
{
    const struct mono end = mono_add(plat_clock_mono(), span_s(20));
    struct store_load *load = store_load_collect(f->lane);
    while (load == NULL) {
        assert_false(mono_reached(plat_clock_mono(), end));
        plat_thread_sleep(span_ms(1));
        load = store_load_collect(f->lane);
    }
    return load;
}

static unsigned rows_of(struct store_load *load)
{
    struct store_state_row row;
    unsigned count = 0;
    while (store_load_next(load, &row)) {
        count++;
    }
    return count;
}

static void rows_that_wait_are_bounded_in_bytes(void **state)
{
    (void)state;
    struct store_fixture f;
    struct store_load *loads[LOADS];
    store_fixture_open(&f, &store_fixture_reference, &store_fixture_limits);
    fill(&f);
    for (unsigned i = 0; i < LOADS; i++) {
        submit(&f, i + 1);
    }
    assert_int_equal(store_stats(f.store).loads, LOADS);
    unsigned whole = 0;
    for (unsigned i = 0; i < LOADS; i++) {
        loads[i] = wait_for_load(&f);
        const enum err err = store_load_err(loads[i]);
        assert_true(err == ERR_OK || err == ERR_EXHAUSTED);
        assert_int_equal(rows_of(loads[i]), err == ERR_OK ? VALUES : 0);
        whole += err == ERR_OK ? 1 : 0;
    }
    assert_in_range(whole, 1, STORE_LOADS_BYTES_MAX / (VALUES * VALUE_BYTES));
    for (unsigned i = 0; i < LOADS; i++) {
        store_load_release(loads[i]);
    }
    assert_int_equal(store_stats(f.store).loads, 0);
    submit(&f, 99);
    struct store_load *const again = wait_for_load(&f);
    assert_int_equal(store_load_err(again), ERR_OK);
    assert_int_equal(rows_of(again), VALUES);
    store_load_release(again);
    store_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_wait_are_bounded_in_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
