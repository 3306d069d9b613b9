// Lanes and the writer over a back end that can be told to wait, to fail and to take less than it
// is given: grouping, bounds, completions, failure and the end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plat/clock.h"
#include "plat/thread.h"
#include "store/store.h"
#include "store/writer.h"

// The back end under the writer. Records how it was called; `gate` holds a commit back.
struct fake {
    struct plat_mutex mutex;
    struct plat_cond changed;
    bool is_shut;      // commits wait
    uint32_t waiting;  // commits that wait
    uint32_t take_max; // 0: all
    uint32_t fail_at;  // the n-th commit from here on fails; 0: none
    uint32_t commits;
    uint64_t records;
    bool is_closed;
};

static enum err fake_commit(void *backend, struct store_item *items, uint32_t count,
                            struct store_now now, uint32_t *taken)
{
    struct fake *const fake = backend;
    (void)now;
    plat_mutex_lock(&fake->mutex);
    fake->waiting++;
    plat_cond_broadcast(&fake->changed);
    while (fake->is_shut) {
        plat_cond_wait(&fake->changed, &fake->mutex);
    }
    fake->waiting--;
    fake->commits++;
    *taken = fake->take_max != 0 && fake->take_max < count ? fake->take_max : count;
    fake->records += *taken;
    const bool fails = fake->fail_at != 0 && fake->commits >= fake->fail_at;
    plat_mutex_unlock(&fake->mutex);
    for (uint32_t i = 0; i < *taken; i++) {
        items[i].time_ms = items[i].record.proposed.ms;
    }
    return fails ? ERR_NO_SPACE : ERR_OK;
}

static enum err fake_tick(void *backend, struct store_now now, struct mono *again)
{
    (void)backend;
    (void)now;
    *again = MONO_NEVER;
    return ERR_OK;
}

static void fake_stats(void *backend, struct store_stats *stats)
{
    (void)backend;
    stats->seals = 99;
}

static void fake_close(void *backend)
{
    ((struct fake *)backend)->is_closed = true;
}

static const struct store_ops fake_ops = {
    .commit = fake_commit, .tick = fake_tick, .stats = fake_stats, .close = fake_close};

static const struct store_limits limits = {.commit_records_max = 8, .commit_delay_max = {100000}};

struct fixture {
    struct fake fake;
    struct store *store;
    struct store_lane *lane;
    uint32_t wakes; // under fake.mutex
};

static void count_wake(void *context)
{
    struct fixture *const fixture = context;
    plat_mutex_lock(&fixture->fake.mutex);
    fixture->wakes++;
    plat_mutex_unlock(&fixture->fake.mutex);
}

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){0};
    plat_mutex_init(&f->fake.mutex);
    plat_cond_init(&f->fake.changed);
    assert_int_equal(store_writer_create(&fake_ops, &f->fake, &limits, &f->store), ERR_OK);
    assert_int_equal(store_lane_open(f->store, 4096, f, count_wake, &f->lane), ERR_OK);
    assert_int_equal(store_start(f->store), ERR_OK);
}

static void set_shut(struct fixture *f, bool is_shut)
{
    plat_mutex_lock(&f->fake.mutex);
    f->fake.is_shut = is_shut;
    plat_cond_broadcast(&f->fake.changed);
    plat_mutex_unlock(&f->fake.mutex);
}

static void wait_until_commit_waits(struct fixture *f)
{
    plat_mutex_lock(&f->fake.mutex);
    while (f->fake.waiting == 0) {
        plat_cond_wait(&f->fake.changed, &f->fake.mutex);
    }
    plat_mutex_unlock(&f->fake.mutex);
}

static void close_fixture(struct fixture *f)
{
    store_stop(f->store);
    store_close(f->store);
    assert_true(f->fake.is_closed);
    plat_cond_deinit(&f->fake.changed);
    plat_mutex_deinit(&f->fake.mutex);
}

static enum err submit_text(struct store_lane *lane, uint64_t ticket, size_t text_len)
{
    static const uint8_t text[8192];
    const struct model_point point = {
        SLICE("key"), {.type = MODEL_VALUE_STRING, .text = slice_of(text, text_len)}};
    const struct model_reading reading = {false, 0, &point, 1};
    const struct model_readings readings = {&reading, 1, 1};
    const struct store_record record = {.verb = STORE_SAVE,
                                        .ticket = ticket,
                                        .tenant = {1},
                                        .device = {2},
                                        .save = {&readings, {(int64_t)ticket}, 0, true, true}};
    return store_submit(lane, &record);
}

static enum err await(struct store_lane *lane, uint64_t ticket, enum err *outcome)
{
    struct store_completion completion = {0};
    const enum err err = store_await(lane, ticket, &completion);
    *outcome = completion.err;
    if (err == ERR_OK) {
        assert_int_equal(completion.ticket, ticket);
        assert_int_equal(completion.time_ms, ticket);
    }
    return err;
}

static void submitted_record_is_completed(void **state)
{
    (void)state;
    struct fixture f;
    enum err outcome = ERR_COUNT;
    open_fixture(&f);
    assert_int_equal(submit_text(f.lane, 5, 10), ERR_OK);
    store_flush(f.lane);
    assert_int_equal(await(f.lane, 5, &outcome), ERR_OK);
    assert_int_equal(outcome, ERR_OK);
    const struct store_stats stats = store_stats(f.store);
    assert_int_equal(stats.commits, 1);
    assert_int_equal(stats.records, 1);
    assert_int_equal(stats.points, 1);
    assert_int_equal(stats.seals, 99);
    assert_false(stats.read_only);
    close_fixture(&f);
}

static void nothing_is_seen_before_the_flush(void **state)
{
    (void)state;
    struct fixture f;
    enum err outcome = ERR_COUNT;
    open_fixture(&f);
    assert_int_equal(submit_text(f.lane, 1, 1), ERR_OK);
    assert_int_equal(submit_text(f.lane, 2, 1), ERR_OK);
    store_flush(f.lane);
    assert_int_equal(await(f.lane, 2, &outcome), ERR_OK);
    assert_int_equal(f.fake.commits, 1);
    assert_int_equal(store_stats(f.store).commit_size_max, 2);
    close_fixture(&f);
}

static void what_arrives_during_a_commit_shares_the_next(void **state)
{
    (void)state;
    struct fixture f;
    enum err outcome = ERR_COUNT;
    open_fixture(&f);
    set_shut(&f, true);
    assert_int_equal(submit_text(f.lane, 1, 1), ERR_OK);
    store_flush(f.lane);
    wait_until_commit_waits(&f);
    for (uint64_t ticket = 2; ticket <= 6; ticket++) {
        assert_int_equal(submit_text(f.lane, ticket, 1), ERR_OK);
        store_flush(f.lane);
    }
    set_shut(&f, false);
    assert_int_equal(await(f.lane, 6, &outcome), ERR_OK);
    assert_int_equal(f.fake.commits, 2);
    plat_mutex_lock(&f.fake.mutex);
    assert_in_range(f.wakes, 1, 2); // once per group; the last one may still be under way
    plat_mutex_unlock(&f.fake.mutex);
    close_fixture(&f);
    assert_int_equal(f.wakes, 2);
}

static void group_is_bounded(void **state)
{
    (void)state;
    struct fixture f;
    enum err outcome = ERR_COUNT;
    open_fixture(&f);
    for (uint64_t ticket = 1; ticket <= 20; ticket++) {
        assert_int_equal(submit_text(f.lane, ticket, 1), ERR_OK);
    }
    store_flush(f.lane);
    assert_int_equal(await(f.lane, 20, &outcome), ERR_OK);
    assert_int_equal(f.fake.commits, 3);
    assert_int_equal(store_stats(f.store).commit_size_max, limits.commit_records_max);
    close_fixture(&f);
}

static void back_end_may_take_less_than_the_group(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    f.fake.take_max = 3;
    for (uint64_t ticket = 1; ticket <= 8; ticket++) {
        assert_int_equal(submit_text(f.lane, ticket, 1), ERR_OK);
    }
    store_flush(f.lane);
    for (uint64_t ticket = 1; ticket <= 8; ticket++) {
        enum err outcome = ERR_COUNT;
        assert_int_equal(await(f.lane, ticket, &outcome), ERR_OK);
        assert_int_equal(outcome, ERR_OK);
    }
    assert_int_equal(f.fake.commits, 3);
    close_fixture(&f);
}

static void full_lane_refuses_and_recovers(void **state)
{
    (void)state;
    struct fixture f;
    enum err outcome = ERR_COUNT;
    open_fixture(&f);
    set_shut(&f, true);
    uint64_t ticket = 0;
    enum err err = ERR_OK;
    while (err == ERR_OK) {
        err = submit_text(f.lane, ticket + 1, 100);
        ticket += err == ERR_OK;
    }
    assert_int_equal(err, ERR_EXHAUSTED);
    assert_in_range(ticket, 15, 40);
    set_shut(&f, false);
    store_flush(f.lane);
    assert_int_equal(await(f.lane, ticket, &outcome), ERR_OK);
    assert_int_equal(submit_text(f.lane, ticket + 1, 100), ERR_OK);
    close_fixture(&f);
}

static void uncollected_completions_are_bounded(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    uint64_t accepted = 0;
    const struct mono end = mono_add(plat_clock_mono(), span_s(10));
    // The writer serves all the time; only the completions pile up.
    bool is_accepted = true;
    while (is_accepted || store_stats(f.store).records < accepted) {
        assert_false(mono_reached(plat_clock_mono(), end));
        is_accepted = submit_text(f.lane, accepted + 1, 0) == ERR_OK;
        store_flush(f.lane);
        accepted += is_accepted;
    }
    assert_int_equal(accepted, 4096 / 32);
    store_stop(f.store);
    for (uint64_t ticket = 1; ticket <= accepted; ticket++) {
        struct store_completion completion;
        assert_true(store_collect(f.lane, &completion));
        assert_int_equal(completion.ticket, ticket);
    }
    close_fixture(&f);
}

static void oversized_record_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    assert_int_equal(submit_text(f.lane, 1, 1025), ERR_TOO_LARGE);
    static const struct model_point point = {SLICE("k"), {.type = MODEL_VALUE_LONG}};
    static struct model_reading many[MODEL_POINTS_MAX + 1];
    for (size_t i = 0; i <= MODEL_POINTS_MAX; i++) {
        many[i] = (struct model_reading){true, 0, &point, 1};
    }
    const struct model_readings readings = {many, MODEL_POINTS_MAX + 1, MODEL_POINTS_MAX + 1};
    const struct store_record record = {.verb = STORE_SAVE, .save = {.readings = &readings}};
    assert_int_equal(store_submit(f.lane, &record), ERR_TOO_LARGE);
    close_fixture(&f);
}

static void nothing_is_acknowledged_after_a_failure(void **state)
{
    (void)state;
    struct fixture f;
    enum err outcome = ERR_COUNT;
    open_fixture(&f);
    assert_int_equal(submit_text(f.lane, 1, 1), ERR_OK);
    store_flush(f.lane);
    assert_int_equal(await(f.lane, 1, &outcome), ERR_OK);
    plat_mutex_lock(&f.fake.mutex);
    f.fake.fail_at = 2;
    f.fake.take_max = 2;
    plat_mutex_unlock(&f.fake.mutex);
    for (uint64_t ticket = 2; ticket <= 5; ticket++) {
        assert_int_equal(submit_text(f.lane, ticket, 1), ERR_OK);
    }
    store_flush(f.lane);
    static const enum err expected[] = {ERR_IO, ERR_IO, ERR_UNAVAILABLE, ERR_UNAVAILABLE};
    for (uint64_t ticket = 2; ticket <= 5; ticket++) {
        struct store_completion completion;
        assert_int_equal(store_await(f.lane, ticket, &completion), ERR_OK);
        assert_int_equal(completion.err, expected[ticket - 2]);
    }
    assert_int_equal(f.fake.commits, 2);
    assert_true(store_stats(f.store).read_only);
    assert_int_equal(store_stats(f.store).failures, 1);
    close_fixture(&f);
}

static void stop_completes_what_was_flushed(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    set_shut(&f, true);
    assert_int_equal(submit_text(f.lane, 1, 1), ERR_OK);
    store_flush(f.lane);
    wait_until_commit_waits(&f);
    for (uint64_t ticket = 2; ticket <= 20; ticket++) {
        assert_int_equal(submit_text(f.lane, ticket, 1), ERR_OK);
    }
    store_flush(f.lane);
    set_shut(&f, false);
    store_stop(f.store);
    assert_int_equal(submit_text(f.lane, 21, 1), ERR_STOPPING);
    for (uint64_t ticket = 1; ticket <= 20; ticket++) {
        struct store_completion completion;
        assert_true(store_collect(f.lane, &completion));
        assert_int_equal(completion.ticket, ticket);
        assert_int_equal(completion.err, ERR_OK);
    }
    struct store_completion completion;
    assert_int_equal(store_await(f.lane, 99, &completion), ERR_STOPPING);
    close_fixture(&f);
}

static void record_without_ticket_has_no_completion(void **state)
{
    (void)state;
    struct fixture f;
    enum err outcome = ERR_COUNT;
    open_fixture(&f);
    assert_int_equal(submit_text(f.lane, 0, 1), ERR_OK);
    assert_int_equal(submit_text(f.lane, 1, 1), ERR_OK);
    store_flush(f.lane);
    assert_int_equal(await(f.lane, 1, &outcome), ERR_OK);
    assert_int_equal(f.fake.records, 2);
    struct store_completion completion;
    assert_false(store_collect(f.lane, &completion));
    close_fixture(&f);
}

// Four producers at once, each with its own lane: every record is completed once and in order.

#define PRODUCERS 4U
#define PRODUCER_RECORDS 5000U

struct producer {
    struct store_lane *lane;
    struct plat_thread thread;
    uint64_t completed;
    bool is_in_order;
};

static void collect_all(struct producer *producer)
{
    struct store_completion completion;
    while (store_collect(producer->lane, &completion)) {
        producer->is_in_order =
            producer->is_in_order && completion.ticket == producer->completed + 1;
        producer->completed++;
    }
}

static void produce(void *context)
{
    struct producer *const producer = context;
    uint64_t submitted = 0;
    while (producer->completed < PRODUCER_RECORDS) {
        for (int i = 0; i < 16 && submitted < PRODUCER_RECORDS; i++) {
            submitted += submit_text(producer->lane, submitted + 1, submitted % 200) == ERR_OK;
        }
        store_flush(producer->lane);
        collect_all(producer);
    }
}

static void many_producers_share_the_writer(void **state)
{
    (void)state;
    struct fake fake = {0};
    struct store *store = NULL;
    struct producer producers[PRODUCERS] = {0};
    plat_mutex_init(&fake.mutex);
    plat_cond_init(&fake.changed);
    assert_int_equal(store_writer_create(&fake_ops, &fake, &limits, &store), ERR_OK);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i].is_in_order = true;
        assert_int_equal(store_lane_open(store, 8192, NULL, NULL, &producers[i].lane), ERR_OK);
    }
    assert_int_equal(store_start(store), ERR_OK);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        assert_int_equal(
            plat_thread_start(&producers[i].thread, "producer", -1, &producers[i], produce),
            ERR_OK);
    }
    for (unsigned i = 0; i < PRODUCERS; i++) {
        plat_thread_join(&producers[i].thread);
        assert_int_equal(producers[i].completed, PRODUCER_RECORDS);
        assert_true(producers[i].is_in_order);
    }
    store_stop(store);
    assert_int_equal(store_stats(store).records, PRODUCERS * PRODUCER_RECORDS);
    store_close(store);
    plat_cond_deinit(&fake.changed);
    plat_mutex_deinit(&fake.mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(submitted_record_is_completed),
        cmocka_unit_test(nothing_is_seen_before_the_flush),
        cmocka_unit_test(what_arrives_during_a_commit_shares_the_next),
        cmocka_unit_test(group_is_bounded),
        cmocka_unit_test(back_end_may_take_less_than_the_group),
        cmocka_unit_test(full_lane_refuses_and_recovers),
        cmocka_unit_test(uncollected_completions_are_bounded),
        cmocka_unit_test(oversized_record_is_refused),
        cmocka_unit_test(nothing_is_acknowledged_after_a_failure),
        cmocka_unit_test(stop_completes_what_was_flushed),
        cmocka_unit_test(record_without_ticket_has_no_completion),
        cmocka_unit_test(many_producers_share_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
