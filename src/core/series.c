#include "core/series.h"

#include "core/admin_priv.h"
#include "core/aggregate.h"
#include "core/feed.h"

enum err core_series_keys(const struct core_admin *admin, const struct model_device *device,
                          void *context, store_key_fn *emit)
{
    const enum err err = core_admin_require(admin, CORE_TELEMETRY_READ);
    return err != ERR_OK
               ? err
               : store_keys(admin->core->store, device->tenant, device->number, context, emit);
}

enum err core_series_latest(const struct core_admin *admin, const struct model_device *device,
                            const struct slice *keys, uint32_t key_count, void *context,
                            store_point_fn *emit)
{
    const enum err err = core_admin_require(admin, CORE_TELEMETRY_READ);
    return err != ERR_OK ? err
                         : store_latest(admin->core->store, device->tenant, device->number, keys,
                                        key_count, context, emit);
}

#define INTERVAL_STEP_MS 1000U

uint64_t core_series_intervals(const struct core_series_range *range)
{
    const uint64_t step =
        range->interval_ms < INTERVAL_STEP_MS ? INTERVAL_STEP_MS : range->interval_ms;
    const uint64_t len =
        range->end_ms > range->start_ms ? (uint64_t)range->end_ms - (uint64_t)range->start_ms : 0;
    return len / step + (len % step != 0 ? 1 : 0);
}

// One point for each interval, while the points of the series come by.
struct intervals {
    const struct core_series_range *range;
    struct core_aggregate aggregate;
    bool is_open;
    int64_t start_ms; // of the one that is open
    int64_t end_ms;
    bool is_stopped; // who takes the points wants no more
    enum err err;
    void *context;
    store_point_fn *emit;
};

static uint64_t distance(int64_t from_ms, int64_t to_ms)
{
    return (uint64_t)to_ms - (uint64_t)from_ms;
}

// The interval that holds a time of the range, cut at the range's ends.
static void open_interval(struct intervals *intervals, int64_t time_ms)
{
    const struct core_series_range *const range = intervals->range;
    if (range->calendar != NULL) {
        const struct calendar_span span =
            calendar_span(&range->calendar->zone, range->calendar->unit, (struct wall){time_ms});
        intervals->start_ms = span.start.ms > range->start_ms ? span.start.ms : range->start_ms;
        intervals->end_ms = span.end.ms < range->end_ms ? span.end.ms : range->end_ms;
    } else {
        const uint64_t into = distance(range->start_ms, time_ms) % range->interval_ms;
        intervals->start_ms = (int64_t)((uint64_t)time_ms - into);
        const uint64_t left = distance(intervals->start_ms, range->end_ms);
        intervals->end_ms = (int64_t)((uint64_t)intervals->start_ms +
                                      (left < range->interval_ms ? left : range->interval_ms));
    }
    intervals->is_open = true;
}

static void close_interval(struct intervals *intervals)
{
    struct store_point point = {.key = intervals->range->key};
    if (intervals->is_open && core_aggregate_take(&intervals->aggregate, &point.value)) {
        const uint64_t len = distance(intervals->start_ms, intervals->end_ms);
        point.time_ms = (int64_t)((uint64_t)intervals->start_ms + len / 2);
        intervals->is_stopped = !intervals->emit(intervals->context, &point);
    }
    intervals->is_open = false;
}

static bool add_point(void *context, const struct store_point *point)
{
    struct intervals *const intervals = context;
    if (intervals->is_open && point->time_ms >= intervals->end_ms) {
        close_interval(intervals);
    }
    if (!intervals->is_open) {
        open_interval(intervals, point->time_ms);
    }
    intervals->err = core_aggregate_add(&intervals->aggregate, &point->value);
    return intervals->err == ERR_OK && !intervals->is_stopped;
}

static enum err aggregate(const struct core_admin *admin, const struct core_series_range *range,
                          const struct store_range *points, void *context, store_point_fn *emit)
{
    ASSERT(range->interval_ms > 0 || range->calendar != NULL);
    struct intervals intervals = {.range = range, .context = context, .emit = emit};
    core_aggregate_begin(&intervals.aggregate, range->aggregation, admin->memory);
    const enum err err = store_range(admin->core->store, points, &intervals, add_point);
    if (err == ERR_OK && intervals.err == ERR_OK && !intervals.is_stopped) {
        close_interval(&intervals);
    }
    return err == ERR_OK ? intervals.err : err;
}

enum err core_series_read(const struct core_admin *admin, const struct model_device *device,
                          const struct core_series_range *range, void *context,
                          store_point_fn *emit)
{
    const bool is_raw = range->aggregation == CORE_AGGREGATION_NONE;
    const struct store_range points = {.tenant = device->tenant,
                                       .device = device->number,
                                       .key = range->key,
                                       .start_ms = range->start_ms,
                                       .end_ms = range->end_ms,
                                       .limit = is_raw ? range->limit : 0,
                                       .descending = is_raw && range->descending,
                                       .now = admin->caller->now};
    const enum err err = core_admin_require(admin, CORE_TELEMETRY_READ);
    if (err != ERR_OK) {
        return err;
    }
    return is_raw ? store_range(admin->core->store, &points, context, emit)
                  : aggregate(admin, range, &points, context, emit);
}

static enum err commit(const struct core_admin *admin, struct core_desk *desk,
                       const struct store_record *record)
{
    enum err err = core_admin_require(admin, CORE_TELEMETRY_WRITE);
    err = err == ERR_OK ? core_desk_commit(desk, record) : err;
    if (err == ERR_OK) {
        core_desk_publish(admin->core, desk, record->device, CORE_FEED_SERIES);
    }
    return err;
}

enum err core_series_save(const struct core_admin *admin, struct core_desk *desk,
                          const struct model_device *device, const struct model_readings *readings,
                          uint64_t ttl_s)
{
    const struct store_record record = {.verb = STORE_SAVE,
                                        .tenant = device->tenant,
                                        .device = device->number,
                                        .save = {.readings = readings,
                                                 .proposed = admin->caller->now,
                                                 .ttl_s = ttl_s,
                                                 .series = true,
                                                 .latest = true}};
    return commit(admin, desk, &record);
}

enum err core_series_delete(const struct core_admin *admin, struct core_desk *desk,
                            const struct model_device *device, const struct store_delete *what)
{
    const struct store_record record = {
        .verb = STORE_DELETE, .tenant = device->tenant, .device = device->number, .delete = *what};
    return commit(admin, desk, &record);
}
