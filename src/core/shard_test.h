// core/shard_test.h: a shard by hand, for its tests: one mail in, what it says to workers out; the
// store is the reference one, the clock stands still unless it is moved.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/downlink.h"
#include "core/shard_fixture.h"
#include "plat/clock.h"

static struct core_shard_fixture f;
static const struct device_id device = {42};
static const struct tenant_id tenant = {1};

static inline int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    core_shard_fixture_begin(&f);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    core_shard_fixture_end(&f);
    return 0;
}

static inline struct core_registration at(uint8_t address)
{
    return (struct core_registration){
        .route = {.peer = {address}}, .token = {7}, .token_len = 1, .confirmable = true};
}

static inline void send(const struct core_mail *given)
{
    struct core_mail *mail = core_mail_begin(f.worker, 0, 0);
    assert_non_null(mail);
    *mail = *given;
    core_mail_end(f.worker, 0, mail);
    bus_flush(f.worker);
}

static inline void send_about(enum core_mail_kind kind, enum core_resource resource,
                              uint8_t address)
{
    struct core_registration registration = at(address);
    registration.token[0] += (uint8_t)resource;
    send(&(struct core_mail){.kind = (uint8_t)kind,
                             .resource = (uint8_t)resource,
                             .tenant = tenant,
                             .device = device,
                             .registration = registration});
}

// The newest mail to a worker, after one more has come.
static inline const struct core_shard_fixture_seen *next(enum core_mail_kind kind)
{
    core_shard_fixture_until(&f, f.seen_count + 1);
    const struct core_shard_fixture_seen *seen = &f.seen[f.seen_count - 1];
    assert_int_equal(seen->mail.kind, kind);
    return seen;
}

static inline void expect_silence(void)
{
    const unsigned count = f.seen_count;
    core_shard_fixture_settle(&f);
    assert_int_equal(f.seen_count, count);
}

static inline void subscribe(enum core_resource resource, uint8_t address)
{
    send_about(CORE_MAIL_SUBSCRIBE, resource, address);
    assert_int_equal(next(CORE_MAIL_ANSWER)->mail.err, ERR_OK);
    send_about(CORE_MAIL_STARTED, resource, address);
    core_shard_fixture_turn(&f);
}

static inline void tell(const struct core_shard_fixture_seen *notice, enum core_outcome outcome)
{
    send(&(struct core_mail){.kind = CORE_MAIL_OUTCOME,
                             .outcome = (uint8_t)outcome,
                             .ticket = notice->mail.ticket,
                             .handle = 5});
    core_shard_fixture_turn(&f);
}

static inline void pass(struct span span)
{
    f.now.mono = mono_add(f.now.mono, span);
    f.now.wall.ms += (int64_t)(span.ns / 1000000);
    core_shard_fixture_turn(&f);
}

// Shared attributes set or, with value 0, removed. Ends are counted.
static unsigned done_count;
static enum err done_err;
static char done_text[256];

static inline void done(struct core_order *order, enum err err, struct slice response)
{
    (void)order;
    done_count++;
    done_err = err;
    (void)snprintf(done_text, sizeof(done_text), "%.*s", SLICE_ARGS(response));
}

// The shard takes it in its next turn.
static inline void order_change(const struct store_change *items)
{
    static struct core_order order;
    order = (struct core_order){.kind = CORE_ORDER_CHANGE,
                                .tenant = tenant,
                                .device = device,
                                .change = items,
                                .done = done};
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    assert_int_equal(core_desk_send(&desk, &order), ERR_OK);
}

static inline void change_items(const struct store_change *items)
{
    const unsigned before = done_count;
    order_change(items);
    const struct mono end = mono_add(plat_clock_mono(), span_s(10));
    while (done_count == before && !mono_reached(plat_clock_mono(), end)) {
        core_shard_fixture_turn(&f);
    }
    assert_int_equal(done_count, before + 1);
    assert_int_equal(done_err, ERR_OK);
}

static inline struct store_state_change item_of(struct slice key, int64_t value, uint8_t row[32])
{
    const struct model_value number = {.type = MODEL_VALUE_LONG, .number = value};
    const uint8_t *end = store_attribute_put(row, 1, &number);
    return (struct store_state_change){STORE_STATE_SHARED, key, value == 0,
                                       slice_of(row, (size_t)(end - row))};
}

static inline void change(const char *key, int64_t value)
{
    static uint8_t row[32];
    const struct store_state_change item = item_of(slice_text(key), value, row);
    change_items(&(struct store_change){&item, 1});
}

// A change that nothing holds up: its notification.
static inline const struct core_shard_fixture_seen *changed(const char *key, int64_t value)
{
    change(key, value);
    return next(CORE_MAIL_NOTICE);
}

static struct core_order calls[8];

// The order of a call; a persistent one is given its time.
static inline void call_order(unsigned number, bool is_persistent)
{
    const int64_t life_ms = is_persistent ? 600000 : 10000;
    calls[number] = (struct core_order){.kind = CORE_ORDER_CALL,
                                        .tenant = tenant,
                                        .device = device,
                                        .call = {.method = SLICE("m"),
                                                 .params = SLICE("{}"),
                                                 .is_persistent = is_persistent,
                                                 .retries = CORE_RETRIES_MOST,
                                                 .id = {{9, (uint8_t)number}},
                                                 .created = f.now.wall,
                                                 .expires = {f.now.wall.ms + life_ms}},
                                        .done = done};
}

static inline void call_device(unsigned number, bool is_oneway)
{
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    call_order(number, false);
    calls[number].call.is_oneway = is_oneway;
    assert_int_equal(core_desk_send(&desk, &calls[number]), ERR_OK);
}

// The first status is the one that is asked for.
static inline bool read_status(void *context, const struct store_state_row *row)
{
    struct slice response;
    if (row->name.len != CORE_CALL_UUID_NAME) {
        return true;
    }
    assert_true(core_row_get_status(row->value, context, &response));
    return false;
}

static inline enum core_call_status stored_status(unsigned number)
{
    enum core_call_status status = CORE_CALL_QUEUED;
    const struct uuid *id = &calls[number].call.id;
    const struct store_state_query query = {
        .kind = STORE_STATE_RPC, .device = device, .from = slice_of(id->bytes, sizeof(id->bytes))};
    assert_int_equal(store_state_scan(f.core.store, &query, &status, read_status), ERR_OK);
    return status;
}

static inline void expect_notice(const struct core_shard_fixture_seen *seen, const char *body,
                                 uint32_t number, uint8_t address)
{
    assert_string_equal(seen->body, body);
    assert_int_equal(seen->mail.number, number);
    assert_int_equal(seen->mail.registration.route.peer[0], address);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
