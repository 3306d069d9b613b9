#include "server/recall.h"

#include "base/log.h"
#include "plat/clock.h"
#include "plat/memory.h"
#include "plat/steer.h"
#include "server/trace.h"

// Tables of messages are much larger than the caches of a processor, and messages come in the order
// of time. So many are taken at once and sorted by the part of the table that each goes to.
#define BATCH 262144U
#define BINS (STEER_WORKERS_MAX * COAP_DEDUP_PARTS)
// Messages between asking for the place of one and putting it there.
#define AHEAD 16U

struct past {
    struct server_trace trace;
    uint32_t bin; // worker and part
    struct span age;
};

struct recall {
    struct server_worker *const *workers;
    unsigned worker_count;
    struct mono mono;
    struct wall now;
    uint64_t count;
    struct past *taken; // BATCH of them, in the order of time
    struct past *sorted;
    uint32_t taken_count;
    uint32_t bin_counts[BINS]; // of `taken`
};

static struct server_worker *worker_of(const struct recall *recall, const struct past *past)
{
    return recall->workers[past->bin / COAP_DEDUP_PARTS];
}

// By bins; those of one bin stay in the order of time.
static void sort(struct recall *recall)
{
    uint32_t at = 0;
    for (uint32_t bin = 0; bin < recall->worker_count * COAP_DEDUP_PARTS; bin++) {
        const uint32_t count = recall->bin_counts[bin];
        recall->bin_counts[bin] = at;
        at += count;
    }
    for (uint32_t i = 0; i < recall->taken_count; i++) {
        const struct past *const past = &recall->taken[i];
        recall->sorted[recall->bin_counts[past->bin]++] = *past;
    }
}

static void put_batch(struct recall *recall)
{
    sort(recall);
    for (uint32_t i = 0; i < recall->taken_count + AHEAD; i++) {
        if (i < recall->taken_count) {
            const struct past *const next = &recall->sorted[i];
            server_worker_expect(worker_of(recall, next), &next->trace);
        }
        if (i >= AHEAD) {
            const struct past *const due = &recall->sorted[i - AHEAD];
            server_worker_restore(worker_of(recall, due), recall->mono, &due->trace, due->age);
        }
    }
    recall->count += recall->taken_count;
    recall->taken_count = 0;
    memset(recall->bin_counts, 0, sizeof(recall->bin_counts));
}

static void take(void *context, const struct store_trace *stored, struct wall at)
{
    struct recall *const recall = context;
    struct past *const past = &recall->taken[recall->taken_count];
    if (!server_trace_read(stored, &past->trace)) {
        return;
    }
    const unsigned worker = past->trace.steer % recall->worker_count;
    const int64_t age_ms = recall->now.ms - at.ms;
    past->age = span_ms(age_ms > 0 ? (uint64_t)age_ms : 0);
    past->bin =
        worker * COAP_DEDUP_PARTS + server_worker_part(recall->workers[worker], &past->trace);
    recall->bin_counts[past->bin]++;
    if (++recall->taken_count == BATCH) {
        put_batch(recall);
    }
}

enum err server_recall(struct server_worker *const *workers, unsigned count, struct store *store)
{
    // Only what is used of it is ever touched.
    const size_t size = sizeof(struct recall) + 2 * BATCH * sizeof(struct past);
    struct recall *const recall = plat_memory_reserve(size);
    if (recall == NULL) {
        return ERR_EXHAUSTED;
    }
    recall->workers = workers;
    recall->worker_count = count;
    recall->mono = plat_clock_mono();
    recall->now = plat_clock_wall();
    recall->taken = (struct past *)(recall + 1);
    recall->sorted = recall->taken + BATCH;
    store_traces(store, (struct wall){recall->now.ms - (int64_t)COAP_EXCHANGE_LIFETIME_MS}, recall,
                 take);
    put_batch(recall);
    if (recall->count > 0) {
        LOG(LOG_INFO, "coap.remembered", LOG_INT("messages", recall->count));
    }
    plat_memory_release(recall, size);
    return ERR_OK;
}
