// Messages between threads: they arrive whole, in order, and a full ring is said.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bus/bus.h"
#include "plat/clock.h"
#include "plat/memory.h"
#include "plat/thread.h"

#define RING 4096U

struct parties {
    struct bus *bus;
    struct bus_party *of[4]; // two workers, two others
};

static struct parties make(void)
{
    struct parties parties;
    assert_int_equal(bus_create(&parties.bus, 2, RING), ERR_OK);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(bus_join(parties.bus, NULL, &parties.of[i]), ERR_OK);
        assert_int_equal(bus_number(parties.of[i]), i);
    }
    return parties;
}

static bool send(struct bus_party *party, unsigned to, const char *text)
{
    void *room = bus_reserve(party, to, strlen(text));
    if (room == NULL) {
        return false;
    }
    memcpy(room, text, strlen(text));
    bus_commit(party, to, strlen(text));
    return true;
}

static void expect(struct bus_party *party, unsigned sender, const char *text)
{
    unsigned from = 99;
    struct slice message;
    assert_true(bus_next(party, &from, &message));
    assert_int_equal(from, sender);
    assert_true(slice_equal(message, slice_text(text)));
}

static void expect_nothing(struct bus_party *party)
{
    unsigned from;
    struct slice message;
    assert_false(bus_next(party, &from, &message));
}

static void messages_arrive_in_order_after_the_flush(void **state)
{
    (void)state;
    struct parties parties = make();
    assert_true(send(parties.of[2], 0, "one"));
    assert_true(send(parties.of[2], 0, "two"));
    assert_true(send(parties.of[0], 0, "to itself"));
    expect_nothing(parties.of[0]);
    bus_flush(parties.of[2]);
    bus_flush(parties.of[0]);
    expect(parties.of[0], 0, "to itself");
    expect(parties.of[0], 2, "one");
    expect(parties.of[0], 2, "two");
    expect_nothing(parties.of[0]);
    bus_release(parties.of[0]);
    bus_destroy(parties.bus);
}

static void what_is_sent_to_itself_needs_no_wake(void **state)
{
    (void)state;
    struct parties parties = make();
    assert_false(bus_flush_own(parties.of[0]));
    assert_true(send(parties.of[0], 0, "to itself"));
    assert_true(send(parties.of[0], 1, "to another"));
    assert_true(bus_flush_own(parties.of[0]));
    assert_false(bus_flush_own(parties.of[0]));
    expect(parties.of[0], 0, "to itself");
    expect_nothing(parties.of[1]);
    bus_flush(parties.of[0]);
    expect(parties.of[1], 0, "to another");
    // Nobody was woken by the first: this waits until its deadline.
    const struct mono begin = plat_clock_mono();
    bus_wait(parties.of[0], mono_add(begin, span_ms(30)));
    assert_true(mono_since(plat_clock_mono(), begin).ns >= span_ms(30).ns);
    bus_destroy(parties.bus);
}

static void a_full_ring_is_said_and_room_comes_back(void **state)
{
    (void)state;
    struct parties parties = make();
    char text[513];
    memset(text, 'x', sizeof(text) - 1);
    text[512] = 0;
    unsigned sent = 0;
    assert_true(bus_has_room(parties.of[0], 1));
    while (send(parties.of[0], 1, text)) {
        sent++;
    }
    assert_in_range(sent, 6, 8);
    assert_false(bus_has_room(parties.of[0], 1));
    bus_flush(parties.of[0]);
    for (unsigned i = 0; i < sent; i++) {
        expect(parties.of[1], 0, text);
    }
    assert_false(send(parties.of[0], 1, text));
    bus_release(parties.of[1]);
    assert_true(send(parties.of[0], 1, text));
    bus_destroy(parties.bus);
}

// A receiver takes so many at a time; who sends more than that keeps nobody else out.
static void a_busy_sender_keeps_nobody_out(void **state)
{
    (void)state;
    struct parties parties = make();
    assert_true(send(parties.of[3], 0, "rare"));
    bus_flush(parties.of[3]);
    bool is_heard = false;
    for (unsigned batch = 0; batch < 5 && !is_heard; batch++) {
        for (unsigned i = 0; i < 8; i++) {
            (void)!send(parties.of[2], 0, "busy");
        }
        bus_flush(parties.of[2]);
        for (unsigned i = 0; i < 4; i++) {
            struct slice message;
            unsigned from;
            assert_true(bus_next(parties.of[0], &from, &message));
            is_heard = is_heard || from == 3;
        }
        bus_release(parties.of[0]);
    }
    assert_true(is_heard);
    bus_destroy(parties.bus);
}

static void a_message_beyond_a_quarter_of_the_ring_is_refused(void **state)
{
    (void)state;
    struct parties parties = make();
    assert_null(bus_reserve(parties.of[0], 1, RING / 4 + 1));
    bus_destroy(parties.bus);
}

struct answering {
    struct bus_party *party;
    unsigned answered;
};

static void answer(void *context)
{
    struct answering *answering = context;
    while (answering->answered < 1000) {
        unsigned from;
        struct slice message;
        while (bus_next(answering->party, &from, &message)) {
            void *room = bus_reserve(answering->party, from, message.len);
            assert_non_null(room);
            memcpy(room, message.ptr, message.len);
            bus_commit(answering->party, from, message.len);
            answering->answered++;
        }
        bus_release(answering->party);
        bus_flush(answering->party);
        bus_wait(answering->party, mono_add(plat_clock_mono(), span_ms(100)));
    }
}

static void a_waiting_thread_is_woken_by_its_answer(void **state)
{
    (void)state;
    struct parties parties = make();
    struct answering answering = {parties.of[0], 0};
    struct plat_thread thread;
    assert_int_equal(plat_thread_start(&thread, "answer", -1, &answering, answer), ERR_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        void *room = bus_reserve(parties.of[3], 0, sizeof(i));
        assert_non_null(room);
        memcpy(room, &i, sizeof(i));
        bus_commit(parties.of[3], 0, sizeof(i));
        bus_flush(parties.of[3]);
        unsigned from;
        struct slice message;
        while (!bus_next(parties.of[3], &from, &message)) {
            bus_wait(parties.of[3], mono_add(plat_clock_mono(), span_ms(100)));
        }
        assert_memory_equal(message.ptr, &i, sizeof(i));
        bus_release(parties.of[3]);
    }
    plat_thread_join(&thread);
    bus_destroy(parties.bus);
}

static void memory_is_as_told_and_what_waits_is_counted(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers < 5; workers++) {
        for (unsigned others = 1; others < 4; others++) {
            struct bus *bus;
            struct bus_party *party;
            const uint64_t before = plat_memory_reserved();
            assert_int_equal(bus_create(&bus, workers, RING), ERR_OK);
            for (unsigned i = 0; i + 1 < workers + others; i++) {
                assert_int_equal(bus_join(bus, NULL, &party), ERR_OK);
            }
            assert_int_equal(bus_join_hub(bus, NULL, &party), ERR_OK);
            assert_int_equal(plat_memory_reserved() - before, bus_footprint(workers, others, RING));
            assert_int_equal(bus_used(bus), 0);
            assert_true(send(party, 0, "12345678"));
            bus_flush(party);
            assert_int_equal(bus_used(bus), 16);
            bus_destroy(bus);
            assert_int_equal(plat_memory_reserved(), before);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_in_order_after_the_flush),
        cmocka_unit_test(what_is_sent_to_itself_needs_no_wake),
        cmocka_unit_test(a_full_ring_is_said_and_room_comes_back),
        cmocka_unit_test(a_busy_sender_keeps_nobody_out),
        cmocka_unit_test(a_message_beyond_a_quarter_of_the_ring_is_refused),
        cmocka_unit_test(a_waiting_thread_is_woken_by_its_answer),
        cmocka_unit_test(memory_is_as_told_and_what_waits_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
