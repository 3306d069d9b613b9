// codec/points.h: the points of one reading while it is read. A key that is put again takes the
// place of the first, so the last value wins and the order is that of first appearance.
//
// Up to CODEC_POINTS_SCAN keys are found by looking at each; above that by a hash set, so that
// 10,000 keys are not a quadratic matter. The hash is keyed by the rules: an outsider who could aim
// at one place of the set would bring the quadratic matter back.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/slice.h"
#include "model/reading.h"

#define CODEC_POINTS_SCAN 16U

// What a JSON null leaves behind until codec_points_drop_nulls: it takes the place of an earlier
// value of its object, but is no point.
#define CODEC_POINTS_NULL ((enum model_value_type)0xFF)

struct codec_points {
    struct model_point *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; // index + 1 into items; NULL while scanning
    uint32_t mask;
    struct hash_key key;
};

// Room for `capacity` points in the arena. ERR_EXHAUSTED.
MUST_USE enum err codec_points_init(struct codec_points *points, struct arena *arena,
                                    uint32_t capacity, struct hash_key key);

// Empties it for at most `capacity` keys, not more than at init.
void codec_points_begin(struct codec_points *points, uint32_t capacity);

// The place for the value of `key`. There is room: the capacity counts every put.
struct model_value *codec_points_put(struct codec_points *points, struct slice key);

// Takes the nulls out; nothing may be put after it.
void codec_points_drop_nulls(struct codec_points *points);
