#include "core/presence.h"

#include "base/metric.h"
#include "core/plan.h"

// Of a device: bits.
enum {
    IS_KNOWN = 1,
    IS_ACTIVE = 2,
};

#define ATTRIBUTES_MAX 3U
#define ROW_MAX 32U
#define WATCHED_MAX 256U

struct core_presence {
    struct core_presence_settings settings;
    uint32_t highest; // number that was swept
    uint32_t next;    // number that a sweep found no room for; 0: none
    // Watched devices that changed and whose watchers were not told yet; beyond the bound they read
    // everything again.
    struct device_id untold[WATCHED_MAX];
    uint32_t untold_count;
    struct metric active;
    _Atomic uint32_t marked;    // highest number that was marked
    _Atomic uint32_t *heard;    // seconds of the monotonic clock, plus 1; 0: not since the start
    _Atomic uint32_t *timeouts; // seconds; 0: the usual
    struct core_presence_state *states;
};

static size_t round64(size_t size)
{
    return (size + 63U) & ~(size_t)63U;
}

size_t core_presence_footprint(void)
{
    return round64(sizeof(struct core_presence)) +
           2 * (size_t)CORE_PRESENCE_MAX * sizeof(uint32_t) +
           (size_t)CORE_PRESENCE_MAX * sizeof(struct core_presence_state);
}

struct core_presence *core_presence_init(void *memory,
                                         const struct core_presence_settings *settings)
{
    struct core_presence *presence = memory;
    uint8_t *at = (uint8_t *)memory + round64(sizeof(*presence));
    presence->settings = *settings;
    presence->heard = (_Atomic uint32_t *)(void *)at;
    at += (size_t)CORE_PRESENCE_MAX * sizeof(uint32_t);
    presence->timeouts = (_Atomic uint32_t *)(void *)at;
    at += (size_t)CORE_PRESENCE_MAX * sizeof(uint32_t);
    presence->states = (struct core_presence_state *)(void *)at;
    return presence;
}

static bool has_flag(const struct core_presence_state *state, uint32_t flag)
{
    return (atomic_load_explicit(&state->flags, memory_order_relaxed) & flag) != 0;
}

static void turn_flag(struct core_presence_state *state, uint32_t flag)
{
    const uint32_t flags = atomic_load_explicit(&state->flags, memory_order_relaxed);
    atomic_store_explicit(&state->flags, flags ^ flag, memory_order_relaxed);
}

static void set_flag(struct core_presence_state *state, uint32_t flag)
{
    if (!has_flag(state, flag)) {
        turn_flag(state, flag);
    }
}

static uint32_t seconds(struct mono now)
{
    return (uint32_t)(now.ns / 1000000000U);
}

static void note_number(struct core_presence *presence, uint32_t number)
{
    uint32_t marked = atomic_load_explicit(&presence->marked, memory_order_relaxed);
    while (number > marked &&
           !atomic_compare_exchange_weak_explicit(&presence->marked, &marked, number,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void core_presence_heard(struct core_presence *presence, struct device_id device, struct mono now)
{
    if (presence == NULL || device.number >= CORE_PRESENCE_MAX) {
        return;
    }
    const uint32_t mark = seconds(now) + 1;
    _Atomic uint32_t *heard = &presence->heard[device.number];
    // Mostly it was heard in this second already, and the cache line stays shared.
    if (atomic_load_explicit(heard, memory_order_relaxed) != mark) {
        atomic_store_explicit(heard, mark, memory_order_relaxed);
        note_number(presence, (uint32_t)device.number);
    }
}

void core_presence_set_timeout(struct core_presence *presence, struct device_id device,
                               uint64_t timeout_ms)
{
    const uint64_t timeout_s = (timeout_ms + 999) / 1000;
    if (presence != NULL && device.number < CORE_PRESENCE_MAX) {
        atomic_store_explicit(&presence->timeouts[device.number],
                              timeout_s > INT32_MAX ? INT32_MAX : (uint32_t)timeout_s,
                              memory_order_relaxed);
    }
}

// `by` may be -1, modulo 2^64.
static void count_active(struct core_presence *presence, uint64_t by)
{
    metric_add(&presence->active, by);
}

void core_presence_forget(struct core_presence *presence, struct device_id device)
{
    if (presence == NULL || device.number >= CORE_PRESENCE_MAX) {
        return;
    }
    struct core_presence_state *state = &presence->states[device.number];
    if (has_flag(state, IS_ACTIVE)) {
        count_active(presence, UINT64_MAX);
    }
    state->last_s = 0;
    state->reported_s = 0;
    atomic_store_explicit(&state->flags, 0, memory_order_relaxed);
    atomic_store_explicit(&presence->heard[device.number], 0, memory_order_relaxed);
    core_presence_set_timeout(presence, device, 0);
}

static int64_t timeout_of(const struct core_presence *presence, uint32_t number)
{
    const uint32_t own = atomic_load_explicit(&presence->timeouts[number], memory_order_relaxed);
    return own > 0 ? (int64_t)own : (int64_t)(presence->settings.inactivity.ns / 1000000000U);
}

// The rows of one device that change.
struct rows {
    struct store_state_change items[ATTRIBUTES_MAX];
    uint32_t count;
    uint8_t memory[ATTRIBUTES_MAX][ROW_MAX];
};

static void add(struct rows *rows, struct slice name, struct wall now, struct model_value value)
{
    ASSERT(rows->count < ATTRIBUTES_MAX && store_attribute_room(&value) <= ROW_MAX);
    uint8_t *row = rows->memory[rows->count];
    const uint8_t *end = store_attribute_put(row, now.ms, &value);
    rows->items[rows->count++] = (struct store_state_change){STORE_STATE_SERVER, name, false,
                                                             slice_of(row, (size_t)(end - row))};
}

static void add_time(struct rows *rows, struct slice name, struct wall now, int64_t at_ms)
{
    add(rows, name, now, (struct model_value){.type = MODEL_VALUE_LONG, .number = at_ms});
}

static void add_active(struct rows *rows, struct wall now, bool is_active)
{
    add(rows, SLICE("active"), now,
        (struct model_value){.type = MODEL_VALUE_BOOLEAN, .boolean = is_active});
}

struct sweep {
    const struct core *core;
    struct core_presence *presence;
    struct core_desk *desk;
    struct core_feed *feed;
    struct core_presence_time now;
    int32_t now_s;
    bool is_full;
    uint32_t changed;
};

static bool write(struct sweep *sweep, uint32_t number, const struct rows *rows)
{
    const struct store_record record = {
        .verb = STORE_CHANGE, .device = {number}, .change = {rows->items, rows->count}};
    // Nobody waits for it: a failure is mended by the next change, or found out after a restart.
    sweep->is_full = store_submit(sweep->desk->lane, &record) != ERR_OK;
    if (!sweep->is_full && core_feed_is_watched(sweep->feed, record.device)) {
        struct core_presence *presence = sweep->presence;
        if (presence->untold_count < WATCHED_MAX) {
            presence->untold[presence->untold_count] = record.device;
        }
        presence->untold_count += presence->untold_count <= WATCHED_MAX ? 1 : 0;
    }
    return !sweep->is_full;
}

// By the wall clock of now, so that a clock that was set moves no deadline.
static int64_t wall_of(const struct sweep *sweep, int32_t at_s)
{
    return sweep->now.wall.ms - ((int64_t)sweep->now_s - at_s) * 1000;
}

static void raise_state(const struct sweep *sweep, uint32_t number, bool is_active)
{
    const struct core_event event = {.kind =
                                         is_active ? CORE_EVENT_ACTIVITY : CORE_EVENT_INACTIVITY,
                                     .device = {number},
                                     .at = sweep->now.wall};
    core_plan_raise(sweep->core->plan, &event);
}

static void look_at(struct sweep *sweep, uint32_t number)
{
    struct core_presence *presence = sweep->presence;
    struct core_presence_state *state = &presence->states[number];
    const uint32_t heard = atomic_load_explicit(&presence->heard[number], memory_order_relaxed);
    struct rows rows = {.count = 0};
    if (heard != 0) {
        state->last_s = (int32_t)(heard - 1);
        set_flag(state, IS_KNOWN);
    }
    if (!has_flag(state, IS_KNOWN)) {
        return;
    }
    const bool was_active = has_flag(state, IS_ACTIVE);
    const bool is_active = (int64_t)sweep->now_s - state->last_s < timeout_of(presence, number);
    const int64_t unreported = (int64_t)state->last_s - state->reported_s;
    const bool is_due = unreported > 0 &&
                        (is_active != was_active ||
                         unreported >= (int64_t)(presence->settings.report_every.ns / 1000000000U));
    if (is_active != was_active) {
        add_active(&rows, sweep->now.wall, is_active);
    }
    if (is_active != was_active && !is_active) {
        add_time(&rows, SLICE("inactivityAlarmTime"), sweep->now.wall, sweep->now.wall.ms);
    }
    if (is_due) {
        add_time(&rows, SLICE("lastActivityTime"), sweep->now.wall, wall_of(sweep, state->last_s));
    }
    if (rows.count == 0 || !write(sweep, number, &rows)) {
        return;
    }
    state->reported_s = is_due ? state->last_s : state->reported_s;
    if (is_active != was_active) {
        turn_flag(state, IS_ACTIVE);
        count_active(presence, is_active ? 1U : UINT64_MAX);
        sweep->changed++;
        raise_state(sweep, number, is_active);
    }
}

// Once it is on disk: behind an empty change on the same lane. Without room for that the next sweep
// tells it.
static void publish(struct sweep *sweep)
{
    struct core_presence *presence = sweep->presence;
    const uint32_t count = presence->untold_count;
    const struct store_record barrier = {.verb = STORE_CHANGE, .device = presence->untold[0]};
    if (count == 0 || core_desk_commit(sweep->desk, &barrier) != ERR_OK) {
        return;
    }
    presence->untold_count = 0;
    const bool is_all = count <= WATCHED_MAX;
    for (uint32_t i = 0; is_all && i < count; i++) {
        core_feed_publish(sweep->feed, sweep->desk->party, presence->untold[i], CORE_FEED_SERVER);
    }
    if (!is_all) {
        // One word is enough to have everything read again.
        atomic_fetch_add_explicit(&sweep->feed->missed, 1, memory_order_relaxed);
        core_feed_publish(sweep->feed, sweep->desk->party, presence->untold[0], CORE_FEED_SERVER);
    }
    bus_flush(sweep->desk->party);
}

// Goes on where the last one found no room, so that the first ones keep nobody else out.
static void look_at_all(struct sweep *sweep)
{
    struct core_presence *presence = sweep->presence;
    const uint32_t first = presence->next > 0 ? presence->next : 1;
    presence->next = 0;
    for (uint32_t i = 0; i < presence->highest && !sweep->is_full; i++) {
        const uint32_t number = (first - 1 + i) % presence->highest + 1;
        look_at(sweep, number);
        presence->next = sweep->is_full ? number : 0;
    }
}

bool core_presence_is_behind(const struct core_presence *presence)
{
    return presence->next > 0 || presence->untold_count > 0;
}

uint32_t core_presence_sweep(const struct core *core, struct core_desk *desk,
                             struct core_presence_time now)
{
    struct core_presence *presence = core->presence;
    struct sweep sweep = {.core = core,
                          .presence = presence,
                          .desk = desk,
                          .feed = core->feed,
                          .now = now,
                          .now_s = (int32_t)seconds(now.mono)};
    const uint32_t marked = atomic_load_explicit(&presence->marked, memory_order_relaxed);
    presence->highest = marked > presence->highest ? marked : presence->highest;
    look_at_all(&sweep);
    store_flush(desk->lane);
    publish(&sweep);
    return sweep.changed;
}

bool core_presence_is_active(const struct core_presence *presence, struct device_id device)
{
    return presence != NULL && device.number < CORE_PRESENCE_MAX &&
           has_flag(&presence->states[device.number], IS_ACTIVE);
}

uint64_t core_presence_active(const struct core_presence *presence)
{
    return metric_read(&presence->active);
}

void core_presence_restore(struct core_presence *presence, struct device_id device,
                           const struct store_attribute *attribute, struct core_presence_time now)
{
    if (presence == NULL || device.number >= CORE_PRESENCE_MAX) {
        return;
    }
    struct core_presence_state *state = &presence->states[device.number];
    if (slice_equal(attribute->key, SLICE("active")) &&
        attribute->value.type == MODEL_VALUE_BOOLEAN) {
        set_flag(state, IS_KNOWN);
        if (attribute->value.boolean) {
            set_flag(state, IS_ACTIVE);
        }
        count_active(presence, attribute->value.boolean ? 1U : 0);
    } else if (slice_equal(attribute->key, SLICE("lastActivityTime")) &&
               attribute->value.type == MODEL_VALUE_LONG) {
        const int64_t ago_s = (now.wall.ms - attribute->value.number) / 1000;
        const int64_t at_s = (int64_t)seconds(now.mono) - (ago_s > 0 ? ago_s : 0);
        state->last_s = at_s < INT32_MIN ? INT32_MIN : (int32_t)at_s;
        state->reported_s = state->last_s;
    } else if (slice_equal(attribute->key, SLICE("inactivityTimeout")) &&
               attribute->value.type == MODEL_VALUE_LONG && attribute->value.number > 0) {
        core_presence_set_timeout(presence, device, (uint64_t)attribute->value.number);
    } else {
        return;
    }
    note_number(presence, (uint32_t)device.number);
}

uint32_t core_presence_highest(const struct core_presence *presence)
{
    return atomic_load_explicit(&presence->marked, memory_order_relaxed);
}
