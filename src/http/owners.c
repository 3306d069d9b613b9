#include "http/owners.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/pool.h"

struct owner {
    uint64_t number;
    uint32_t count;
};

struct http_owners {
    struct map *map; // places in the pool, by the hash of the number
    struct pool *pool;
    uint32_t share;
};

#define ALIGNED(size) (((size) + 15) / 16 * 16)

size_t http_owners_footprint(uint32_t places)
{
    return ALIGNED(sizeof(struct http_owners)) + ALIGNED(map_footprint(places)) +
           pool_footprint(places, sizeof(struct owner));
}

struct http_owners *http_owners_init(void *memory, uint32_t places)
{
    struct http_owners *owners = memory;
    uint8_t *const at = (uint8_t *)memory + ALIGNED(sizeof(*owners));
    ASSERT(places > 0);
    *owners = (struct http_owners){
        .map = map_init(at, places),
        .pool = pool_init(at + ALIGNED(map_footprint(places)), places, sizeof(struct owner)),
        .share = http_owners_share(places),
    };
    return owners;
}

struct search {
    const struct http_owners *owners;
    uint64_t number;
};

static bool is_wanted(void *context, uint32_t place)
{
    const struct search *search = context;
    bool taken = false;
    const struct owner *owner = pool_at(search->owners->pool, place, &taken);
    return owner->number == search->number;
}

// NULL: it has no place.
static struct owner *find(const struct http_owners *owners, uint64_t number)
{
    struct search search = {owners, number};
    bool taken = false;
    const uint32_t place = map_find(owners->map, hash_word(number), &search, is_wanted);
    return place == MAP_NONE ? NULL : pool_at(owners->pool, place, &taken);
}

bool http_owners_take(struct http_owners *owners, uint64_t number)
{
    struct owner *owner = find(owners, number);
    if (owner == NULL) {
        struct pool_handle handle;
        owner = pool_take(owners->pool, &handle);
        ASSERT(owner != NULL);
        owner->number = number;
        const bool is_put = map_put(owners->map, hash_word(number), handle.index);
        ASSERT(is_put);
    }
    if (owner->count == owners->share) {
        return false;
    }
    owner->count++;
    return true;
}

void http_owners_give(struct http_owners *owners, uint64_t number)
{
    struct owner *owner = find(owners, number);
    ASSERT(owner != NULL);
    owner->count--;
    if (owner->count == 0) {
        const struct pool_handle handle = pool_handle_of(owners->pool, owner);
        map_remove(owners->map, hash_word(number), handle.index);
        pool_give(owners->pool, handle);
    }
}

uint32_t http_owners_count(const struct http_owners *owners)
{
    return pool_taken(owners->pool);
}
