#include "rest/handlers.h"
#include "rest/keys.h"

#define LIMIT_DEFAULT 100
// Room for any boolean, integer or double as text.
#define NUMBER_TEXT_SIZE 64U

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
    err = store_keys(call->rest->core->store, device.tenant, device.number, &writer, emit_key);
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
    uint8_t memory[NUMBER_TEXT_SIZE];
    codec_json_name(writer, SLICE("value"));
    if (points->strict) {
        codec_json_put_value(writer, value);
    } else if (value->type == MODEL_VALUE_STRING || value->type == MODEL_VALUE_JSON) {
        codec_json_put_string(writer, value->text);
    } else {
        struct buf text = buf_over(memory, sizeof(memory));
        codec_value_text(value, &text);
        ASSERT(!text.overflow);
        codec_json_put_string(writer, buf_view(&text));
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
    const enum err err =
        store_latest(call->rest->core->store, device->tenant, device->number, points->asked->items,
                     points->asked->count, points, emit_latest);
    put_missing(call, points);
    codec_json_end_object(points->writer);
    return err;
}

struct range_wish {
    int64_t start_ms;
    int64_t end_ms;
    int64_t limit;
    bool descending;
};

static bool is_one_of(struct slice text, const char *const *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (slice_equal(text, slice_text(words[i]))) {
            return true;
        }
    }
    return false;
}

// Only raw points are served. Aggregation over an interval of 0 ms is answered with them as well
// (server-api.md 3.2).
static enum err read_aggregation(struct rest_call *call)
{
    static const char *const aggregations[] = {"NONE", "MIN", "MAX", "AVG", "SUM", "COUNT"};
    static const char *const calendars[] = {"MILLISECONDS", "WEEK", "WEEK_ISO", "MONTH", "QUARTER"};
    const struct slice name = http_request_parameter(call->request, "agg");
    const struct slice calendar = http_request_parameter(call->request, "intervalType");
    int64_t interval = 0;
    const enum err err = rest_call_int(call, "interval", false, 0, &interval);
    if (err != ERR_OK) {
        return err;
    }
    if (name.len > 0 && !is_one_of(name, aggregations, 6)) {
        return rest_call_refuse(call, ERR_INVALID, "Parameter 'agg' is unknown: %.*s",
                                SLICE_ARGS(slice_sub(name, 0, 32)));
    }
    if (calendar.len > 0 && !is_one_of(calendar, calendars, 5)) {
        return rest_call_refuse(call, ERR_INVALID, "Parameter 'intervalType' is unknown: %.*s",
                                SLICE_ARGS(slice_sub(calendar, 0, 32)));
    }
    const bool in_ms = calendar.len == 0 || slice_equal(calendar, SLICE("MILLISECONDS"));
    if (name.len == 0 || slice_equal(name, SLICE("NONE")) || (in_ms && interval == 0)) {
        return ERR_OK;
    }
    return rest_call_refuse(call, ERR_INVALID,
                            "Aggregation '%.*s' is not supported by this version, only NONE",
                            SLICE_ARGS(name));
}

static enum err read_range(struct rest_call *call, struct range_wish *wish)
{
    const struct slice order = http_request_parameter(call->request, "orderBy");
    enum err err = rest_call_int(call, "startTs", true, 0, &wish->start_ms);
    err = err == ERR_OK ? rest_call_int(call, "endTs", true, 0, &wish->end_ms) : err;
    err = err == ERR_OK ? rest_call_int(call, "limit", false, LIMIT_DEFAULT, &wish->limit) : err;
    err = err == ERR_OK ? read_aggregation(call) : err;
    if (err != ERR_OK) {
        return err;
    }
    wish->descending = !slice_equal_nocase(order, SLICE("ASC"));
    if (order.len > 0 && wish->descending && !slice_equal_nocase(order, SLICE("DESC"))) {
        return rest_call_refuse(call, ERR_INVALID, "Parameter 'orderBy' must be ASC or DESC");
    }
    if (wish->limit < 1 || wish->limit > INT32_MAX) {
        return rest_call_refuse(call, ERR_INVALID, "Parameter 'limit' must be from 1 to %d",
                                INT32_MAX);
    }
    return ERR_OK;
}

// A key without points in the range is left out of the answer.
static enum err put_key_range(struct points *points, struct store *store,
                              const struct store_range *range)
{
    struct codec_json_writer *writer = points->writer;
    const struct codec_json_writer before = *writer;
    const size_t before_len = writer->out->len;
    codec_json_name(writer, range->key);
    codec_json_begin_array(writer);
    const size_t empty_len = writer->out->len;
    const enum err err = store_range(store, range, points, emit_point);
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
    struct range_wish wish;
    enum err err = read_range(call, &wish);
    if (err == ERR_OK && points->asked->count == 0) {
        return rest_call_refuse(call, ERR_INVALID, "Parameter 'keys' can't be empty!");
    }
    if (err != ERR_OK) {
        return err;
    }
    codec_json_begin_object(points->writer);
    for (uint32_t i = 0; err == ERR_OK && i < points->asked->count; i++) {
        const struct store_range range = {.tenant = device->tenant,
                                          .device = device->number,
                                          .key = points->asked->items[i],
                                          .start_ms = wish.start_ms,
                                          .end_ms = wish.end_ms,
                                          .limit = (uint32_t)wish.limit,
                                          .descending = wish.descending,
                                          .now = call->now};
        err = put_key_range(points, call->rest->core->store, &range);
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
