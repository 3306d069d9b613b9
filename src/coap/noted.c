#include "coap/noted.h"

#include "base/assert.h"
#include "base/map.h"

struct place {
    uint64_t hash;
    uint64_t ticket; // 0: free
};

struct coap_noted {
    struct map *map;
    uint32_t next; // the place that was written longest ago
    uint32_t count;
    struct place places[COAP_NOTED_MAX];
};

static size_t round64(size_t size)
{
    return (size + 63U) & ~(size_t)63U;
}

size_t coap_noted_footprint(void)
{
    return round64(sizeof(struct coap_noted)) + round64(map_footprint(COAP_NOTED_MAX));
}

struct coap_noted *coap_noted_init(void *memory)
{
    struct coap_noted *noted = memory;
    noted->map = map_init((uint8_t *)memory + round64(sizeof(*noted)), COAP_NOTED_MAX);
    return noted;
}

void coap_noted_put(struct coap_noted *noted, uint64_t hash, uint64_t ticket)
{
    const uint32_t position = noted->next;
    struct place *place = &noted->places[position];
    noted->next = (noted->next + 1) % COAP_NOTED_MAX;
    if (place->ticket != 0) {
        map_remove(noted->map, place->hash, position);
        noted->count--;
    }
    noted->count++;
    *place = (struct place){hash, ticket};
    const bool put = map_put(noted->map, hash, position);
    ASSERT(put);
}

struct search {
    const struct coap_noted *noted;
    uint64_t hash;
};

static bool has_hash(void *context, uint32_t position)
{
    const struct search *search = context;
    return search->noted->places[position].hash == search->hash;
}

uint64_t coap_noted_take(struct coap_noted *noted, uint64_t hash)
{
    struct search search = {noted, hash};
    const uint32_t position = map_find(noted->map, hash, &search, has_hash);
    if (position == MAP_NONE) {
        return 0;
    }
    const uint64_t ticket = noted->places[position].ticket;
    map_remove(noted->map, hash, position);
    noted->places[position].ticket = 0;
    noted->count--;
    return ticket;
}

uint32_t coap_noted_count(const struct coap_noted *noted)
{
    return noted->count;
}
