#include "store/recent.h"

#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/map.h"

#define UNIT 8U
// The map has a place for each entry of this size: most have some rows.
#define ENTRY_BYTES_USUAL 96U
#define SHARE_MAX 8U // of the bytes, for one entry

struct entry {
    uint32_t size;  // of all of it, in bytes
    uint32_t kinds; // 0: only `size` counts; it fills the ring up to its end
    uint64_t device;
    uint32_t stamp;
    uint32_t len; // of the rows behind it
};

// Places count on for ever; `size` divides them into rounds.
struct store_recent {
    struct map *places; // of entries, in units, within the round
    uint8_t *bytes;
    size_t size;
    uint64_t oldest;
    uint64_t next;
};

static uint32_t entries_max(size_t bytes)
{
    return (uint32_t)(bytes / ENTRY_BYTES_USUAL);
}

static size_t round_up(size_t size)
{
    return (size + UNIT - 1) / UNIT * UNIT;
}

static size_t at_least(size_t bytes)
{
    return round_up(bytes > STORE_RECENT_MIN ? bytes : STORE_RECENT_MIN);
}

size_t store_recent_footprint(size_t bytes)
{
    bytes = at_least(bytes);
    return round_up(sizeof(struct store_recent)) + round_up(map_footprint(entries_max(bytes))) +
           bytes;
}

struct store_recent *store_recent_init(void *memory, size_t bytes)
{
    bytes = at_least(bytes);
    ASSERT(bytes / UNIT < MAP_NONE);
    struct store_recent *const recent = memory;
    uint8_t *const map = (uint8_t *)memory + round_up(sizeof(*recent));
    *recent = (struct store_recent){
        .places = map_init(map, entries_max(bytes)),
        .bytes = map + round_up(map_footprint(entries_max(bytes))),
        .size = bytes,
    };
    return recent;
}

static uint64_t hash_of(struct store_recent_key key)
{
    return hash_word(key.device.number ^ (uint64_t)key.kinds << 48);
}

static struct entry *entry_at(const struct store_recent *recent, uint64_t place)
{
    return (struct entry *)(void *)(recent->bytes + place % recent->size);
}

static uint32_t unit_of(const struct store_recent *recent, uint64_t place)
{
    return (uint32_t)(place % recent->size / UNIT);
}

static void drop_oldest(struct store_recent *recent)
{
    const struct entry *const entry = entry_at(recent, recent->oldest);
    if (entry->kinds != 0) {
        const struct store_recent_key key = {{entry->device}, entry->kinds};
        // One that was replaced is not in the map any more.
        map_remove(recent->places, hash_of(key), unit_of(recent, recent->oldest));
    }
    recent->oldest += entry->size;
}

static void make_room(struct store_recent *recent, size_t size)
{
    while (recent->size - (recent->next - recent->oldest) < size ||
           map_count(recent->places) == entries_max(recent->size)) {
        drop_oldest(recent);
    }
}

// Memory for an entry, in one piece.
static struct entry *append(struct store_recent *recent, size_t size)
{
    const size_t left = recent->size - recent->next % recent->size;
    if (left < size) {
        make_room(recent, left);
        struct entry *const filler = entry_at(recent, recent->next);
        filler->size = (uint32_t)left;
        filler->kinds = 0;
        recent->next += left;
    }
    make_room(recent, size);
    struct entry *const entry = entry_at(recent, recent->next);
    recent->next += size;
    return entry;
}

struct wanted {
    const struct store_recent *recent;
    struct store_recent_key key;
};

static bool is_wanted(void *context, uint32_t unit)
{
    const struct wanted *const wanted = context;
    const struct entry *const entry = entry_at(wanted->recent, (uint64_t)unit * UNIT);
    return entry->device == wanted->key.device.number && entry->kinds == wanted->key.kinds;
}

static uint32_t find_unit(const struct store_recent *recent, struct store_recent_key key)
{
    struct wanted wanted = {recent, key};
    return map_find(recent->places, hash_of(key), &wanted, is_wanted);
}

void store_recent_keep(struct store_recent *recent, struct store_recent_key key, uint32_t stamp,
                       struct slice rows)
{
    ASSERT(key.kinds != 0);
    const size_t size = sizeof(struct entry) + round_up(rows.len);
    if (size > recent->size / SHARE_MAX) {
        return;
    }
    const uint32_t replaced = find_unit(recent, key);
    if (replaced != MAP_NONE) {
        map_remove(recent->places, hash_of(key), replaced);
    }
    struct entry *const entry = append(recent, size);
    *entry = (struct entry){.size = (uint32_t)size,
                            .kinds = key.kinds,
                            .device = key.device.number,
                            .stamp = stamp,
                            .len = (uint32_t)rows.len};
    if (rows.len > 0) {
        memcpy(entry + 1, rows.ptr, rows.len);
    }
    const uint32_t unit = unit_of(recent, recent->next - size);
    const bool is_put = map_put(recent->places, hash_of(key), unit);
    ASSERT(is_put);
}

bool store_recent_find(const struct store_recent *recent, struct store_recent_key key,
                       uint32_t stamp, struct slice *rows)
{
    const uint32_t unit = find_unit(recent, key);
    if (unit == MAP_NONE) {
        return false;
    }
    const struct entry *const entry = entry_at(recent, (uint64_t)unit * UNIT);
    *rows = slice_of(entry + 1, entry->len);
    return entry->stamp == stamp;
}

uint32_t store_recent_count(const struct store_recent *recent)
{
    return map_count(recent->places);
}

void store_recent_check(const struct store_recent *recent)
{
    uint32_t found = 0;
    ASSERT(recent->next >= recent->oldest && recent->next - recent->oldest <= recent->size);
    for (uint64_t place = recent->oldest; place < recent->next;) {
        const struct entry *const entry = entry_at(recent, place);
        const struct store_recent_key key = {{entry->device}, entry->kinds};
        ASSERT(entry->size >= UNIT && entry->size % UNIT == 0);
        ASSERT(place % recent->size + entry->size <= recent->size);
        found += entry->kinds != 0 && find_unit(recent, key) == unit_of(recent, place);
        place += entry->size;
    }
    ASSERT(found == map_count(recent->places));
    map_check(recent->places);
}
