// The ring: bounds and wrapping in one thread, then a producer and a consumer at full speed, whose
// records must come out whole and in order.
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
#include "base/random.h"
#include "base/ring.h"

#define SIZE 4096U
#define GUARD_SIZE 64U

static struct ring *new_ring(size_t size)
{
    // A line more, which must stay untouched.
    const size_t footprint = ring_footprint(size) + GUARD_SIZE;
    void *memory = aligned_alloc(64, (footprint + 63) & ~(size_t)63);
    assert_non_null(memory);
    memset(memory, 0xee, footprint);
    return ring_init(memory, size);
}

static void free_ring(struct ring *ring, size_t size)
{
    const uint8_t *guard = (const uint8_t *)ring + ring_footprint(size);
    for (size_t i = 0; i < GUARD_SIZE; i++) {
        assert_int_equal(guard[i], 0xee);
    }
    free(ring);
}

static bool put(struct ring *ring, const void *bytes, size_t len)
{
    void *room = ring_reserve(ring, len);
    if (room == NULL) {
        return false;
    }
    assert_int_equal((uintptr_t)room % 8, 0);
    memcpy(room, bytes, len);
    ring_commit(ring, len);
    return true;
}

static void records_come_out_in_order(void **state)
{
    (void)state;
    struct ring *ring = new_ring(SIZE);
    assert_true(put(ring, "one", 3));
    assert_true(put(ring, "", 0));
    assert_true(put(ring, "three", 5));
    ring_publish(ring);
    assert_true(slice_equal(ring_peek(ring), SLICE("one")));
    assert_true(slice_equal(ring_peek(ring), SLICE("one")));
    ring_advance(ring);
    assert_int_equal(ring_peek(ring).len, 0);
    assert_non_null(ring_peek(ring).ptr);
    ring_advance(ring);
    assert_true(slice_equal(ring_peek(ring), SLICE("three")));
    ring_advance(ring);
    assert_null(ring_peek(ring).ptr);
    free_ring(ring, SIZE);
}

static void nothing_is_seen_before_publish(void **state)
{
    (void)state;
    struct ring *ring = new_ring(SIZE);
    assert_null(ring_peek(ring).ptr);
    assert_true(put(ring, "x", 1));
    assert_null(ring_peek(ring).ptr);
    assert_int_equal(ring_used(ring), 0);
    ring_publish(ring);
    assert_true(slice_equal(ring_peek(ring), SLICE("x")));
    assert_int_equal(ring_used(ring), 16);
    free_ring(ring, SIZE);
}

static void room_comes_back_by_release_only(void **state)
{
    (void)state;
    struct ring *ring = new_ring(SIZE);
    static uint8_t quarter[SIZE / 4];
    const size_t max = ring_record_max(ring);
    assert_int_equal(max, sizeof(quarter));
    unsigned count = 0;
    while (put(ring, quarter, max)) {
        count++;
    }
    assert_int_equal(count, 3);
    ring_publish(ring);
    for (unsigned i = 0; i < count; i++) {
        ring_advance(ring);
        assert_null(ring_reserve(ring, max));
    }
    assert_null(ring_peek(ring).ptr);
    ring_release(ring);
    assert_int_equal(ring_used(ring), 0);
    assert_true(put(ring, quarter, max));
    free_ring(ring, SIZE);
}

static void commit_may_be_shorter_than_the_reservation(void **state)
{
    (void)state;
    struct ring *ring = new_ring(SIZE);
    char *room = ring_reserve(ring, 1000);
    assert_non_null(room);
    memcpy(room, "short", 5);
    ring_commit(ring, 5);
    ring_publish(ring);
    assert_int_equal(ring_used(ring), 16);
    assert_true(slice_equal(ring_peek(ring), SLICE("short")));
    free_ring(ring, SIZE);
}

// Also where the forgotten one had already stepped over the end of the memory.
static void forgotten_reservation_leaves_no_trace(void **state)
{
    (void)state;
    struct ring *ring = new_ring(SIZE);
    static uint8_t bytes[SIZE / 4];
    for (unsigned i = 0; i < 3; i++) {
        assert_true(put(ring, bytes, SIZE / 4));
        ring_publish(ring);
        ring_advance(ring);
        ring_release(ring);
    }
    assert_non_null(ring_reserve(ring, SIZE / 4));
    assert_true(put(ring, "small", 5));
    ring_publish(ring);
    assert_true(slice_equal(ring_peek(ring), SLICE("small")));
    ring_advance(ring);
    assert_null(ring_peek(ring).ptr);
    free_ring(ring, SIZE);
}

static void reserve_too_much(void *context)
{
    (void)!ring_reserve(context, SIZE / 4 + 1);
}

static void commit_without_reservation(void *context)
{
    ring_commit(context, 0);
}

static void commit_more_than_reserved(void *context)
{
    (void)!ring_reserve(context, 8);
    ring_commit(context, 9);
}

static void advance_over_nothing(void *context)
{
    ring_advance(context);
}

static void misuse_stops_the_process(void **state)
{
    (void)state;
    struct ring *ring = new_ring(SIZE);
    assert_true(assert_stops(reserve_too_much, ring));
    assert_true(assert_stops(commit_without_reservation, ring));
    assert_true(assert_stops(commit_more_than_reserved, ring));
    assert_true(assert_stops(advance_over_nothing, ring));
    free_ring(ring, SIZE);
}

// A record's length and bytes follow from its number, so that both sides can compute them.
static size_t record_len(uint64_t number)
{
    struct random random;
    random_init(&random, number);
    return (size_t)random_below(&random, random_chance(&random, 1, 8) ? SIZE / 4 + 1 : 48);
}

static void fill(uint8_t *bytes, size_t len, uint64_t number)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(number * 31 + i * 7);
    }
}

static bool is_filled(struct slice record, uint64_t number)
{
    if (record.len != record_len(number)) {
        return false;
    }
    for (size_t i = 0; i < record.len; i++) {
        if (record.ptr[i] != (uint8_t)(number * 31 + i * 7)) {
            return false;
        }
    }
    return true;
}

static bool put_number(struct ring *ring, uint64_t number)
{
    const size_t len = record_len(number);
    uint8_t *room = ring_reserve(ring, len);
    if (room == NULL) {
        return false;
    }
    fill(room, len, number);
    ring_commit(ring, len);
    return true;
}

static void random_steps_keep_every_record(void **state)
{
    (void)state;
    struct ring *ring = new_ring(SIZE);
    struct random random;
    uint64_t put_next = 0;
    uint64_t published = 0;
    uint64_t read_next = 0;
    unsigned refusals = 0;

    random_init(&random, 3);
    for (unsigned turn = 0; turn < 50000; turn++) {
        switch (random_below(&random, 5)) {
        case 0:
        case 1:
            if (put_number(ring, put_next)) {
                put_next++;
            } else {
                refusals++;
            }
            break;
        case 2:
            ring_publish(ring);
            published = put_next;
            break;
        case 3: {
            const struct slice record = ring_peek(ring);
            assert_true((record.ptr == NULL) == (read_next == published));
            if (record.ptr != NULL) {
                assert_true(is_filled(record, read_next));
                ring_advance(ring);
                read_next++;
            }
            break;
        }
        default:
            ring_release(ring);
            break;
        }
        assert_true(ring_used(ring) <= SIZE);
    }
    assert_true(refusals > 100);
    assert_true(read_next > 1000);
    free_ring(ring, SIZE);
}

#define THREADED_RECORDS 200000U

static void *produce(void *context)
{
    struct ring *ring = context;
    for (uint64_t number = 0; number < THREADED_RECORDS; number++) {
        while (!put_number(ring, number)) {
            ring_publish(ring);
            sched_yield();
        }
        if (number % 3 == 0) {
            ring_publish(ring);
        }
    }
    ring_publish(ring);
    return NULL;
}

static void two_threads_lose_and_tear_nothing(void **state)
{
    (void)state;
    struct ring *ring = new_ring(SIZE);
    pthread_t producer;
    unsigned torn = 0;

    assert_int_equal(pthread_create(&producer, NULL, produce, ring), 0);
    for (uint64_t number = 0; number < THREADED_RECORDS;) {
        const struct slice record = ring_peek(ring);
        if (record.ptr == NULL) {
            ring_release(ring);
            sched_yield();
            continue;
        }
        torn += is_filled(record, number) ? 0 : 1;
        ring_advance(ring);
        number++;
        if (number % 5 == 0) {
            ring_release(ring);
        }
    }
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_int_equal(torn, 0);
    assert_null(ring_peek(ring).ptr);
    free_ring(ring, SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_out_in_order),
        cmocka_unit_test(nothing_is_seen_before_publish),
        cmocka_unit_test(room_comes_back_by_release_only),
        cmocka_unit_test(commit_may_be_shorter_than_the_reservation),
        cmocka_unit_test(forgotten_reservation_leaves_no_trace),
        cmocka_unit_test(misuse_stops_the_process),
        cmocka_unit_test(random_steps_keep_every_record),
        cmocka_unit_test(two_threads_lose_and_tear_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
