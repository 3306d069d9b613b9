// What a shard does while one of its tables is full, and that it goes on afterwards. Those of
// devices, of calls and of bodies in blocks are filled in shard_test.c and observation_test.c.
#include "core/shard_priv.h"
#include "core/shard_test.h"

#define PLACES 2U
#define ORDERS 6U

static struct core_order orders[ORDERS];
static enum err ends[ORDERS];
static unsigned end_count;

// A shard with so many places for commits and for bodies.
static void restart_with(uint32_t jobs, uint32_t parcels)
{
    f.settings.jobs_max = jobs;
    f.settings.parcels_max = parcels;
    core_shard_fixture_restart(&f);
}

static void send_of(enum core_mail_kind kind, uint64_t number)
{
    send(&(struct core_mail){.kind = (uint8_t)kind,
                             .tenant = tenant,
                             .device = {number},
                             .registration = at(1),
                             .number = 1024});
}

// So many of one kind come in one turn: those that find a place succeed, the others are refused.
static void expect_refusals(enum core_mail_kind kind)
{
    const unsigned before = f.seen_count;
    for (uint64_t i = 0; i < PLACES + 2; i++) {
        send_of(kind, 100 + i);
    }
    core_shard_fixture_until(&f, before + PLACES + 2);
    for (unsigned i = 0; i < PLACES + 2; i++) {
        // Who is refused hears it before the commit of the others is on disk.
        const struct core_mail *answer = &f.seen[before + i].mail;
        assert_int_equal(answer->kind, CORE_MAIL_ANSWER);
        assert_int_equal(answer->err, i < 2 ? ERR_EXHAUSTED : ERR_OK);
        assert_int_equal(answer->device.number, i < 2 ? 100 + PLACES + i : 98 + i);
    }
    assert_int_equal(core_shard_stats(f.shard).jobs, 0);
}

static void registrations_without_a_place_for_their_commit_are_refused(void **state)
{
    (void)state;
    restart_with(PLACES, 1);
    expect_refusals(CORE_MAIL_SUBSCRIBE);
    // Nothing of them is left that stands in their way.
    send_of(CORE_MAIL_SUBSCRIBE, 100 + PLACES);
    assert_int_equal(next(CORE_MAIL_ANSWER)->mail.err, ERR_OK);
}

static void polls_without_a_place_for_their_commit_are_refused(void **state)
{
    (void)state;
    // A first poll takes two places: until its answer, and for a commit.
    restart_with(3, 1);
    send_of(CORE_MAIL_POLL, 100);
    send_of(CORE_MAIL_POLL, 101);
    const struct core_mail *refused = &next(CORE_MAIL_ANSWER)->mail;
    assert_int_equal(refused->err, ERR_EXHAUSTED);
    assert_int_equal(refused->device.number, 101);
    assert_int_equal(next(CORE_MAIL_ANSWER)->mail.err, ERR_OK);
    send_of(CORE_MAIL_POLL, 101);
    assert_int_equal(next(CORE_MAIL_ANSWER)->mail.err, ERR_OK);
    assert_int_equal(core_shard_stats(f.shard).jobs, 0);
}

static void ended(struct core_order *order, enum err err, struct slice response)
{
    (void)response;
    ends[order - orders] = err;
    end_count++;
}

static void send_order(unsigned number, const struct core_order *order)
{
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    orders[number] = *order;
    orders[number].done = ended;
    assert_int_equal(core_desk_send(&desk, &orders[number]), ERR_OK);
}

// Changes and persistent calls in turn, as many as are asked for: how each ended.
static void send_orders(const struct store_change *items)
{
    end_count = 0;
    for (unsigned i = 0; i < ORDERS; i++) {
        call_order(i, true);
        const struct core_order changed = {
            .kind = CORE_ORDER_CHANGE, .tenant = tenant, .device = device, .change = items};
        send_order(i, i % 2 == 0 ? &changed : &calls[i]);
    }
    for (unsigned i = 0; i < 1000000 && end_count < ORDERS; i++) {
        core_shard_fixture_turn(&f);
    }
    assert_int_equal(end_count, ORDERS);
}

static void orders_without_a_place_for_their_commit_are_refused(void **state)
{
    (void)state;
    uint8_t row[32];
    const struct store_state_change item = item_of(SLICE("a"), 1, row);
    const struct store_change items = {&item, 1};
    restart_with(PLACES, 1);
    send_orders(&items);
    for (unsigned i = 0; i < ORDERS; i++) {
        assert_int_equal(ends[i], i < PLACES ? ERR_OK : ERR_EXHAUSTED);
    }
    assert_int_equal(core_shard_stats(f.shard).calls, 1);
    assert_int_equal(core_shard_stats(f.shard).jobs, 0);
}

static void change_two(void)
{
    static uint8_t rows[2][32];
    const struct store_state_change items[2] = {item_of(SLICE("a"), 1, rows[0]),
                                                item_of(SLICE("b"), 2, rows[1])};
    change_items(&(struct store_change){items, 2});
}

static void a_notification_that_needs_a_commit_waits_for_a_place(void **state)
{
    (void)state;
    restart_with(1, 1);
    f.body_max = 5;
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    const struct core_shard_fixture_seen *first = changed("x", 1);
    // Larger than a body may be, so that it has to become two changes.
    change_two();
    core_shard_fixture_settle(&f);
    struct core_job *last = core_shard_job(f.shard, CORE_JOB_POLL);
    assert_non_null(last);
    assert_null(core_shard_job(f.shard, CORE_JOB_POLL));
    tell(first, CORE_OUTCOME_DELIVERED);
    for (unsigned i = 0; i < 3; i++) {
        expect_silence();
        pass(span_ms(CORE_NOTES_MS));
    }
    pool_give(f.shard->jobs, pool_handle_of(f.shard->jobs, last));
    pass(span_ms(CORE_NOTES_MS));
    tell(next(CORE_MAIL_NOTICE), CORE_OUTCOME_DELIVERED);
    assert_string_equal(f.seen[f.seen_count - 1].body, "a=1 ");
    assert_string_equal(next(CORE_MAIL_NOTICE)->body, "b=2 ");
}

static void a_body_without_a_place_is_written_again_for_the_other_address(void **state)
{
    (void)state;
    struct pool_handle handle;
    restart_with(16, 1);
    subscribe(CORE_RESOURCE_ATTRIBUTES, 1);
    assert_non_null(pool_take(f.shard->parcels, &handle));
    send_about(CORE_MAIL_HEARD, 0, 2);
    const struct core_shard_fixture_seen *notice = changed("a", 1);
    expect_notice(notice, "a=1 ", 1, 1);
    tell(notice, CORE_OUTCOME_TRANSMITTED);
    // With a place the other address would get it now (shard_test.c).
    tell(notice, CORE_OUTCOME_UNANSWERED);
    expect_silence();
    change("b", 2);
    tell(notice, CORE_OUTCOME_LOST);
    send_about(CORE_MAIL_HEARD, 0, 2);
    notice = next(CORE_MAIL_NOTICE);
    expect_notice(notice, "a=1 b=2 ", 2, 2);
    // A newer address would have to get it from here, so it is not taken meanwhile.
    send_about(CORE_MAIL_HEARD, 0, 3);
    expect_silence();
    tell(notice, CORE_OUTCOME_DELIVERED);
    expect_notice(changed("a", 3), "a=3 ", 3, 2);
    assert_int_equal(core_shard_stats(f.shard).repeated_at_candidate, 0);
    assert_int_equal(core_shard_stats(f.shard).parcels, 1);
}

static void the_end_of_a_device_is_confirmed_when_there_is_a_place(void **state)
{
    (void)state;
    struct core_order gone = {.kind = CORE_ORDER_GONE,
                              .tenant = tenant,
                              .device = device,
                              .confirms = true,
                              .done = done};
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    restart_with(1, 1);
    struct core_job *place = core_shard_job(f.shard, CORE_JOB_POLL);
    assert_int_equal(core_desk_send(&desk, &gone), ERR_OK);
    core_shard_fixture_settle(&f);
    assert_int_equal(done_err, ERR_EXHAUSTED);
    pool_give(f.shard->jobs, pool_handle_of(f.shard->jobs, place));
    assert_int_equal(core_desk_send(&desk, &gone), ERR_OK);
    core_shard_fixture_settle(&f);
    assert_int_equal(done_err, ERR_OK);
    // Of a store that has ended nothing is waited for.
    store_stop(f.core.store);
    done_err = ERR_EXHAUSTED;
    assert_int_equal(core_desk_send(&desk, &gone), ERR_OK);
    core_shard_fixture_turn(&f);
    core_shard_fixture_turn(&f);
    assert_int_equal(done_err, ERR_OK);
    assert_int_equal(core_shard_stats(f.shard).jobs, 0);
}

#define ATTRIBUTES 400U

static void change_many(void)
{
    static struct store_state_change items[ATTRIBUTES];
    static char keys[ATTRIBUTES][8];
    static uint8_t row[32];
    for (unsigned i = 0; i < ATTRIBUTES; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "%u", i);
        items[i] = item_of(slice_text(keys[i]), 1, row);
    }
    change_items(&(struct store_change){items, ATTRIBUTES});
}

static enum err poll_with(size_t bytes)
{
    arena_init(&f.arena, f.arena_memory, bytes);
    f.seen_count = 0;
    send_of(CORE_MAIL_POLL, device.number);
    const enum err err = next(CORE_MAIL_ANSWER)->mail.err;
    assert_int_equal(core_shard_stats(f.shard).jobs, 0);
    return err;
}

static void a_poll_without_memory_leaves_no_place_taken(void **state)
{
    (void)state;
    unsigned refused = 0;
    change_many();
    // From what is too little to read the rows, on to what is enough for the answer.
    size_t bytes = 1U << 20;
    enum err err = poll_with(bytes);
    for (; err != ERR_OK; err = poll_with(bytes)) {
        refused += err == ERR_EXHAUSTED ? 1 : 0;
        bytes += 8192;
    }
    assert_in_range(refused, 2, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registrations_without_a_place_for_their_commit_are_refused),
        TEST(polls_without_a_place_for_their_commit_are_refused),
        TEST(orders_without_a_place_for_their_commit_are_refused),
        TEST(a_notification_that_needs_a_commit_waits_for_a_place),
        TEST(a_body_without_a_place_is_written_again_for_the_other_address),
        TEST(a_poll_without_memory_leaves_no_place_taken),
        TEST(the_end_of_a_device_is_confirmed_when_there_is_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
