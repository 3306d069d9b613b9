// Any bytes as a JSON document and as telemetry. What must hold:
//
//   what the strict parser takes means the same after the normaliser;
//   what was written is strict, and written again it is the same;
//   readings are well-formed: good keys once each, finite numbers, UTF-8, JSON that parses;
//   what is right without the type cast is right with it;
//   an error has a reason and a place inside the input, and leaves the arena as it was.
//
// The first byte may ask for an arena that is too small; the rest is the document.
#include <math.h>

#include "codec/json.h"
#include "codec/lenient.h"
#include "codec/telemetry.h"

#define INPUT_MAX 8192U
#define ARENA_SIZE (2U << 20)
#define TEXT_MAX (8U * INPUT_MAX)
// So many points are compared with each other; more would be slow.
#define COMPARED_MAX 200U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[3][ARENA_SIZE] __attribute__((aligned(16)));

static struct arena arena_of(unsigned index, size_t size)
{
    struct arena arena;

    arena_init(&arena, memory[index], size);
    return arena;
}

static struct slice written(struct codec_json value, uint8_t *text)
{
    struct buf out = buf_over(text, TEXT_MAX);

    codec_json_write(value, &out);
    ASSERT(!out.overflow);
    return buf_view(&out);
}

static void check_error(const struct arena *arena, struct slice text, enum err err,
                        const struct err_place *place)
{
    ASSERT(err == ERR_SYNTAX || err == ERR_INVALID || err == ERR_EXHAUSTED);
    ASSERT(place->reason != NULL);
    ASSERT(place->offset <= text.len);
    ASSERT(arena_mark(arena) == 0);
}

static void check_strict_means_the_same(struct slice text, struct codec_json strict)
{
    static uint8_t normal[TEXT_MAX];
    static uint8_t first[TEXT_MAX];
    static uint8_t second[TEXT_MAX];
    struct buf out = buf_over(normal, sizeof(normal));
    struct arena arena = arena_of(1, ARENA_SIZE);
    struct codec_json root;
    struct err_place place;

    ASSERT(codec_lenient_normalise(text, &out, &place) == ERR_OK);
    ASSERT(codec_json_parse(&arena, buf_view(&out), false, &root, &place) == ERR_OK);
    ASSERT(slice_equal(written(strict, first), written(root, second)));
}

static void check_writing(struct codec_json value)
{
    static uint8_t first[TEXT_MAX];
    static uint8_t second[TEXT_MAX];
    struct arena arena = arena_of(2, ARENA_SIZE);
    struct codec_json again;
    struct err_place place;
    const struct slice text = written(value, first);

    ASSERT(codec_json_parse(&arena, text, false, &again, &place) == ERR_OK);
    ASSERT(slice_equal(written(again, second), text));
}

static void check_document(struct slice text)
{
    for (unsigned lenient = 0; lenient < 2; lenient++) {
        struct arena arena = arena_of(0, ARENA_SIZE);
        struct codec_json root;
        struct err_place place = {NULL, 0};
        const enum err err = codec_json_parse(&arena, text, lenient, &root, &place);
        if (err != ERR_OK) {
            check_error(&arena, text, err, &place);
            continue;
        }
        if (!lenient) {
            check_strict_means_the_same(text, root);
        }
        check_writing(root);
    }
}

static void check_value(const struct model_value *value)
{
    struct arena arena = arena_of(1, ARENA_SIZE);
    struct codec_json root;
    struct err_place place;

    switch (value->type) {
    case MODEL_VALUE_BOOLEAN:
    case MODEL_VALUE_LONG:
        break;
    case MODEL_VALUE_DOUBLE:
        ASSERT(isfinite(value->real));
        ASSERT(value->real != 0 || !signbit(value->real));
        break;
    case MODEL_VALUE_STRING:
        ASSERT(slice_is_utf8(value->text));
        break;
    case MODEL_VALUE_JSON:
        ASSERT(codec_json_parse(&arena, value->text, false, &root, &place) == ERR_OK);
        ASSERT(codec_json_is(root, CODEC_JSON_OBJECT) || codec_json_is(root, CODEC_JSON_ARRAY));
        break;
    }
}

static void check_reading(const struct model_reading *reading)
{
    ASSERT(reading->point_count > 0);
    for (uint32_t i = 0; i < reading->point_count; i++) {
        const struct model_point *point = &reading->points[i];
        const char *reason = NULL;
        ASSERT(model_key_check(point->key, &reason) == ERR_OK);
        check_value(&point->value);
        for (uint32_t n = 0; n < i && i < COMPARED_MAX; n++) {
            ASSERT(!slice_equal(point->key, reading->points[n].key));
        }
    }
}

// Returns the number of points, or UINT32_MAX.
static uint32_t check_telemetry(struct slice text, bool type_cast, size_t arena_size)
{
    const struct codec_telemetry_rules rules = {.type_cast = type_cast};
    struct arena arena = arena_of(0, arena_size);
    struct model_readings readings;
    struct err_place place = {NULL, 0};
    uint32_t points = 0;
    uint32_t unstamped = 0;

    const enum err err = codec_telemetry_json(&arena, text, &rules, &readings, &place);
    if (err != ERR_OK) {
        check_error(&arena, text, err, &place);
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < readings.count; i++) {
        check_reading(&readings.items[i]);
        points += readings.items[i].point_count;
        unstamped += readings.items[i].has_time ? 0 : 1;
    }
    ASSERT(points == readings.point_count);
    ASSERT(unstamped <= 1);
    return points;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_MAX) {
        return 0;
    }
    const struct slice text = slice_of(data + 1, size - 1);
    if (data[0] < 0x20) {
        (void)check_telemetry(text, true, (size_t)data[0] * 128);
        return 0;
    }
    check_document(text);
    const uint32_t plain = check_telemetry(text, false, ARENA_SIZE);
    const uint32_t cast = check_telemetry(text, true, ARENA_SIZE);
    ASSERT(plain == UINT32_MAX || plain == cast);
    return 0;
}
