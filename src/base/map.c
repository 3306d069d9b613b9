#include "base/map.h"

#include "base/hash.h"

struct entry {
    uint64_t key;
    uint32_t value;  // MAP_NONE: free
    uint32_t unused;
};

struct map {
    uint32_t count;
    uint32_t entries_max;
    uint32_t mask;
    uint32_t unused;
    struct entry entries[];
};

// At most half full.
static uint32_t table_size(uint32_t entries_max)
{
    uint32_t size = 16;
    while (size < entries_max * 2U) {
        size *= 2;
    }
    return size;
}

size_t map_footprint(uint32_t entries_max)
{
    return sizeof(struct map) + table_size(entries_max) * sizeof(struct entry);
}

struct map *map_init(void *memory, uint32_t entries_max)
{
    ASSERT(entries_max < UINT32_MAX / 4);
    struct map *map = memory;
    *map = (struct map){.entries_max = entries_max, .mask = table_size(entries_max) - 1};
    for (uint32_t i = 0; i <= map->mask; i++) {
        map->entries[i] = (struct entry){0, MAP_NONE, 0};
    }
    return map;
}

static uint32_t home(const struct map *map, uint64_t key)
{
    return (uint32_t)hash_word(key) & map->mask;
}

bool map_put(struct map *map, uint64_t key, uint32_t value)
{
    ASSERT(value != MAP_NONE);
    if (map->count == map->entries_max) {
        return false;
    }
    uint32_t at = home(map, key);
    while (map->entries[at].value != MAP_NONE) {
        at = (at + 1) & map->mask;
    }
    map->entries[at] = (struct entry){key, value, 0};
    map->count++;
    return true;
}

uint32_t map_find(const struct map *map, uint64_t key, void *context,
                  bool (*match)(void *context, uint32_t value))
{
    for (uint32_t at = home(map, key); map->entries[at].value != MAP_NONE;
         at = (at + 1) & map->mask) {
        const struct entry *entry = &map->entries[at];
        if (entry->key == key && (match == NULL || match(context, entry->value))) {
            return entry->value;
        }
    }
    return MAP_NONE;
}

uint32_t map_get(const struct map *map, uint64_t key)
{
    return map_find(map, key, NULL, NULL);
}

// Fills the hole with later entries of the run that may stand there (backward shift).
static void close_hole(struct map *map, uint32_t hole)
{
    for (uint32_t at = (hole + 1) & map->mask; map->entries[at].value != MAP_NONE;
         at = (at + 1) & map->mask) {
        const uint32_t distance = (at - home(map, map->entries[at].key)) & map->mask;
        if (distance >= ((at - hole) & map->mask)) {
            map->entries[hole] = map->entries[at];
            hole = at;
        }
    }
    map->entries[hole] = (struct entry){0, MAP_NONE, 0};
}

void map_remove(struct map *map, uint64_t key, uint32_t value)
{
    for (uint32_t at = home(map, key); map->entries[at].value != MAP_NONE;
         at = (at + 1) & map->mask) {
        if (map->entries[at].key == key && map->entries[at].value == value) {
            close_hole(map, at);
            map->count--;
            return;
        }
    }
}

uint32_t map_count(const struct map *map)
{
    return map->count;
}
