#include "store/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

const struct store_limits store_fixture_limits = {
    .head_bytes_max = 4U << 20,
    .journal_bytes_max = 1U << 20,
    .journal_age_max = {UINT64_C(300000000000)},
    .commit_delay_max = {200000},
    .commit_records_max = 64,
    .keys_per_device_max = 12,
    .keys_per_tenant_max = 20,
    .trace_age_max = {UINT64_C(300000000000)},
    .trace_bytes_max = 1U << 20,
};

static uint64_t life_of(void *context, struct tenant_id tenant, struct device_id device)
{
    const struct store_fixture *const fixture = context;
    assert_int_equal(tenant.number, STORE_FIXTURE_TENANT.number);
    return metric_read(&fixture->lives_s[device.number % STORE_FIXTURE_LIVES]);
}

enum err store_fixture_replay(enum err opened, struct store **store, char message[256])
{
    if (opened != ERR_OK) {
        return opened;
    }
    const enum err err = store_replay(*store, message);
    if (err != ERR_OK) {
        store_close(*store);
        *store = NULL;
    }
    return err;
}

static void open_store(struct store_fixture *fixture)
{
    fixture->lives = (struct store_lives){fixture, life_of};
    fixture->store = fixture->backend->open(fixture->backend->context, &fixture->limits);
    assert_non_null(fixture->store);
    assert_int_equal(store_lane_open(fixture->store, 1U << 20, NULL, NULL, &fixture->lane), ERR_OK);
    store_set_lives(fixture->store, &fixture->lives);
    assert_int_equal(store_start(fixture->store), ERR_OK);
}

void store_fixture_open(struct store_fixture *fixture, const struct store_fixture_backend *backend,
                        const struct store_limits *limits)
{
    *fixture = (struct store_fixture){.backend = backend, .limits = *limits};
    backend->reset(backend->context);
    open_store(fixture);
}

void store_fixture_close(struct store_fixture *fixture)
{
    store_stop(fixture->store);
    store_close(fixture->store);
    fixture->store = NULL;
}

void store_fixture_restart(struct store_fixture *fixture)
{
    if (fixture->backend->is_lasting) {
        store_fixture_close(fixture);
        open_store(fixture);
    }
}

struct store_completion store_fixture_do(struct store_fixture *fixture,
                                         const struct store_record *record)
{
    struct store_record numbered = *record;
    numbered.ticket = ++fixture->ticket;
    assert_int_equal(store_submit(fixture->lane, &numbered), ERR_OK);
    store_flush(fixture->lane);
    struct store_completion completion = {0};
    assert_int_equal(store_await(fixture->lane, numbered.ticket, &completion), ERR_OK);
    return completion;
}

void store_fixture_append(struct store_fixture_text *out, const char *format, ...)
{
    if (out->cap - out->len < 4096) {
        out->cap = out->cap * 2 + 16384;
        out->text = realloc(out->text, out->cap);
        assert_non_null(out->text);
    }
    va_list arguments;
    va_start(arguments, format);
    const int len = vsnprintf(out->text + out->len, 4096, format, arguments);
    va_end(arguments);
    assert_in_range(len, 0, 4095);
    out->len += (size_t)len;
}

bool store_fixture_point(void *context, const struct store_point *point)
{
    struct store_fixture_text *const out = context;
    if (out->with_keys) {
        store_fixture_append(out, "%.*s@", SLICE_ARGS(point->key));
    }
    store_fixture_append(out, "%lld=", (long long)point->time_ms);
    switch (point->value.type) {
    case MODEL_VALUE_BOOLEAN:
        store_fixture_append(out, "%s ", point->value.boolean ? "true" : "false");
        return true;
    case MODEL_VALUE_LONG:
        store_fixture_append(out, "%lld ", (long long)point->value.number);
        return true;
    case MODEL_VALUE_DOUBLE:
        store_fixture_append(out, "%a ", point->value.real);
        return true;
    case MODEL_VALUE_STRING:
        store_fixture_append(out, "'%.*s' ", SLICE_ARGS(point->value.text));
        return true;
    case MODEL_VALUE_JSON:
        store_fixture_append(out, "j%.*s ", SLICE_ARGS(point->value.text));
        return true;
    }
    fail();
    return false;
}

static bool collect_key(void *context, struct slice key)
{
    store_fixture_append(context, "%.*s ", SLICE_ARGS(key));
    return true;
}

char *store_fixture_range(struct store *store, const struct store_range *range)
{
    struct store_fixture_text out = {0};
    store_fixture_append(&out, "%s", "");
    assert_int_equal(store_range(store, range, &out, store_fixture_point), ERR_OK);
    return out.text;
}

char *store_fixture_latest(struct store *store, struct device_id device)
{
    struct store_fixture_text out = {.with_keys = true};
    store_fixture_append(&out, "%s", "");
    assert_int_equal(
        store_latest(store, STORE_FIXTURE_TENANT, device, NULL, 0, &out, store_fixture_point),
        ERR_OK);
    return out.text;
}

char *store_fixture_keys(struct store *store, struct device_id device)
{
    struct store_fixture_text out = {0};
    store_fixture_append(&out, "%s", "");
    assert_int_equal(store_keys(store, STORE_FIXTURE_TENANT, device, &out, collect_key), ERR_OK);
    return out.text;
}

static struct store *open_reference(void *context, const struct store_limits *limits)
{
    (void)context;
    struct store *store = NULL;
    assert_int_equal(store_memory_open(limits, &store), ERR_OK);
    return store;
}

static void reset_nothing(void *context)
{
    (void)context;
}

const struct store_fixture_backend store_fixture_reference = {.reset = reset_nothing,
                                                              .open = open_reference};
