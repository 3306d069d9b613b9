#include "core/series.h"
#include "rest/handlers.h"
#include "rest/keys.h"

#define LIMIT_DEFAULT 100
#define NO_CALENDAR (-1)

static bool emit_key(void *context, struct slice key)
{
    codec_json_put_string(context, key);
    return true;
}

enum err rest_telemetry_keys(struct rest_call *call)
{
    struct model_device device;
    enum err err = rest_call_device(call, 0, 1, &device);
    if (err != ERR_OK) {
        return err;
    }
    struct codec_json_writer writer = rest_call_writer(call);
    codec_json_begin_array(&writer);
    err = core_series_keys(&call->admin, &device, &writer, emit_key);
    codec_json_end_array(&writer);
    return err;
}

struct points {
    struct codec_json_writer *writer;
    bool strict;
    const struct rest_keys *asked;
    bool *found; // by position in `asked`
};

static void put_value(struct points *points, const struct model_value *value)
{
    struct codec_json_writer *writer = points->writer;
    codec_json_name(writer, SLICE("value"));
    if (points->strict) {
        codec_json_put_value(writer, value);
    } else {
        codec_json_put_value_text(writer, value);
    }
}

static bool emit_point(void *context, const struct store_point *point)
{
    struct points *points = context;
    codec_json_begin_object(points->writer);
    codec_json_field_int64(points->writer, "ts", point->time_ms);
    put_value(points, &point->value);
    codec_json_end_object(points->writer);
    return !points->writer->out->overflow;
}

static void note_found(struct points *points, struct slice key)
{
    for (uint32_t i = 0; i < points->asked->count; i++) {
        if (slice_equal(points->asked->items[i], key)) {
            points->found[i] = true;
        }
    }
}

static bool emit_latest(void *context, const struct store_point *point)
{
    struct points *points = context;
    note_found(points, point->key);
    codec_json_name(points->writer, point->key);
    codec_json_begin_array(points->writer);
    (void)emit_point(context, point);
    codec_json_end_array(points->writer);
    return true;
}

// A key that was asked for and is not there answers null, now.
static void put_missing(struct rest_call *call, struct points *points)
{
    for (uint32_t i = 0; i < points->asked->count; i++) {
        if (points->found[i]) {
            continue;
        }
        codec_json_name(points->writer, points->asked->items[i]);
        codec_json_begin_array(points->writer);
        codec_json_begin_object(points->writer);
        codec_json_field_int64(points->writer, "ts", call->now.ms);
        codec_json_field_null(points->writer, "value");
        codec_json_end_object(points->writer);
        codec_json_end_array(points->writer);
    }
}

static enum err answer_latest(struct rest_call *call, const struct model_device *device,
                              struct points *points)
{
    codec_json_begin_object(points->writer);
    const enum err err = core_series_latest(&call->admin, device, points->asked->items,
                                            points->asked->count, points, emit_latest);
    put_missing(call, points);
    codec_json_end_object(points->writer);
    return err;
}

struct word {
    const char *text;
    int meaning;
};

static const struct word aggregations[] = {
    {"NONE", CORE_AGGREGATION_NONE},
    {"MIN", CORE_AGGREGATION_MIN},
    {"MAX", CORE_AGGREGATION_MAX},
    {"AVG", CORE_AGGREGATION_AVG},
    {"SUM", CORE_AGGREGATION_SUM},
    {"COUNT", CORE_AGGREGATION_COUNT},
    {NULL, 0},
};

static const struct word calendars[] = {
    {"MILLISECONDS", NO_CALENDAR}, {"WEEK", CALENDAR_WEEK},       {"WEEK_ISO", CALENDAR_WEEK_ISO},
    {"MONTH", CALENDAR_MONTH},     {"QUARTER", CALENDAR_QUARTER}, {NULL, 0},
};

// The meaning of a parameter that is one of some words; that of the first when it is not given.
static enum err read_word(struct rest_call *call, const char *name, const struct word *words,
                          int *meaning)
{
    const struct slice given = http_request_parameter(call->request, name);
    *meaning = words[0].meaning;
    for (const struct word *word = words; word->text != NULL; word++) {
        if (slice_equal(given, slice_text(word->text))) {
            *meaning = word->meaning;
            return ERR_OK;
        }
    }
    return given.len == 0 ? ERR_OK
                          : rest_call_refuse(call, ERR_INVALID, "Parameter '%s' is unknown: %.*s",
                                             name, SLICE_ARGS(slice_sub(given, 0, 32)));
}

// Intervals by the calendar of a time zone; UTC if none is named.
static enum err read_calendar(struct rest_call *call, int unit, struct core_series_range *range)
{
    const struct slice given = http_request_parameter(call->request, "timeZone");
    const struct slice name = given.len > 0 ? given : SLICE("UTC");
    struct core_series_calendar *calendar =
        arena_take_array(call->request->memory, 1, sizeof(*calendar));
    struct slice bytes;
    if (calendar == NULL) {
        return ERR_EXHAUSTED;
    }
    calendar->unit = (enum calendar_unit)unit;
    enum err err = call->rest->zone(call->request->memory, name, &bytes);
    err = err == ERR_OK ? zone_open(&calendar->zone, bytes) : err;
    if (err == ERR_EXHAUSTED) {
        return err;
    }
    if (err != ERR_OK) {
        return rest_call_refuse(call, ERR_INVALID, "Unknown time zone: %.*s",
                                SLICE_ARGS(slice_sub(name, 0, 64)));
    }
    range->calendar = calendar;
    return ERR_OK;
}

// There may be 700 intervals, of which each counts for a second at least (server-api.md 3.2).
static enum err read_interval(struct rest_call *call, uint64_t interval_ms,
                              struct core_series_range *range)
{
    range->interval_ms = interval_ms;
    const uint64_t count = core_series_intervals(range);
    if (count > CORE_SERIES_INTERVALS_MAX) {
        return rest_call_refuse(call, ERR_INVALID,
                                "%llu intervals are more than %u: take a longer 'interval' or a "
                                "shorter range",
                                (unsigned long long)count, CORE_SERIES_INTERVALS_MAX);
    }
    return ERR_OK;
}

// Aggregation over intervals of 0 ms is answered with the points as they are.
static enum err read_aggregation(struct rest_call *call, struct core_series_range *range)
{
    int aggregation = 0;
    int unit = NO_CALENDAR;
    int64_t interval_ms = 0;
    enum err err = rest_call_int(call, "interval", false, 0, &interval_ms);
    err = err == ERR_OK ? read_word(call, "agg", aggregations, &aggregation) : err;
    err = err == ERR_OK ? read_word(call, "intervalType", calendars, &unit) : err;
    if (err == ERR_OK && interval_ms < 0) {
        err = rest_call_refuse(call, ERR_INVALID, "Parameter 'interval' is negative");
    }
    if (err != ERR_OK || aggregation == CORE_AGGREGATION_NONE ||
        (unit == NO_CALENDAR && interval_ms == 0)) {
        return err;
    }
    range->aggregation = (enum core_aggregation)aggregation;
    return unit == NO_CALENDAR ? read_interval(call, (uint64_t)interval_ms, range)
                               : read_calendar(call, unit, range);
}

static enum err read_range(struct rest_call *call, struct core_series_range *range)
{
    const struct slice order = http_request_parameter(call->request, "orderBy");
    int64_t limit = 0;
    *range = (struct core_series_range){.aggregation = CORE_AGGREGATION_NONE};
    enum err err = rest_call_int(call, "startTs", true, 0, &range->start_ms);
    err = err == ERR_OK ? rest_call_int(call, "endTs", true, 0, &range->end_ms) : err;
    err = err == ERR_OK ? rest_call_int(call, "limit", false, LIMIT_DEFAULT, &limit) : err;
    err = err == ERR_OK ? read_aggregation(call, range) : err;
    if (err != ERR_OK) {
        return err;
    }
    range->descending = !slice_equal_nocase(order, SLICE("ASC"));
    if (order.len > 0 && range->descending && !slice_equal_nocase(order, SLICE("DESC"))) {
        return rest_call_refuse(call, ERR_INVALID, "Parameter 'orderBy' must be ASC or DESC");
    }
    if (limit < 1 || limit > INT32_MAX) {
        return rest_call_refuse(call, ERR_INVALID, "Parameter 'limit' must be from 1 to %d",
                                INT32_MAX);
    }
    range->limit = (uint32_t)limit;
    return ERR_OK;
}

// A key without points in the range is left out of the answer.
static enum err put_key_range(struct rest_call *call, const struct model_device *device,
                              struct points *points, const struct core_series_range *range)
{
    struct codec_json_writer *writer = points->writer;
    const struct codec_json_writer before = *writer;
    const size_t before_len = writer->out->len;
    codec_json_name(writer, range->key);
    codec_json_begin_array(writer);
    const size_t empty_len = writer->out->len;
    const enum err err = core_series_read(&call->admin, device, range, points, emit_point);
    if (writer->out->len == empty_len && !writer->out->overflow) {
        *writer = before;
        writer->out->len = before_len;
    } else {
        codec_json_end_array(writer);
    }
    return err;
}

static enum err answer_range(struct rest_call *call, const struct model_device *device,
                             struct points *points)
{
    struct core_series_range range;
    enum err err = read_range(call, &range);
    if (err == ERR_OK && points->asked->count == 0) {
        return rest_call_refuse(call, ERR_INVALID, "Parameter 'keys' can't be empty!");
    }
    if (err != ERR_OK) {
        return err;
    }
    codec_json_begin_object(points->writer);
    for (uint32_t i = 0; err == ERR_OK && i < points->asked->count; i++) {
        range.key = points->asked->items[i];
        err = put_key_range(call, device, points, &range);
    }
    codec_json_end_object(points->writer);
    return err;
}

static enum err answer_values(struct rest_call *call, bool is_range)
{
    struct model_device device;
    struct rest_keys keys;
    struct codec_json_writer writer = rest_call_writer(call);
    struct points points = {.writer = &writer, .asked = &keys};
    enum err err = rest_call_device(call, 0, 1, &device);
    err = err == ERR_OK ? rest_keys_read(call, &keys) : err;
    err =
        err == ERR_OK ? rest_call_boolean(call, "useStrictDataTypes", false, &points.strict) : err;
    if (err != ERR_OK) {
        return err;
    }
    points.found = arena_take_array(call->request->memory, REST_KEYS_MAX, sizeof(bool));
    if (points.found == NULL) {
        return ERR_EXHAUSTED;
    }
    return is_range ? answer_range(call, &device, &points) : answer_latest(call, &device, &points);
}

enum err rest_telemetry_values(struct rest_call *call)
{
    return answer_values(call, http_request_parameter(call->request, "startTs").len > 0 &&
                                   http_request_parameter(call->request, "endTs").len > 0);
}

enum err rest_telemetry_history(struct rest_call *call)
{
    return answer_values(call, true);
}
