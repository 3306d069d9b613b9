#include "codec/points.h"

// At most half full, so that a run of taken slots stays short.
static uint32_t slot_count(uint32_t capacity)
{
    uint32_t slots = 2 * CODEC_POINTS_SCAN;

    while (slots < 2 * capacity) {
        slots *= 2;
    }
    return slots;
}

enum err codec_points_init(struct codec_points *points, struct arena *arena, uint32_t capacity,
                           struct hash_key key)
{
    ASSERT(capacity <= MODEL_POINTS_MAX);
    *points = (struct codec_points){.capacity = capacity, .key = key};
    points->items = arena_take(arena, capacity * sizeof(*points->items));
    if (points->items == NULL) {
        return ERR_EXHAUSTED;
    }
    if (capacity > CODEC_POINTS_SCAN) {
        points->slots = arena_take(arena, slot_count(capacity) * sizeof(*points->slots));
        if (points->slots == NULL) {
            return ERR_EXHAUSTED;
        }
        codec_points_begin(points, capacity);
    }
    return ERR_OK;
}

void codec_points_begin(struct codec_points *points, uint32_t capacity)
{
    ASSERT(capacity <= points->capacity);
    points->count = 0;
    if (points->slots != NULL) {
        const uint32_t slots = slot_count(capacity);
        points->mask = slots - 1;
        memset(points->slots, 0, slots * sizeof(*points->slots));
    }
}

static struct model_value *append(struct codec_points *points, struct slice key)
{
    ASSERT(points->count < points->capacity);
    struct model_point *point = &points->items[points->count++];
    point->key = key;
    return &point->value;
}

struct model_value *codec_points_put(struct codec_points *points, struct slice key)
{
    if (points->slots == NULL) {
        for (uint32_t i = 0; i < points->count; i++) {
            if (slice_equal(points->items[i].key, key)) {
                return &points->items[i].value;
            }
        }
        return append(points, key);
    }
    uint32_t at = (uint32_t)hash_keyed(points->key, key) & points->mask;
    while (points->slots[at] != 0) {
        struct model_point *point = &points->items[points->slots[at] - 1];
        if (slice_equal(point->key, key)) {
            return &point->value;
        }
        at = (at + 1) & points->mask;
    }
    points->slots[at] = points->count + 1;
    return append(points, key);
}

void codec_points_drop_nulls(struct codec_points *points)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < points->count; i++) {
        if (points->items[i].value.type != CODEC_POINTS_NULL) {
            points->items[kept++] = points->items[i];
        }
    }
    points->count = kept;
}
