#include "coap/bodies.h"

#include <string.h>

#include "base/map.h"
#include "base/pool.h"
#include "coap/code.h"
#include "coap/endpoint.h"

#define NO_CHUNK UINT32_MAX

// Bodies stand in a list by the time of their last block, oldest first; all live equally long.
struct body {
    uint64_t key;
    uint64_t owner;
    struct mono deadline;
    uint32_t bytes_max;
    uint32_t content_format;
    uint32_t len;
    uint32_t first_chunk;
    uint32_t last_chunk;
    uint32_t newer; // position + 1
    uint32_t older;
};

struct coap_bodies {
    struct coap_bodies_limits limits;
    struct pool *pool;
    struct map *map;
    uint32_t *chunk_next;
    uint8_t *chunks;
    uint8_t *whole; // the last complete body
    uint32_t chunk_count;
    uint32_t chunk_fresh;
    uint32_t chunk_free; // chain, NO_CHUNK at its end
    uint32_t chunks_taken;
    uint32_t oldest; // position + 1
    uint32_t newest;
    uint32_t unproven;
};

static size_t round64(size_t size)
{
    return (size + 63U) & ~(size_t)63U;
}

size_t coap_bodies_footprint(struct coap_bodies_limits limits)
{
    const size_t chunks = limits.bytes_max / COAP_BODY_CHUNK;
    return round64(sizeof(struct coap_bodies)) +
           round64(pool_footprint(limits.bodies_max, sizeof(struct body))) +
           round64(map_footprint(limits.bodies_max)) + round64(chunks * sizeof(uint32_t)) +
           chunks * COAP_BODY_CHUNK + COAP_BODY_MAX;
}

struct coap_bodies *coap_bodies_init(void *memory, struct coap_bodies_limits limits)
{
    struct coap_bodies *bodies = memory;
    uint8_t *at = (uint8_t *)memory + round64(sizeof(*bodies));
    *bodies = (struct coap_bodies){.limits = limits,
                                   .chunk_count = limits.bytes_max / COAP_BODY_CHUNK,
                                   .chunk_free = NO_CHUNK};
    bodies->pool = pool_init(at, limits.bodies_max, sizeof(struct body));
    at += round64(pool_footprint(limits.bodies_max, sizeof(struct body)));
    bodies->map = map_init(at, limits.bodies_max);
    at += round64(map_footprint(limits.bodies_max));
    bodies->chunk_next = (uint32_t *)(void *)at;
    at += round64(bodies->chunk_count * sizeof(uint32_t));
    bodies->chunks = at;
    bodies->whole = at + (size_t)bodies->chunk_count * COAP_BODY_CHUNK;
    return bodies;
}

static struct body *body_at(const struct coap_bodies *bodies, uint32_t position)
{
    bool taken = false;
    struct body *body = pool_at(bodies->pool, position, &taken);
    ASSERT(taken);
    return body;
}

struct search {
    const struct coap_bodies *bodies;
    uint64_t key;
};

static bool has_key(void *context, uint32_t position)
{
    const struct search *search = context;
    return body_at(search->bodies, position)->key == search->key;
}

static struct body *find(const struct coap_bodies *bodies, uint64_t key)
{
    struct search search = {bodies, key};
    const uint32_t position = map_find(bodies->map, key, &search, has_key);
    return position == MAP_NONE ? NULL : body_at(bodies, position);
}

static uint32_t position_of(const struct coap_bodies *bodies, const struct body *body)
{
    return pool_handle_of(bodies->pool, body).index;
}

static void unlink_body(struct coap_bodies *bodies, struct body *body)
{
    if (body->newer != 0) {
        body_at(bodies, body->newer - 1)->older = body->older;
    } else {
        bodies->newest = body->older;
    }
    if (body->older != 0) {
        body_at(bodies, body->older - 1)->newer = body->newer;
    } else {
        bodies->oldest = body->newer;
    }
}

static void link_newest(struct coap_bodies *bodies, struct body *body, struct mono now)
{
    const uint32_t position = position_of(bodies, body);
    body->deadline = mono_add(now, span_ms(COAP_EXCHANGE_LIFETIME_MS));
    body->newer = 0;
    body->older = bodies->newest;
    if (bodies->newest != 0) {
        body_at(bodies, bodies->newest - 1)->newer = position + 1;
    } else {
        bodies->oldest = position + 1;
    }
    bodies->newest = position + 1;
}

static uint32_t chunk_take(struct coap_bodies *bodies)
{
    uint32_t chunk = bodies->chunk_free;
    if (chunk != NO_CHUNK) {
        bodies->chunk_free = bodies->chunk_next[chunk];
    } else if (bodies->chunk_fresh < bodies->chunk_count) {
        chunk = bodies->chunk_fresh++;
    } else {
        return NO_CHUNK;
    }
    bodies->chunk_next[chunk] = NO_CHUNK;
    bodies->chunks_taken++;
    return chunk;
}

static uint32_t chunks_of(const struct body *body)
{
    return (body->len + COAP_BODY_CHUNK - 1) / COAP_BODY_CHUNK;
}

static void forget(struct coap_bodies *bodies, struct body *body)
{
    if (body->first_chunk != NO_CHUNK) {
        bodies->chunk_next[body->last_chunk] = bodies->chunk_free;
        bodies->chunk_free = body->first_chunk;
        bodies->chunks_taken -= chunks_of(body);
    }
    bodies->unproven -= body->owner == 0 ? 1 : 0;
    unlink_body(bodies, body);
    map_remove(bodies->map, body->key, position_of(bodies, body));
    pool_give(bodies->pool, pool_handle_of(bodies->pool, body));
}

// Makes room for one more of the owner.
static void limit_owner(struct coap_bodies *bodies, uint64_t owner)
{
    struct body *oldest = NULL;
    uint32_t count = 0;
    for (uint32_t at = bodies->oldest; at != 0; at = body_at(bodies, at - 1)->newer) {
        struct body *body = body_at(bodies, at - 1);
        if (body->owner == owner) {
            oldest = oldest == NULL ? body : oldest;
            count++;
        }
    }
    if (count >= (owner == 0 ? bodies->limits.unproven_max : COAP_BODIES_OF_ONE)) {
        forget(bodies, oldest);
    }
}

enum err coap_bodies_begin(struct coap_bodies *bodies, struct mono now,
                           const struct coap_body_terms *terms)
{
    ASSERT(terms->bytes_max <= COAP_BODY_MAX);
    struct body *body = find(bodies, terms->key);
    if (body != NULL) {
        forget(bodies, body);
    }
    limit_owner(bodies, terms->owner);
    struct pool_handle handle;
    body = pool_take(bodies->pool, &handle);
    if (body == NULL) {
        return ERR_EXHAUSTED;
    }
    body->key = terms->key;
    body->bytes_max = terms->bytes_max;
    body->content_format = terms->content_format;
    body->owner = terms->owner;
    body->first_chunk = body->last_chunk = NO_CHUNK;
    bodies->unproven += terms->owner == 0 ? 1 : 0;
    const bool put = map_put(bodies->map, body->key, handle.index);
    ASSERT(put);
    link_newest(bodies, body, now);
    return ERR_OK;
}

static bool append(struct coap_bodies *bodies, struct body *body, struct slice payload)
{
    while (payload.len > 0) {
        const uint32_t used = body->len % COAP_BODY_CHUNK;
        if (used == 0) {
            const uint32_t chunk = chunk_take(bodies);
            if (chunk == NO_CHUNK) {
                return false;
            }
            if (body->first_chunk == NO_CHUNK) {
                body->first_chunk = chunk;
            } else {
                bodies->chunk_next[body->last_chunk] = chunk;
            }
            body->last_chunk = chunk;
        }
        const uint32_t room = COAP_BODY_CHUNK - used;
        const uint32_t len = payload.len < room ? (uint32_t)payload.len : room;
        memcpy(bodies->chunks + (size_t)body->last_chunk * COAP_BODY_CHUNK + used, payload.ptr,
               len);
        body->len += len;
        payload = slice_sub(payload, len, payload.len);
    }
    return true;
}

static struct slice put_together(struct coap_bodies *bodies, const struct body *body)
{
    uint32_t len = 0;
    for (uint32_t chunk = body->first_chunk; chunk != NO_CHUNK; chunk = bodies->chunk_next[chunk]) {
        const uint32_t rest = body->len - len;
        const uint32_t part = rest < COAP_BODY_CHUNK ? rest : COAP_BODY_CHUNK;
        memcpy(bodies->whole + len, bodies->chunks + (size_t)chunk * COAP_BODY_CHUNK, part);
        len += part;
    }
    return slice_of(bodies->whole, len);
}

enum coap_body_verdict coap_bodies_take(struct coap_bodies *bodies, struct mono now, uint64_t key,
                                        struct coap_block block, uint32_t content_format,
                                        struct slice payload, struct slice *whole, uint32_t *limit)
{
    struct body *body = find(bodies, key);
    const uint32_t size = coap_block_size(block);
    if (body == NULL || (uint64_t)block.number * size != body->len ||
        content_format != body->content_format || payload.len > size ||
        (block.more && payload.len != size)) {
        return COAP_BODY_GAP;
    }
    *limit = body->bytes_max;
    if (body->len + payload.len > body->bytes_max) {
        forget(bodies, body);
        return COAP_BODY_TOO_LARGE;
    }
    if (!append(bodies, body, payload)) {
        forget(bodies, body);
        return COAP_BODY_EXHAUSTED;
    }
    if (block.more) {
        unlink_body(bodies, body);
        link_newest(bodies, body, now);
        return COAP_BODY_CONTINUE;
    }
    *whole = put_together(bodies, body);
    forget(bodies, body);
    return COAP_BODY_COMPLETE;
}

bool coap_bodies_known(const struct coap_bodies *bodies, uint64_t key)
{
    return find(bodies, key) != NULL;
}

struct mono coap_bodies_deadline(const struct coap_bodies *bodies)
{
    return bodies->oldest == 0 ? MONO_NEVER : body_at(bodies, bodies->oldest - 1)->deadline;
}

struct mono coap_bodies_expire(struct coap_bodies *bodies, struct mono now)
{
    while (bodies->oldest != 0 && mono_reached(now, coap_bodies_deadline(bodies))) {
        forget(bodies, body_at(bodies, bodies->oldest - 1));
    }
    return coap_bodies_deadline(bodies);
}

struct coap_bodies_stats coap_bodies_stats(const struct coap_bodies *bodies)
{
    return (struct coap_bodies_stats){.count = pool_taken(bodies->pool),
                                      .unproven = bodies->unproven,
                                      .bytes = bodies->chunks_taken * COAP_BODY_CHUNK};
}

void coap_bodies_check(const struct coap_bodies *bodies)
{
    uint32_t count = 0;
    uint32_t unproven = 0;
    uint32_t chunks = 0;
    for (uint32_t at = bodies->oldest; at != 0; at = body_at(bodies, at - 1)->newer) {
        const struct body *body = body_at(bodies, at - 1);
        count++;
        unproven += body->owner == 0 ? 1 : 0;
        chunks += chunks_of(body);
        ASSERT(body->len <= body->bytes_max);
    }
    uint32_t free_chunks = bodies->chunk_count - bodies->chunk_fresh;
    for (uint32_t at = bodies->chunk_free; at != NO_CHUNK; at = bodies->chunk_next[at]) {
        free_chunks++;
    }
    ASSERT(count == pool_taken(bodies->pool) && count == map_count(bodies->map));
    ASSERT(unproven == bodies->unproven);
    ASSERT(chunks + free_chunks == bodies->chunk_count && chunks == bodies->chunks_taken);
}
