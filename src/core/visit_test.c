// A shard with a device that waits over HTTP: what it is given, when it counts as delivered, and
// how that stands beside its observations. The store is the reference one, the clock stands still
// unless it is moved.
#include "core/visit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/shard_fixture.h"

#define WAIT_S 30U

static struct core_shard_fixture f;
static struct core_desk desk;
static const struct model_index_entry device = {.device = {42}, .tenant = {1}};

// How an order ended.
struct end {
    struct core_order order;
    unsigned count;
    enum err err;
    char text[256];
};

static struct end visits[CORE_VISITS_MAX + 1];
static struct end orders[8];

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    memset(visits, 0, sizeof(visits));
    memset(orders, 0, sizeof(orders));
    core_shard_fixture_begin(&f);
    desk = (struct core_desk){.bus = f.core.bus, .party = f.desk};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    core_shard_fixture_end(&f);
    return 0;
}

static void done(struct core_order *order, enum err err, struct slice response)
{
    struct end *end = order->context;
    end->count++;
    end->err = err;
    (void)snprintf(end->text, sizeof(end->text), "%.*s", SLICE_ARGS(response));
}

// The shard takes it in its next turn.
static void hand(struct end *end)
{
    end->count = 0;
    end->order.tenant = device.tenant;
    end->order.device = device.device;
    end->order.done = done;
    end->order.context = end;
    assert_int_equal(core_desk_send(&desk, &end->order), ERR_OK);
}

static void give(struct end *end)
{
    hand(end);
    core_shard_fixture_turn(&f);
}

static void wait_for(unsigned at, enum core_wish wish)
{
    visits[at].order = (struct core_order){
        .visit = {.wish = wish, .deadline = mono_add(f.now.mono, span_s(WAIT_S))}};
    core_visit_name(&desk, &visits[at].order);
    give(&visits[at]);
}

static void call_device(unsigned at, bool is_oneway, bool is_persistent)
{
    orders[at].order = (struct core_order){.kind = CORE_ORDER_CALL,
                                           .call = {.method = SLICE("m"),
                                                    .params = SLICE("{}"),
                                                    .is_oneway = is_oneway,
                                                    .is_persistent = is_persistent,
                                                    .created = f.now.wall,
                                                    .expires = {f.now.wall.ms + 60000},
                                                    .id = {{1, 2, 3}}}};
    give(&orders[at]);
}

static void order_change(unsigned at, const char *key, int64_t value)
{
    static struct store_state_change item;
    static struct store_change items;
    static uint8_t row[32];
    const struct model_value number = {.type = MODEL_VALUE_LONG, .number = value};
    const uint8_t *end = store_attribute_put(row, 1, &number);
    item = (struct store_state_change){STORE_STATE_SHARED, slice_text(key), value == 0,
                                       slice_of(row, (size_t)(end - row))};
    items = (struct store_change){&item, 1};
    orders[at].order = (struct core_order){.kind = CORE_ORDER_CHANGE, .change = &items};
    hand(&orders[at]);
}

static void change(unsigned at, const char *key, int64_t value)
{
    order_change(at, key, value);
    core_shard_fixture_settle(&f);
    assert_int_equal(orders[at].count, 1);
}

static void expect_end(const struct end *end, enum err err, const char *text)
{
    core_shard_fixture_settle(&f);
    assert_int_equal(end->count, 1);
    assert_int_equal(end->err, err);
    assert_string_equal(end->text, text);
}

static void expect_none(const struct end *end)
{
    core_shard_fixture_settle(&f);
    assert_int_equal(end->count, 0);
}

static void tell_written(unsigned at, bool is_written)
{
    assert_int_not_equal(visits[at].order.visit.ticket, 0);
    core_visit_ended(&desk, visits[at].order.visit.ticket, is_written);
    core_shard_fixture_turn(&f);
}

static void pass(struct span span)
{
    f.now.mono = mono_add(f.now.mono, span);
    f.now.wall.ms += (int64_t)(span.ns / 1000000);
    core_shard_fixture_turn(&f);
}

static void send(const struct core_mail *given)
{
    struct core_mail *mail = core_mail_begin(f.worker, 0, 0);
    assert_non_null(mail);
    *mail = *given;
    mail->tenant = device.tenant;
    mail->device = device.device;
    core_mail_end(f.worker, 0, mail);
    bus_flush(f.worker);
}

static void observe(enum core_resource resource)
{
    struct core_mail mail = {.kind = CORE_MAIL_SUBSCRIBE,
                             .resource = (uint8_t)resource,
                             .registration = {.route = {.peer = {1}}, .confirmable = true}};
    send(&mail);
    core_shard_fixture_until(&f, f.seen_count + 1);
    mail.kind = CORE_MAIL_STARTED;
    send(&mail);
    core_shard_fixture_turn(&f);
}

static void tell_observer(enum core_outcome outcome)
{
    const struct core_mail *notice = &f.seen[f.seen_count - 1].mail;
    assert_int_equal(notice->kind, CORE_MAIL_NOTICE);
    send(&(struct core_mail){
        .kind = CORE_MAIL_OUTCOME, .outcome = (uint8_t)outcome, .ticket = notice->ticket});
    core_shard_fixture_turn(&f);
}

static void reply(uint32_t call, const char *text)
{
    orders[7].order =
        (struct core_order){.kind = CORE_ORDER_REPLY, .reply = {call, slice_text(text)}};
    give(&orders[7]);
    expect_end(&orders[7], ERR_OK, "");
}

static void a_call_is_given_and_answered(void **state)
{
    (void)state;
    wait_for(0, CORE_WISH_RPC);
    call_device(0, false, false);
    expect_end(&visits[0], ERR_OK, "1 m {}");
    tell_written(0, true);
    expect_none(&orders[0]);
    reply(1, "{\"x\":1}");
    expect_end(&orders[0], ERR_OK, "{\"x\":1}");
    assert_int_equal(core_shard_stats(f.shard).delivered, 1);
    assert_int_equal(core_shard_stats(f.shard).visits, 0);
}

static void a_call_that_waits_is_given_at_once(void **state)
{
    (void)state;
    call_device(0, true, false);
    call_device(1, true, false);
    expect_none(&orders[0]);
    wait_for(0, CORE_WISH_RPC);
    expect_end(&visits[0], ERR_OK, "1 m {}");
    // One-way: over when it was written, and the next one waits for the next visit.
    expect_none(&orders[0]);
    tell_written(0, true);
    expect_end(&orders[0], ERR_OK, "");
    expect_none(&orders[1]);
    wait_for(1, CORE_WISH_RPC);
    expect_end(&visits[1], ERR_OK, "2 m {}");
}

static void what_was_not_written_is_given_again(void **state)
{
    (void)state;
    wait_for(0, CORE_WISH_RPC);
    call_device(0, false, true);
    expect_end(&visits[0], ERR_OK, "1 m {}");
    tell_written(0, false);
    wait_for(1, CORE_WISH_RPC);
    expect_end(&visits[1], ERR_OK, "1 m {}");
    // No word at all is as bad, after a while.
    pass(span_s(WAIT_S));
    wait_for(2, CORE_WISH_RPC);
    expect_none(&visits[2]);
    assert_int_equal(core_shard_stats(f.shard).delivered, 0);
}

static void no_word_of_what_became_of_it_is_made_up_for(void **state)
{
    (void)state;
    wait_for(0, CORE_WISH_ATTRIBUTES);
    change(0, "a", 1);
    expect_end(&visits[0], ERR_OK, "a=1 ");
    pass(span_s(121));
    wait_for(1, CORE_WISH_ATTRIBUTES);
    expect_end(&visits[1], ERR_OK, "a=1 ");
    // The late word is about nothing.
    tell_written(0, true);
    tell_written(1, true);
    assert_int_equal(core_shard_stats(f.shard).delivered, 1);
}

static void an_answer_may_come_before_the_word_that_it_was_written(void **state)
{
    (void)state;
    wait_for(0, CORE_WISH_RPC);
    call_device(0, false, false);
    expect_end(&visits[0], ERR_OK, "1 m {}");
    reply(1, "{}");
    expect_end(&orders[0], ERR_OK, "{}");
    tell_written(0, true);
    call_device(1, false, false);
    wait_for(1, CORE_WISH_RPC);
    expect_end(&visits[1], ERR_OK, "2 m {}");
}

static void a_persistent_call_is_stored_as_delivered_and_answered(void **state)
{
    (void)state;
    call_device(0, false, true);
    expect_end(&orders[0], ERR_OK, "");
    core_shard_fixture_restart(&f);
    wait_for(0, CORE_WISH_RPC);
    expect_end(&visits[0], ERR_OK, "1 m {}");
    tell_written(0, true);
    core_shard_fixture_settle(&f);
    reply(1, "{\"y\":2}");
    assert_int_equal(core_shard_stats(f.shard).calls, 0);
}

static void the_visit_goes_before_the_observation(void **state)
{
    (void)state;
    observe(CORE_RESOURCE_RPC);
    wait_for(0, CORE_WISH_RPC);
    const unsigned seen = f.seen_count;
    call_device(0, false, false);
    expect_end(&visits[0], ERR_OK, "1 m {}");
    // One call at one place: the next one waits until it is known what became of it.
    call_device(1, false, false);
    core_shard_fixture_settle(&f);
    assert_int_equal(f.seen_count, seen);
    // The peer has gone: both go to the observation now, one after the other.
    tell_written(0, false);
    core_shard_fixture_until(&f, seen + 1);
    assert_string_equal(f.seen[seen].body, "1 m {}");
    tell_observer(CORE_OUTCOME_DELIVERED);
    core_shard_fixture_until(&f, seen + 2);
    assert_string_equal(f.seen[seen + 1].body, "2 m {}");
    // What is under way there is not given to a visit as well.
    wait_for(1, CORE_WISH_RPC);
    expect_none(&visits[1]);
    // Until the observation's route fails.
    tell_observer(CORE_OUTCOME_LOST);
    expect_end(&visits[1], ERR_OK, "2 m {}");
}

static void a_new_registration_does_not_take_a_visit_back(void **state)
{
    (void)state;
    wait_for(0, CORE_WISH_RPC);
    call_device(0, true, false);
    expect_end(&visits[0], ERR_OK, "1 m {}");
    observe(CORE_RESOURCE_RPC);
    const unsigned seen = f.seen_count;
    tell_written(0, true);
    expect_end(&orders[0], ERR_OK, "");
    core_shard_fixture_settle(&f);
    assert_int_equal(f.seen_count, seen);
}

static void changes_from_the_first_visit_on_are_told(void **state)
{
    (void)state;
    change(0, "before", 1);
    wait_for(0, CORE_WISH_ATTRIBUTES);
    expect_none(&visits[0]);
    change(1, "a", 1);
    expect_end(&visits[0], ERR_OK, "a=1 ");
    tell_written(0, true);
    // Nobody waits, also not after a restart.
    change(2, "a", 2);
    change(3, "b", 3);
    core_shard_fixture_restart(&f);
    change(4, "c", 4);
    change(5, "c", 0);
    wait_for(1, CORE_WISH_ATTRIBUTES);
    expect_end(&visits[1], ERR_OK, "a=2 b=3 -c ");
    tell_written(1, true);
    wait_for(2, CORE_WISH_ATTRIBUTES);
    expect_none(&visits[2]);
}

// It read its attributes before; the change was not there yet.
static void a_change_that_the_first_visit_finds_on_its_way_is_told(void **state)
{
    (void)state;
    order_change(0, "a", 1);
    wait_for(0, CORE_WISH_ATTRIBUTES);
    expect_end(&visits[0], ERR_OK, "a=1 ");
    expect_end(&orders[0], ERR_OK, "");
    tell_written(0, false);
    wait_for(0, CORE_WISH_ATTRIBUTES);
    expect_end(&visits[0], ERR_OK, "a=1 ");
    tell_written(0, true);
    wait_for(0, CORE_WISH_ATTRIBUTES);
    expect_none(&visits[0]);
}

static void a_change_that_was_not_written_comes_again(void **state)
{
    (void)state;
    wait_for(0, CORE_WISH_ATTRIBUTES);
    change(0, "a", 1);
    expect_end(&visits[0], ERR_OK, "a=1 ");
    tell_written(0, false);
    change(1, "b", 2);
    wait_for(1, CORE_WISH_ATTRIBUTES);
    expect_end(&visits[1], ERR_OK, "a=1 b=2 ");
}

static void an_observer_is_not_told_what_a_visit_was(void **state)
{
    (void)state;
    observe(CORE_RESOURCE_ATTRIBUTES);
    wait_for(0, CORE_WISH_ATTRIBUTES);
    const unsigned seen = f.seen_count;
    change(0, "a", 1);
    expect_end(&visits[0], ERR_OK, "a=1 ");
    tell_written(0, true);
    core_shard_fixture_settle(&f);
    assert_int_equal(f.seen_count, seen);
    change(1, "b", 2);
    core_shard_fixture_until(&f, seen + 1);
    assert_string_equal(f.seen[seen].body, "b=2 ");
}

static void a_newer_visit_takes_the_place_of_the_older(void **state)
{
    (void)state;
    wait_for(0, CORE_WISH_RPC);
    wait_for(1, CORE_WISH_ATTRIBUTES);
    wait_for(2, CORE_WISH_RPC);
    expect_end(&visits[0], ERR_TIMEOUT, "");
    expect_none(&visits[1]);
    call_device(0, false, false);
    expect_end(&visits[2], ERR_OK, "1 m {}");
}

static void visits_end_at_their_deadline(void **state)
{
    (void)state;
    wait_for(0, CORE_WISH_RPC);
    wait_for(1, CORE_WISH_ANSWER);
    pass(span_s(WAIT_S - 1));
    expect_none(&visits[0]);
    pass(span_s(2));
    expect_end(&visits[0], ERR_TIMEOUT, "");
    expect_end(&visits[1], ERR_TIMEOUT, "");
    assert_int_equal(visits[1].order.visit.ticket, 0);
}

static void one_whose_peer_has_gone_ends_and_no_other(void **state)
{
    (void)state;
    wait_for(0, CORE_WISH_RPC);
    wait_for(1, CORE_WISH_ANSWER);
    wait_for(2, CORE_WISH_ANSWER);
    core_visit_left(&desk, device.device, visits[1].order.visit.number);
    expect_end(&visits[1], ERR_TIMEOUT, "");
    expect_none(&visits[0]);
    expect_none(&visits[2]);
    // Twice, and of a device that nobody knows.
    core_visit_left(&desk, device.device, visits[1].order.visit.number);
    core_visit_left(&desk, (struct device_id){7}, 1);
    expect_none(&visits[2]);
}

static void too_many_of_one_device_are_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CORE_VISITS_MAX; i++) {
        wait_for(i, CORE_WISH_ANSWER);
    }
    wait_for(CORE_VISITS_MAX, CORE_WISH_ANSWER);
    expect_end(&visits[CORE_VISITS_MAX], ERR_LIMITED, "");
    expect_none(&visits[0]);
}

static void a_full_table_refuses_visits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < f.settings.devices_max; i++) {
        send(&(struct core_mail){.kind = CORE_MAIL_SUBSCRIBE});
        struct core_mail *mail = core_mail_begin(f.worker, 0, 0);
        assert_non_null(mail);
        *mail = (struct core_mail){.kind = CORE_MAIL_SUBSCRIBE, .device = {100 + i}};
        core_mail_end(f.worker, 0, mail);
    }
    core_shard_fixture_settle(&f);
    visits[0].order = (struct core_order){.visit = {.wish = CORE_WISH_RPC}};
    core_visit_name(&desk, &visits[0].order);
    visits[0].order.done = done;
    visits[0].order.context = &visits[0];
    visits[0].order.device = (struct device_id){99};
    assert_int_equal(core_desk_send(&desk, &visits[0].order), ERR_OK);
    expect_end(&visits[0], ERR_EXHAUSTED, "");
}

static void a_stopping_server_ends_them_and_takes_no_more(void **state)
{
    (void)state;
    wait_for(0, CORE_WISH_RPC);
    core_shard_end_calls(f.shard, f.now);
    expect_end(&visits[0], ERR_STOPPING, "");
    wait_for(1, CORE_WISH_ATTRIBUTES);
    expect_end(&visits[1], ERR_STOPPING, "");
}

static void a_device_that_is_gone_or_lost_its_credential_waits_no_more(void **state)
{
    (void)state;
    static const enum core_order_kind kinds[] = {CORE_ORDER_REFUSED, CORE_ORDER_GONE};
    for (unsigned i = 0; i < 2; i++) {
        wait_for(0, CORE_WISH_RPC);
        orders[0].order = (struct core_order){.kind = kinds[i]};
        give(&orders[0]);
        expect_end(&visits[0], ERR_UNAUTHORIZED, "");
        expect_end(&orders[0], ERR_OK, "");
    }
    // With one that was just given a call as well.
    wait_for(0, CORE_WISH_RPC);
    call_device(1, false, false);
    expect_end(&visits[0], ERR_OK, "1 m {}");
    orders[0].order = (struct core_order){.kind = CORE_ORDER_GONE};
    give(&orders[0]);
    expect_end(&orders[1], ERR_NOT_FOUND, "");
    tell_written(0, true);
    assert_int_equal(core_shard_stats(f.shard).devices, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_given_and_answered),
        TEST(a_call_that_waits_is_given_at_once),
        TEST(what_was_not_written_is_given_again),
        TEST(no_word_of_what_became_of_it_is_made_up_for),
        TEST(an_answer_may_come_before_the_word_that_it_was_written),
        TEST(a_persistent_call_is_stored_as_delivered_and_answered),
        TEST(the_visit_goes_before_the_observation),
        TEST(a_new_registration_does_not_take_a_visit_back),
        TEST(changes_from_the_first_visit_on_are_told),
        TEST(a_change_that_the_first_visit_finds_on_its_way_is_told),
        TEST(a_change_that_was_not_written_comes_again),
        TEST(an_observer_is_not_told_what_a_visit_was),
        TEST(a_newer_visit_takes_the_place_of_the_older),
        TEST(visits_end_at_their_deadline),
        TEST(one_whose_peer_has_gone_ends_and_no_other),
        TEST(too_many_of_one_device_are_refused),
        TEST(a_full_table_refuses_visits),
        TEST(a_stopping_server_ends_them_and_takes_no_more),
        TEST(a_device_that_is_gone_or_lost_its_credential_waits_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
