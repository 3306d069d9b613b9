// Small tables that never refuse anything but let the oldest go, and the queue of datagrams, which
// says when it is full.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coap/answers.h"
#include "coap/endpoint.h"
#include "coap/noted.h"
#include "coap/transmit.h"

#define BYTES 4096U

static void *memory_of(size_t size)
{
    const size_t whole = (size + 63U) & ~(size_t)63U;
    void *memory = aligned_alloc(64, whole);
    assert_non_null(memory);
    memset(memory, 0, whole);
    return memory;
}

static void the_newest_answers_overwrite_the_oldest(void **state)
{
    (void)state;
    uint8_t bytes[BYTES / 2 + 1];
    struct coap_answers *answers =
        coap_answers_init(memory_of(coap_answers_footprint(BYTES)), BYTES);
    memset(bytes, 7, sizeof(bytes));
    assert_int_equal(coap_answers_used(answers), 0);
    for (uint64_t key = 1; key <= 4; key++) {
        assert_true(coap_answers_keep(answers, key, slice_of(bytes, 1000), SLICE_EMPTY));
    }
    assert_int_equal(coap_answers_used(answers), 4000);
    assert_int_equal(coap_answers_find(answers, 1).len, 1000);
    assert_true(coap_answers_keep(answers, 5, slice_of(bytes, 1000), SLICE_EMPTY));
    assert_int_equal(coap_answers_used(answers), BYTES);
    assert_null(coap_answers_find(answers, 1).ptr);
    assert_int_equal(coap_answers_find(answers, 5).len, 1000);
    assert_false(coap_answers_keep(answers, 6, slice_of(bytes, sizeof(bytes)), SLICE_EMPTY));
    free(answers);
}

static void the_oldest_noted_ids_give_way(void **state)
{
    (void)state;
    struct coap_noted *noted = coap_noted_init(memory_of(coap_noted_footprint()));
    for (uint64_t i = 1; i <= COAP_NOTED_MAX + 10; i++) {
        coap_noted_put(noted, i * 0x9e3779b97f4a7c15U, i);
        assert_int_equal(coap_noted_count(noted), i < COAP_NOTED_MAX ? i : COAP_NOTED_MAX);
    }
    assert_int_equal(coap_noted_take(noted, 10 * 0x9e3779b97f4a7c15U), 0);
    assert_int_equal(coap_noted_take(noted, 11 * 0x9e3779b97f4a7c15U), 11);
    assert_int_equal(coap_noted_count(noted), COAP_NOTED_MAX - 1);
    free(noted);
}

static void a_full_queue_gives_no_place_until_it_is_emptied(void **state)
{
    (void)state;
    const struct coap_peer peer = {0};
    struct coap_peer to;
    struct slice bytes;
    struct coap_transmit *transmit = coap_transmit_init(memory_of(coap_transmit_footprint(3)), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(coap_transmit_room(transmit), 3 - i);
        struct buf *buf = coap_transmit_begin(transmit, &peer);
        assert_non_null(buf);
        buf_put_u8(buf, (uint8_t)i);
        coap_transmit_end(transmit);
    }
    assert_null(coap_transmit_begin(transmit, &peer));
    for (unsigned i = 0; i < 3; i++) {
        assert_true(coap_transmit_next(transmit, &to, &bytes));
        assert_int_equal(bytes.ptr[0], i);
    }
    assert_false(coap_transmit_next(transmit, &to, &bytes));
    assert_int_equal(coap_transmit_room(transmit), 3);
    free(transmit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_answers_overwrite_the_oldest),
        cmocka_unit_test(the_oldest_noted_ids_give_way),
        cmocka_unit_test(a_full_queue_gives_no_place_until_it_is_emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
