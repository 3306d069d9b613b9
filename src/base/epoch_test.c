// Epochs: the order in one thread, then readers that follow a pointer while a writer replaces and
// frees what it points to. A sanitizer sees any read of freed memory; without one the mark shows
// it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "base/assert_test.h"
#include "base/epoch.h"

static struct epoch epoch;

static void idle_readers_hold_nothing(void **state)
{
    (void)state;
    epoch_init(&epoch, 3);
    assert_true(epoch_passed(&epoch, epoch_advance(&epoch)));
}

static void reader_inside_holds_up_its_epoch(void **state)
{
    (void)state;
    epoch_init(&epoch, 2);
    epoch_enter(&epoch, 1);
    const uint64_t number = epoch_advance(&epoch);
    assert_false(epoch_passed(&epoch, number));
    epoch_leave(&epoch, 1);
    assert_true(epoch_passed(&epoch, number));
}

static void entering_again_passes_the_epoch(void **state)
{
    (void)state;
    epoch_init(&epoch, 2);
    epoch_enter(&epoch, 0);
    const uint64_t first = epoch_advance(&epoch);
    epoch_enter(&epoch, 0);
    assert_true(epoch_passed(&epoch, first));
    // It is now inside the newer one.
    const uint64_t second = epoch_advance(&epoch);
    assert_true(second > first);
    assert_true(epoch_passed(&epoch, first));
    assert_false(epoch_passed(&epoch, second));
}

static void every_reader_must_pass(void **state)
{
    (void)state;
    epoch_init(&epoch, EPOCH_READERS_MAX);
    epoch_enter(&epoch, 0);
    epoch_enter(&epoch, EPOCH_READERS_MAX - 1);
    const uint64_t number = epoch_advance(&epoch);
    epoch_leave(&epoch, 0);
    assert_false(epoch_passed(&epoch, number));
    epoch_leave(&epoch, EPOCH_READERS_MAX - 1);
    assert_true(epoch_passed(&epoch, number));
}

static void enter_as_nobody(void *context)
{
    epoch_enter(context, 2);
}

static void reader_without_a_place_is_a_bug(void **state)
{
    (void)state;
    epoch_init(&epoch, 2);
    assert_true(assert_stops(enter_as_nobody, &epoch));
}

#define READERS 2U
#define VERSIONS 3000U
#define ALIVE UINT64_C(0x600d600d600d600d)

struct thing {
    uint64_t mark;
    uint64_t version;
};

static _Atomic(struct thing *) shared;
static atomic_bool stop;
static atomic_uint started;

struct reader {
    unsigned index;
    uint64_t reads;
    uint64_t dead;
    uint64_t backward;
};

static void *read_on(void *context)
{
    struct reader *reader = context;
    uint64_t last = 0;
    atomic_fetch_add(&started, 1);
    do {
        epoch_enter(&epoch, reader->index);
        for (unsigned i = 0; i < 8; i++) {
            const struct thing *thing = atomic_load_explicit(&shared, memory_order_acquire);
            reader->dead += thing->mark == ALIVE ? 0 : 1;
            reader->backward += thing->version >= last ? 0 : 1;
            last = thing->version;
            reader->reads++;
        }
        if (reader->reads % 64 == 0) {
            epoch_leave(&epoch, reader->index);
            sched_yield();
        }
    } while (!atomic_load_explicit(&stop, memory_order_relaxed));
    epoch_leave(&epoch, reader->index);
    return NULL;
}

static struct thing *new_thing(uint64_t version)
{
    struct thing *thing = malloc(sizeof(*thing));
    assert_non_null(thing);
    *thing = (struct thing){ALIVE, version};
    return thing;
}

static void readers_never_see_what_was_freed(void **state)
{
    (void)state;
    struct reader readers[READERS] = {0};
    pthread_t threads[READERS];

    epoch_init(&epoch, READERS);
    atomic_store(&shared, new_thing(0));
    for (unsigned i = 0; i < READERS; i++) {
        readers[i].index = i;
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    }
    while (atomic_load(&started) < READERS) {
        sched_yield();
    }
    for (uint64_t version = 1; version <= VERSIONS; version++) {
        struct thing *old = atomic_exchange(&shared, new_thing(version));
        const uint64_t number = epoch_advance(&epoch);
        while (!epoch_passed(&epoch, number)) {
            sched_yield();
        }
        old->mark = 0;
        free(old);
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(readers[i].reads >= 8);
        assert_int_equal(readers[i].dead, 0);
        assert_int_equal(readers[i].backward, 0);
    }
    free(atomic_load(&shared));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_readers_hold_nothing),
        cmocka_unit_test(reader_inside_holds_up_its_epoch),
        cmocka_unit_test(entering_again_passes_the_epoch),
        cmocka_unit_test(every_reader_must_pass),
        cmocka_unit_test(reader_without_a_place_is_a_bug),
        cmocka_unit_test(readers_never_see_what_was_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
