// The outbox has a bound, which names of attributes that come and go while a device is away reach:
// what becomes of those who observe, who ask and who visit, and that nobody else is touched by it.
#include "core/outbox_priv.h"
#include "core/shard_test.h"
#include "core/visit.h"

#define NAMES_A_CHANGE 500U
#define NAME_BYTES 200U
// The last of so many such changes goes beyond the bound.
#define CHANGES 4U
// Short ones are more than a reading has places for.
#define SHORT_CHANGES 20U

static bool count_row(void *context, const struct store_state_row *row)
{
    *(uint32_t *)context += row->name.len > 0 && row->name.ptr[0] == 'a' ? 1 : 0;
    return true;
}

static uint32_t rows(void)
{
    uint32_t count = 0;
    const struct store_state_query query = {.kind = STORE_STATE_OUTBOX, .device = device};
    assert_int_equal(store_state_scan(f.core.store, &query, &count, count_row), ERR_OK);
    return count;
}

// Names that nobody knows are removed; the next change has others.
static void remove_names(unsigned number, unsigned bytes)
{
    static struct store_state_change items[NAMES_A_CHANGE];
    static char names[NAMES_A_CHANGE][NAME_BYTES + 1];
    for (unsigned i = 0; i < NAMES_A_CHANGE; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "n%0*u", (int)bytes - 1,
                       number * NAMES_A_CHANGE + i);
        items[i] = (struct store_state_change){STORE_STATE_SHARED, slice_text(names[i]), true,
                                               SLICE_EMPTY};
    }
    change_items(&(struct store_change){items, NAMES_A_CHANGE});
}

// Until the shard has done what it does by itself.
static void settle(void)
{
    for (unsigned i = 0; i < 8; i++) {
        core_shard_fixture_settle(&f);
        pass(span_ms(CORE_NOTES_MS));
    }
}

static void come_and_go(unsigned changes, unsigned bytes)
{
    for (unsigned i = 0; i < changes; i++) {
        remove_names(i, bytes);
    }
    settle();
}

// An observer that does not answer.
static void go_away(void)
{
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_LOST);
}

static const struct core_shard_fixture_seen *poll(uint64_t sequence)
{
    send(&(struct core_mail){.kind = CORE_MAIL_POLL,
                             .tenant = tenant,
                             .device = device,
                             .sequence = sequence,
                             .number = 1024});
    return next(CORE_MAIL_ANSWER);
}

static void expect_lapse(const struct core_shard_fixture_seen *notice, uint8_t address)
{
    assert_int_equal(notice->mail.kind, CORE_MAIL_NOTICE);
    assert_int_equal(notice->mail.notice, CORE_NOTICE_LAPSED);
    assert_int_equal(notice->mail.resource, CORE_RESOURCE_ATTRIBUTES);
    assert_int_equal(notice->mail.registration.route.peer[0], address);
    assert_true(notice->mail.confirmable);
}

static void expect_lapse_and_return(void)
{
    send_about(CORE_MAIL_HEARD, 0, 1);
    const struct core_shard_fixture_seen *notice = next(CORE_MAIL_NOTICE);
    expect_lapse(notice, 1);
    tell(notice, CORE_OUTCOME_DELIVERED);
    assert_int_equal(core_shard_stats(f.shard).observations, 0);
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    notice = changed("b", 2);
    assert_string_equal(notice->body, "b=2 ");
    tell(notice, CORE_OUTCOME_DELIVERED);
    settle();
    assert_int_equal(core_shard_stats(f.shard).observations, 1);
}

static void an_observer_that_was_away_too_long_registers_again(void **state)
{
    (void)state;
    go_away();
    come_and_go(CHANGES, NAME_BYTES);
    // It counts as one that knows what there is.
    assert_in_range(rows(), 0, 1);
    expect_lapse_and_return();
}

static void more_rows_than_a_reading_takes_keep_nothing_back(void **state)
{
    (void)state;
    go_away();
    come_and_go(SHORT_CHANGES, 12);
    assert_in_range(rows(), 0, 8192);
    expect_lapse_and_return();
}

static void what_is_within_the_bound_is_told(void **state)
{
    (void)state;
    f.body_max = 1U << 20;
    go_away();
    come_and_go(1, 12);
    send_about(CORE_MAIL_HEARD, 0, 1);
    const struct core_shard_fixture_seen *notice = next(CORE_MAIL_NOTICE);
    assert_int_equal(notice->mail.notice, CORE_NOTICE_CONTENT);
    assert_non_null(strstr(notice->body, "a=1 -n00000000000 "));
    assert_int_equal(rows(), NAMES_A_CHANGE + 1);
}

// The estimate grows with each change, what is on disk does not.
static void one_name_that_changes_often_is_one_row(void **state)
{
    (void)state;
    go_away();
    for (unsigned i = 0; i < 9000; i++) {
        change("a", i + 2);
    }
    settle();
    assert_int_equal(rows(), 1);
    send_about(CORE_MAIL_HEARD, 0, 1);
    expect_notice(next(CORE_MAIL_NOTICE), "a=9001 ", 2, 1);
}

static void a_device_that_takes_all_of_them_leaves_no_rows_behind(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    for (unsigned i = 0; i < 4 * CHANGES; i++) {
        remove_names(i, 100); // fits into one message
        const struct core_shard_fixture_seen *notice = next(CORE_MAIL_NOTICE);
        assert_int_equal(notice->mail.notice, CORE_NOTICE_CONTENT);
        // In blocks, of which it fetches the last one.
        tell(notice, CORE_OUTCOME_FETCHED);
        core_shard_fixture_settle(&f);
        f.seen_count = 0;
    }
    settle();
    assert_in_range(rows(), 0, 2 * CHANGES * NAMES_A_CHANGE);
    assert_int_equal(core_shard_stats(f.shard).observations, 1);
    expect_silence();
}

static void who_has_to_register_again_is_told_after_a_restart(void **state)
{
    (void)state;
    go_away();
    come_and_go(CHANGES, NAME_BYTES);
    core_shard_fixture_restart(&f);
    pass(span_ms(20));
    expect_lapse(next(CORE_MAIL_NOTICE), 1);
}

static void who_registered_again_is_not_told_after_a_restart(void **state)
{
    (void)state;
    go_away();
    come_and_go(CHANGES, NAME_BYTES);
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    settle();
    core_shard_fixture_restart(&f);
    pass(span_ms(20));
    expect_silence();
    assert_string_equal(changed("b", 2)->body, "b=2 ");
}

static void it_is_told_at_the_address_where_it_is(void **state)
{
    (void)state;
    go_away();
    come_and_go(CHANGES, NAME_BYTES);
    send_about(CORE_MAIL_HEARD, 0, 2);
    const struct core_shard_fixture_seen *notice = next(CORE_MAIL_NOTICE);
    expect_lapse(notice, 2);
    tell(notice, CORE_OUTCOME_LOST);
    // It was not there.
    notice = next(CORE_MAIL_NOTICE);
    expect_lapse(notice, 1);
    tell(notice, CORE_OUTCOME_LOST);
    assert_int_equal(core_shard_stats(f.shard).suspended, 1);
    pass(span_s(61));
    send_about(CORE_MAIL_HEARD, 0, 1);
    expect_lapse(next(CORE_MAIL_NOTICE), 1);
}

static void who_asks_gets_what_there_is(void **state)
{
    (void)state;
    assert_string_equal(poll(0)->body, "0 none all");
    change("a", 1);
    come_and_go(CHANGES, NAME_BYTES);
    change("b", 2);
    const struct core_shard_fixture_seen *answer = poll(0);
    assert_non_null(strstr(answer->body, " a=1 b=2 all"));
    assert_int_equal(rows(), 2);
}

static void who_observes_and_asks_gets_it_either_way(void **state)
{
    (void)state;
    assert_string_equal(poll(0)->body, "0 none all");
    go_away();
    come_and_go(CHANGES, NAME_BYTES);
    assert_non_null(strstr(poll(0)->body, " a=1 all"));
    send_about(CORE_MAIL_HEARD, 0, 1);
    expect_lapse(next(CORE_MAIL_NOTICE), 1);
}

static struct core_order visit;

// The device waits over HTTP for the next change.
static void wait_for_change(void)
{
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    visit = (struct core_order){
        .tenant = tenant,
        .device = device,
        .done = done,
        .visit = {.wish = CORE_WISH_ATTRIBUTES, .deadline = mono_add(f.now.mono, span_s(30))}};
    core_visit_name(&desk, &visit);
    assert_int_equal(core_desk_send(&desk, &visit), ERR_OK);
    core_shard_fixture_settle(&f);
}

static void who_visits_gets_what_there_is(void **state)
{
    (void)state;
    wait_for_change();
    pass(span_s(31));
    assert_int_equal(done_err, ERR_TIMEOUT);
    change("a", 1);
    come_and_go(CHANGES, NAME_BYTES);
    assert_int_equal(rows(), 1);
    const unsigned before = done_count;
    wait_for_change();
    assert_int_equal(done_count, before + 1);
    assert_string_equal(done_text, "a=1 ");
}

// As long as what is on disk cannot be read no change is noted beyond the bound.
static void changes_that_come_too_fast_are_refused(void **state)
{
    (void)state;
    go_away();
    struct core_downlink *link = core_shard_find(f.shard, device);
    link->outbox_bytes = 4 * CORE_OUTBOX_BYTES_MAX + 1;
    static uint8_t row[32];
    const struct store_state_change item = item_of(SLICE("b"), 2, row);
    const unsigned before = done_count;
    order_change(&(struct store_change){&item, 1});
    core_shard_fixture_turn(&f);
    core_shard_fixture_turn(&f);
    assert_int_equal(done_count, before + 1);
    assert_int_equal(done_err, ERR_EXHAUSTED);
    settle();
    change("b", 2);
    assert_int_equal(rows(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_observer_that_was_away_too_long_registers_again),
        TEST(more_rows_than_a_reading_takes_keep_nothing_back),
        TEST(what_is_within_the_bound_is_told),
        TEST(one_name_that_changes_often_is_one_row),
        TEST(a_device_that_takes_all_of_them_leaves_no_rows_behind),
        TEST(who_has_to_register_again_is_told_after_a_restart),
        TEST(who_registered_again_is_not_told_after_a_restart),
        TEST(it_is_told_at_the_address_where_it_is),
        TEST(who_asks_gets_what_there_is),
        TEST(who_observes_and_asks_gets_it_either_way),
        TEST(who_visits_gets_what_there_is),
        TEST(changes_that_come_too_fast_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
