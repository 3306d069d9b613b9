// One thing overtakes another: mails arrive while a commit or a read is under way, rings and memory
// are full at the wrong moment. Nothing that was promised gets lost by it, and nothing changes its
// order.
#include "core/downlink.h"
#include "core/outbox_priv.h"
#include "core/shard_test.h"
#include "plat/memory.h"

// Into the shard at once, before anything that is under way has ended.
static void take(const struct core_mail *mail)
{
    core_shard_take(f.shard, f.now, 0, mail);
}

static void take_about(enum core_mail_kind kind, enum core_resource resource,
                       const struct core_registration *registration)
{
    take(&(struct core_mail){.kind = (uint8_t)kind,
                             .resource = (uint8_t)resource,
                             .tenant = tenant,
                             .device = device,
                             .registration = *registration});
}

static void take_outcome(const struct core_shard_fixture_seen *notice, enum core_outcome outcome)
{
    take(&(struct core_mail){.kind = CORE_MAIL_OUTCOME,
                             .outcome = (uint8_t)outcome,
                             .ticket = notice->mail.ticket,
                             .handle = 5});
}

static void take_order(struct core_order *order)
{
    take(&(struct core_mail){.kind = CORE_MAIL_ORDER, .order = order});
}

static struct core_registration with_token(uint8_t address, uint8_t token)
{
    struct core_registration registration = at(address);
    registration.token[0] = token;
    return registration;
}

static void take_change(const char *key, int64_t value)
{
    static uint8_t row[32];
    static struct store_state_change item;
    static struct store_change items;
    static struct core_order order;
    item = item_of(slice_text(key), value, row);
    items = (struct store_change){&item, 1};
    order = (struct core_order){.kind = CORE_ORDER_CHANGE,
                                .tenant = tenant,
                                .device = device,
                                .change = &items,
                                .done = done};
    take_order(&order);
}

static bool count_row(void *context, const struct store_state_row *row)
{
    uint32_t *count = context;
    (void)row;
    (*count)++;
    return true;
}

static uint32_t rows_of(enum store_state_kind kind)
{
    uint32_t count = 0;
    const struct store_state_query query = {.kind = kind, .device = device};
    assert_int_equal(store_state_scan(f.core.store, &query, &count, count_row), ERR_OK);
    return count;
}

// A read that was asked for is done after this, and not collected yet.
static void let_read(void)
{
    plat_thread_sleep(span_ms(20));
}

static void order_call(unsigned number, uint32_t retries)
{
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    call_order(number, true);
    calls[number].call.retries = retries;
    assert_int_equal(core_desk_send(&desk, &calls[number]), ERR_OK);
}

static void start(enum core_resource resource, const struct core_registration *registration)
{
    take_about(CORE_MAIL_STARTED, resource, registration);
}

// A row that the device knows is removed; not if a change is on its way that puts it anew.
static void a_change_under_way_keeps_its_number(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_DELIVERED);
    (void)changed("b", 2);
    const unsigned second = f.seen_count - 1;
    change("c", 3);
    take_change("a", 4);
    take_outcome(&f.seen[second], CORE_OUTCOME_DELIVERED);
    let_read();
    expect_notice(next(CORE_MAIL_NOTICE), "c=3 ", 3, 1);
    core_shard_fixture_settle(&f);
    tell(&f.seen[f.seen_count - 1], CORE_OUTCOME_DELIVERED);
    expect_notice(next(CORE_MAIL_NOTICE), "a=4 ", 4, 1);
}

static void a_call_that_ends_while_it_is_read_leaves_the_next_alone(void **state)
{
    (void)state;
    uint8_t name[CORE_CALL_NAME_SIZE];
    const struct core_registration registration = at(1);
    order_call(0, CORE_RETRIES_MOST);
    order_call(1, CORE_RETRIES_MOST);
    core_shard_fixture_settle(&f);
    // Its rows are gone before they are read, and it is dropped before that is known.
    const struct store_state_change gone = {STORE_STATE_CALL, core_row_call_name(1, name), true,
                                            SLICE_EMPTY};
    const struct store_record record = {
        .verb = STORE_CHANGE, .tenant = tenant, .device = device, .change = {&gone, 1}};
    assert_int_equal(store_submit(f.lane, &record), ERR_OK);
    store_flush(f.lane);
    take_about(CORE_MAIL_SUBSCRIBE, CORE_RESOURCE_RPC, &registration);
    assert_int_equal(next(CORE_MAIL_ANSWER)->mail.err, ERR_OK);
    start(CORE_RESOURCE_RPC, &registration);
    let_read();
    struct core_order drop = calls[0];
    drop.kind = CORE_ORDER_CALL_DROP;
    take_order(&drop);
    assert_string_equal(next(CORE_MAIL_NOTICE)->body, "2 m {}");
    core_shard_fixture_settle(&f);
    assert_int_equal(stored_status(1), CORE_CALL_QUEUED);
}

static void calls_leave_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_RPC, 1);
    // The first id of a device is written before it is used, and others with it.
    call_device(0, false);
    call_device(1, false);
    assert_string_equal(next(CORE_MAIL_NOTICE)->body, "1 m {}");
    tell(&f.seen[f.seen_count - 1], CORE_OUTCOME_DELIVERED);
    assert_string_equal(next(CORE_MAIL_NOTICE)->body, "2 m {}");
}

// It was not given up on: the device is there, at the newer place.
static void a_registration_costs_a_call_no_try(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_RPC, 1);
    order_call(0, 0);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_TRANSMITTED);
    send_about(CORE_MAIL_SUBSCRIBE, CORE_RESOURCE_RPC, 2);
    core_shard_fixture_until(&f, f.seen_count + 2);
    send_about(CORE_MAIL_STARTED, CORE_RESOURCE_RPC, 2);
    const struct core_shard_fixture_seen *again = next(CORE_MAIL_NOTICE);
    assert_string_equal(again->body, "1 m {}");
    assert_int_equal(again->mail.registration.route.peer[0], 2);
    // A try that fails counts as before.
    tell(again, CORE_OUTCOME_LOST);
    core_shard_fixture_settle(&f);
    assert_int_equal(stored_status(0), CORE_CALL_FAILED);
}

static void a_registration_costs_a_call_in_blocks_no_try(void **state)
{
    (void)state;
    static char params[1500];
    memset(params, '1', sizeof(params));
    subscribe(CORE_RESOURCE_RPC, 1);
    call_order(0, true);
    calls[0].call.retries = 0;
    calls[0].call.params = slice_of(params, sizeof(params));
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    assert_int_equal(core_desk_send(&desk, &calls[0]), ERR_OK);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_DELIVERED);
    expect_silence();
    subscribe(CORE_RESOURCE_RPC, 2);
    assert_int_equal(next(CORE_MAIL_NOTICE)->mail.registration.route.peer[0], 2);
    core_shard_fixture_settle(&f);
    assert_int_equal(core_shard_stats(f.shard).calls, 1);
}

static void whose_credential_changed_is_told_nothing_else(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    subscribe(CORE_RESOURCE_RPC, 1);
    (void)changed("a", 1);
    call_device(0, false);
    core_shard_fixture_settle(&f);
    struct core_order refused = {
        .kind = CORE_ORDER_REFUSED, .tenant = tenant, .device = device, .done = done};
    const unsigned before = f.seen_count;
    take_order(&refused);
    core_shard_fixture_settle(&f);
    assert_int_equal(f.seen_count, before + 2);
    for (unsigned i = before; i < f.seen_count; i++) {
        assert_int_equal(f.seen[i].mail.kind, CORE_MAIL_NOTICE);
        assert_int_equal(f.seen[i].mail.notice, CORE_NOTICE_UNAUTHORIZED);
    }
    assert_int_equal(core_shard_stats(f.shard).calls, 1);
}

static void a_registration_whose_credential_changed_meanwhile_is_void(void **state)
{
    (void)state;
    const struct core_registration older = at(1);
    const struct core_registration newer = with_token(1, 8);
    struct core_order refused = {
        .kind = CORE_ORDER_REFUSED, .tenant = tenant, .device = device, .done = done};
    take_about(CORE_MAIL_SUBSCRIBE, CORE_RESOURCE_ATTRIBUTES, &older);
    take_order(&refused);
    assert_int_equal(next(CORE_MAIL_ANSWER)->mail.err, ERR_UNAUTHORIZED);
    pass(span_ms(CORE_NOTES_MS));
    core_shard_fixture_settle(&f);
    assert_int_equal(rows_of(STORE_STATE_OBSERVATION), 0);
    // One that follows with the new credential counts.
    take_about(CORE_MAIL_SUBSCRIBE, CORE_RESOURCE_ATTRIBUTES, &older);
    take_order(&refused);
    take_about(CORE_MAIL_SUBSCRIBE, CORE_RESOURCE_ATTRIBUTES, &newer);
    core_shard_fixture_until(&f, f.seen_count + 2);
    assert_int_equal(f.seen[f.seen_count - 2].mail.err, ERR_UNAUTHORIZED);
    assert_int_equal(f.seen[f.seen_count - 1].mail.err, ERR_OK);
    pass(span_ms(CORE_NOTES_MS));
    core_shard_fixture_settle(&f);
    core_shard_fixture_restart(&f);
    assert_int_equal(core_shard_stats(f.shard).observations, 1);
}

struct ending {
    struct core_desk desk;
    struct plat_thread thread;
    struct metric is_over;
};

static void end_device(void *context)
{
    struct ending *ending = context;
    core_desk_end(&f.core, &ending->desk, tenant, device, false);
    metric_set(&ending->is_over, 1);
}

// The request was let in before; its mail and the order stand in two rings, of which either may be
// looked at first.
static void a_registration_that_was_let_in_before_is_ended(void **state)
{
    (void)state;
    for (unsigned run = 0; run < 8; run++) {
        struct ending ending = {.desk = {.bus = f.core.bus, .party = f.desk}};
        for (unsigned i = 0; i < run % 2; i++) {
            core_shard_fixture_turn(&f);
        }
        send_about(CORE_MAIL_SUBSCRIBE, CORE_RESOURCE_ATTRIBUTES, 1);
        assert_int_equal(plat_thread_start(&ending.thread, "desk", -1, &ending, end_device),
                         ERR_OK);
        let_read();
        for (unsigned i = 0; i < 1000 && metric_read(&ending.is_over) == 0; i++) {
            core_shard_fixture_turn(&f);
            plat_thread_sleep(span_ms(1));
        }
        plat_thread_join(&ending.thread);
        core_shard_fixture_settle(&f);
        assert_int_equal(core_shard_stats(f.shard).observations, 0);
    }
}

static void wait_a_little(void)
{
    plat_thread_sleep(span_ms(1));
}

// The credential is changed by then, so that its end cannot be refused.
static void the_end_of_a_credential_waits_for_room(void **state)
{
    (void)state;
    struct ending ending = {.desk = {.bus = f.core.bus, .party = f.desk}};
    struct core_order other = {
        .kind = CORE_ORDER_REFUSED, .tenant = tenant, .device = {77}, .done = done};
    f.core.pause = wait_a_little;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    enum err err = ERR_OK;
    for (unsigned i = 0; i < 1000000 && err == ERR_OK; i++) {
        err = core_desk_send(&ending.desk, &other);
    }
    assert_int_equal(err, ERR_EXHAUSTED);
    assert_int_equal(plat_thread_start(&ending.thread, "desk", -1, &ending, end_device), ERR_OK);
    plat_thread_sleep(span_ms(20));
    assert_int_equal(metric_read(&ending.is_over), 0);
    for (unsigned i = 0; i < 10000 && metric_read(&ending.is_over) == 0; i++) {
        core_shard_fixture_turn(&f);
        plat_thread_sleep(span_us(100));
    }
    plat_thread_join(&ending.thread);
    core_shard_fixture_settle(&f);
    assert_int_equal(core_shard_stats(f.shard).observations, 0);
}

static void start_after_answer(const struct core_registration *registration)
{
    core_shard_fixture_settle(&f);
    start(CORE_RESOURCE_ATTRIBUTES, registration);
    core_shard_fixture_settle(&f);
}

static void the_end_of_a_registration_leaves_the_row_of_the_next(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    const struct core_registration newer = with_token(1, 8);
    struct core_registration other = with_token(1, 7);
    other.uri_hash = 5;
    take_about(CORE_MAIL_SUBSCRIBE, CORE_RESOURCE_ATTRIBUTES, &newer);
    // The token means something else there: that ends the one before.
    take(&(struct core_mail){.kind = CORE_MAIL_HEARD,
                             .resource = CORE_RESOURCES,
                             .tenant = tenant,
                             .device = device,
                             .registration = other});
    assert_int_equal(core_shard_stats(f.shard).observations, 0);
    start_after_answer(&newer);
    assert_int_equal(core_shard_stats(f.shard).observations, 1);
    core_shard_fixture_restart(&f);
    assert_int_equal(core_shard_stats(f.shard).observations, 1);
}

static void a_route_that_is_confirmed_leaves_the_row_of_the_next(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    send_about(CORE_MAIL_HEARD, CORE_RESOURCE_ATTRIBUTES, 2);
    (void)changed("a", 1);
    const unsigned first = f.seen_count - 1;
    tell(&f.seen[first], CORE_OUTCOME_UNANSWERED);
    core_shard_fixture_until(&f, first + 2);
    const struct core_registration newer = with_token(3, 8);
    take_about(CORE_MAIL_SUBSCRIBE, CORE_RESOURCE_ATTRIBUTES, &newer);
    take_outcome(&f.seen[first + 1], CORE_OUTCOME_DELIVERED);
    start_after_answer(&newer);
    core_shard_fixture_restart(&f);
    const struct core_shard_fixture_seen *notice = changed("a", 2);
    assert_int_equal(notice->mail.registration.token[0], 8);
    assert_int_equal(notice->mail.registration.route.peer[0], 3);
}

static void who_observes_no_more_asks_again_while_it_registers(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    const struct core_registration older = at(1);
    const struct core_registration newer = with_token(1, 8);
    take_about(CORE_MAIL_SUBSCRIBE, CORE_RESOURCE_ATTRIBUTES, &newer);
    take_about(CORE_MAIL_UNSUBSCRIBE, CORE_RESOURCE_ATTRIBUTES, &older);
    core_shard_fixture_until(&f, f.seen_count + 2);
    assert_int_equal(f.seen[f.seen_count - 2].mail.err, ERR_EXHAUSTED);
    assert_int_equal(f.seen[f.seen_count - 1].mail.err, ERR_OK);
    start(CORE_RESOURCE_ATTRIBUTES, &newer);
    core_shard_fixture_settle(&f);
    assert_int_equal(core_shard_stats(f.shard).observations, 1);
}

// Fills the half of the ring that is not kept free for answers.
static void fill_ring(void)
{
    const size_t size = CORE_MAIL_RING / 8;
    while (bus_has_room(f.worker, 0)) {
        struct core_mail *mail = core_mail_begin(f.worker, 0, size);
        assert_non_null(mail);
        mail->kind = CORE_MAIL_CANCEL;
        memset(mail + 1, 0, size);
        core_mail_end(f.worker, 0, mail);
    }
}

static void what_is_stopped_leaves_room_for_answers(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_RPC, 1);
    call_device(0, false);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_TRANSMITTED);
    fill_ring();
    f.now.mono = mono_add(f.now.mono, span_s(11));
    core_shard_turn(f.shard, f.now);
    assert_int_equal(done_err, ERR_TIMEOUT);
    bus_flush(f.worker);
    const unsigned before = f.seen_count;
    core_shard_fixture_turn(&f);
    // What fills it has a body.
    assert_true(f.seen_count > before);
    for (unsigned i = before; i < f.seen_count; i++) {
        assert_true(f.seen[i].mail.body_len > 0);
    }
}

static void a_newer_candidate_is_tried_when_there_is_room(void **state)
{
    (void)state;
    const struct core_registration third = with_token(3, 99);
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_LOST);
    send_about(CORE_MAIL_HEARD, CORE_RESOURCE_ATTRIBUTES, 2);
    expect_notice(next(CORE_MAIL_NOTICE), "a=1 ", 2, 2);
    fill_ring();
    take(&(struct core_mail){.kind = CORE_MAIL_HEARD,
                             .resource = CORE_RESOURCES,
                             .tenant = tenant,
                             .device = device,
                             .registration = third});
    core_shard_fixture_settle(&f);
    pass(span_ms(40));
    core_shard_fixture_settle(&f);
    expect_notice(&f.seen[f.seen_count - 1], "a=1 ", 3, 3);
}

static void suspended_observations_are_counted(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_LOST);
    assert_int_equal(core_shard_stats(f.shard).suspended, 1);
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    assert_int_equal(core_shard_stats(f.shard).suspended, 0);
    assert_int_equal(core_shard_stats(f.shard).observations, 1);
}

static void calls_that_have_no_place_are_not_left_behind(void **state)
{
    (void)state;
    order_call(0, CORE_RETRIES_MOST);
    order_call(1, CORE_RETRIES_MOST);
    core_shard_fixture_settle(&f);
    struct core_shard_settings settings = f.settings;
    settings.calls_max = 1;
    const struct core_shard_plan plan = {.core = &f.core,
                                         .party = f.worker,
                                         .lane = f.lane,
                                         .memory = &f.arena,
                                         .settings = settings};
    void *memory = plat_memory_reserve(core_shard_footprint(&settings));
    assert_non_null(memory);
    struct core_shard *shard = core_shard_init(memory, &plan, f.now.mono);
    assert_int_equal(core_shard_restore(&shard, 1, f.core.store, f.now), ERR_EXHAUSTED);
    plat_memory_release(memory, core_shard_footprint(&settings));
}

#define ROWS_OF_A_LOAD 8192U
#define CALLS_OF_A_LOAD 1024U
#define ROWS_A_RECORD 1000U

// Rows of an outbox that the device knows, more than one reading takes.
static void put_known_rows(uint32_t count)
{
    static struct store_state_change items[ROWS_A_RECORD];
    static char names[ROWS_A_RECORD][8];
    static const uint8_t first[] = {1};
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = i % ROWS_A_RECORD;
        (void)snprintf(names[at], sizeof(names[at]), "a%06u", i % 1000000);
        items[at] = (struct store_state_change){STORE_STATE_OUTBOX, slice_text(names[at]), false,
                                                slice_of(first, sizeof(first))};
        if (at + 1 == ROWS_A_RECORD || i + 1 == count) {
            const struct store_record record = {.verb = STORE_CHANGE,
                                                .tenant = tenant,
                                                .device = device,
                                                .change = {items, at + 1}};
            assert_int_equal(store_submit(f.lane, &record), ERR_OK);
            store_flush(f.lane);
        }
    }
    for (unsigned i = 0; i < 1000 && rows_of(STORE_STATE_OUTBOX) < count; i++) {
        plat_thread_sleep(span_ms(10));
    }
}

static void rows_that_are_known_keep_no_change_back(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_DELIVERED);
    put_known_rows(9000);
    (void)changed("b", 2);
    const unsigned second = f.seen_count - 1;
    change("c", 3);
    take_outcome(&f.seen[second], CORE_OUTCOME_DELIVERED);
    for (unsigned i = 0; i < 200 && f.seen_count == second + 1; i++) {
        let_read();
        pass(span_ms(60));
    }
    expect_notice(&f.seen[f.seen_count - 1], "c=3 ", 3, 1);
    assert_in_range(rows_of(STORE_STATE_OUTBOX), 1, 9000 - ROWS_OF_A_LOAD + 3);
}

// All but so many bytes of the turn are taken when a change was read.
static void wait_for_memory(size_t room)
{
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    (void)changed("a", 1);
    change("a", 2);
    take_outcome(&f.seen[f.seen_count - 1], CORE_OUTCOME_DELIVERED);
    let_read();
    const size_t left = f.arena.size - f.arena.used;
    assert_true(left > room);
    assert_non_null(arena_take(&f.arena, left - room));
    core_shard_fixture_turn(&f);
    pass(span_ms(40));
    expect_notice(next(CORE_MAIL_NOTICE), "a=2 ", 2, 1);
}

static void a_change_waits_for_memory(void **state)
{
    (void)state;
    // Enough to sort its rows out, not to write them down.
    wait_for_memory(1024 +
                    ROWS_OF_A_LOAD *
                        (sizeof(struct store_state_row) + sizeof(struct store_state_change) +
                         sizeof(struct core_waiting)) +
                    CALLS_OF_A_LOAD * sizeof(struct store_state_row));
}

static void a_reading_waits_for_memory(void **state)
{
    (void)state;
    wait_for_memory(ROWS_OF_A_LOAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_under_way_keeps_its_number),
        TEST(a_call_that_ends_while_it_is_read_leaves_the_next_alone),
        TEST(calls_leave_in_the_order_in_which_they_came),
        TEST(a_registration_costs_a_call_no_try),
        TEST(a_registration_costs_a_call_in_blocks_no_try),
        TEST(whose_credential_changed_is_told_nothing_else),
        TEST(a_registration_whose_credential_changed_meanwhile_is_void),
        TEST(a_registration_that_was_let_in_before_is_ended),
        TEST(the_end_of_a_credential_waits_for_room),
        TEST(the_end_of_a_registration_leaves_the_row_of_the_next),
        TEST(a_route_that_is_confirmed_leaves_the_row_of_the_next),
        TEST(who_observes_no_more_asks_again_while_it_registers),
        TEST(what_is_stopped_leaves_room_for_answers),
        TEST(a_newer_candidate_is_tried_when_there_is_room),
        TEST(suspended_observations_are_counted),
        TEST(calls_that_have_no_place_are_not_left_behind),
        TEST(rows_that_are_known_keep_no_change_back),
        TEST(a_change_waits_for_memory),
        TEST(a_reading_waits_for_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
