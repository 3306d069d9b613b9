// Payloads to readings by device-api.md 2.2: the forms, the typing, what is dropped, what is
// refused and where, equal keys in small and large, limits, and an arena that is too small.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert_test.h"
#include "codec/number.h"
#include "codec/telemetry.h"

static uint8_t memory[4 << 20] __attribute__((aligned(16)));
static const struct codec_telemetry_rules cast_on = {.type_cast = true};
static const struct codec_telemetry_rules cast_off = {.type_cast = false};

static void put_readable(struct buf *out, const struct model_value *value)
{
    static const char *const letters[] = {"b", "l", "d", "s", "j"};

    buf_put_text(out, letters[value->type]);
    buf_put_u8(out, ':');
    codec_value_text(value, out);
}

// All readings as one line: "@5 a=l:1 b=s:x | a=d:2.0"
static const char *readable(const struct model_readings *readings, char text[1024])
{
    struct buf out = buf_over(text, 1023);
    uint32_t points = 0;

    for (uint32_t i = 0; i < readings->count; i++) {
        const struct model_reading *reading = &readings->items[i];
        buf_put_text(&out, i > 0 ? " |" : "");
        if (reading->has_time) {
            buf_put_format(&out, "%s@%lld", i > 0 ? " " : "", (long long)reading->time_ms);
        }
        for (uint32_t n = 0; n < reading->point_count; n++) {
            buf_put_text(&out, out.len > 0 ? " " : "");
            buf_put_slice(&out, reading->points[n].key);
            buf_put_u8(&out, '=');
            put_readable(&out, &reading->points[n].value);
        }
        points += reading->point_count;
    }
    assert_int_equal(points, readings->point_count);
    text[out.len] = 0;
    return text;
}

struct result {
    enum err err;
    struct err_place place;
    struct model_readings readings;
};

static struct result read_text(const char *text, const struct codec_telemetry_rules *rules)
{
    struct result result = {.place = {NULL, 0}};
    struct arena arena;

    arena_init(&arena, memory, sizeof(memory));
    result.err =
        codec_telemetry_json(&arena, slice_text(text), rules, &result.readings, &result.place);
    if (result.err != ERR_OK) {
        assert_int_equal(arena_mark(&arena), 0);
        assert_non_null(result.place.reason);
    }
    return result;
}

static const struct {
    const char *text;
    const char *readings;
} accepted[] = {
    // Forms.
    {"{\"k\":1}", "k=l:1"},
    {"{temperature:25}", "temperature=l:25"},
    {"{\"temperature\":25.5,\"humidity\":60,\"pressure\":1013.25,\"status\":\"ok\",\"on\":true}",
     "temperature=d:25.5 humidity=l:60 pressure=d:1013.25 status=s:ok on=b:true"},
    {"{\"ts\":5,\"values\":{\"a\":1}}", "@5 a=l:1"},
    {"{\"values\":{\"a\":1},\"x\":9,\"ts\":5}", "@5 a=l:1"},
    {"{\"ts\":5}", "ts=l:5"},
    {"{\"values\":{\"a\":1}}", "values=j:{\"a\":1}"},
    {"{\"ts\":1,\"ts\":2,\"values\":{\"a\":1},\"values\":{\"b\":2}}", "@2 b=l:2"},
    {"[{\"a\":1},{\"ts\":7,\"values\":{\"a\":2}},{\"b\":3}]", "a=l:1 b=l:3 | @7 a=l:2"},
    {"[{\"ts\":7,\"values\":{\"a\":1}},{\"ts\":7,\"values\":{\"a\":2}}]", "@7 a=l:1 | @7 a=l:2"},
    {"[{\"ts\":7,\"values\":{\"a\":1}},{},{\"b\":2}]", "@7 a=l:1 | b=l:2"},
    // Nothing.
    {"{}", ""},
    {"[]", ""},
    {"{\"a\":null}", ""},
    {"[{},{\"a\":null},{\"ts\":1,\"values\":{}}]", ""},
    // Nulls and equal names.
    {"{\"a\":1,\"n\":null,\"b\":2}", "a=l:1 b=l:2"},
    {"{\"a\":1,\"b\":2,\"a\":3}", "a=l:3 b=l:2"},
    {"{\"a\":1,\"a\":null}", ""},
    {"{\"a\":null,\"a\":1}", "a=l:1"},
    {"[{\"a\":1,\"b\":1},{\"a\":2}]", "a=l:2 b=l:1"},
    {"[{\"a\":1},{\"a\":null}]", "a=l:1"},
    {"[{\"a\":1},{\"a\":2,\"a\":null}]", "a=l:1"},
    // Time.
    {"{\"ts\":1782986400123.9,\"values\":{\"a\":1}}", "@1782986400123 a=l:1"},
    {"{\"ts\":1.5e3,\"values\":{\"a\":1}}", "@1500 a=l:1"},
    {"{\"ts\":-1,\"values\":{\"a\":1}}", "@-1 a=l:1"},
    {"{\"ts\":\"1500\",\"values\":{\"a\":1}}", "@1500 a=l:1"},
    {"{\"ts\":\"+7\",\"values\":{\"a\":1}}", "@7 a=l:1"},
    {"{\"ts\":[5],\"values\":{\"a\":1}}", "@5 a=l:1"},
    {"{\"ts\":[\"5\"],\"values\":{\"a\":1}}", "@5 a=l:1"},
    // Types.
    {"{\"a\":true,\"b\":FALSE}", "a=b:true b=b:false"},
    {"{\"a\":\"5\",\"b\":\"5.0\",\"c\":\"007\",\"d\":\".5\"}", "a=l:5 b=d:5.0 c=l:7 d=d:0.5"},
    {"{\"a\":\"1e5\",\"b\":\"+7\",\"c\":\" 5\",\"d\":\"\"}", "a=s:1e5 b=s:+7 c=s: 5 d=s:"},
    {"{a:01,b:.5,c:+5,d:NaN,e:0x10}", "a=l:1 b=d:0.5 c=s:+5 d=s:NaN e=s:0x10"},
    {"{\"a\":1e19,\"b\":-0.0,\"c\":1.5e1}", "a=s:10000000000000000000 b=d:0.0 c=l:15"},
    {"{\"a\":{\"x\":[1.50,null,{\"y\":null}]}}", "a=j:{\"x\":[1.50,null,{\"y\":null}]}"},
    {"{\"a\":[],\"b\":{}}", "a=j:[] b=j:{}"},
    {"{\"a\":\"\xFF\"}", "a=s:\xEF\xBF\xBD"},
};

static void accepted_documents_become_readings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        char text[1024];
        const struct result result = read_text(accepted[i].text, &cast_on);
        assert_int_equal(result.err, ERR_OK);
        assert_string_equal(readable(&result.readings, text), accepted[i].readings);
    }
}

static const struct {
    const char *text;
    const char *reason;
    const char *place; // what stands there
} refused[] = {
    {"5", "telemetry is an object or an array of objects", "5"},
    {" \"x\"", "telemetry is an object or an array of objects", "\"x\""},
    {"true", "telemetry is an object or an array of objects", "true"},
    {"null", "telemetry is an object or an array of objects", "null"},
    {"", "telemetry is an object or an array of objects", ""},
    {"[{\"a\":1},5]", "telemetry is an object or an array of objects", "5]"},
    {"[{\"a\":1},,]", "telemetry is an object or an array of objects", ",]"},
    {"[{a:1},'x']", "telemetry is an object or an array of objects", "'x']"},
    {"[[]]", "telemetry is an object or an array of objects", "[]]"},
    {"{\"ts\":5,\"values\":[]}", "values is not an object", "[]}"},
    {"{\"ts\":5,\"values\":null}", "values is not an object", "null}"},
    {"{\"ts\":\"x\",\"values\":{}}", "ts is not a number", "\"x\""},
    {"{\"ts\":\"1e3\",\"values\":{}}", "ts is not a number", "\"1e3\""},
    {"{\"ts\":\"\",\"values\":{}}", "ts is not a number", "\"\""},
    {"{\"ts\":true,\"values\":{}}", "ts is not a number", "true"},
    {"{\"ts\":null,\"values\":{}}", "ts is not a number", "null"},
    {"{\"ts\":{},\"values\":{}}", "ts is not a number", "{},"},
    {"{\"ts\":[],\"values\":{}}", "ts is not a number", "[]"},
    {"{\"ts\":[1,2],\"values\":{}}", "ts is not a number", "[1,2]"},
    {"{\"ts\":[[1]],\"values\":{}}", "ts is not a number", "[[1]]"},
    {"{\"ts\":1e19,\"values\":{}}", "ts is out of range", "1e19"},
    {"{\"a\":1,\" \":2}", "a key is blank", "2}"},
    {"{a:1,'':2}", "a key is blank", "2}"},
    {"{\"a\":1,\"b\\n\":2}", "a key holds a control character", "2}"},
    {"{\"<b\":2}", "a key looks like markup", "2}"},
    {"{\"a\":1,\"b\":1e999999999}", "a number has too many digits", "1e999999999}"},
};

static void refused_documents_name_reason_and_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const struct result result = read_text(refused[i].text, &cast_on);
        assert_int_equal(result.err, ERR_INVALID);
        assert_string_equal(result.place.reason, refused[i].reason);
        assert_ptr_equal(refused[i].text + result.place.offset,
                         strstr(refused[i].text, refused[i].place));
    }
    const struct result broken = read_text("{\"a\":1,}", &cast_on);
    assert_int_equal(broken.err, ERR_SYNTAX);
    assert_int_equal(broken.place.offset, 7);
}

static void without_type_cast_strings_stay_and_large_numbers_are_refused(void **state)
{
    char text[1024];

    (void)state;
    const struct result kept =
        read_text("{\"a\":\"5\",\"b\":5,\"c\":0.30000000000000004}", &cast_off);
    assert_int_equal(kept.err, ERR_OK);
    assert_string_equal(readable(&kept.readings, text), "a=s:5 b=l:5 c=d:0.30000000000000004");
    static const char *const large[] = {"{\"a\":89701010051400054084}",
                                        "{\"a\":9.9701010061400066E19}", "{\"a\":1.5E300}"};
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
        const struct result result = read_text(large[i], &cast_off);
        assert_int_equal(result.err, ERR_INVALID);
        assert_string_equal(result.place.reason, "a number is too large");
    }
}

static void texts_are_limited_in_utf16_units(void **state)
{
    const struct codec_telemetry_rules rules = {.type_cast = true, .string_units_max = 4};

    (void)state;
    assert_int_equal(read_text("{\"a\":\"1234\"}", &rules).err, ERR_OK);
    assert_int_equal(read_text("{\"a\":\"\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\"}", &rules).err, ERR_OK);
    assert_int_equal(read_text("{\"a\":\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\"}", &rules).err, ERR_OK);
    assert_int_equal(read_text("{\"a\":\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80x\"}", &rules).err,
                     ERR_TOO_LARGE);
    assert_int_equal(read_text("{\"a\":\"12345\"}", &rules).err, ERR_TOO_LARGE);
    // Not inside nested values, and not numbers.
    assert_int_equal(read_text("{\"a\":[\"12345\"],\"b\":123456}", &rules).err, ERR_OK);
}

static void keys_are_limited_in_utf16_units(void **state)
{
    char text[512];

    (void)state;
    memset(text, 'k', sizeof(text));
    memcpy(text, "{\"", 2);
    memcpy(text + 2 + MODEL_KEY_UNITS_MAX, "\":1}", 5);
    assert_int_equal(read_text(text, &cast_on).err, ERR_OK);
    memcpy(text + 2 + MODEL_KEY_UNITS_MAX, "k\":1}", 6);
    assert_string_equal(read_text(text, &cast_on).place.reason,
                        "a key is longer than 255 characters");
}

// An object of `count` members, their keys `modulus` different ones, values counting up.
static size_t put_members(char *text, unsigned count, unsigned modulus)
{
    size_t len = (size_t)sprintf(text, "{");

    for (unsigned i = 0; i < count; i++) {
        len += (size_t)sprintf(text + len, "%s\"k%u\":%u", i > 0 ? "," : "", i % modulus, i);
    }
    return len + (size_t)sprintf(text + len, "}");
}

static void the_last_of_many_equal_keys_stays(void **state)
{
    static char text[1 << 18];
    static const unsigned rows[][2] = {{16, 7}, {17, 7}, {17, 17}, {1000, 300}, {10000, 10000}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const unsigned count = rows[i][0];
        const unsigned keys = rows[i][1];
        put_members(text, count, keys);
        const struct result result = read_text(text, &cast_on);
        assert_int_equal(result.err, ERR_OK);
        assert_int_equal(result.readings.count, 1);
        assert_int_equal(result.readings.point_count, keys);
        for (unsigned k = 0; k < keys; k++) {
            const unsigned last = k + (count - 1 - k) / keys * keys;
            char key[16];
            sprintf(key, "k%u", k);
            const struct model_point *point = &result.readings.items[0].points[k];
            assert_true(slice_equal(point->key, slice_text(key)));
            assert_int_equal(point->value.number, last);
        }
    }
}

static void elements_without_time_share_one_reading_in_large(void **state)
{
    static char text[1 << 18];
    size_t len = 1;

    (void)state;
    strcpy(text, "[");
    for (unsigned i = 0; i < 40; i++) {
        len += put_members(text + len, 5 + i, 30);
        text[len++] = i < 39 ? ',' : ']';
    }
    text[len] = 0;
    const struct result result = read_text(text, &cast_on);
    assert_int_equal(result.err, ERR_OK);
    assert_int_equal(result.readings.count, 1);
    assert_int_equal(result.readings.point_count, 30);
    for (unsigned k = 0; k < 30; k++) {
        // The last element has 44 members: keys 0 to 13 twice.
        assert_int_equal(result.readings.items[0].points[k].value.number, k < 14 ? k + 30 : k);
    }
}

static void more_points_than_allowed_are_refused(void **state)
{
    static char text[1 << 19];

    (void)state;
    put_members(text, MODEL_POINTS_MAX + 1, 10);
    struct result result = read_text(text, &cast_on);
    assert_int_equal(result.err, ERR_INVALID);
    assert_string_equal(result.place.reason, "more than 10000 points in one request");
    // Two elements that are too many together.
    size_t len = (size_t)sprintf(text, "[");
    len += put_members(text + len, MODEL_POINTS_MAX, 10);
    const size_t second = len + 1;
    strcpy(text + len, ",{\"a\":1}]");
    result = read_text(text, &cast_on);
    assert_int_equal(result.err, ERR_INVALID);
    assert_int_equal(result.place.offset, second);
}

static void every_size_of_arena_is_enough_or_an_error(void **state)
{
    static const char *const texts[] = {
        "{\"a\":1e19,\"b\":{\"c\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]}}",
        "[{a:1,b:[x]},{ts:1,values:{a:1}},{c:3},{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,"
        "\"g\":7,\"h\":8,\"i\":9,\"j\":10,\"k\":11,\"l\":12,\"m\":13,\"n\":14,\"o\":15,\"p\":16,"
        "\"q\":17,\"r\":18}]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        enum err err = ERR_EXHAUSTED;
        for (size_t size = 0; err != ERR_OK; size += 16) {
            struct arena arena;
            struct model_readings readings;
            struct err_place place = {NULL, 0};
            assert_true(size < 16384);
            arena_init(&arena, memory, size);
            err = codec_telemetry_json(&arena, slice_text(texts[i]), &cast_on, &readings, &place);
            assert_true(err == ERR_OK || err == ERR_EXHAUSTED);
            if (err != ERR_OK) {
                assert_int_equal(arena_mark(&arena), 0);
                assert_non_null(place.reason);
                assert_true(place.offset <= strlen(texts[i]));
            }
        }
    }
}

static void the_hash_key_changes_nothing_that_is_seen(void **state)
{
    static char text[1 << 16];
    static char first[1024];
    static char second[1024];
    const struct codec_telemetry_rules keyed = {.type_cast = true, .hash_key = {{1, 2}}};

    (void)state;
    put_members(text, 60, 25);
    struct result result = read_text(text, &cast_on);
    readable(&result.readings, first);
    result = read_text(text, &keyed);
    assert_string_equal(readable(&result.readings, second), first);
}

static void one_value_is_typed_alone(void **state)
{
    struct arena arena;
    struct codec_json root;
    struct err_place place;
    struct model_value value;
    const char *reason = NULL;

    (void)state;
    arena_init(&arena, memory, sizeof(memory));
    assert_int_equal(codec_json_parse(&arena, SLICE("null"), false, &root, &place), ERR_OK);
    assert_int_equal(codec_telemetry_value(&arena, root, &cast_on, &value, &reason), ERR_INVALID);
    assert_string_equal(reason, "null is no value");
    assert_int_equal(codec_json_parse(&arena, SLICE("[1, 2]"), false, &root, &place), ERR_OK);
    assert_int_equal(codec_telemetry_value(&arena, root, &cast_on, &value, &reason), ERR_OK);
    assert_int_equal(value.type, MODEL_VALUE_JSON);
    assert_true(slice_equal(value.text, SLICE("[1,2]")));
}

static void plain_text_is_one_value(void **state)
{
    static const struct {
        const char *text;
        const char *value;
    } rows[] = {
        {"true", "b:true"},
        {" false\n", "b:false"},
        {"25.5\r\n", "d:25.5"},
        {"1e2", "l:100"},
        {"007", "l:7"},
        {"1e19", "s:10000000000000000000"},
        {"TRUE", "s:TRUE"},
        {" hello ", "s: hello "},
        {"{\"a\":1}", "s:{\"a\":1}"},
        {"", "s:"},
        {"a\xFF", "s:a\xEF\xBF\xBD"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena;
        struct model_value value;
        const char *reason = NULL;
        char text[64];
        struct buf out = buf_over(text, sizeof(text) - 1);
        arena_init(&arena, memory, sizeof(memory));
        assert_int_equal(
            codec_telemetry_text(&arena, slice_text(rows[i].text), &cast_on, &value, &reason),
            ERR_OK);
        put_readable(&out, &value);
        text[out.len] = 0;
        assert_string_equal(text, rows[i].value);
    }
}

static void plain_text_can_be_refused(void **state)
{
    const struct codec_telemetry_rules rules = {.string_units_max = 2};
    struct arena arena;
    struct model_value value;
    const char *reason = NULL;

    (void)state;
    arena_init(&arena, memory, 0);
    assert_int_equal(codec_telemetry_text(&arena, SLICE("abc"), &rules, &value, &reason),
                     ERR_TOO_LARGE);
    assert_int_equal(codec_telemetry_text(&arena, SLICE("1e19"), &rules, &value, &reason),
                     ERR_INVALID);
    assert_int_equal(codec_telemetry_text(&arena, SLICE("\xFF"), &rules, &value, &reason),
                     ERR_EXHAUSTED);
}

static void attributes_are_one_object(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        const char *expected; // the points, or the reason if it matters
    } rows[] = {
        {"{\"a\":1,\"b\":\"x\",\"c\":null}", ERR_OK, "a=l:1 b=s:x"},
        {"{\"ts\":5,\"values\":{\"a\":1}}", ERR_OK, "ts=l:5 values=j:{\"a\":1}"},
        {"{a:1,a:2}", ERR_OK, "a=l:2"},
        {"{}", ERR_OK, ""},
        {"[]", ERR_INVALID, "attributes are one object"},
        {"5", ERR_INVALID, "attributes are one object"},
        {"", ERR_INVALID, "attributes are one object"},
        {"{\"\":1}", ERR_INVALID, NULL},
        {"{\"a\":", ERR_SYNTAX, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena;
        struct model_reading reading;
        struct err_place place = {NULL, 0};
        char text[1024];
        arena_init(&arena, memory, sizeof(memory));
        const enum err err = codec_telemetry_attributes(&arena, slice_text(rows[i].text), &cast_on,
                                                        &reading, &place);
        assert_int_equal(err, rows[i].err);
        if (err == ERR_OK) {
            const struct model_readings readings = {&reading, 1, reading.point_count};
            assert_false(reading.has_time);
            assert_string_equal(readable(&readings, text), rows[i].expected);
        } else if (rows[i].expected != NULL) {
            assert_string_equal(place.reason, rows[i].expected);
        }
    }
}

static void attributes_need_their_memory(void **state)
{
    struct arena arena;
    struct model_reading reading;
    struct err_place place;
    (void)state;
    for (size_t size = 0; size < 600; size += 16) {
        arena_init(&arena, memory, size);
        const enum err err = codec_telemetry_attributes(&arena, SLICE("{\"a\":{\"b\":1}}"),
                                                        &cast_on, &reading, &place);
        assert_true(err == ERR_OK || (err == ERR_EXHAUSTED && arena.used == 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_documents_become_readings),
        cmocka_unit_test(refused_documents_name_reason_and_place),
        cmocka_unit_test(without_type_cast_strings_stay_and_large_numbers_are_refused),
        cmocka_unit_test(texts_are_limited_in_utf16_units),
        cmocka_unit_test(keys_are_limited_in_utf16_units),
        cmocka_unit_test(the_last_of_many_equal_keys_stays),
        cmocka_unit_test(elements_without_time_share_one_reading_in_large),
        cmocka_unit_test(more_points_than_allowed_are_refused),
        cmocka_unit_test(every_size_of_arena_is_enough_or_an_error),
        cmocka_unit_test(the_hash_key_changes_nothing_that_is_seen),
        cmocka_unit_test(one_value_is_typed_alone),
        cmocka_unit_test(plain_text_is_one_value),
        cmocka_unit_test(plain_text_can_be_refused),
        cmocka_unit_test(attributes_are_one_object),
        cmocka_unit_test(attributes_need_their_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
