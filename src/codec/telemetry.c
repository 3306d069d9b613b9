// A document is gone through twice. The survey looks at the elements only: it refuses what is not
// telemetry, finds the stamped ones and counts, so that the second pass takes its memory once and
// exactly.
#include "codec/telemetry.h"

#include "codec/json_priv.h"
#include "codec/lenient.h"
#include "codec/number.h"
#include "codec/points.h"
#include "codec/scratch.h"

static const char no_memory[] = "no memory left to read the document";

struct reader {
    struct arena *arena;
    const struct codec_telemetry_rules *rules;
    struct codec_json_document document;
    struct err_place *place;
    struct codec_points members; // of the object in hand
    struct codec_points shared;  // of all objects without a time
    struct model_reading *readings;
    uint32_t reading_count;
    uint32_t point_count;
    uint32_t unstamped_index; // of the shared reading; UINT32_MAX: none yet
};

// What the survey found.
struct survey {
    uint32_t members_max; // of one object
    uint32_t members;     // of all
    uint32_t unstamped;   // objects without a time
    uint32_t unstamped_members;
    uint32_t stamped;
};

static enum err refuse(struct reader *reader, enum err err, struct codec_json value,
                       const char *reason)
{
    reader->place->reason = reason;
    reader->place->offset = codec_json_offset(&reader->document, reader->arena, value);
    return err;
}

static enum err exhausted(struct reader *reader)
{
    *reader->place = (struct err_place){no_memory, 0};
    return ERR_EXHAUSTED;
}

// Both `ts` and `values` make an object stamped; the last of each counts.
static bool find_stamp(struct codec_json object, struct codec_json *ts, struct codec_json *values)
{
    struct codec_json_walk walk = codec_json_walk_over(object);
    struct codec_json value;
    struct slice name;

    *ts = *values = (struct codec_json){NULL};
    while (codec_json_walk_next(&walk, &name, &value)) {
        if (slice_equal(name, SLICE("ts"))) {
            *ts = value;
        } else if (slice_equal(name, SLICE("values"))) {
            *values = value;
        }
    }
    return codec_json_exists(*ts) && codec_json_exists(*values);
}

static enum err survey_object(struct reader *reader, struct codec_json element,
                              struct survey *survey)
{
    struct codec_json ts;
    struct codec_json values;

    if (!codec_json_is(element, CODEC_JSON_OBJECT)) {
        return refuse(reader, ERR_INVALID, element,
                      "telemetry is an object or an array of objects");
    }
    const bool stamped = find_stamp(element, &ts, &values);
    if (stamped && !codec_json_is(values, CODEC_JSON_OBJECT)) {
        return refuse(reader, ERR_INVALID, values, "values is not an object");
    }
    const uint32_t members = codec_json_count(stamped ? values : element);
    if (members > MODEL_POINTS_MAX - survey->members) {
        return refuse(reader, ERR_INVALID, element, "more than 10000 points in one request");
    }
    survey->members += members;
    survey->members_max = members > survey->members_max ? members : survey->members_max;
    survey->stamped += stamped ? 1 : 0;
    survey->unstamped += stamped ? 0 : 1;
    survey->unstamped_members += stamped ? 0 : members;
    return ERR_OK;
}

static enum err survey_document(struct reader *reader, struct survey *survey)
{
    const struct codec_json root = reader->document.root;
    struct codec_json element;
    struct slice name;
    enum err err = ERR_OK;

    if (!codec_json_is(root, CODEC_JSON_ARRAY)) {
        return survey_object(reader, root, survey);
    }
    struct codec_json_walk walk = codec_json_walk_over(root);
    while (err == ERR_OK && codec_json_walk_next(&walk, &name, &element)) {
        err = survey_object(reader, element, survey);
    }
    return err;
}

// A number, a text of an integer, or an array of one of them, as upstream coerces it.
static enum err read_time(struct reader *reader, struct codec_json ts, int64_t *time_ms)
{
    struct codec_json value = ts;
    struct slice name;
    struct slice text;

    if (codec_json_is(value, CODEC_JSON_ARRAY) && codec_json_count(value) == 1) {
        struct codec_json_walk walk = codec_json_walk_over(ts);
        (void)codec_json_walk_next(&walk, &name, &value);
    }
    if (codec_json_is(value, CODEC_JSON_NUMBER)) {
        if (codec_number_int64(codec_json_literal(value), true, time_ms)) {
            return ERR_OK;
        }
        return refuse(reader, ERR_INVALID, ts, "ts is out of range");
    }
    if (codec_json_string(value, &text)) {
        if (slice_to_int64(slice_sub(text, slice_starts_with(text, SLICE("+")), text.len),
                           time_ms)) {
            return ERR_OK;
        }
    }
    return refuse(reader, ERR_INVALID, ts, "ts is not a number");
}

static enum err read_members(struct reader *reader, struct codec_json object)
{
    struct codec_json_walk walk = codec_json_walk_over(object);
    struct codec_json value;
    struct slice name;

    codec_points_begin(&reader->members, codec_json_count(object));
    while (codec_json_walk_next(&walk, &name, &value)) {
        const char *reason = NULL;
        enum err err = model_key_check(name, &reason);
        if (err == ERR_OK) {
            struct model_value *place = codec_points_put(&reader->members, name);
            if (codec_json_is(value, CODEC_JSON_NULL)) {
                place->type = CODEC_POINTS_NULL;
                continue;
            }
            err = codec_telemetry_value(reader->arena, value, reader->rules, place, &reason);
        }
        if (err != ERR_OK) {
            return refuse(reader, err, value, reason);
        }
    }
    codec_points_drop_nulls(&reader->members);
    return ERR_OK;
}

// Copies the points of the object in hand, so that the next one may use the room.
static enum err keep_members(struct reader *reader, struct model_reading *reading)
{
    const struct codec_points *members = &reader->members;
    struct model_point *points =
        arena_take(reader->arena, members->count * sizeof(*members->items));

    if (points == NULL) {
        return exhausted(reader);
    }
    memcpy(points, members->items, members->count * sizeof(*points));
    reading->points = points;
    reading->point_count = members->count;
    return ERR_OK;
}

static enum err read_stamped(struct reader *reader, struct codec_json ts, struct codec_json values)
{
    struct model_reading reading = {.has_time = true};
    enum err err = read_time(reader, ts, &reading.time_ms);

    if (err == ERR_OK) {
        err = read_members(reader, values);
    }
    if (err == ERR_OK && reader->members.count > 0) {
        err = keep_members(reader, &reading);
        reader->readings[reader->reading_count++] = reading;
    }
    return err;
}

// All objects without a time are one reading, at the place of the first of them that has points.
static enum err read_unstamped(struct reader *reader, struct codec_json object)
{
    const enum err err = read_members(reader, object);

    if (err != ERR_OK || reader->members.count == 0) {
        return err;
    }
    if (reader->unstamped_index == UINT32_MAX) {
        reader->unstamped_index = reader->reading_count++;
    }
    for (uint32_t i = 0; i < reader->members.count; i++) {
        const struct model_point *point = &reader->members.items[i];
        *codec_points_put(&reader->shared, point->key) = point->value;
    }
    reader->readings[reader->unstamped_index] =
        (struct model_reading){.points = reader->shared.items, .point_count = reader->shared.count};
    return ERR_OK;
}

static enum err read_object(struct reader *reader, struct codec_json element)
{
    struct codec_json ts;
    struct codec_json values;

    return find_stamp(element, &ts, &values) ? read_stamped(reader, ts, values)
                                             : read_unstamped(reader, element);
}

static enum err take_memory(struct reader *reader, const struct survey *survey)
{
    const struct hash_key key = reader->rules->hash_key;
    const uint32_t readings = survey->stamped + (survey->unstamped > 0 ? 1 : 0);

    reader->unstamped_index = UINT32_MAX;
    reader->readings = arena_take(reader->arena, readings * sizeof(*reader->readings));
    if (reader->readings == NULL) {
        return exhausted(reader);
    }
    if (codec_points_init(&reader->members, reader->arena, survey->members_max, key) != ERR_OK ||
        codec_points_init(&reader->shared, reader->arena, survey->unstamped_members, key) !=
            ERR_OK) {
        return exhausted(reader);
    }
    return ERR_OK;
}

// Nearly every request: one object without a time, whose points need no second place.
static enum err read_single(struct reader *reader, const struct survey *survey)
{
    reader->readings = arena_take(reader->arena, sizeof(*reader->readings));
    if (reader->readings == NULL ||
        codec_points_init(&reader->members, reader->arena, survey->members_max,
                          reader->rules->hash_key) != ERR_OK) {
        return exhausted(reader);
    }
    const enum err err = read_members(reader, reader->document.root);
    if (err == ERR_OK && reader->members.count > 0) {
        reader->readings[reader->reading_count++] = (struct model_reading){
            .points = reader->members.items, .point_count = reader->members.count};
    }
    return err;
}

static enum err read_document(struct reader *reader)
{
    const struct codec_json root = reader->document.root;
    struct survey survey = {0};
    struct codec_json element;
    struct slice name;
    enum err err = survey_document(reader, &survey);

    if (err != ERR_OK) {
        return err;
    }
    const bool array = codec_json_is(root, CODEC_JSON_ARRAY);
    if (!array && survey.unstamped == 1) {
        return read_single(reader, &survey);
    }
    err = take_memory(reader, &survey);
    if (!array && err == ERR_OK) {
        return read_object(reader, root);
    }
    struct codec_json_walk walk = codec_json_walk_over(root);
    while (err == ERR_OK && codec_json_walk_next(&walk, &name, &element)) {
        err = read_object(reader, element);
    }
    return err;
}

enum err codec_telemetry_json(struct arena *arena, struct slice text,
                              const struct codec_telemetry_rules *rules,
                              struct model_readings *readings, struct err_place *place)
{
    struct reader reader = {.arena = arena, .rules = rules, .place = place};
    const size_t mark = arena_mark(arena);
    enum err err = codec_json_read(arena, text, true, &reader.document, place);

    if (err == ERR_OK) {
        err = read_document(&reader);
    }
    if (err != ERR_OK) {
        arena_rewind(arena, mark);
        return err;
    }
    *readings = (struct model_readings){.items = reader.readings, .count = reader.reading_count};
    for (uint32_t i = 0; i < reader.reading_count; i++) {
        readings->point_count += reader.readings[i].point_count;
    }
    return ERR_OK;
}

static enum err read_attributes(struct reader *reader)
{
    const struct codec_json root = reader->document.root;
    if (!codec_json_is(root, CODEC_JSON_OBJECT)) {
        return refuse(reader, ERR_INVALID, root, "attributes are one object");
    }
    const uint32_t members = codec_json_count(root);
    if (members > MODEL_POINTS_MAX) {
        return refuse(reader, ERR_INVALID, root, "more than 10000 attributes in one request");
    }
    if (codec_points_init(&reader->members, reader->arena, members, reader->rules->hash_key) !=
        ERR_OK) {
        return exhausted(reader);
    }
    return read_members(reader, root);
}

enum err codec_telemetry_attributes(struct arena *arena, struct slice text,
                                    const struct codec_telemetry_rules *rules,
                                    struct model_reading *attributes, struct err_place *place)
{
    struct reader reader = {.arena = arena, .rules = rules, .place = place};
    const size_t mark = arena_mark(arena);
    enum err err = codec_json_read(arena, text, true, &reader.document, place);

    if (err == ERR_OK) {
        err = read_attributes(&reader);
    }
    if (err != ERR_OK) {
        arena_rewind(arena, mark);
        return err;
    }
    *attributes =
        (struct model_reading){.points = reader.members.items, .point_count = reader.members.count};
    return ERR_OK;
}

static enum err text_value(const struct codec_telemetry_rules *rules, struct slice text,
                           struct model_value *value, const char **reason)
{
    // There are never more units than bytes.
    if (rules->string_units_max != 0 && text.len > rules->string_units_max &&
        slice_utf16_units(text) > rules->string_units_max) {
        *reason = "a text is longer than the limit";
        return ERR_TOO_LARGE;
    }
    if (!rules->type_cast || !codec_number_cast(text, value)) {
        *value = (struct model_value){.type = MODEL_VALUE_STRING, .text = text};
    }
    return ERR_OK;
}

static enum err nested_value(struct arena *arena, struct codec_json json, struct model_value *value,
                             const char **reason)
{
    struct buf out = codec_scratch_open(arena);

    codec_json_write(json, &out);
    const struct slice text = codec_scratch_close(arena, &out);
    if (text.ptr == NULL) {
        *reason = no_memory;
        return ERR_EXHAUSTED;
    }
    *value = (struct model_value){.type = MODEL_VALUE_JSON, .text = text};
    return ERR_OK;
}

enum err codec_telemetry_value(struct arena *arena, struct codec_json json,
                               const struct codec_telemetry_rules *rules, struct model_value *value,
                               const char **reason)
{
    struct slice text = SLICE_EMPTY;
    bool boolean = false;

    switch (codec_json_type(json)) {
    case CODEC_JSON_NULL:
        *reason = "null is no value";
        return ERR_INVALID;
    case CODEC_JSON_BOOLEAN:
        ASSERT(codec_json_boolean(json, &boolean));
        *value = (struct model_value){.type = MODEL_VALUE_BOOLEAN, .boolean = boolean};
        return ERR_OK;
    case CODEC_JSON_NUMBER:
        return codec_number_value(arena, codec_json_literal(json), rules->type_cast, value, reason);
    case CODEC_JSON_STRING:
        ASSERT(codec_json_string(json, &text));
        return text_value(rules, text, value, reason);
    case CODEC_JSON_ARRAY:
    case CODEC_JSON_OBJECT:
        break;
    }
    return nested_value(arena, json, value, reason);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim(struct slice text)
{
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text = slice_sub(text, 1, text.len);
    }
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

enum err codec_telemetry_text(struct arena *arena, struct slice text,
                              const struct codec_telemetry_rules *rules, struct model_value *value,
                              const char **reason)
{
    const struct slice word = trim(text);

    if (slice_equal(word, SLICE("true")) || slice_equal(word, SLICE("false"))) {
        *value = (struct model_value){.type = MODEL_VALUE_BOOLEAN, .boolean = word.len == 4};
        return ERR_OK;
    }
    if (codec_number_is_json(word)) {
        return codec_number_value(arena, word, rules->type_cast, value, reason);
    }
    if (!slice_is_utf8(text)) {
        struct buf out = codec_scratch_open(arena);
        codec_lenient_repair(text, &out);
        text = codec_scratch_close(arena, &out);
        if (text.ptr == NULL) {
            *reason = no_memory;
            return ERR_EXHAUSTED;
        }
    }
    return text_value(rules, text, value, reason);
}
