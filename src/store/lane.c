#include "plat/memory.h"
#include "store/lane_priv.h"

#define LANE_RING_MIN 4096U
// The least that a record with a completion takes in the ring: header, verb, ids, trace.
#define LANE_RECORD_MIN 32U

static struct ring *ring_create(size_t size)
{
    void *const memory = plat_memory_reserve(ring_footprint(size));
    return memory == NULL ? NULL : ring_init(memory, size);
}

static void ring_destroy(struct ring *ring, size_t size)
{
    plat_memory_release(ring, ring_footprint(size));
}

static size_t power_of_two(size_t least)
{
    size_t size = LANE_RING_MIN;
    while (size < least) {
        size *= 2;
    }
    return size;
}

// 8 bytes of header and possibly a filler at the end: twice the net size is always enough.
static size_t out_size(size_t in_size)
{
    return power_of_two(in_size / LANE_RECORD_MIN * 2 * sizeof(struct store_completion));
}

size_t store_lane_footprint(size_t ring_bytes)
{
    const size_t size = power_of_two(ring_bytes);
    return sizeof(struct store_lane) + ring_footprint(size) + ring_footprint(out_size(size));
}

enum err store_lane_open(struct store *store, size_t ring_bytes, void *context, store_wake_fn *wake,
                         struct store_lane **lane)
{
    ASSERT(!store->is_running && ring_bytes <= SIZE_MAX / 4);
    *lane = NULL;
    if (store->lane_count == STORE_LANES_MAX) {
        return ERR_EXHAUSTED;
    }
    // Its loads are many; their memory is touched as they are used.
    struct store_lane *const made = plat_memory_reserve(sizeof(*made));
    if (made == NULL) {
        return ERR_EXHAUSTED;
    }
    const size_t size = power_of_two(ring_bytes);
    made->store = store;
    made->context = context;
    made->wake = wake;
    made->in_size = size;
    made->in_flight_max = size / LANE_RECORD_MIN;
    made->in = ring_create(size);
    made->out = ring_create(out_size(size));
    plat_mutex_init(&made->mutex);
    plat_cond_init(&made->posted);
    store_loads_init(&made->loads);
    if (made->in == NULL || made->out == NULL) {
        store_lane_destroy(made);
        return ERR_EXHAUSTED;
    }
    made->number = store->lane_count;
    store->lanes[store->lane_count++] = made;
    *lane = made;
    return ERR_OK;
}

void store_lane_destroy(struct store_lane *lane)
{
    store_loads_deinit(&lane->loads);
    plat_cond_deinit(&lane->posted);
    plat_mutex_deinit(&lane->mutex);
    ring_destroy(lane->in, lane->in_size);
    ring_destroy(lane->out, out_size(lane->in_size));
    plat_memory_release(lane, sizeof(*lane));
}

enum err store_submit(struct store_lane *lane, const struct store_record *record)
{
    if (metric_read(&lane->store->is_stopping) != 0) {
        return ERR_STOPPING;
    }
    const size_t room = store_record_room(record);
    if (room == 0 || room > ring_record_max(lane->in)) {
        return ERR_TOO_LARGE;
    }
    if (record->ticket != 0 && lane->in_flight == lane->in_flight_max) {
        return ERR_EXHAUSTED;
    }
    uint8_t *const memory = ring_reserve(lane->in, room);
    if (memory == NULL) {
        return ERR_EXHAUSTED;
    }
    const size_t len = store_record_encode(record, memory);
    ASSERT(len <= room);
    ring_commit(lane->in, len);
    lane->in_flight += record->ticket != 0;
    lane->has_unflushed = true;
    return ERR_OK;
}

void store_flush(struct store_lane *lane)
{
    if (lane->has_unflushed) {
        lane->has_unflushed = false;
        ring_publish(lane->in);
        atomic_fetch_or_explicit(&lane->store->flushed[lane->number / 64],
                                 UINT64_C(1) << (lane->number % 64), memory_order_release);
        plat_loop_wake(lane->store->loop);
    }
}

bool store_collect(struct store_lane *lane, struct store_completion *completion)
{
    const struct slice bytes = ring_peek(lane->out);
    if (bytes.ptr == NULL) {
        return false;
    }
    ASSERT(bytes.len == sizeof(*completion) && lane->in_flight > 0);
    memcpy(completion, bytes.ptr, sizeof(*completion));
    ring_advance(lane->out);
    ring_release(lane->out);
    lane->in_flight--;
    return true;
}

static bool collect_ticket(struct store_lane *lane, uint64_t ticket,
                           struct store_completion *completion)
{
    while (store_collect(lane, completion)) {
        if (completion->ticket == ticket) {
            return true;
        }
    }
    return false;
}

enum err store_await(struct store_lane *lane, uint64_t ticket, struct store_completion *completion)
{
    ASSERT(ticket != 0 && !lane->has_unflushed);
    plat_mutex_lock(&lane->mutex);
    bool is_found = collect_ticket(lane, ticket, completion);
    while (!is_found && !lane->is_ended) {
        lane->is_waiting = true;
        plat_cond_wait(&lane->posted, &lane->mutex);
        lane->is_waiting = false;
        is_found = collect_ticket(lane, ticket, completion);
    }
    plat_mutex_unlock(&lane->mutex);
    return is_found ? ERR_OK : ERR_STOPPING;
}

void store_lane_post(const struct store_item *item)
{
    struct store_lane *const lane = item->lane;
    lane->has_taken = true;
    if (item->record.ticket == 0) {
        return;
    }
    const struct store_completion completion = {
        .ticket = item->record.ticket, .err = item->err, .time_ms = item->time_ms};
    void *const memory = ring_reserve(lane->out, sizeof(completion));
    ASSERT(memory != NULL);
    memcpy(memory, &completion, sizeof(completion));
    ring_commit(lane->out, sizeof(completion));
    lane->has_posted = true;
}

void store_lane_publish(struct store_lane *lane)
{
    if (lane->has_taken) {
        ring_release(lane->in);
    }
    if (lane->has_posted) {
        ring_publish(lane->out);
        plat_mutex_lock(&lane->mutex);
        if (lane->is_waiting) {
            plat_cond_signal(&lane->posted);
        }
        plat_mutex_unlock(&lane->mutex);
        if (lane->wake != NULL) {
            lane->wake(lane->context);
        }
    }
    lane->has_taken = lane->has_posted = false;
}

void store_lane_end(struct store_lane *lane)
{
    plat_mutex_lock(&lane->mutex);
    lane->is_ended = true;
    plat_cond_broadcast(&lane->posted);
    plat_mutex_unlock(&lane->mutex);
}

void store_lanes_count(const struct store *store, struct store_stats *stats)
{
    for (uint32_t i = 0; i < store->lane_count; i++) {
        const struct store_lane *const lane = store->lanes[i];
        stats->lane_bytes += ring_used(lane->in);
        stats->loads += metric_read(&lane->loads.taken);
    }
}
