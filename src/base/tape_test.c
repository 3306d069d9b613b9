// What a tape keeps: all records while there is room, the latest afterwards, and never a record
// that is half one and half another, also while its owner writes on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/assert_test.h"
#include "base/tape.h"

#define SLOTS (TAPE_SIZE_MIN / TAPE_SLOT_SIZE)

struct record {
    uint64_t words[TAPE_RECORD_MAX / 8];
};

static void *memory_of(size_t size)
{
    void *memory = aligned_alloc(64, (tape_footprint(size) + 63) & ~(size_t)63);
    assert_non_null(memory);
    memset(memory, 0, tape_footprint(size));
    return memory;
}

static void write_number(struct tape *tape, uint64_t number, size_t len)
{
    struct record record;
    for (size_t i = 0; i < TAPE_RECORD_MAX / 8; i++) {
        record.words[i] = number;
    }
    tape_write(tape, &record, len);
}

static void an_empty_tape_holds_nothing(void **state)
{
    (void)state;
    void *memory = memory_of(TAPE_SIZE_MIN);
    const struct tape *tape = tape_init(memory, TAPE_SIZE_MIN);
    struct tape_cursor cursor = tape_rewind(tape);
    struct record record;
    uint64_t position;
    assert_int_equal(cursor.records, 0);
    assert_false(tape_next(tape, &cursor, &record, &position));
    free(memory);
}

static void records_of_all_lengths_come_back_in_order(void **state)
{
    (void)state;
    void *memory = memory_of(TAPE_SIZE_MIN);
    struct tape *tape = tape_init(memory, TAPE_SIZE_MIN);
    static const size_t lengths[] = {1, 8, 56, 57, 112, 113, 168, 169, TAPE_RECORD_MAX};
    const unsigned count = sizeof(lengths) / sizeof(lengths[0]);
    for (unsigned i = 0; i < count; i++) {
        write_number(tape, 1000 + i, lengths[i]);
    }
    struct tape_cursor cursor = tape_rewind(tape);
    assert_int_equal(cursor.records, count);
    uint64_t before = 0;
    for (unsigned i = 0; i < count; i++) {
        struct record record;
        uint64_t position;
        assert_true(tape_next(tape, &cursor, &record, &position));
        assert_true(i == 0 || position > before);
        before = position;
        for (size_t k = 0; k < lengths[i] / 8; k++) {
            assert_int_equal(record.words[k], 1000 + i);
        }
    }
    struct record record;
    assert_false(tape_next(tape, &cursor, &record, &before));
    free(memory);
}

static void the_oldest_records_give_way(void **state)
{
    (void)state;
    void *memory = memory_of(TAPE_SIZE_MIN);
    struct tape *tape = tape_init(memory, TAPE_SIZE_MIN);
    // Three slots do not divide the tape: the record across its edge is cut, and left out.
    for (uint64_t i = 0; i < 1000; i++) {
        write_number(tape, i, 3 * TAPE_PART_SIZE);
    }
    struct tape_cursor cursor = tape_rewind(tape);
    assert_int_equal(cursor.records, 1000);
    struct record record;
    uint64_t position;
    uint64_t expected = 1000 - SLOTS / 3;
    while (tape_next(tape, &cursor, &record, &position)) {
        assert_int_equal(record.words[0], expected++);
    }
    assert_int_equal(expected, 1000);
    free(memory);
}

static void what_is_overwritten_after_the_rewind_is_left_out(void **state)
{
    (void)state;
    void *memory = memory_of(TAPE_SIZE_MIN);
    struct tape *tape = tape_init(memory, TAPE_SIZE_MIN);
    for (uint64_t i = 0; i < SLOTS; i++) {
        write_number(tape, i, 8);
    }
    struct tape_cursor cursor = tape_rewind(tape);
    for (uint64_t i = 0; i < SLOTS - 2; i++) {
        write_number(tape, SLOTS + i, 8);
    }
    struct record record;
    uint64_t position;
    assert_true(tape_next(tape, &cursor, &record, &position));
    assert_int_equal(record.words[0], SLOTS - 2);
    assert_true(tape_next(tape, &cursor, &record, &position));
    assert_int_equal(record.words[0], SLOTS - 1);
    assert_false(tape_next(tape, &cursor, &record, &position));
    free(memory);
}

static void write_too_long(void *tape)
{
    write_number(tape, 1, TAPE_RECORD_MAX + 1);
}

static void write_nothing(void *tape)
{
    write_number(tape, 1, 0);
}

static void a_record_of_wrong_length_stops_the_process(void **state)
{
    (void)state;
    void *memory = memory_of(TAPE_SIZE_MIN);
    struct tape *tape = tape_init(memory, TAPE_SIZE_MIN);
    assert_true(assert_stops(write_too_long, tape));
    assert_true(assert_stops(write_nothing, tape));
    free(memory);
}

struct writing {
    struct tape *tape;
    _Atomic int stop;
};

static void *write_on(void *context)
{
    struct writing *writing = context;
    for (uint64_t i = 1; atomic_load(&writing->stop) == 0; i++) {
        write_number(writing->tape, i, (i % TAPE_PARTS_MAX + 1) * TAPE_PART_SIZE);
    }
    return NULL;
}

static void no_record_is_torn_while_the_owner_writes(void **state)
{
    (void)state;
    void *memory = memory_of(TAPE_SIZE_MIN);
    struct writing writing = {tape_init(memory, TAPE_SIZE_MIN), 0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writing), 0);
    uint64_t seen = 0;
    for (unsigned round = 0; round < 50000 || seen < 1000; round++) {
        struct tape_cursor cursor = tape_rewind(writing.tape);
        struct record record;
        uint64_t position;
        uint64_t before = 0;
        while (tape_next(writing.tape, &cursor, &record, &position)) {
            const uint64_t number = record.words[0];
            assert_true(number > before);
            before = number;
            for (size_t i = 0; i < (number % TAPE_PARTS_MAX + 1) * TAPE_PART_SIZE / 8; i++) {
                assert_int_equal(record.words[i], number);
            }
            seen++;
        }
    }
    atomic_store(&writing.stop, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    free(memory);
}

static void what_is_used_grows_up_to_the_size(void **state)
{
    (void)state;
    void *memory = memory_of(TAPE_SIZE_MIN);
    struct tape *tape = tape_init(memory, TAPE_SIZE_MIN);
    assert_int_equal(tape_used(tape), 0);
    write_number(tape, 1, TAPE_PART_SIZE + 1);
    assert_int_equal(tape_used(tape), 2 * TAPE_SLOT_SIZE);
    for (uint64_t i = 0; i < TAPE_SIZE_MIN; i++) {
        write_number(tape, i, 1);
    }
    assert_int_equal(tape_used(tape), TAPE_SIZE_MIN);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_tape_holds_nothing),
        cmocka_unit_test(records_of_all_lengths_come_back_in_order),
        cmocka_unit_test(the_oldest_records_give_way),
        cmocka_unit_test(what_is_overwritten_after_the_rewind_is_left_out),
        cmocka_unit_test(a_record_of_wrong_length_stops_the_process),
        cmocka_unit_test(no_record_is_torn_while_the_owner_writes),
        cmocka_unit_test(what_is_used_grows_up_to_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
