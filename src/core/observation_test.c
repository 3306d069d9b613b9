// Where an observation is told things, under which token and in which parts: candidates, tokens
// that mean something else by now, bodies in blocks, message ids after a restart, the pace of NON.
#include "core/downlink.h"
#include "core/shard_test.h"
#include "model/index.h"

// A request of the device, at an address, with the token `token` and of a URI.
static void hear(uint8_t address, uint8_t token, uint64_t uri_hash)
{
    struct core_registration request = at(address);
    request.token[0] = token;
    request.uri_hash = uri_hash;
    send(&(struct core_mail){.kind = CORE_MAIL_HEARD,
                             .resource = CORE_RESOURCES,
                             .tenant = tenant,
                             .device = device,
                             .registration = request});
    core_shard_fixture_turn(&f);
}

#define OTHER_TOKEN 99
#define OTHER_URI 5

// Some request that has nothing to do with an observation.
static void hear_at(uint8_t address)
{
    hear(address, OTHER_TOKEN, OTHER_URI);
}

static const struct core_shard_fixture_seen *last(void)
{
    return &f.seen[f.seen_count - 1];
}

static void tell_fetched(const struct core_shard_fixture_seen *notice)
{
    tell(notice, CORE_OUTCOME_FETCHED);
}

// A change whose notification goes in blocks: 40 names of 30 characters.
#define LARGE_SIZE (40U * 33U)
static const struct core_shard_fixture_seen *changed_largely(void)
{
    static struct store_state_change items[40];
    static char keys[40][31];
    static uint8_t row[32];
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "%030u", i);
        items[i] = item_of(slice_text(keys[i]), 1, row);
    }
    change_items(&(struct store_change){items, 40});
    return next(CORE_MAIL_NOTICE);
}

// The first answer may be read before the change can be.
static void a_change_that_meets_the_registration_on_its_way_is_told(void **state)
{
    (void)state;
    uint8_t row[32];
    const struct store_state_change item = item_of(SLICE("a"), 1, row);
    send_about(CORE_MAIL_SUBSCRIBE, CORE_RESOURCE_ATTRIBUTES, 1);
    order_change(&(struct store_change){&item, 1});
    const unsigned before = done_count;
    // Both go to the store before either is on disk.
    core_shard_fixture_turn(&f);
    assert_int_equal(f.seen_count + done_count - before, 0);
    assert_int_equal(next(CORE_MAIL_ANSWER)->mail.err, ERR_OK);
    send_about(CORE_MAIL_STARTED, CORE_RESOURCE_ATTRIBUTES, 1);
    expect_notice(next(CORE_MAIL_NOTICE), "a=1 ", 1, 1);
    assert_int_equal(done_count, before + 1);
}

static void an_rst_at_the_route_asks_the_candidate(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    hear_at(2);
    tell(changed("a", 1), CORE_OUTCOME_REJECTED);
    expect_notice(next(CORE_MAIL_NOTICE), "a=1 ", 1, 2);
    assert_int_equal(core_shard_stats(f.shard).suspended, 0);
    tell(last(), CORE_OUTCOME_DELIVERED);
    expect_notice(changed("a", 2), "a=2 ", 2, 2);
}

static void a_newer_candidate_takes_the_place_of_the_one_that_is_tried(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    hear_at(2);
    tell(changed("a", 1), CORE_OUTCOME_UNANSWERED);
    expect_notice(next(CORE_MAIL_NOTICE), "a=1 ", 1, 2);
    const unsigned second = f.seen_count - 1;
    tell(&f.seen[second], CORE_OUTCOME_TRANSMITTED);
    hear_at(3);
    const unsigned third = second + 2;
    core_shard_fixture_until(&f, third + 1);
    assert_int_equal(f.seen[second + 1].mail.kind, CORE_MAIL_CANCEL);
    expect_notice(&f.seen[third], "a=1 ", 1, 3);
    // What comes from the one before it moves nothing.
    tell(&f.seen[second], CORE_OUTCOME_DELIVERED);
    assert_int_equal(core_shard_stats(f.shard).delivered, 0);
    tell(&f.seen[third], CORE_OUTCOME_DELIVERED);
    expect_notice(changed("a", 2), "a=2 ", 2, 3);
}

// The device may have seen the number at its last address: what comes next would be a repeat to it.
static void a_number_that_was_on_its_way_is_not_used_again(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_LOST);
    hear_at(2);
    expect_notice(next(CORE_MAIL_NOTICE), "a=1 ", 2, 2);
    const unsigned second = f.seen_count - 1;
    tell(&f.seen[second], CORE_OUTCOME_TRANSMITTED);
    tell(&f.seen[second], CORE_OUTCOME_UNANSWERED);
    hear_at(3);
    // The older place is tried as well, then the newest takes the place of the second.
    const unsigned third = second + 3;
    core_shard_fixture_until(&f, third + 1);
    expect_notice(&f.seen[second + 1], "a=1 ", 2, 1);
    expect_notice(&f.seen[third], "a=1 ", 2, 3);
    tell(&f.seen[second + 1], CORE_OUTCOME_LOST);
    tell(&f.seen[third], CORE_OUTCOME_BUSY);
    pass(span_s(1));
    assert_int_equal(next(CORE_MAIL_NOTICE)->mail.number, 3);
}

static void an_rst_to_a_probe_of_the_candidate_leaves_the_observation(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_LOST);
    hear_at(2);
    const struct core_shard_fixture_seen *probe = next(CORE_MAIL_NOTICE);
    expect_notice(probe, "a=1 ", 2, 2);
    tell(probe, CORE_OUTCOME_REJECTED);
    // The place that is confirmed is asked then, and decides.
    expect_notice(next(CORE_MAIL_NOTICE), "a=1 ", 2, 1);
    tell(last(), CORE_OUTCOME_REJECTED);
    assert_int_equal(core_shard_stats(f.shard).observations, 0);
}

static void a_silent_route_and_an_rst_of_the_candidate_leave_it_suspended(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_LOST);
    hear_at(2);
    (void)next(CORE_MAIL_NOTICE);
    const unsigned first = f.seen_count - 1;
    tell(&f.seen[first], CORE_OUTCOME_TRANSMITTED);
    tell(&f.seen[first], CORE_OUTCOME_UNANSWERED);
    (void)next(CORE_MAIL_NOTICE);
    tell(&f.seen[first + 1], CORE_OUTCOME_TRANSMITTED);
    tell(&f.seen[first + 1], CORE_OUTCOME_LOST);
    tell(&f.seen[first], CORE_OUTCOME_REJECTED);
    assert_int_equal(core_shard_stats(f.shard).observations, 1);
    assert_int_equal(core_shard_stats(f.shard).suspended, 1);
}

static void another_request_with_the_token_ends_the_observation(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    // The same GET, another token, another address: all of that is fine.
    hear(1, 7, 0);
    hear(1, OTHER_TOKEN, OTHER_URI);
    hear(2, 7, OTHER_URI);
    assert_int_equal(core_shard_stats(f.shard).observations, 1);
    hear(1, 7, OTHER_URI);
    assert_int_equal(core_shard_stats(f.shard).observations, 0);
    change("a", 1);
    expect_silence();
    core_shard_fixture_restart(&f);
    assert_int_equal(core_shard_stats(f.shard).observations, 0);
}

static void who_uses_the_token_otherwise_is_no_candidate(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    hear_at(2);
    tell(changed("a", 1), CORE_OUTCOME_UNANSWERED);
    const unsigned first = f.seen_count - 1;
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_TRANSMITTED);
    // There the token means something else: nothing more goes there, whatever is heard.
    hear(2, 7, OTHER_URI);
    (void)next(CORE_MAIL_CANCEL);
    hear_at(2);
    expect_silence();
    tell(&f.seen[first], CORE_OUTCOME_DELIVERED);
    (void)changed("a", 2);
    tell(last(), CORE_OUTCOME_UNANSWERED);
    expect_silence();
    // Until it registers.
    subscribe(CORE_RESOURCE_ATTRIBUTES, 2);
    expect_notice(changed("a", 3), "a=3 ", 4, 2);
}

static void two_observations_at_one_address_have_two_tokens(void **state)
{
    (void)state;
    struct core_mail mail = {.kind = CORE_MAIL_SUBSCRIBE,
                             .resource = CORE_RESOURCE_RPC,
                             .tenant = tenant,
                             .device = device,
                             .registration = at(1)};
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    // The token of the other observation, elsewhere: both stay, and neither is told there.
    mail.registration = at(2);
    send(&mail);
    assert_int_equal(next(CORE_MAIL_ANSWER)->mail.err, ERR_OK);
    hear_at(2);
    tell(changed("a", 1), CORE_OUTCOME_UNANSWERED);
    expect_silence();
    assert_int_equal(core_shard_stats(f.shard).observations, 2);
    // At one address the older one ends.
    mail.registration = at(1);
    send(&mail);
    core_shard_fixture_settle(&f);
    assert_int_equal(core_shard_stats(f.shard).observations, 1);
}

static void a_body_in_blocks_is_delivered_when_it_was_fetched(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    (void)changed_largely();
    const unsigned first = f.seen_count - 1;
    tell(&f.seen[first], CORE_OUTCOME_TRANSMITTED);
    tell(&f.seen[first], CORE_OUTCOME_DELIVERED);
    // It stays what the device reads, so the next one waits.
    change("a", 1);
    change("b", 2);
    expect_silence();
    assert_int_equal(core_shard_stats(f.shard).delivered, 0);
    tell_fetched(&f.seen[first]);
    assert_int_equal(core_shard_stats(f.shard).delivered, 1);
    expect_notice(next(CORE_MAIL_NOTICE), "a=1 b=2 ", 2, 1);
    // Once more says nothing.
    tell_fetched(&f.seen[first]);
    assert_int_equal(core_shard_stats(f.shard).delivered, 1);
}

static void a_fetch_says_that_the_acknowledgement_was_lost(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    const struct core_shard_fixture_seen *notice = changed_largely();
    tell(notice, CORE_OUTCOME_TRANSMITTED);
    tell_fetched(notice);
    assert_int_equal(core_shard_stats(f.shard).delivered, 1);
    expect_silence();
    pass(span_s(121));
    assert_int_equal(core_shard_stats(f.shard).suspended, 0);
}

static void what_is_not_fetched_was_not_delivered(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed_largely(), CORE_OUTCOME_DELIVERED);
    pass(span_s(61));
    assert_int_equal(core_shard_stats(f.shard).suspended, 1);
    // It is sent again when the device is heard, but not at once: it may never fetch.
    hear_at(1);
    expect_silence();
    pass(span_s(61));
    hear_at(1);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_DELIVERED);
    pass(span_s(61));
    pass(span_s(61));
    hear_at(1);
    expect_silence();
    pass(span_s(60));
    hear_at(1);
    const struct core_shard_fixture_seen *again = next(CORE_MAIL_NOTICE);
    assert_int_equal(again->mail.body_len, LARGE_SIZE);
    tell(again, CORE_OUTCOME_DELIVERED);
    tell_fetched(again);
    assert_int_equal(core_shard_stats(f.shard).delivered, 1);
    assert_int_equal(core_shard_stats(f.shard).suspended, 0);
}

static void a_poll_that_has_it_ends_the_wait(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed_largely(), CORE_OUTCOME_DELIVERED);
    change("a", 1);
    expect_silence();
    send(&(struct core_mail){
        .kind = CORE_MAIL_POLL, .tenant = tenant, .device = device, .sequence = 1, .number = 1024});
    core_shard_fixture_until(&f, f.seen_count + 2);
    const struct core_shard_fixture_seen *notice = &f.seen[f.seen_count - 2];
    assert_int_equal(notice->mail.kind, CORE_MAIL_NOTICE);
    expect_notice(notice, "a=1 ", 2, 1);
}

static void a_first_answer_in_blocks_is_waited_for(void **state)
{
    (void)state;
    send_about(CORE_MAIL_SUBSCRIBE, CORE_RESOURCE_ATTRIBUTES, 1);
    const uint64_t ticket = next(CORE_MAIL_ANSWER)->mail.handle;
    struct core_mail started = {.kind = CORE_MAIL_STARTED,
                                .tenant = tenant,
                                .device = device,
                                .registration = at(1),
                                .handle = ticket,
                                .number = 1025};
    send(&started);
    change("a", 1);
    expect_silence();
    send(&(struct core_mail){
        .kind = CORE_MAIL_OUTCOME, .outcome = CORE_OUTCOME_FETCHED, .ticket = ticket});
    expect_notice(next(CORE_MAIL_NOTICE), "a=1 ", 1, 1);
    tell(last(), CORE_OUTCOME_DELIVERED);
    // For sixty seconds at most; nothing was owed.
    send_about(CORE_MAIL_SUBSCRIBE, CORE_RESOURCE_ATTRIBUTES, 1);
    started.handle = next(CORE_MAIL_ANSWER)->mail.handle;
    send(&started);
    change("a", 2);
    expect_silence();
    pass(span_s(61));
    expect_notice(next(CORE_MAIL_NOTICE), "a=2 ", 3, 1);
    assert_int_equal(core_shard_stats(f.shard).suspended, 0);
}

// A call whose notification goes in blocks.
static void call_largely(unsigned number)
{
    static char params[1100];
    memset(params, '1', sizeof(params));
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    call_order(number, true);
    calls[number].call.params = slice_of(params, sizeof(params));
    assert_int_equal(core_desk_send(&desk, &calls[number]), ERR_OK);
}

static void a_call_in_blocks_is_delivered_when_it_was_fetched(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_RPC, 1);
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    call_largely(0);
    const struct core_shard_fixture_seen *notice = next(CORE_MAIL_NOTICE);
    tell(notice, CORE_OUTCOME_TRANSMITTED);
    tell(notice, CORE_OUTCOME_DELIVERED);
    core_shard_fixture_settle(&f);
    assert_int_equal(stored_status(0), CORE_CALL_SENT);
    // The other observation does not wait for it.
    tell(changed("a", 1), CORE_OUTCOME_DELIVERED);
    tell_fetched(notice);
    core_shard_fixture_settle(&f);
    assert_int_equal(stored_status(0), CORE_CALL_STATUS_DELIVERED);
}

static void without_a_place_to_wait_an_acknowledgement_is_enough(void **state)
{
    (void)state;
    f.settings.fetches_max = 1;
    core_shard_fixture_restart(&f);
    subscribe(CORE_RESOURCE_RPC, 1);
    call_largely(0);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_TRANSMITTED);
    tell(last(), CORE_OUTCOME_DELIVERED);
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed_largely(), CORE_OUTCOME_DELIVERED);
    assert_int_equal(core_shard_stats(f.shard).delivered, 1);
    (void)changed("a", 1);
    core_shard_fixture_settle(&f);
    assert_int_equal(stored_status(0), CORE_CALL_SENT);
}

static void a_call_that_is_not_fetched_is_tried_again(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_RPC, 1);
    call_largely(0);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_DELIVERED);
    pass(span_s(61));
    core_shard_fixture_settle(&f);
    assert_int_equal(stored_status(0), CORE_CALL_QUEUED);
    pass(span_s(61));
    hear_at(1);
    const struct core_shard_fixture_seen *again = next(CORE_MAIL_NOTICE);
    assert_true(again->mail.body_len > CORE_NOTICE_WHOLE);
    tell(again, CORE_OUTCOME_FETCHED);
    core_shard_fixture_settle(&f);
    assert_int_equal(stored_status(0), CORE_CALL_STATUS_DELIVERED);
}

static void message_ids_after_a_restart_are_others(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    const struct core_shard_fixture_seen *notice = changed("a", 1);
    assert_false(notice->mail.skips_mids);
    send(&(struct core_mail){.kind = CORE_MAIL_OUTCOME,
                             .outcome = CORE_OUTCOME_TRANSMITTED,
                             .ticket = notice->mail.ticket,
                             .mid = 0xfffe});
    core_shard_fixture_turn(&f);
    tell(notice, CORE_OUTCOME_DELIVERED);
    pass(span_ms(CORE_NOTES_MS));
    core_shard_fixture_settle(&f);
    core_shard_fixture_restart(&f);
    notice = changed("a", 2);
    assert_true(notice->mail.skips_mids);
    assert_int_equal(notice->mail.mid, 0xfffe);
    tell(notice, CORE_OUTCOME_TRANSMITTED);
    tell(notice, CORE_OUTCOME_DELIVERED);
    // From then on the endpoint counts on.
    assert_false(changed("a", 3)->mail.skips_mids);
}

static void subscribe_with_non(enum core_resource resource)
{
    struct core_mail mail = {.kind = CORE_MAIL_SUBSCRIBE,
                             .resource = (uint8_t)resource,
                             .tenant = tenant,
                             .device = device,
                             .registration = at(1)};
    mail.registration.confirmable = false;
    send(&mail);
    assert_int_equal(next(CORE_MAIL_ANSWER)->mail.err, ERR_OK);
    mail.kind = CORE_MAIL_STARTED;
    send(&mail);
    core_shard_fixture_turn(&f);
}

// That it left, with the round trip that was measured.
static void tell_transmitted(const struct core_shard_fixture_seen *notice, uint32_t round_trip_ms)
{
    send(&(struct core_mail){.kind = CORE_MAIL_OUTCOME,
                             .outcome = CORE_OUTCOME_TRANSMITTED,
                             .ticket = notice->mail.ticket,
                             .number = round_trip_ms});
    core_shard_fixture_turn(&f);
}

static void non_follows_after_a_round_trip(void **state)
{
    (void)state;
    subscribe_with_non(CORE_RESOURCE_ATTRIBUTES);
    tell(changed("a", 1), CORE_OUTCOME_DELIVERED);
    tell_transmitted(changed("a", 2), 200);
    change("a", 3);
    pass(span_ms(150));
    expect_silence();
    pass(span_ms(60));
    expect_notice(next(CORE_MAIL_NOTICE), "a=3 ", 3, 1);
}

static void every_eighth_and_the_one_after_silence_are_con(void **state)
{
    (void)state;
    subscribe_with_non(CORE_RESOURCE_ATTRIBUTES);
    for (unsigned i = 1; i <= 17; i++) {
        const bool is_con = changed("a", i)->mail.confirmable;
        assert_int_equal(is_con, i % 8 == 1);
        if (is_con) {
            tell(last(), CORE_OUTCOME_DELIVERED);
        } else {
            tell_transmitted(last(), 1);
            pass(span_ms(2));
        }
    }
    assert_false(changed("a", 18)->mail.confirmable);
    tell_transmitted(last(), 1);
    pass(span_s(61));
    assert_true(changed("a", 19)->mail.confirmable);
}

static void the_type_of_the_registration_can_be_kept(void **state)
{
    (void)state;
    f.settings.keeps_type = true;
    core_shard_fixture_restart(&f);
    subscribe_with_non(CORE_RESOURCE_ATTRIBUTES);
    for (unsigned i = 1; i <= 17; i++) {
        assert_false(changed("a", i)->mail.confirmable);
        tell_transmitted(last(), 1);
        pass(span_ms(2));
    }
    pass(span_s(86401));
    assert_true(next(CORE_MAIL_NOTICE)->mail.confirmable);
    tell(last(), CORE_OUTCOME_DELIVERED);
    // A path that has to be proven is asked by CON.
    tell(changed("a", 18), CORE_OUTCOME_LOST);
    assert_true(next(CORE_MAIL_NOTICE)->mail.confirmable);
}

static void a_rst_to_a_non_suspends(void **state)
{
    (void)state;
    subscribe_with_non(CORE_RESOURCE_ATTRIBUTES);
    tell(changed("a", 1), CORE_OUTCOME_DELIVERED);
    const struct core_shard_fixture_seen *non = changed("a", 2);
    tell_transmitted(non, 1);
    tell(non, CORE_OUTCOME_REJECTED);
    assert_int_equal(core_shard_stats(f.shard).suspended, 1);
}

static void calls_wait_for_an_acknowledgement_if_told_so(void **state)
{
    (void)state;
    f.settings.strategy = CORE_CALLS_ON_ACK;
    core_shard_fixture_restart(&f);
    subscribe_with_non(CORE_RESOURCE_RPC);
    for (unsigned i = 0; i < 3; i++) {
        call_device(i, true);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_true(next(CORE_MAIL_NOTICE)->mail.confirmable);
        tell(last(), CORE_OUTCOME_TRANSMITTED);
        expect_silence();
        tell(last(), CORE_OUTCOME_DELIVERED);
    }
}

static void reply(uint32_t number)
{
    send(&(struct core_mail){
        .kind = CORE_MAIL_REPLY, .tenant = tenant, .device = device, .number = number});
}

static void calls_wait_for_the_answer_if_told_so(void **state)
{
    (void)state;
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    f.settings.strategy = CORE_CALLS_ON_RESPONSE;
    core_shard_fixture_restart(&f);
    subscribe(CORE_RESOURCE_RPC, 1);
    for (unsigned i = 0; i < 3; i++) {
        call_order(i, true);
        assert_int_equal(core_desk_send(&desk, &calls[i]), ERR_OK);
    }
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_DELIVERED);
    expect_silence();
    reply(1);
    core_shard_fixture_until(&f, f.seen_count + 2);
    assert_string_equal(f.seen[f.seen_count - 1].body, "2 m {}");
    tell(&f.seen[f.seen_count - 1], CORE_OUTCOME_DELIVERED);
    expect_silence();
    // For half a minute; then it has failed, and the next one leaves.
    pass(span_s(31));
    assert_string_equal(next(CORE_MAIL_NOTICE)->body, "3 m {}");
    core_shard_fixture_settle(&f);
    assert_int_equal(stored_status(0), CORE_CALL_SUCCESSFUL);
    assert_int_equal(stored_status(1), CORE_CALL_FAILED);
    assert_int_equal(stored_status(2), CORE_CALL_QUEUED);
}

static void a_call_fails_when_its_retries_are_used_up(void **state)
{
    (void)state;
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    subscribe(CORE_RESOURCE_RPC, 1);
    call_order(0, true);
    calls[0].call.retries = 1;
    assert_int_equal(core_desk_send(&desk, &calls[0]), ERR_OK);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_TRANSMITTED);
    core_shard_fixture_settle(&f);
    assert_int_equal(stored_status(0), CORE_CALL_SENT);
    tell(last(), CORE_OUTCOME_LOST);
    core_shard_fixture_settle(&f);
    assert_int_equal(stored_status(0), CORE_CALL_QUEUED);
    hear_at(1);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_LOST);
    core_shard_fixture_settle(&f);
    assert_int_equal(stored_status(0), CORE_CALL_FAILED);
    assert_int_equal(core_shard_stats(f.shard).calls, 0);
}

static void a_call_that_its_deadline_stops_is_expired(void **state)
{
    (void)state;
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    subscribe(CORE_RESOURCE_RPC, 1);
    call_order(0, true);
    assert_int_equal(core_desk_send(&desk, &calls[0]), ERR_OK);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_TRANSMITTED);
    f.now.mono = mono_add(f.now.mono, span_s(601));
    core_shard_fixture_settle(&f);
    assert_int_equal(stored_status(0), CORE_CALL_EXPIRED);
}

// A request of a device that saves power.
static void hear_saving(uint8_t address, enum model_power power, uint32_t awake_ms)
{
    struct core_mail mail = {.kind = CORE_MAIL_HEARD,
                             .resource = CORE_RESOURCES,
                             .tenant = tenant,
                             .device = device,
                             .power = (uint8_t)power,
                             .awake_ms = awake_ms,
                             .registration = at(address)};
    mail.registration.token[0] = OTHER_TOKEN;
    send(&mail);
    core_shard_fixture_turn(&f);
}

static void a_device_with_psm_is_sent_nothing_while_it_sleeps(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    hear_saving(1, MODEL_POWER_PSM, 2000);
    tell(changed("a", 1), CORE_OUTCOME_DELIVERED);
    pass(span_ms(2001));
    change("a", 2);
    call_device(0, false);
    pass(span_s(86401));
    expect_silence();
    hear_saving(1, MODEL_POWER_PSM, 2000);
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_DELIVERED);
    assert_string_equal(last()->body, "a=2 ");
    // Its acknowledgement shows that it listens; without a time of its own it is the usual one.
    pass(span_ms(1000));
    tell(changed("a", 3), CORE_OUTCOME_DELIVERED);
    hear_saving(1, MODEL_POWER_PSM, 0);
    pass(span_ms(9000));
    tell(changed("a", 4), CORE_OUTCOME_DELIVERED);
    pass(span_ms(10001));
    change("a", 5);
    expect_silence();
    hear_saving(1, MODEL_POWER_NONE, 0);
    assert_string_equal(next(CORE_MAIL_NOTICE)->body, "a=5 ");
}

static void a_device_with_edrx_is_sent_one_thing_while_it_sleeps(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    hear_saving(1, MODEL_POWER_EDRX, 1000);
    pass(span_s(60));
    tell(changed("a", 1), CORE_OUTCOME_UNANSWERED);
    tell(last(), CORE_OUTCOME_LOST);
    change("a", 2);
    pass(span_s(60));
    expect_silence();
    hear_saving(1, MODEL_POWER_EDRX, 1000);
    assert_string_equal(next(CORE_MAIL_NOTICE)->body, "a=2 ");
}

static void a_device_that_saves_power_is_tried_where_it_was_heard_last(void **state)
{
    (void)state;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    hear_saving(2, MODEL_POWER_PSM, 2000);
    expect_notice(changed("a", 1), "a=1 ", 1, 2);
    const unsigned first = f.seen_count - 1;
    tell(&f.seen[first], CORE_OUTCOME_TRANSMITTED);
    tell(&f.seen[first], CORE_OUTCOME_UNANSWERED);
    expect_notice(next(CORE_MAIL_NOTICE), "a=1 ", 1, 1);
    tell(&f.seen[first], CORE_OUTCOME_DELIVERED);
    hear_saving(2, MODEL_POWER_PSM, 2000);
    expect_notice(changed("a", 2), "a=2 ", 2, 2);
}

// Changes 400 attributes in one order; their values are all the same.
static void change_many(int64_t value)
{
    static struct store_state_change items[400];
    static char keys[400][31];
    static uint8_t row[32];
    for (unsigned i = 0; i < 400; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "%030u", i);
        items[i] = item_of(slice_text(keys[i]), value, row);
    }
    change_items(&(struct store_change){items, 400});
}

static void a_change_that_no_message_takes_becomes_several(void **state)
{
    (void)state;
    f.body_max = 5000;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    change_many(1);
    change("a", 1);
    uint32_t told_bytes = 0;
    while (told_bytes < 400 * 33 + 4) {
        const struct core_shard_fixture_seen *notice = next(CORE_MAIL_NOTICE);
        assert_in_range(notice->mail.body_len, 1, 5000);
        told_bytes += notice->mail.body_len;
        tell(notice, CORE_OUTCOME_FETCHED);
    }
    assert_int_equal(told_bytes, 400 * 33 + 4);
    pass(span_ms(CORE_NOTES_MS));
    expect_silence();
    core_shard_fixture_restart(&f);
    expect_silence();
}

static void a_poll_gets_it_in_parts_as_well(void **state)
{
    (void)state;
    f.body_max = 1500;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    tell(changed("a", 1), CORE_OUTCOME_LOST);
    change_many(1);
    uint64_t sequence = 0;
    unsigned parts = 0;
    size_t bytes = 0;
    for (const char *answer = "more"; strstr(answer, "more") != NULL; parts++) {
        assert_in_range(parts, 0, 40);
        send(&(struct core_mail){.kind = CORE_MAIL_POLL,
                                 .tenant = tenant,
                                 .device = device,
                                 .sequence = sequence,
                                 .number = 1024});
        answer = next(CORE_MAIL_ANSWER)->body;
        f.seen_count = 0;
        sequence = strtoul(answer, NULL, 10);
        bytes += f.seen[0].mail.body_len;
        core_shard_fixture_settle(&f);
    }
    assert_true(bytes >= 400 * 33 + 4);
}

static void numbers_wrap_at_24_bits(void **state)
{
    (void)state;
    struct core_downlink link = {.calls_reserved = 1};
    uint8_t memory[CORE_ROW_MAX];
    struct buf row = buf_over(memory, sizeof(memory));
    link.observations[CORE_RESOURCE_ATTRIBUTES].reserved = 0x1000000U;
    core_row_put_counters(&row, &link);
    assert_true(core_row_get_counters(buf_view(&row), &link));
    const struct store_state_change counters = {STORE_STATE_COUNTER, SLICE("n"), false,
                                                buf_view(&row)};
    const struct store_record record = {
        .verb = STORE_CHANGE, .tenant = tenant, .device = device, .change = {&counters, 1}};
    assert_int_equal(store_submit(f.lane, &record), ERR_OK);
    core_shard_fixture_settle(&f);
    core_shard_fixture_restart(&f);
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    assert_int_equal(last()->mail.number, 0);
    expect_notice(changed("a", 1), "a=1 ", 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_that_meets_the_registration_on_its_way_is_told),
        TEST(an_rst_at_the_route_asks_the_candidate),
        TEST(a_newer_candidate_takes_the_place_of_the_one_that_is_tried),
        TEST(a_number_that_was_on_its_way_is_not_used_again),
        TEST(an_rst_to_a_probe_of_the_candidate_leaves_the_observation),
        TEST(a_silent_route_and_an_rst_of_the_candidate_leave_it_suspended),
        TEST(another_request_with_the_token_ends_the_observation),
        TEST(who_uses_the_token_otherwise_is_no_candidate),
        TEST(two_observations_at_one_address_have_two_tokens),
        TEST(a_body_in_blocks_is_delivered_when_it_was_fetched),
        TEST(a_fetch_says_that_the_acknowledgement_was_lost),
        TEST(what_is_not_fetched_was_not_delivered),
        TEST(without_a_place_to_wait_an_acknowledgement_is_enough),
        TEST(a_poll_that_has_it_ends_the_wait),
        TEST(a_first_answer_in_blocks_is_waited_for),
        TEST(a_call_in_blocks_is_delivered_when_it_was_fetched),
        TEST(a_call_that_is_not_fetched_is_tried_again),
        TEST(message_ids_after_a_restart_are_others),
        TEST(non_follows_after_a_round_trip),
        TEST(every_eighth_and_the_one_after_silence_are_con),
        TEST(the_type_of_the_registration_can_be_kept),
        TEST(a_rst_to_a_non_suspends),
        TEST(calls_wait_for_an_acknowledgement_if_told_so),
        TEST(calls_wait_for_the_answer_if_told_so),
        TEST(a_call_fails_when_its_retries_are_used_up),
        TEST(a_call_that_its_deadline_stops_is_expired),
        TEST(a_device_with_psm_is_sent_nothing_while_it_sleeps),
        TEST(a_device_with_edrx_is_sent_one_thing_while_it_sleeps),
        TEST(a_device_that_saves_power_is_tried_where_it_was_heard_last),
        TEST(a_change_that_no_message_takes_becomes_several),
        TEST(a_poll_gets_it_in_parts_as_well),
        TEST(numbers_wrap_at_24_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
