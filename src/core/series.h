// core/series.h: time series as people use them: read, aggregated, written, deleted
// (server-api.md 3.1, 3.2, 3.3, 3.5). Reads may touch the disk, writes wait until they are durable.
#pragma once

#include "base/calendar.h"
#include "core/admin.h"

enum core_aggregation {
    CORE_AGGREGATION_NONE,
    CORE_AGGREGATION_MIN,
    CORE_AGGREGATION_MAX,
    CORE_AGGREGATION_AVG,
    CORE_AGGREGATION_SUM,
    CORE_AGGREGATION_COUNT,
};

// Names of the device's keys, sorted.
MUST_USE enum err core_series_keys(const struct core_admin *admin,
                                   const struct model_device *device, void *context,
                                   store_key_fn *emit);
// `key_count` 0: all.
MUST_USE enum err core_series_latest(const struct core_admin *admin,
                                     const struct model_device *device, const struct slice *keys,
                                     uint32_t key_count, void *context, store_point_fn *emit);

// Intervals that begin with weeks, months or quarters.
struct core_series_calendar {
    struct zone zone;
    enum calendar_unit unit;
};

struct core_series_range {
    struct slice key;
    int64_t start_ms; // half open [start, end)
    int64_t end_ms;
    // Points as they are:
    uint32_t limit; // 0: none
    bool descending;
    // Or one point for each interval that has any: its time is the middle of the interval. The
    // first begins at `start_ms`, the last ends at `end_ms`.
    enum core_aggregation aggregation;
    uint64_t interval_ms;                        // at least 1, or
    const struct core_series_calendar *calendar; // if not NULL
};

// At most so many intervals of one length are asked for; those of less than a second count as one.
#define CORE_SERIES_INTERVALS_MAX 700U
// How many `interval_ms` makes of the range.
uint64_t core_series_intervals(const struct core_series_range *range);

// Aggregates: numbers come before texts, and these before the rest. MIN and MAX compare numbers (a
// DOUBLE if there is one), else texts by their bytes; SUM is LONG unless a DOUBLE occurs or it does
// not fit, AVG always DOUBLE; COUNT counts the numbers, else the other points. An interval without
// anything to tell is left out.
MUST_USE enum err core_series_read(const struct core_admin *admin,
                                   const struct model_device *device,
                                   const struct core_series_range *range, void *context,
                                   store_point_fn *emit);

// `ttl_s` 0: as the tenant's profile says.
MUST_USE enum err core_series_save(const struct core_admin *admin, struct core_desk *desk,
                                   const struct model_device *device,
                                   const struct model_readings *readings, uint64_t ttl_s);
MUST_USE enum err core_series_delete(const struct core_admin *admin, struct core_desk *desk,
                                     const struct model_device *device,
                                     const struct store_delete *what);
