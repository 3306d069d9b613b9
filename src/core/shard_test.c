// What a shard does for a device, from its registration to its end.
#include "core/shard_test.h"
#include "core/shard_priv.h"

static void a_change_is_told_and_delivered(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    const struct core_shard_fixture_seen *notice = changed("a", 5);
    expect_notice(notice, "a=5 ", 1, 1);
    tell(notice, CORE_OUTCOME_TRANSMITTED);
    tell(notice, CORE_OUTCOME_DELIVERED);
    expect_silence();
    assert_int_equal(core_shard_stats(f.shard).delivered, 1);
}

static void changes_merge_while_one_is_under_way(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    (void)changed("a", 1);
    const unsigned first = f.seen_count - 1;
    change("b", 2);
    change("a", 3);
    change("c", 4);
    change("c", 0);
    expect_silence();
    tell(&f.seen[first], CORE_OUTCOME_DELIVERED);
    expect_notice(next(CORE_MAIL_NOTICE), "b=2 a=3 -c ", 2, 1);
}

static void what_was_not_delivered_waits_for_the_device(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_LOST);
    change("a", 2);
    expect_silence();
    assert_int_equal(core_shard_stats(f.shard).suspended, 1);
    send_about(CORE_MAIL_HEARD, 0, 1);
    const struct core_shard_fixture_seen *probe = next(CORE_MAIL_NOTICE);
    expect_notice(probe, "a=2 ", 2, 1);
    assert_true(probe->mail.confirmable);
    tell(probe, CORE_OUTCOME_DELIVERED);
    assert_int_equal(core_shard_stats(f.shard).suspended, 0);
}

static void probes_of_a_silent_device_become_rarer(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_RPC, 1);
    call_device(0, false);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_LOST);
    send_about(CORE_MAIL_HEARD, 0, 1);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_LOST);
    // The first pause is 60 s, the next 120 s; by then the call is over and the probe is empty.
    send_about(CORE_MAIL_HEARD, 0, 1);
    expect_silence();
    pass(span_s(61));
    send_about(CORE_MAIL_HEARD, 0, 1);
    const struct core_shard_fixture_seen *probe = next(CORE_MAIL_NOTICE);
    assert_int_equal(probe->mail.notice, CORE_NOTICE_VALID);
    tell(probe, CORE_OUTCOME_LOST);
    pass(span_s(61));
    send_about(CORE_MAIL_HEARD, 0, 1);
    expect_silence();
    pass(span_s(60));
    send_about(CORE_MAIL_HEARD, 0, 1);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_REJECTED);
    // Rejected: it does not observe any more.
    assert_int_equal(core_shard_stats(f.shard).observations, 0);
}

static void a_silent_route_lets_the_candidate_have_it_too(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    send_about(CORE_MAIL_HEARD, 0, 2);
    (void)changed("a", 1);
    const unsigned first = f.seen_count - 1;
    expect_notice(&f.seen[first], "a=1 ", 1, 1);
    tell(&f.seen[first], CORE_OUTCOME_TRANSMITTED);
    tell(&f.seen[first], CORE_OUTCOME_UNANSWERED);
    const unsigned second = f.seen_count;
    core_shard_fixture_until(&f, second + 1);
    // The same message and number, elsewhere.
    expect_notice(&f.seen[second], "a=1 ", 1, 2);
    tell(&f.seen[second], CORE_OUTCOME_TRANSMITTED);
    tell(&f.seen[second], CORE_OUTCOME_DELIVERED);
    const struct core_shard_fixture_seen *cancel = next(CORE_MAIL_CANCEL);
    assert_int_equal(cancel->mail.handle, 5);
    // A late word from the old place moves nothing.
    tell(&f.seen[first], CORE_OUTCOME_DELIVERED);
    expect_notice(changed("a", 2), "a=2 ", 2, 2);
}

static void a_late_acknowledgement_does_not_make_the_candidate_older(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    const struct core_shard_fixture_seen *notice = changed("a", 1);
    // The device acknowledged it and moved; the worker of its old address is behind the other.
    send_about(CORE_MAIL_HEARD, 0, 2);
    tell(notice, CORE_OUTCOME_DELIVERED);
    notice = changed("a", 2);
    expect_notice(notice, "a=2 ", 2, 1);
    tell(notice, CORE_OUTCOME_UNANSWERED);
    expect_notice(next(CORE_MAIL_NOTICE), "a=2 ", 2, 2);
}

static void an_acknowledgement_makes_an_earlier_candidate_older(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    send_about(CORE_MAIL_HEARD, 0, 2);
    tell(changed("a", 1), CORE_OUTCOME_DELIVERED);
    const struct core_shard_fixture_seen *notice = changed("a", 2);
    tell(notice, CORE_OUTCOME_UNANSWERED);
    expect_silence();
}

static void one_that_has_not_left_for_the_route_is_tried_at_the_candidate(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    send_about(CORE_MAIL_HEARD, 0, 2);
    tell(changed("a", 1), CORE_OUTCOME_UNANSWERED);
    const struct core_shard_fixture_seen *notice = next(CORE_MAIL_NOTICE);
    expect_notice(notice, "a=1 ", 1, 2);
    tell(notice, CORE_OUTCOME_DELIVERED);
    // It does not leave any more.
    assert_int_equal(next(CORE_MAIL_CANCEL)->mail.handle, 5);
}

static void an_rst_of_the_candidate_discards_it_only(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    send_about(CORE_MAIL_HEARD, 0, 2);
    (void)changed("a", 1);
    const unsigned first = f.seen_count - 1;
    tell(&f.seen[first], CORE_OUTCOME_UNANSWERED);
    (void)next(CORE_MAIL_NOTICE);
    tell(&f.seen[first + 1], CORE_OUTCOME_REJECTED);
    tell(&f.seen[first], CORE_OUTCOME_DELIVERED);
    expect_notice(changed("a", 2), "a=2 ", 2, 1);
}

static void non_notifications_keep_their_pace(void **state)
{
    (void)state;
    struct core_registration registration = at(1);
    registration.confirmable = false;
    struct core_mail mail = {.kind = CORE_MAIL_SUBSCRIBE,
                             .tenant = tenant,
                             .device = device,
                             .registration = registration};
    send(&mail);
    assert_int_equal(next(CORE_MAIL_ANSWER)->mail.err, ERR_OK);
    mail.kind = CORE_MAIL_STARTED;
    send(&mail);
    assert_true(changed("a", 1)->mail.confirmable);
    tell(&f.seen[f.seen_count - 1], CORE_OUTCOME_DELIVERED);
    assert_false(changed("a", 2)->mail.confirmable);
    tell(&f.seen[f.seen_count - 1], CORE_OUTCOME_TRANSMITTED);
    change("a", 3);
    change("a", 4);
    expect_silence();
    pass(span_s(4));
    expect_notice(next(CORE_MAIL_NOTICE), "a=4 ", 3, 1);
}

static void a_quiet_observer_is_asked_once_a_day(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_RPC, 1);
    expect_silence();
    pass(span_s(86401));
    const struct core_shard_fixture_seen *probe = next(CORE_MAIL_NOTICE);
    assert_int_equal(probe->mail.notice, CORE_NOTICE_VALID);
    assert_true(probe->mail.confirmable);
    tell(probe, CORE_OUTCOME_DELIVERED);
    expect_silence();
}

static void calls_go_before_changes_and_end_at_their_deadline(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    subscribe(CORE_RESOURCE_RPC, 1);
    (void)changed("a", 1);
    const unsigned first = f.seen_count - 1;
    change("a", 2);
    call_device(0, false);
    core_shard_fixture_settle(&f);
    tell(&f.seen[first], CORE_OUTCOME_DELIVERED);
    const struct core_shard_fixture_seen *call = next(CORE_MAIL_NOTICE);
    expect_notice(call, "1 m {}", 1, 1);
    tell(call, CORE_OUTCOME_TRANSMITTED);
    const unsigned before = done_count;
    pass(span_s(11));
    // Not repeated after its deadline.
    assert_int_equal(done_count, before + 1);
    assert_int_equal(done_err, ERR_TIMEOUT);
    (void)next(CORE_MAIL_CANCEL);
    expect_notice(next(CORE_MAIL_NOTICE), "a=2 ", 2, 1);
}

static void calls_beyond_the_bound_are_refused(void **state)
{
    (void)state;
    const unsigned before = done_count;
    for (unsigned i = 0; i < 5; i++) {
        call_device(i, true);
    }
    core_shard_fixture_settle(&f);
    assert_int_equal(done_count, before + 1);
    assert_int_equal(done_err, ERR_LIMITED);
    pass(span_s(11));
    assert_int_equal(done_count, before + 5);
    assert_int_equal(done_err, ERR_UNAVAILABLE);
    assert_int_equal(core_shard_stats(f.shard).calls, 0);
}

static void a_full_table_refuses_registrations(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 17; i++) {
        send(&(struct core_mail){.kind = CORE_MAIL_SUBSCRIBE,
                                 .tenant = tenant,
                                 .device = {100 + i},
                                 .registration = at(1)});
        assert_int_equal(next(CORE_MAIL_ANSWER)->mail.err, i < 16 ? ERR_OK : ERR_EXHAUSTED);
    }
    assert_int_equal(core_shard_stats(f.shard).refused_full, 1);
}

static void a_busy_worker_is_asked_again(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_BUSY);
    expect_silence();
    pass(span_ms(40));
    // Nothing went out under its number.
    expect_notice(next(CORE_MAIL_NOTICE), "a=1 ", 1, 1);
}

static void a_lost_outcome_is_made_up_for(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    (void)changed("a", 1);
    pass(span_s(121));
    assert_int_equal(core_shard_stats(f.shard).suspended, 1);
}

static void a_device_that_is_gone_is_told_and_forgotten(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    call_device(0, false);
    core_shard_fixture_settle(&f);
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    struct core_order gone = {
        .kind = CORE_ORDER_GONE, .tenant = tenant, .device = device, .done = done};
    const unsigned before = done_count;
    assert_int_equal(core_desk_send(&desk, &gone), ERR_OK);
    assert_int_equal(next(CORE_MAIL_NOTICE)->mail.notice, CORE_NOTICE_GONE);
    // The call and the order.
    assert_int_equal(done_count, before + 2);
    assert_int_equal(core_shard_stats(f.shard).devices, 0);
}

static void everything_is_there_again_after_a_restart(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    subscribe(CORE_RESOURCE_RPC, 2);
    change("a", 1);
    change("b", 2);
    call_device(0, false);
    calls[1] = calls[0];
    calls[1].call.is_persistent = true;
    calls[1].call.id = (struct uuid){{9}};
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    assert_int_equal(core_desk_send(&desk, &calls[1]), ERR_OK);
    core_shard_fixture_settle(&f);
    const uint32_t number = f.seen[f.seen_count - 1].mail.number;
    // Another shard over the same store takes up what is there; the first is forgotten.
    struct core_shard *first = f.shard;
    core_shard_fixture_restart(&f);
    assert_ptr_not_equal(first, f.shard);
    assert_int_equal(core_shard_stats(f.shard).observations, 2);
    assert_int_equal(core_shard_stats(f.shard).calls, 1);
    const struct core_shard_fixture_seen *call = next(CORE_MAIL_NOTICE);
    expect_notice(call, "2 m {}", call->mail.number, 2);
    assert_true(call->mail.number > number);
    tell(call, CORE_OUTCOME_DELIVERED);
    const struct core_shard_fixture_seen *delta = next(CORE_MAIL_NOTICE);
    expect_notice(delta, "a=1 b=2 ", delta->mail.number, 1);
}

static void an_answer_counts_though_a_crash_took_the_note_that_it_was_asked(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_RPC, 1);
    call_device(0, false);
    calls[1] = calls[0];
    calls[1].call.is_persistent = true;
    calls[1].call.id = (struct uuid){{9}};
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    assert_int_equal(core_desk_send(&desk, &calls[1]), ERR_OK);
    core_shard_fixture_settle(&f);
    core_shard_fixture_restart(&f);
    const struct core_shard_fixture_seen *call = next(CORE_MAIL_NOTICE);
    expect_notice(call, "2 m {}", call->mail.number, 1);
    tell(call, CORE_OUTCOME_BUSY);
    send(&(struct core_mail){
        .kind = CORE_MAIL_REPLY, .tenant = tenant, .device = device, .number = 2});
    core_shard_fixture_settle(&f);
    assert_int_equal(core_shard_stats(f.shard).calls, 0);
}

// `?pending=`: what the device is told, which has everything up to `sequence`.
static const char *ask(uint64_t sequence, uint32_t room)
{
    send(&(struct core_mail){.kind = CORE_MAIL_POLL,
                             .tenant = tenant,
                             .device = device,
                             .sequence = sequence,
                             .number = room});
    const struct core_shard_fixture_seen *answer = next(CORE_MAIL_ANSWER);
    assert_int_equal(answer->mail.err, ERR_OK);
    return answer->body;
}

static void what_waits_is_given_until_it_is_acknowledged(void **state)
{
    (void)state;
    change("a", 1);
    change("b", 2);
    // The first question finds what was there before.
    assert_string_equal(ask(0, 1024), "2 a=1 b=2 all");
    assert_string_equal(ask(0, 1024), "2 a=1 b=2 all");
    assert_string_equal(ask(2, 1024), "2 none all");
    change("a", 3);
    change("b", 0);
    change("a", 4);
    assert_string_equal(ask(2, 1024), "5 a=4 -b all");
    // A number that was never given says nothing.
    assert_string_equal(ask(99, 1024), "5 a=4 -b all");
}

static void calls_are_given_and_answered(void **state)
{
    (void)state;
    assert_string_equal(ask(0, 1024), "0 none all");
    call_device(0, false);
    call_device(1, true);
    core_shard_fixture_settle(&f);
    assert_string_equal(ask(0, 1024), "2 none 1 m {} 2 m {} all");
    // Who only handed a call over is done; the other one waits for its answer.
    assert_int_equal(done_err, ERR_OK);
    assert_int_equal(core_shard_stats(f.shard).calls, 1);
    assert_string_equal(ask(2, 1024), "2 none all");
    assert_int_equal(core_shard_stats(f.shard).calls, 1);
    send(&(struct core_mail){
        .kind = CORE_MAIL_REPLY, .tenant = tenant, .device = device, .number = 1});
    assert_int_equal(next(CORE_MAIL_ANSWER)->mail.err, ERR_OK);
    assert_int_equal(core_shard_stats(f.shard).calls, 0);
}

static void an_answer_has_as_much_as_fits(void **state)
{
    (void)state;
    change("a", 1);
    change("b", 2);
    change("c", 3);
    assert_string_equal(ask(0, 14), "2 a=1 b=2 more");
    assert_string_equal(ask(2, 14), "3 c=3 all");
    // What does not fit even alone comes alone.
    change("a", 1234567890123456789);
    change("b", 4);
    assert_string_equal(ask(3, 14), "4 a=1234567890123456789 more");
    assert_string_equal(ask(4, 14), "5 b=4 all");
}

static void an_observer_is_not_told_again_what_it_asked_for(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    assert_string_equal(ask(0, 1024), "0 none all");
    const struct core_shard_fixture_seen *notice = changed("a", 5);
    tell(notice, CORE_OUTCOME_TRANSMITTED);
    assert_string_equal(ask(0, 1024), "1 a=5 all");
    // The notification under way is called back.
    send(&(struct core_mail){
        .kind = CORE_MAIL_POLL, .tenant = tenant, .device = device, .sequence = 1, .number = 1024});
    core_shard_fixture_until(&f, f.seen_count + 2);
    assert_int_equal(f.seen[f.seen_count - 2].mail.kind, CORE_MAIL_CANCEL);
    assert_int_equal(f.seen[f.seen_count - 1].mail.kind, CORE_MAIL_ANSWER);
    expect_silence();
}

static void numbers_are_not_used_again_after_a_restart(void **state)
{
    (void)state;
    assert_string_equal(ask(0, 1024), "0 none all");
    change("a", 1);
    call_device(0, true);
    core_shard_fixture_settle(&f);
    assert_string_equal(ask(0, 1024), "2 a=1 1 m {} all");
    core_shard_fixture_restart(&f);
    change("a", 2);
    // Beyond 2, which the device may send now.
    const char *answer = ask(2, 1024);
    assert_non_null(strstr(answer, "a=2 all"));
    assert_true(strtoul(answer, NULL, 10) > 2);
}

// What no notification takes is left out, and its row goes with the next reading of the outbox.
static void what_is_cleared_away_leaves_its_number(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    assert_string_equal(ask(0, 1024), "0 none all");
    f.body_max = 4;
    for (unsigned i = 0; i < 2 * CORE_CALLS_RESERVED; i++) {
        change("a", 12345);
        core_shard_fixture_settle(&f);
    }
    f.body_max = 0;
    assert_string_equal(ask(0, 1024), "32 none all");
    pass(span_ms(CORE_NOTES_MS));
    core_shard_fixture_settle(&f);
    core_shard_fixture_restart(&f);
    (void)changed("b", 1);
    // Beyond 32, which the device may send now.
    const char *answer = ask(32, 1024);
    assert_non_null(strstr(answer, "b=1 all"));
    assert_true(strtoul(answer, NULL, 10) > 32);
}

static void a_device_that_is_not_heard_of_for_a_month_observes_no_more(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    (void)changed("a", 1);
    pass(span_s(121));
    assert_int_equal(core_shard_stats(f.shard).suspended, 1);
    pass(span_s(UINT64_C(29) * 86400));
    assert_int_equal(core_shard_stats(f.shard).observations, 1);
    pass(span_s(UINT64_C(86400)));
    assert_int_equal(core_shard_stats(f.shard).observations, 0);
    assert_int_equal(core_shard_stats(f.shard).suspended, 0);
}

static uint64_t commits(void)
{
    return store_stats(f.core.store).commits;
}

static void what_nobody_waits_for_shares_a_commit(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_DELIVERED);
    const uint64_t before = commits();
    core_shard_fixture_settle(&f);
    assert_int_equal(commits(), before);
    const struct core_shard_fixture_seen *notice = changed("a", 2);
    core_shard_fixture_settle(&f);
    assert_int_equal(commits(), before + 1);
    tell(notice, CORE_OUTCOME_DELIVERED);
    pass(span_ms(CORE_NOTES_MS));
    core_shard_fixture_settle(&f);
    assert_int_equal(commits(), before + 2);
}

static uint64_t records;

static void count_records(struct core_order *order, enum err err, struct slice response)
{
    (void)order;
    (void)response;
    assert_int_equal(err, ERR_OK);
    records = store_stats(f.core.store).records;
}

static void a_device_that_is_gone_leaves_nothing_behind_its_purge(void **state)
{
    (void)state;
    struct core_order gone = {
        .kind = CORE_ORDER_GONE, .tenant = tenant, .device = device, .confirms = true};
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_DELIVERED);
    const uint64_t before = store_stats(f.core.store).records;
    gone.done = count_records;
    assert_int_equal(core_desk_send(&desk, &gone), ERR_OK);
    records = 0;
    const struct mono end = mono_add(plat_clock_mono(), span_s(10));
    while (records == 0 && !mono_reached(plat_clock_mono(), end)) {
        core_shard_fixture_turn(&f);
    }
    // What was delivered, the connection's end, the registration's end: all are on disk by then.
    assert_true(records >= before + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_is_told_and_delivered),
        TEST(changes_merge_while_one_is_under_way),
        TEST(what_was_not_delivered_waits_for_the_device),
        TEST(probes_of_a_silent_device_become_rarer),
        TEST(a_silent_route_lets_the_candidate_have_it_too),
        TEST(an_answer_counts_though_a_crash_took_the_note_that_it_was_asked),
        TEST(a_late_acknowledgement_does_not_make_the_candidate_older),
        TEST(an_acknowledgement_makes_an_earlier_candidate_older),
        TEST(one_that_has_not_left_for_the_route_is_tried_at_the_candidate),
        TEST(an_rst_of_the_candidate_discards_it_only),
        TEST(non_notifications_keep_their_pace),
        TEST(a_quiet_observer_is_asked_once_a_day),
        TEST(calls_go_before_changes_and_end_at_their_deadline),
        TEST(calls_beyond_the_bound_are_refused),
        TEST(a_full_table_refuses_registrations),
        TEST(a_busy_worker_is_asked_again),
        TEST(a_lost_outcome_is_made_up_for),
        TEST(a_device_that_is_gone_is_told_and_forgotten),
        TEST(everything_is_there_again_after_a_restart),
        TEST(what_is_cleared_away_leaves_its_number),
        TEST(a_device_that_is_not_heard_of_for_a_month_observes_no_more),
        TEST(what_waits_is_given_until_it_is_acknowledged),
        TEST(calls_are_given_and_answered),
        TEST(an_answer_has_as_much_as_fits),
        TEST(an_observer_is_not_told_again_what_it_asked_for),
        TEST(numbers_are_not_used_again_after_a_restart),
        TEST(what_nobody_waits_for_shares_a_commit),
        TEST(a_device_that_is_gone_leaves_nothing_behind_its_purge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
