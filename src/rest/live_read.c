// What subscribers get: the values that they have not seen, and how these are written.
#include <stdlib.h>

#include "rest/live_priv.h"

#define RANGE_MAX 10000U

void rest_live_points_init(struct live_points *points, struct arena *memory)
{
    *points = (struct live_points){
        .memory = memory,
        .items = arena_take_array(memory, REST_LIVE_POINTS, sizeof(*points->items))};
    points->is_full = points->items == NULL;
}

static struct slice copy(struct live_points *points, struct slice text)
{
    uint8_t *bytes = arena_take(points->memory, text.len + 1);
    if (bytes == NULL) {
        points->is_full = true;
        return SLICE_EMPTY;
    }
    if (text.len > 0) {
        memcpy(bytes, text.ptr, text.len);
    }
    return slice_of(bytes, text.len);
}

static void add_text(struct live_points *points, struct slice key, int64_t at_ms, struct slice text)
{
    if (points->is_full || points->count == REST_LIVE_POINTS) {
        points->is_full = true;
        return;
    }
    struct live_point *point = &points->items[points->count++];
    *point = (struct live_point){copy(points, key), at_ms, copy(points, text)};
}

void rest_live_points_add(struct live_points *points, struct slice key, int64_t at_ms,
                          const struct model_value *value)
{
    char number[64];
    const bool is_text = value->type == MODEL_VALUE_STRING || value->type == MODEL_VALUE_JSON;
    struct buf out = buf_over(number, sizeof(number));
    if (!is_text) {
        codec_value_text(value, &out);
    }
    add_text(points, key, at_ms, is_text ? value->text : buf_view(&out));
}

uint64_t rest_live_digest(const struct model_value *value)
{
    char number[64];
    const bool is_text = value->type == MODEL_VALUE_STRING || value->type == MODEL_VALUE_JSON;
    struct buf out = buf_over(number, sizeof(number));
    if (!is_text) {
        codec_value_text(value, &out);
    }
    return hash_bytes(is_text ? value->text : buf_view(&out)) ^ (uint64_t)value->type;
}

static struct live_known *find_known(const struct live_subscription *subscription, unsigned scope,
                                     struct slice key)
{
    struct live_known *known = subscription->known;
    while (known != NULL &&
           !(known->scope == scope && slice_equal(slice_of(known->key, known->len), key))) {
        known = known->next;
    }
    return known;
}

// What was known of the key, made if need be; NULL without memory, or beyond the bound.
static struct live_known *take_known(struct rest_live *live, struct live_subscription *subscription,
                                     unsigned scope, struct slice key)
{
    struct live_known *known = find_known(subscription, scope, key);
    if (known != NULL) {
        return known;
    }
    if (!rest_live_count(live, subscription, sizeof(*known) + key.len)) {
        return NULL;
    }
    // Without memory the place stays counted until the subscription ends.
    known = calloc(1, sizeof(*known) + key.len);
    if (known != NULL) {
        known->sent.at_ms = INT64_MIN;
        known->scope = scope;
        known->len = key.len;
        memcpy(known->key, key.ptr, key.len);
        known->next = subscription->known;
        subscription->known = known;
    }
    return known;
}

// Notes what the read under way found. False if it was sent already, or is in this read.
static bool note(struct live_known *known, int64_t at_ms, uint64_t digest)
{
    const bool is_new =
        !known->is_seen && (known->sent.at_ms != at_ms || known->sent.digest != digest);
    known->is_seen = true;
    known->found = (struct live_cell){at_ms, digest};
    return is_new;
}

struct reader {
    struct rest_live *live;
    struct live_subscription *subscription;
    struct live_points *points;
    const struct core_admin *admin;
    // Series that have more than one new point, read once the latest are known.
    struct {
        struct slice key;
        int64_t after_ms;
        int64_t upto_ms;
    } * ranges;
    uint32_t range_count;
    bool is_full;
};

static bool is_wanted(const struct live_subscription *subscription, struct slice key)
{
    for (uint32_t i = 0; i < subscription->key_count; i++) {
        if (slice_equal(subscription->keys[i], key)) {
            return true;
        }
    }
    return subscription->key_count == 0;
}

static unsigned bit_of(enum core_scope scope)
{
    return scope == CORE_SCOPE_CLIENT   ? CORE_FEED_CLIENT
           : scope == CORE_SCOPE_SHARED ? CORE_FEED_SHARED
                                        : CORE_FEED_SERVER;
}

static bool read_attribute(void *context, enum core_scope scope,
                           const struct store_attribute *attribute)
{
    struct reader *reader = context;
    if (!is_wanted(reader->subscription, attribute->key)) {
        return true;
    }
    const uint64_t digest = rest_live_digest(&attribute->value);
    struct live_known *known =
        take_known(reader->live, reader->subscription, bit_of(scope), attribute->key);
    if (known == NULL) {
        reader->is_full = true;
        return false;
    }
    if (note(known, attribute->at_ms, digest)) {
        rest_live_points_add(reader->points, attribute->key, attribute->at_ms, &attribute->value);
    }
    return true;
}

// What was there and is not any more is told as an empty value of no time.
static void tell_unseen(struct reader *reader)
{
    for (struct live_known *at = reader->subscription->known; at != NULL; at = at->next) {
        if (!at->is_seen && at->sent.at_ms != INT64_MIN) {
            add_text(reader->points, slice_of(at->key, at->len), 0, SLICE(""));
        }
    }
}

// What was found counts as sent, and what was not is forgotten: if all of it can be sent.
static void end_read(struct reader *reader, bool is_good)
{
    struct live_subscription *subscription = reader->subscription;
    struct live_known **at = &subscription->known;
    while (*at != NULL) {
        struct live_known *known = *at;
        if (is_good && !known->is_seen) {
            const uint64_t cells = rest_live_cells(sizeof(*known) + known->len);
            subscription->cells -= cells;
            rest_live_cells_give(reader->live, subscription->session, cells);
            *at = known->next;
            free(known);
            continue;
        }
        known->sent = is_good ? known->found : known->sent;
        known->is_seen = false;
        at = &known->next;
    }
}

static enum err read_attributes(struct reader *reader)
{
    static const enum core_scope scopes[] = {CORE_SCOPE_CLIENT, CORE_SCOPE_SHARED,
                                             CORE_SCOPE_SERVER};
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < 3; i++) {
        if ((reader->subscription->what & bit_of(scopes[i])) != 0) {
            err = core_attributes_read(reader->admin, &reader->subscription->device, scopes[i],
                                       reader, read_attribute);
        }
    }
    return err;
}

static bool read_latest(void *context, const struct store_point *point)
{
    struct reader *reader = context;
    const uint64_t digest = rest_live_digest(&point->value);
    struct live_known *known =
        take_known(reader->live, reader->subscription, CORE_FEED_SERIES, point->key);
    if (known == NULL) {
        reader->is_full = true;
        return false;
    }
    if (!note(known, point->time_ms, digest)) {
        return true;
    }
    const bool is_first = known->sent.at_ms == INT64_MIN;
    const bool is_later = point->time_ms > known->sent.at_ms;
    if (is_later && !is_first && reader->range_count < REST_LIVE_KEYS) {
        // There may be points between; the store is not read within its own walk.
        reader->ranges[reader->range_count].key = copy(reader->points, point->key);
        reader->ranges[reader->range_count].after_ms = known->sent.at_ms;
        reader->ranges[reader->range_count++].upto_ms = point->time_ms;
    } else {
        rest_live_points_add(reader->points, point->key, point->time_ms, &point->value);
    }
    return true;
}

static bool read_point(void *context, const struct store_point *point)
{
    struct live_points *points = context;
    rest_live_points_add(points, point->key, point->time_ms, &point->value);
    return !points->is_full;
}

static enum err read_series(struct reader *reader)
{
    const struct live_subscription *subscription = reader->subscription;
    reader->ranges =
        arena_take_array(reader->points->memory, REST_LIVE_KEYS, sizeof(*reader->ranges));
    if (reader->ranges == NULL) {
        return ERR_EXHAUSTED;
    }
    enum err err = core_series_latest(reader->admin, &subscription->device, subscription->keys,
                                      subscription->key_count, reader, read_latest);
    for (uint32_t i = 0; err == ERR_OK && i < reader->range_count; i++) {
        const struct core_series_range range = {.key = reader->ranges[i].key,
                                                .start_ms = reader->ranges[i].after_ms + 1,
                                                .end_ms = reader->ranges[i].upto_ms + 1,
                                                .limit = RANGE_MAX,
                                                .descending = true};
        err = core_series_read(reader->admin, &subscription->device, &range, reader->points,
                               read_point);
    }
    return err;
}

enum err rest_live_read(struct rest_live *live, struct live_subscription *subscription,
                        struct live_points *points)
{
    struct core_problem problem = {.text = ""};
    const struct core_admin admin = rest_live_admin(live, subscription->session, &problem);
    struct reader reader = {
        .live = live, .subscription = subscription, .points = points, .admin = &admin};
    enum err err = (subscription->what & CORE_FEED_SERIES) != 0 ? read_series(&reader)
                                                                : read_attributes(&reader);
    tell_unseen(&reader);
    if (err == ERR_OK && (reader.is_full || points->is_full)) {
        err = reader.is_full ? ERR_EXHAUSTED : ERR_TOO_LARGE;
    }
    end_read(&reader, err == ERR_OK);
    return err;
}

static void write_data(struct codec_json_writer *writer, const struct live_points *points)
{
    codec_json_name(writer, SLICE("data"));
    codec_json_begin_object(writer);
    for (uint32_t i = 0; points != NULL && i < points->count;) {
        const struct slice key = points->items[i].key;
        codec_json_name(writer, key);
        codec_json_begin_array(writer);
        for (; i < points->count && slice_equal(points->items[i].key, key); i++) {
            codec_json_begin_array(writer);
            codec_json_put_int64(writer, points->items[i].at_ms);
            codec_json_put_string(writer, points->items[i].text);
            codec_json_end_array(writer);
        }
        codec_json_end_array(writer);
    }
    codec_json_end_object(writer);
}

static void write_latest(struct codec_json_writer *writer, const struct live_points *points)
{
    codec_json_name(writer, SLICE("latestValues"));
    codec_json_begin_object(writer);
    for (uint32_t i = 0; points != NULL && i < points->count;) {
        const struct slice key = points->items[i].key;
        int64_t latest = points->items[i].at_ms;
        for (; i < points->count && slice_equal(points->items[i].key, key); i++) {
            latest = points->items[i].at_ms > latest ? points->items[i].at_ms : latest;
        }
        codec_json_name(writer, key);
        codec_json_put_int64(writer, latest);
    }
    codec_json_end_object(writer);
}

static int compare(const void *a, const void *b)
{
    const struct live_point *left = a;
    const struct live_point *right = b;
    const int order = slice_compare(left->key, right->key);
    // The newest first, as histories come.
    return order != 0 ? order : (left->at_ms < right->at_ms) - (left->at_ms > right->at_ms);
}

static void write_frame(struct buf *out, int64_t command, int code, const char *error,
                        const struct live_points *points)
{
    struct codec_json_writer writer = codec_json_writer_over(out);
    codec_json_begin_object(&writer);
    codec_json_field_int64(&writer, "subscriptionId", command);
    codec_json_field_int64(&writer, "errorCode", code);
    if (error == NULL) {
        codec_json_field_null(&writer, "errorMsg");
    } else {
        codec_json_field_string(&writer, "errorMsg", slice_text(error));
    }
    write_data(&writer, points);
    write_latest(&writer, points);
    codec_json_end_object(&writer);
}

void rest_live_write(struct buf *out, int64_t command, const struct live_points *points)
{
    if (points->count > 1) {
        qsort(points->items, points->count, sizeof(points->items[0]), compare);
    }
    write_frame(out, command, 0, NULL, points);
}

void rest_live_write_error(struct buf *out, int64_t command, int code, const char *text)
{
    out->len = 0;
    out->overflow = false;
    write_frame(out, command, code, text, NULL);
}

void rest_live_send(struct rest_live *live, struct live_session *session, int64_t command,
                    const struct live_points *points)
{
    struct buf out = buf_over(live->out, LIVE_OUT_SIZE);
    rest_live_write(&out, command, points);
    if (out.overflow) {
        rest_live_write_error(&out, command, LIVE_CODE_INTERNAL,
                              "The answer is too large, ask for less");
    }
    http_socket_send(session->socket, buf_view(&out));
}

void rest_live_send_error(struct rest_live *live, struct live_session *session, int64_t command,
                          int code, const char *text)
{
    struct buf out = buf_over(live->out, LIVE_OUT_SIZE);
    rest_live_write_error(&out, command, code, text);
    http_socket_send(session->socket, buf_view(&out));
}
