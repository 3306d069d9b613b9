// The part of the suite about the state of devices (state.h).
#include <stdlib.h>

#include "plat/clock.h"
#include "plat/thread.h"
#include "store/conformance_priv.h"

#define DEVICE ((struct device_id){42})

static struct store_state_change set(enum store_state_kind kind, const char *name,
                                     const char *value)
{
    return (struct store_state_change){kind, slice_text(name), false, slice_text(value)};
}

static struct store_state_change unset(enum store_state_kind kind, const char *name)
{
    return (struct store_state_change){kind, slice_text(name), true, SLICE_EMPTY};
}

static void change(struct store_fixture *f, struct device_id device,
                   const struct store_state_change *items, uint32_t count)
{
    const struct store_record record = {.verb = STORE_CHANGE,
                                        .tenant = STORE_FIXTURE_TENANT,
                                        .device = device,
                                        .change = {items, count}};
    assert_int_equal(store_fixture_do(f, &record).err, ERR_OK);
}

static bool append_row(void *context, const struct store_state_row *row)
{
    store_fixture_append(context, "%u.%llu.%.*s=%.*s ", (unsigned)row->kind,
                         (unsigned long long)row->device.number, SLICE_ARGS(row->name),
                         SLICE_ARGS(row->value));
    return true;
}

static void expect_scan(struct store_fixture *f, const struct store_state_query *query,
                        const char *expected)
{
    struct store_fixture_text out = {0};
    store_fixture_append(&out, "%s", "");
    assert_int_equal(store_state_scan(f->store, query, &out, append_row), ERR_OK);
    assert_string_equal(out.text, expected);
    free(out.text);
}

static void expect_kind(struct store_fixture *f, enum store_state_kind kind, uint64_t device,
                        const char *expected)
{
    const struct store_state_query query = {.kind = kind, .device = {device}};
    expect_scan(f, &query, expected);
}

void store_conformance_changes_are_read_back(struct store_fixture *f)
{
    const struct store_state_change first[] = {set(STORE_STATE_CLIENT, "b", "1"),
                                               set(STORE_STATE_CLIENT, "a", ""),
                                               set(STORE_STATE_SHARED, "a", "shared")};
    const struct store_state_change second[] = {
        unset(STORE_STATE_CLIENT, "a"), unset(STORE_STATE_CLIENT, "never was"),
        set(STORE_STATE_CLIENT, "b", "2"), set(STORE_STATE_CLIENT, "c", "3")};
    change(f, DEVICE, first, 3);
    expect_kind(f, STORE_STATE_CLIENT, 42, "1.42.a= 1.42.b=1 ");
    change(f, DEVICE, second, 4);
    store_fixture_restart(f);
    expect_kind(f, STORE_STATE_CLIENT, 42, "1.42.b=2 1.42.c=3 ");
    expect_kind(f, STORE_STATE_SHARED, 42, "2.42.a=shared ");
    expect_kind(f, STORE_STATE_SERVER, 42, "");
}

void store_conformance_last_of_a_name_twice_in_one_change_counts(struct store_fixture *f)
{
    const struct store_state_change items[] = {
        set(STORE_STATE_OUTBOX, "a", "1"), set(STORE_STATE_OUTBOX, "a", "2"),
        set(STORE_STATE_OUTBOX, "b", "1"), unset(STORE_STATE_OUTBOX, "b")};
    change(f, DEVICE, items, 4);
    expect_kind(f, STORE_STATE_OUTBOX, 42, "5.42.a=2 ");
}

void store_conformance_scans_go_both_ways_from_a_name(struct store_fixture *f)
{
    const struct store_state_change items[] = {
        set(STORE_STATE_RPC, "a", "1"), set(STORE_STATE_RPC, "c", "3"),
        set(STORE_STATE_RPC, "e", "5"), set(STORE_STATE_COUNTER, "z", "other kind")};
    change(f, DEVICE, items, 4);
    change(f, (struct device_id){41}, items, 1);
    change(f, (struct device_id){43}, items, 1);
    struct store_state_query query = {.kind = STORE_STATE_RPC, .device = DEVICE};
    query.from = SLICE("b");
    expect_scan(f, &query, "6.42.c=3 6.42.e=5 ");
    query.descending = true;
    expect_scan(f, &query, "6.42.a=1 ");
    query.from = SLICE("c");
    expect_scan(f, &query, "6.42.c=3 6.42.a=1 ");
    query.from = SLICE_EMPTY;
    expect_scan(f, &query, "6.42.e=5 6.42.c=3 6.42.a=1 ");
    expect_kind(f, STORE_STATE_RPC, 0, "6.41.a=1 6.42.a=1 6.42.c=3 6.42.e=5 6.43.a=1 ");
}

void store_conformance_scans_of_every_device_go_on_from_a_place(struct store_fixture *f)
{
    const struct store_state_change items[] = {set(STORE_STATE_RPC, "a", "1"),
                                               set(STORE_STATE_RPC, "c", "3")};
    change(f, (struct device_id){41}, items, 2);
    change(f, DEVICE, items, 2);
    change(f, (struct device_id){43}, items, 2);
    struct store_state_query query = {.kind = STORE_STATE_RPC, .since = DEVICE};
    expect_scan(f, &query, "6.42.a=1 6.42.c=3 6.43.a=1 6.43.c=3 ");
    query.from = SLICE("b");
    expect_scan(f, &query, "6.42.c=3 6.43.a=1 6.43.c=3 ");
    query.since.number = 44;
    expect_scan(f, &query, "");
}

void store_conformance_purge_takes_the_state_too(struct store_fixture *f)
{
    const struct store_state_change items[] = {set(STORE_STATE_CLIENT, "a", "1"),
                                               set(STORE_STATE_COUNTER, "b", "2")};
    const struct store_record purge = {
        .verb = STORE_PURGE, .tenant = STORE_FIXTURE_TENANT, .device = DEVICE};
    change(f, DEVICE, items, 2);
    change(f, (struct device_id){43}, items, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(store_fixture_do(f, &purge).err, ERR_OK);
        expect_kind(f, STORE_STATE_CLIENT, 42, "");
        expect_kind(f, STORE_STATE_COUNTER, 42, "");
        // One that was under way comes behind the purge; the next purge takes it.
        change(f, DEVICE, items, 2);
    }
    expect_kind(f, STORE_STATE_CLIENT, 43, "1.43.a=1 ");
}

static enum err submit(struct store_fixture *f, uint32_t kinds, uint64_t ticket)
{
    const struct store_load_query query = {
        .device = DEVICE, .kinds = kinds, .note = SLICE("a note"), .ticket = ticket};
    return store_load_submit(f->lane, &query);
}

// Without wake function: asks again until it is there.
static struct store_load *wait_for_load(struct store_fixture *f)
{
    const struct mono end = mono_add(plat_clock_mono(), span_s(10));
    struct store_load *load = store_load_collect(f->lane);
    while (load == NULL) {
        assert_false(mono_reached(plat_clock_mono(), end));
        load = store_load_collect(f->lane);
    }
    return load;
}

void store_conformance_a_load_brings_the_kinds_asked_for(struct store_fixture *f)
{
    const struct store_state_change items[] = {
        set(STORE_STATE_SHARED, "b", "2"), set(STORE_STATE_SHARED, "a", "1"),
        set(STORE_STATE_CLIENT, "c", "3"), set(STORE_STATE_SERVER, "d", "not asked for")};
    change(f, DEVICE, items, 4);
    const uint32_t kinds =
        STORE_STATE_BIT(STORE_STATE_CLIENT) | STORE_STATE_BIT(STORE_STATE_SHARED);
    struct store_fixture_text out = {0};
    struct store_state_row row;
    assert_null(store_load_collect(f->lane));
    assert_int_equal(submit(f, kinds, 7), ERR_OK);
    struct store_load *const load = wait_for_load(f);
    assert_int_equal(store_load_ticket(load), 7);
    assert_true(slice_equal(store_load_note(load), SLICE("a note")));
    assert_int_equal(store_load_err(load), ERR_OK);
    while (store_load_next(load, &row)) {
        (void)append_row(&out, &row);
    }
    store_load_release(load);
    assert_string_equal(out.text, "1.42.c=3 2.42.a=1 2.42.b=2 ");
    free(out.text);
}

void store_conformance_a_load_brings_only_the_names_asked_for(struct store_fixture *f)
{
    const struct store_state_change items[] = {
        set(STORE_STATE_RPC, "a", "1"), set(STORE_STATE_RPC, "ab", "2"),
        set(STORE_STATE_RPC, "abc", "3"), set(STORE_STATE_RPC, "b", "4")};
    change(f, DEVICE, items, 4);
    const struct store_load_query query = {
        .device = DEVICE, .kinds = STORE_STATE_BIT(STORE_STATE_RPC), .only = SLICE("ab")};
    struct store_fixture_text out = {0};
    struct store_state_row row;
    assert_int_equal(store_load_submit(f->lane, &query), ERR_OK);
    struct store_load *const load = wait_for_load(f);
    while (store_load_next(load, &row)) {
        (void)append_row(&out, &row);
    }
    store_load_release(load);
    assert_string_equal(out.text, "6.42.ab=2 6.42.abc=3 ");
    free(out.text);
}

static struct store_load *recall(struct store_fixture *f, uint32_t kinds)
{
    const struct store_load_query query = {
        .device = DEVICE, .kinds = kinds, .note = SLICE("again"), .ticket = 8};
    return store_load_recall(f->lane, &query);
}

static void load(struct store_fixture *f, uint32_t kinds)
{
    assert_int_equal(submit(f, kinds, 1), ERR_OK);
    store_load_release(wait_for_load(f));
}

void store_conformance_what_was_loaded_is_recalled(struct store_fixture *f)
{
    const uint32_t client = STORE_STATE_BIT(STORE_STATE_CLIENT);
    const struct store_state_change first = set(STORE_STATE_CLIENT, "a", "1");
    struct store_fixture_text out = {0};
    struct store_state_row row;
    assert_null(recall(f, client));
    change(f, DEVICE, &first, 1);
    load(f, client);
    assert_null(recall(f, client)); // the lane was not told to remember
    assert_int_equal(store_load_remember(f->lane, 1U << 16), ERR_OK);
    load(f, client);
    struct store_load *const again = recall(f, client);
    assert_non_null(again);
    assert_int_equal(store_load_ticket(again), 8);
    assert_true(slice_equal(store_load_note(again), SLICE("again")));
    assert_int_equal(store_load_err(again), ERR_OK);
    while (store_load_next(again, &row)) {
        (void)append_row(&out, &row);
    }
    assert_string_equal(out.text, "1.42.a=1 ");
    assert_null(recall(f, client | STORE_STATE_BIT(STORE_STATE_SHARED)));
    free(out.text);
}

void store_conformance_what_changed_is_not_recalled(struct store_fixture *f)
{
    const uint32_t client = STORE_STATE_BIT(STORE_STATE_CLIENT);
    const struct store_state_change first = set(STORE_STATE_CLIENT, "a", "1");
    const struct store_state_change other = set(STORE_STATE_SERVER, "a", "1");
    const struct store_state_change last = unset(STORE_STATE_CLIENT, "a");
    const struct store_record purge = {
        .verb = STORE_PURGE, .tenant = STORE_FIXTURE_TENANT, .device = DEVICE};
    assert_int_equal(store_load_remember(f->lane, 1U << 16), ERR_OK);
    load(f, client);
    change(f, DEVICE, &first, 1);
    assert_null(recall(f, client));
    load(f, client);
    change(f, DEVICE, &other, 1); // of a kind that was not asked for
    assert_non_null(recall(f, client));
    change(f, DEVICE, &last, 1);
    assert_null(recall(f, client));
    load(f, client);
    assert_non_null(recall(f, client));
    assert_int_equal(store_fixture_do(f, &purge).err, ERR_OK);
    assert_null(recall(f, client));
}

// Asked before the change, collected after it: what was read may be the older or the newer state.
void store_conformance_a_load_under_way_is_not_recalled(struct store_fixture *f)
{
    const uint32_t client = STORE_STATE_BIT(STORE_STATE_CLIENT);
    const struct store_state_change item = set(STORE_STATE_CLIENT, "a", "1");
    assert_int_equal(store_load_remember(f->lane, 1U << 16), ERR_OK);
    assert_int_equal(submit(f, client, 1), ERR_OK);
    change(f, DEVICE, &item, 1);
    store_load_release(wait_for_load(f));
    assert_null(recall(f, client));
}

void store_conformance_loads_are_bounded(struct store_fixture *f)
{
    for (uint64_t i = 0; i < STORE_LOADS_MAX; i++) {
        assert_int_equal(submit(f, UINT32_MAX, i), ERR_OK);
    }
    assert_int_equal(submit(f, UINT32_MAX, 99), ERR_EXHAUSTED);
    bool is_seen[STORE_LOADS_MAX] = {false};
    unsigned count = 0;
    for (uint64_t i = 0; i < STORE_LOADS_MAX; i++) {
        struct store_load *const load = wait_for_load(f);
        struct store_state_row row;
        assert_false(store_load_next(load, &row));
        bool *seen = &is_seen[store_load_ticket(load)];
        count += *seen ? 0 : 1;
        *seen = true;
        store_load_release(load);
    }
    assert_int_equal(count, STORE_LOADS_MAX);
    assert_int_equal(submit(f, UINT32_MAX, 1), ERR_OK);
    store_load_release(wait_for_load(f));
    static const uint8_t note[STORE_LOAD_NOTE_MAX + 1];
    struct store_load_query query = {
        .device = DEVICE, .kinds = UINT32_MAX, .note = slice_of(note, sizeof(note))};
    assert_int_equal(store_load_submit(f->lane, &query), ERR_TOO_LARGE);
    query.note = SLICE_EMPTY;
    query.only = slice_of(note, STORE_LOAD_ONLY_MAX + 1);
    assert_int_equal(store_load_submit(f->lane, &query), ERR_TOO_LARGE);
}

void store_conformance_a_load_beyond_its_bound_is_refused(struct store_fixture *f)
{
    static char text[100001];
    char name[16];
    memset(text, 'x', sizeof(text) - 1);
    for (unsigned i = 0; i < 42; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        const struct store_state_change item = set(STORE_STATE_CLIENT, name, text);
        change(f, DEVICE, &item, 1);
    }
    assert_int_equal(submit(f, UINT32_MAX, 1), ERR_OK);
    struct store_load *const load = wait_for_load(f);
    struct store_state_row row;
    assert_int_equal(store_load_err(load), ERR_TOO_LARGE);
    assert_false(store_load_next(load, &row));
    store_load_release(load);
}

void store_conformance_a_name_that_is_too_long_is_refused(struct store_fixture *f)
{
    static const uint8_t name[STORE_STATE_NAME_MAX + 1] = {'n'};
    struct store_state_change item = {STORE_STATE_CLIENT, slice_of(name, sizeof(name)), false,
                                      SLICE("v")};
    const struct store_record record = {.verb = STORE_CHANGE,
                                        .tenant = STORE_FIXTURE_TENANT,
                                        .device = DEVICE,
                                        .change = {&item, 1}};
    assert_int_equal(store_submit(f->lane, &record), ERR_TOO_LARGE);
    item.name.len--;
    assert_int_equal(store_fixture_do(f, &record).err, ERR_OK);
}
