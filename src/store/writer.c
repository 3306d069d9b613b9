#include "store/writer.h"

#include <stdlib.h>

#include "base/log.h"
#include "plat/clock.h"
#include "store/lane_priv.h"

#define PASS_RECORDS_MAX 64U
#define NAPS_PER_DELAY 8U
#define READERS_QUEUE 4096U

enum err store_writer_create(const struct store_ops *ops, void *owned_backend,
                             const struct store_limits *limits, struct store **store)
{
    ASSERT(limits->commit_records_max > 0);
    *store = NULL;
    struct store *const made = calloc(1, sizeof(*made));
    if (made == NULL) {
        ops->close(owned_backend);
        return ERR_EXHAUSTED;
    }
    made->ops = ops;
    made->backend = owned_backend;
    made->limits = *limits;
    plat_mutex_init(&made->pause_mutex);
    plat_cond_init(&made->pause);
    made->items = calloc(limits->commit_records_max, sizeof(*made->items));
    enum err err = made->items == NULL ? ERR_EXHAUSTED : ERR_OK;
    if (err == ERR_OK) {
        err = plat_loop_create(&made->loop);
    }
    if (err != ERR_OK) {
        store_close(made);
        return err;
    }
    *store = made;
    return ERR_OK;
}

struct group {
    uint32_t count;
    size_t bytes;
};

static bool group_is_full(const struct store *store, const struct group *group)
{
    return group->count == store->limits.commit_records_max ||
           group->bytes >= STORE_GROUP_BYTES_MAX;
}

// False if it holds more.
static bool take_from_lane(struct store *store, struct store_lane *lane, struct group *group)
{
    for (uint32_t n = 0; n < PASS_RECORDS_MAX && !group_is_full(store, group); n++) {
        const struct slice bytes = ring_peek(lane->in);
        if (bytes.ptr == NULL) {
            return true;
        }
        ring_advance(lane->in);
        struct store_item *const item = &store->items[group->count++];
        group->bytes += bytes.len;
        item->lane = lane;
        item->err = ERR_OK;
        item->time_ms = 0;
        store_record_decode(bytes, &item->record);
    }
    return false;
}

static void look_for_flushed(struct store *store)
{
    for (unsigned i = 0; i < STORE_LANES_MAX / 64; i++) {
        if (atomic_load_explicit(&store->flushed[i], memory_order_relaxed) != 0) {
            store->unread[i] |=
                atomic_exchange_explicit(&store->flushed[i], 0, memory_order_acquire);
        }
    }
}

// Fills the group with what the lanes hold, in turns of PASS_RECORDS_MAX per lane.
static void gather(struct store *store, struct group *group)
{
    uint32_t before = 0;
    do {
        before = group->count;
        look_for_flushed(store);
        for (uint32_t i = 0; i < store->lane_count; i++) {
            const uint32_t index = (store->lane_next + i) % store->lane_count;
            const uint64_t bit = UINT64_C(1) << (index % 64);
            if ((store->unread[index / 64] & bit) != 0 &&
                take_from_lane(store, store->lanes[index], group)) {
                store->unread[index / 64] &= ~bit;
            }
        }
    } while (group->count > before && !group_is_full(store, group));
    store->lane_next = store->lane_count == 0 ? 0 : (store->lane_next + 1) % store->lane_count;
}

static void nap(struct store *store, struct mono until)
{
    plat_mutex_lock(&store->pause_mutex);
    (void)plat_cond_wait_until(&store->pause, &store->pause_mutex, until);
    plat_mutex_unlock(&store->pause_mutex);
}

// Waits for company, without being woken by each producer: a wake is a system call on their side.
static void gather_company(struct store *store, struct group *group)
{
    const uint64_t delay_ns = store->limits.commit_delay_max.ns;
    struct mono now = plat_clock_mono();
    const struct mono deadline = mono_add(now, store->limits.commit_delay_max);
    while (group->count < store->last_count && !group_is_full(store, group) &&
           !mono_reached(now, deadline)) {
        const struct span step = {delay_ns / NAPS_PER_DELAY + 1};
        nap(store, mono_earlier(mono_add(now, step), deadline));
        gather(store, group);
        now = plat_clock_mono();
    }
}

static void fail(struct store *store, enum err err)
{
    if (metric_read(&store->is_failed) == 0) {
        metric_set(&store->is_failed, 1);
        LOG(LOG_ERROR, "store.read_only", LOG_TEXT("reason", err_text(err)));
    }
    metric_add(&store->failures, 1);
}

static void refuse(struct store_item *items, uint32_t count, enum err err)
{
    for (uint32_t i = 0; i < count; i++) {
        items[i].err = err;
    }
}

static void count_group(struct store *store, uint32_t count)
{
    uint64_t points = 0;
    for (uint32_t i = 0; i < count; i++) {
        points += store->items[i].record.point_count;
    }
    metric_add(&store->records, count);
    metric_add(&store->points, points);
}

static void commit_group(struct store *store, uint32_t count, struct store_now now)
{
    uint32_t done = 0;
    while (done < count && metric_read(&store->is_failed) == 0) {
        uint32_t taken = 0;
        const struct mono begin = plat_clock_mono();
        const enum err err =
            store->ops->commit(store->backend, store->items + done, count - done, now, &taken);
        ASSERT(taken > 0 && taken <= count - done);
        if (err != ERR_OK) {
            fail(store, err);
            refuse(store->items + done, taken, ERR_IO);
        } else {
            metric_add(&store->commits, 1);
            histogram_add(&store->commit_size, taken);
            histogram_add(&store->commit_time, mono_since(plat_clock_mono(), begin).ns / 1000);
        }
        done += taken;
    }
    refuse(store->items + done, count - done, ERR_UNAVAILABLE);
    count_group(store, done);
    if (count > metric_read(&store->commit_size_max)) {
        metric_set(&store->commit_size_max, count);
    }
}

// What lanes remember of these devices is not right any more.
static void mark_changes(struct store *store, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct store_record_view *const record = &store->items[i].record;
        if (record->kinds != 0) {
            store_changes_mark(&store->changes, record->device, record->kinds);
        }
    }
}

static void complete_group(struct store *store, uint32_t count)
{
    mark_changes(store, count);
    for (uint32_t i = 0; i < count; i++) {
        store_lane_post(&store->items[i]);
    }
    for (uint32_t i = 0; i < store->lane_count; i++) {
        store_lane_publish(store->lanes[i]);
    }
}

// One group, if there is anything; returns how many records it held.
static uint32_t turn(struct store *store)
{
    struct group group = {0, 0};
    gather(store, &group);
    if (group.count == 0) {
        return 0;
    }
    gather_company(store, &group);
    store->last_count = group.count;
    commit_group(store, group.count, (struct store_now){plat_clock_mono(), plat_clock_wall()});
    complete_group(store, group.count);
    return group.count;
}

static struct mono tick(struct store *store)
{
    struct mono again = MONO_NEVER;
    if (metric_read(&store->is_failed) == 0) {
        const struct store_now now = {plat_clock_mono(), plat_clock_wall()};
        const enum err err = store->ops->tick(store->backend, now, &again);
        if (err != ERR_OK) {
            fail(store, err);
        }
    }
    return again;
}

static void run(void *context)
{
    struct store *const store = context;
    uint32_t tags[PLAT_LOOP_READY_MAX];
    while (metric_read(&store->is_stopping) == 0) {
        const uint32_t count = turn(store);
        const struct mono again = tick(store);
        if (count == 0) {
            (void)plat_loop_wait(store->loop, plat_clock_mono(), again, tags);
        }
    }
    // What was flushed before store_stop is still served.
    while (turn(store) > 0) {
    }
    for (uint32_t i = 0; i < store->lane_count; i++) {
        store_lane_end(store->lanes[i]);
    }
}

void store_set_lives(struct store *store, const struct store_lives *lives)
{
    ASSERT(!store->is_running);
    store->ops->set_lives(store->backend, lives);
}

enum err store_replay(struct store *store, char message[256])
{
    ASSERT(!store->is_running && !store->is_replayed);
    store->is_replayed = true;
    return store->ops->replay == NULL ? ERR_OK : store->ops->replay(store->backend, message);
}

enum err store_start(struct store *store)
{
    ASSERT(!store->is_running && (store->is_replayed || store->ops->replay == NULL));
    enum err err =
        plat_workpool_create(&store->readers, "store-reader", STORE_LOAD_THREADS, READERS_QUEUE);
    if (err == ERR_OK) {
        err = plat_thread_start(&store->thread, "store", -1, store, run);
    }
    store->is_running = err == ERR_OK;
    return err;
}

void store_stop(struct store *store)
{
    if (store->is_running) {
        metric_set(&store->is_stopping, 1);
        plat_loop_wake(store->loop);
        plat_thread_join(&store->thread);
        store->is_running = false;
    }
    if (store->readers != NULL) {
        plat_workpool_destroy(store->readers);
        store->readers = NULL;
    }
}

void store_close(struct store *store)
{
    ASSERT(!store->is_running && store->readers == NULL);
    store->ops->close(store->backend);
    for (uint32_t i = 0; i < store->lane_count; i++) {
        store_lane_destroy(store->lanes[i]);
    }
    if (store->loop != NULL) {
        plat_loop_destroy(store->loop);
    }
    plat_cond_deinit(&store->pause);
    plat_mutex_deinit(&store->pause_mutex);
    free(store->items);
    free(store);
}

enum err store_range(struct store *store, const struct store_range *range, void *context,
                     store_point_fn *emit)
{
    return store->ops->range(store->backend, range, context, emit);
}

enum err store_latest(struct store *store, struct tenant_id tenant, struct device_id device,
                      const struct slice *keys, uint32_t key_count, void *context,
                      store_point_fn *emit)
{
    (void)tenant;
    const struct store_latest_query query = {device, keys, key_count};
    return store->ops->latest(store->backend, &query, context, emit);
}

enum err store_keys(struct store *store, struct tenant_id tenant, struct device_id device,
                    void *context, store_key_fn *emit)
{
    (void)tenant;
    return store->ops->keys(store->backend, device, context, emit);
}

enum err store_state_scan(struct store *store, const struct store_state_query *query, void *context,
                          store_state_fn *emit)
{
    return store->ops->state(store->backend, query, context, emit);
}

void store_traces(struct store *store, struct wall since, void *context, store_trace_fn *emit)
{
    store->ops->traces(store->backend, since, context, emit);
}

const struct histogram *store_commit_time(const struct store *store)
{
    return &store->commit_time;
}

const struct histogram *store_commit_size(const struct store *store)
{
    return &store->commit_size;
}

struct store_stats store_stats(struct store *store)
{
    struct store_stats stats = {
        .commits = metric_read(&store->commits),
        .records = metric_read(&store->records),
        .points = metric_read(&store->points),
        .commit_size_max = metric_read(&store->commit_size_max),
        .failures = metric_read(&store->failures),
        .read_only = metric_read(&store->is_failed) != 0,
    };
    store->ops->stats(store->backend, &stats);
    store_lanes_count(store, &stats);
    return stats;
}
