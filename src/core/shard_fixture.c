#include "core/shard_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "plat/clock.h"
#include "plat/memory.h"

#define ARENA_SIZE (4U << 20)

static void wake(void *context)
{
    (void)context;
}

// What a body may have: set by each fixture, since what writes them knows only the buffer.
static size_t body_max;

// Bodies that can be read in a test.
static void write_delta(struct buf *out, const struct core_delta *delta)
{
    out->cap = body_max > 0 && out->cap > body_max ? body_max : out->cap;
    for (uint32_t i = 0; i < delta->set_count; i++) {
        buf_put_format(out, "%.*s=%lld ", SLICE_ARGS(delta->set[i].key),
                       (long long)delta->set[i].value.number);
    }
    for (uint32_t i = 0; i < delta->removed_count; i++) {
        buf_put_format(out, "-%.*s ", SLICE_ARGS(delta->removed[i]));
    }
    if (delta->set_count + delta->removed_count == 0) {
        buf_put_text(out, "none");
    }
}

static void write_call(struct buf *out, uint32_t id, struct slice method, struct slice params)
{
    buf_put_format(out, "%u %.*s %.*s", (unsigned)id, SLICE_ARGS(method), SLICE_ARGS(params));
}

static void write_pending(struct buf *out, const struct core_pending *pending)
{
    buf_put_format(out, "%llu ", (unsigned long long)pending->sequence);
    write_delta(out, &pending->delta);
    if (pending->delta.set_count + pending->delta.removed_count == 0) {
        buf_put_text(out, " ");
    }
    for (uint32_t i = 0; i < pending->call_count; i++) {
        const struct core_pending_call *call = &pending->calls[i];
        write_call(out, call->id, call->method, call->params);
        buf_put_text(out, " ");
    }
    buf_put_text(out, pending->has_more ? "more" : "all");
}

static const struct core_shard_ops ops = {write_delta, write_call, write_pending};

static const struct core_shard_settings usual = {.devices_max = 16,
                                                 .calls_max = 64,
                                                 .calls_per_device = 4,
                                                 .fetches_max = 4,
                                                 .jobs_max = 16,
                                                 .parcels_max = 16,
                                                 .retries_max = 5,
                                                 .response_wait = {30000000000},
                                                 .pace = {3000000000},
                                                 .probe_every = {86400000000000},
                                                 .probe_again = {60000000000},
                                                 .probe_most = {3600000000000},
                                                 .silence_most = {2592000000000000},
                                                 .fetch_most = {60000000000},
                                                 .psm_awake = {10000000000},
                                                 .edrx_awake = {10000000000}};

static void make_shard(struct core_shard_fixture *fixture)
{
    const struct core_shard_plan plan = {.core = &fixture->core,
                                         .party = fixture->worker,
                                         .lane = fixture->lane,
                                         .memory = &fixture->arena,
                                         .ops = &ops,
                                         .settings = fixture->settings};
    fixture->memory_size = core_shard_footprint(&fixture->settings);
    fixture->memory = plat_memory_reserve(fixture->memory_size);
    assert_non_null(fixture->memory);
    fixture->shard = core_shard_init(fixture->memory, &plan, fixture->now.mono);
}

void core_shard_fixture_open(struct core_shard_fixture *fixture)
{
    struct core *core = &fixture->core;
    if (fixture->settings.devices_max == 0) {
        fixture->settings = usual;
    }
    if (fixture->now.mono.ns == 0) {
        fixture->now = (struct core_shard_time){{span_s(1000).ns}, {1800000000000}};
    }
    core->reached = &fixture->reached;
    assert_int_equal(bus_create(&core->bus, 1, CORE_MAIL_RING), ERR_OK);
    assert_int_equal(bus_join(core->bus, NULL, &fixture->worker), ERR_OK);
    assert_int_equal(bus_join(core->bus, NULL, &fixture->desk), ERR_OK);
    assert_int_equal(store_lane_open(core->store, 1U << 20, NULL, wake, &fixture->lane), ERR_OK);
    fixture->arena_memory = plat_memory_reserve(ARENA_SIZE);
    assert_non_null(fixture->arena_memory);
    arena_init(&fixture->arena, fixture->arena_memory, ARENA_SIZE);
    make_shard(fixture);
}

void core_shard_fixture_close(struct core_shard_fixture *fixture)
{
    core_shard_check(fixture->shard);
    bus_destroy(fixture->core.bus);
    plat_memory_release(fixture->memory, fixture->memory_size);
    if (fixture->old_memory != NULL) {
        plat_memory_release(fixture->old_memory, fixture->memory_size);
    }
    plat_memory_release(fixture->arena_memory, ARENA_SIZE);
}

void core_shard_fixture_begin(struct core_shard_fixture *fixture)
{
    static const struct store_limits limits = {.head_bytes_max = 1U << 20,
                                               .journal_bytes_max = 1U << 20,
                                               .journal_age_max = {3600000000000},
                                               .commit_records_max = 64,
                                               .keys_per_device_max = 100,
                                               .keys_per_tenant_max = 1000};
    assert_int_equal(store_memory_open(&limits, &fixture->core.store), ERR_OK);
    core_shard_fixture_open(fixture);
    assert_int_equal(store_start(fixture->core.store), ERR_OK);
}

void core_shard_fixture_end(struct core_shard_fixture *fixture)
{
    store_stop(fixture->core.store);
    core_shard_fixture_close(fixture);
    store_close(fixture->core.store);
}

static void see(struct core_shard_fixture *fixture, const struct core_mail *mail)
{
    assert_in_range(fixture->seen_count, 0, CORE_SHARD_FIXTURE_SEEN - 1);
    struct core_shard_fixture_seen *seen = &fixture->seen[fixture->seen_count++];
    seen->mail = *mail;
    (void)snprintf(seen->body, sizeof(seen->body), "%.*s", SLICE_ARGS(core_mail_body(mail)));
}

void core_shard_fixture_turn(struct core_shard_fixture *fixture)
{
    body_max = fixture->body_max;
    struct slice message;
    unsigned from;
    while (bus_next(fixture->worker, &from, &message)) {
        const struct core_mail *mail = (const struct core_mail *)(const void *)message.ptr;
        const bool is_for_worker = mail->kind == CORE_MAIL_ANSWER ||
                                   mail->kind == CORE_MAIL_NOTICE || mail->kind == CORE_MAIL_CANCEL;
        if (is_for_worker) {
            see(fixture, mail);
        } else {
            core_shard_take(fixture->shard, fixture->now, from, mail);
        }
    }
    bus_release(fixture->worker);
    core_shard_turn(fixture->shard, fixture->now);
    bus_flush(fixture->worker);
    arena_reset(&fixture->arena);
    core_shard_check(fixture->shard);
}

void core_shard_fixture_until(struct core_shard_fixture *fixture, unsigned count)
{
    const struct mono end = mono_add(plat_clock_mono(), span_s(10));
    while (fixture->seen_count < count) {
        assert_false(mono_reached(plat_clock_mono(), end));
        core_shard_fixture_turn(fixture);
    }
}

static bool is_busy(const struct core_shard_fixture *fixture)
{
    const struct store_stats stats = store_stats(fixture->core.store);
    return stats.lane_bytes > 0 || stats.loads > 0 || core_shard_stats(fixture->shard).jobs > 0;
}

void core_shard_fixture_settle(struct core_shard_fixture *fixture)
{
    // The store's thread needs a moment for each commit; a few follow one another at most. Some
    // tests keep a job of their own.
    for (unsigned i = 0; i < 20 || (i < 500 && is_busy(fixture)); i++) {
        core_shard_fixture_turn(fixture);
        plat_thread_sleep(span_ms(1));
    }
}

void core_shard_fixture_restart(struct core_shard_fixture *fixture)
{
    assert_null(fixture->old_memory);
    fixture->old_memory = fixture->memory;
    make_shard(fixture);
    assert_int_equal(core_shard_restore(&fixture->shard, 1, fixture->core.store, fixture->now),
                     ERR_OK);
}

static void run(void *context)
{
    struct core_shard_fixture *fixture = context;
    while (metric_read(&fixture->stopping) == 0) {
        core_shard_fixture_turn(fixture);
        bus_wait(fixture->worker, mono_add(plat_clock_mono(), span_ms(1)));
    }
}

void core_shard_fixture_start(struct core_shard_fixture *fixture)
{
    assert_int_equal(plat_thread_start(&fixture->thread, "shard", -1, fixture, run), ERR_OK);
}

void core_shard_fixture_stop(struct core_shard_fixture *fixture)
{
    metric_set(&fixture->stopping, 1);
    plat_thread_join(&fixture->thread);
}
