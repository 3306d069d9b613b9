// base/map.h: a fixed-size hash map from a 64-bit key (a hash or an id; 0 is allowed) to a 32-bit
// value, the place of what has the key. Open addressing, linear probing, deletion by backward
// shift. The map keeps half of the key only, so the caller compares what the value names; several
// values may stand under one key.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

struct map;

#define MAP_NONE UINT32_MAX

// Bytes that `map_init` uses for this many entries: about 11 for each.
size_t map_footprint(uint32_t entries_max);
// Builds the map inside `memory` (zeroed, aligned to 8), which outlives it.
struct map *map_init(void *memory, uint32_t entries_max);

// Adds an entry; one that is there already is added once more. `value` is not MAP_NONE. False when
// `entries_max` entries are in it.
MUST_USE bool map_put(struct map *map, uint64_t key, uint32_t value);
// Calls `match` with each value under `key`, and rarely with one under another key, until it
// returns true; that value, or MAP_NONE. `match` must not change the map.
uint32_t map_find(const struct map *map, uint64_t key, void *context,
                  bool (*match)(void *context, uint32_t value));
// Removes one entry (key, value) if it is there.
void map_remove(struct map *map, uint64_t key, uint32_t value);
uint32_t map_count(const struct map *map);

// Asserts every invariant. For tests and the simulator.
void map_check(const struct map *map);
