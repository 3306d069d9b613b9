// A third more cells than entries: at most 75% are in use, so a probe ends after a few steps.
// Removal shifts the rest of the run back, so there are no tombstones and a table that churns for
// years stays as fast as a new one. A cell of zeros is empty: memory of the kernel's is not touched
// before it is used.
#include "base/map.h"

struct map_cell {
    uint32_t tag;
    uint32_t entry; // the value + 1; 0: empty
};

_Static_assert(sizeof(struct map_cell) == 8, "tables have millions of cells");

struct map {
    uint32_t entries_max;
    uint32_t count;
    uint32_t cells_count;
    uint32_t unused;
    struct map_cell cells[];
};

static uint32_t cells_for(uint32_t entries_max)
{
    ASSERT(entries_max <= UINT32_MAX / 2);
    // One more than the entries at least, so that every probe meets an empty cell.
    return entries_max + entries_max / 3 + 1;
}

size_t map_footprint(uint32_t entries_max)
{
    return sizeof(struct map) + cells_for(entries_max) * sizeof(struct map_cell);
}

struct map *map_init(void *memory, uint32_t entries_max)
{
    struct map *map = memory;

    ASSERT((uintptr_t)memory % _Alignof(struct map) == 0);
    *map = (struct map){.entries_max = entries_max, .cells_count = cells_for(entries_max)};
    return map;
}

// Ids come in sequence, so the key is spread by the golden ratio; the upper half is all that a cell
// keeps of it.
static uint32_t tag_of(uint64_t key)
{
    return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

// Scaled to the number of cells, which need not be a power of two.
static uint32_t home_of(const struct map *map, uint32_t tag)
{
    return (uint32_t)(((uint64_t)tag * map->cells_count) >> 32);
}

static uint32_t next_cell(const struct map *map, uint32_t index)
{
    return index + 1 == map->cells_count ? 0 : index + 1;
}

// Steps from the home of its key to the cell.
static uint32_t distance_from_home(const struct map *map, uint32_t index)
{
    const uint32_t home = home_of(map, map->cells[index].tag);
    return index >= home ? index - home : index + (map->cells_count - home);
}

bool map_put(struct map *map, uint64_t key, uint32_t value)
{
    const uint32_t tag = tag_of(key);
    uint32_t index = home_of(map, tag);

    ASSERT(value != MAP_NONE);
    if (map->count == map->entries_max) {
        return false;
    }
    while (map->cells[index].entry != 0) {
        index = next_cell(map, index);
    }
    map->cells[index] = (struct map_cell){tag, value + 1};
    map->count++;
    return true;
}

uint32_t map_find(const struct map *map, uint64_t key, void *context,
                  bool (*match)(void *context, uint32_t value))
{
    const uint32_t tag = tag_of(key);
    uint32_t index = home_of(map, tag);

    while (map->cells[index].entry != 0) {
        const struct map_cell *cell = &map->cells[index];
        if (cell->tag == tag && match(context, cell->entry - 1)) {
            return cell->entry - 1;
        }
        index = next_cell(map, index);
    }
    return MAP_NONE;
}

// Fills the hole at `hole` from the cells behind it: a cell may move back into the hole if its home
// is not between the two.
static void close_hole(struct map *map, uint32_t hole)
{
    uint32_t gap = 1; // steps from the hole to the cell that is looked at
    uint32_t index = next_cell(map, hole);

    while (map->cells[index].entry != 0) {
        if (distance_from_home(map, index) >= gap) {
            map->cells[hole] = map->cells[index];
            hole = index;
            gap = 0;
        }
        index = next_cell(map, index);
        gap++;
    }
    map->cells[hole] = (struct map_cell){0};
}

void map_remove(struct map *map, uint64_t key, uint32_t value)
{
    const struct map_cell wanted = {tag_of(key), value + 1};
    uint32_t index = home_of(map, wanted.tag);

    ASSERT(value != MAP_NONE);
    while (map->cells[index].entry != 0) {
        if (map->cells[index].tag == wanted.tag && map->cells[index].entry == wanted.entry) {
            close_hole(map, index);
            map->count--;
            return;
        }
        index = next_cell(map, index);
    }
}

uint32_t map_count(const struct map *map)
{
    return map->count;
}

void map_check(const struct map *map)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < map->cells_count; i++) {
        if (map->cells[i].entry == 0) {
            continue;
        }
        count++;
        // Every cell from the home on must be in use, or a probe would end before it gets here.
        uint32_t at = home_of(map, map->cells[i].tag);
        while (at != i) {
            ASSERT(map->cells[at].entry != 0);
            at = next_cell(map, at);
        }
    }
    ASSERT(count == map->count);
    ASSERT(count <= map->entries_max);
}
