#include "store/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/fixture.h"

#define DAY_MS INT64_C(86400000)
#define WALK_DEVICES 5U
#define WALK_DEVICE_OFTEN 3U

void store_walk_init(struct store_walk *walk, uint64_t seed)
{
    static const char *const names[8] = {"a", "b", "c", "d", "e", "temperature", "f", "g"};
    *walk = (struct store_walk){.clock_ms = 1000 * DAY_MS};
    random_init(&walk->random, seed);
    for (uint32_t i = 0; i < 8; i++) {
        walk->keys[i] = slice_text(names[i]);
    }
}

static int64_t walk_time(struct store_walk *walk)
{
    struct random *const random = &walk->random;
    switch (random_below(random, 8)) {
    case 0:
        return (int64_t)random_below(random, 6) * DAY_MS - 3 * DAY_MS;
    case 1:
        return (int64_t)random_below(random, 50) - 25;
    case 2:
        return walk->clock_ms - (int64_t)random_below(random, 3 * (uint64_t)DAY_MS);
    default:
        return walk->clock_ms + (int64_t)random_below(random, 20);
    }
}

static struct model_value walk_value(struct store_walk *walk)
{
    struct model_value value = {.type = (enum model_value_type)random_below(&walk->random, 5)};
    const uint64_t chance = random_next(&walk->random);
    char *const text = walk->texts[walk->text_count++ % 64];
    switch (value.type) {
    case MODEL_VALUE_BOOLEAN:
        value.boolean = (chance & 1) != 0;
        break;
    case MODEL_VALUE_LONG:
        value.number = (int64_t)(chance >> (chance & 63));
        break;
    case MODEL_VALUE_DOUBLE:
        value.real = (double)(int64_t)chance / 1024.0;
        break;
    case MODEL_VALUE_STRING:
    case MODEL_VALUE_JSON:
        value.text = slice_of(
            text, (size_t)snprintf(text, 24, "{%llu}", (unsigned long long)(chance >> 40)));
        break;
    }
    return value;
}

static uint64_t walk_ttl(struct store_walk *walk)
{
    struct random *const random = &walk->random;
    if (!walk->with_expiry || random_chance(random, 3, 4)) {
        return 0;
    }
    // Over since long, or not for a century.
    return random_chance(random, 1, 2) ? 1 + random_below(random, 100000)
                                       : UINT64_C(100) * 365 * 86400;
}

static void walk_ahead(struct store_walk *walk, struct model_reading *reading)
{
    if (walk->with_expiry && random_chance(&walk->random, 1, 16)) {
        reading->time_ms = walk->clock_ms + (int64_t)random_below(&walk->random, 200) * DAY_MS;
    }
}

static struct store_record walk_save(struct store_walk *walk, struct device_id device)
{
    struct random *const random = &walk->random;
    uint32_t points = 0;
    walk->all = (struct model_readings){walk->readings, 1 + (uint32_t)random_below(random, 4), 0};
    walk->clock_ms += (int64_t)random_below(random, 2000);
    for (uint32_t i = 0; i < walk->all.count; i++) {
        const uint32_t count = (uint32_t)random_below(random, 6);
        walk->readings[i] = (struct model_reading){random_chance(random, 3, 4) != 0,
                                                   walk_time(walk), &walk->points[points], count};
        walk_ahead(walk, &walk->readings[i]);
        for (uint32_t p = 0; p < count; p++) {
            const struct slice key = walk->keys[random_below(random, 8)];
            walk->points[points++] = (struct model_point){key, walk_value(walk)};
        }
    }
    walk->all.point_count = points;
    return (struct store_record){
        .verb = STORE_SAVE,
        .tenant = STORE_FIXTURE_TENANT,
        .device = device,
        .save = {&walk->all,
                 {walk->clock_ms - 1},
                 walk_ttl(walk),
                 random_chance(random, 9, 10) != 0,
                 random_chance(random, 9, 10) != 0},
    };
}

static struct store_record walk_delete(struct store_walk *walk, struct device_id device)
{
    struct random *const random = &walk->random;
    const int64_t start_ms = walk_time(walk);
    return (struct store_record){
        .verb = STORE_DELETE,
        .tenant = STORE_FIXTURE_TENANT,
        .device = device,
        .delete = {&walk->keys[random_below(random, 6)], (uint32_t)random_below(random, 3),
                   random_chance(random, 1, 8) != 0, start_ms,
                   start_ms + (int64_t)random_below(random, 2 * (uint64_t)DAY_MS),
                   random_chance(random, 1, 2) != 0, random_chance(random, 1, 2) != 0},
    };
}

struct store_record store_walk_next(struct store_walk *walk)
{
    struct random *const random = &walk->random;
    const bool is_common = random_chance(random, 3, 4) != 0;
    const struct device_id device = {1 + (is_common ? random_below(random, WALK_DEVICE_OFTEN)
                                                    : random_below(random, WALK_DEVICES))};
    const uint64_t chance = random_below(random, 400);
    if (chance == 0 && device.number > WALK_DEVICE_OFTEN) {
        return (struct store_record){
            .verb = STORE_PURGE, .tenant = STORE_FIXTURE_TENANT, .device = device};
    }
    return chance < 24 ? walk_delete(walk, device) : walk_save(walk, device);
}

static void add_text(struct store_fixture_text *out, char *owned_text)
{
    for (size_t at = 0, len = strlen(owned_text); at < len; at += 1024) {
        store_fixture_append(out, "%.1024s", owned_text + at);
    }
    store_fixture_append(out, "\n");
    free(owned_text);
}

static void dump_ranges(struct store_fixture_text *out, struct store *store,
                        struct device_id device, struct slice key, struct wall now)
{
    static const struct {
        int64_t start_ms, end_ms;
        uint32_t limit;
    } cuts[] = {
        {INT64_MIN, INT64_MAX, 0}, {-10, 10, 0},           {998 * DAY_MS, 999 * DAY_MS + 5000, 0},
        {INT64_MIN, INT64_MAX, 3}, {0, 1001 * DAY_MS, 40},
    };
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]) * 2; i++) {
        const struct store_range range = {.tenant = STORE_FIXTURE_TENANT,
                                          .device = device,
                                          .key = key,
                                          .start_ms = cuts[i / 2].start_ms,
                                          .end_ms = cuts[i / 2].end_ms,
                                          .limit = cuts[i / 2].limit,
                                          .descending = i % 2 == 1,
                                          .now = now};
        store_fixture_append(out, "%.*s: ", SLICE_ARGS(key));
        add_text(out, store_fixture_range(store, &range));
    }
}

char *store_walk_dump(struct store *store, struct wall now)
{
    struct store_walk names;
    struct store_fixture_text out = {0};
    store_walk_init(&names, 0);
    for (uint64_t number = 1; number <= WALK_DEVICES; number++) {
        const struct device_id device = {number};
        store_fixture_append(&out, "device %u\n", (unsigned)number);
        add_text(&out, store_fixture_latest(store, device));
        add_text(&out, store_fixture_keys(store, device));
        for (uint32_t i = 0; i < 8; i++) {
            dump_ranges(&out, store, device, names.keys[i], now);
        }
    }
    return out.text;
}
