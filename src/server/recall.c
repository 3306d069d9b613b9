#include "server/recall.h"

#include "base/log.h"
#include "coap/past.h"
#include "plat/clock.h"
#include "plat/memory.h"
#include "plat/steer.h"
#include "server/trace.h"

#define BATCH 262144U
// Messages fall anywhere into their table. Where one is for each so many bytes, others will be for
// most of its pages.
#define SPARSE_BYTES 16384U

struct recall {
    unsigned workers;
    struct wall now;
    struct coap_dedup *tables[STEER_WORKERS_MAX];
    struct coap_past *pasts[STEER_WORKERS_MAX];
    uint64_t counts[STEER_WORKERS_MAX];
};

static void populate_once(struct recall *recall, unsigned worker)
{
    size_t size = 0;
    void *const memory = coap_dedup_memory(recall->tables[worker], &size);
    if (recall->counts[worker] == size / SPARSE_BYTES) {
        plat_memory_populate(memory, size);
    }
}

static void take(void *context, const struct store_trace *stored, struct wall at)
{
    struct recall *const recall = context;
    const int64_t age_ms = recall->now.ms - at.ms;
    struct server_trace trace;
    if (!server_trace_read(stored, &trace)) {
        return;
    }
    const unsigned worker = trace.steer % recall->workers;
    recall->counts[worker]++;
    populate_once(recall, worker);
    coap_past_put(recall->pasts[worker], trace.key, trace.code,
                  span_ms(age_ms > 0 ? (uint64_t)age_ms : 0));
}

static void recall_all(struct recall *recall, struct store *store)
{
    const struct wall since = {recall->now.ms - (int64_t)COAP_EXCHANGE_LIFETIME_MS};
    uint64_t count = 0;
    store_traces(store, since, recall, take);
    for (unsigned i = 0; i < recall->workers; i++) {
        coap_past_end(recall->pasts[i]);
        count += recall->counts[i];
    }
    if (count > 0) {
        LOG(LOG_INFO, "coap.remembered", LOG_INT("messages", count));
    }
}

enum err server_recall(struct server_worker *const *workers, unsigned count, struct store *store)
{
    struct recall recall = {.workers = count, .now = plat_clock_wall()};
    const struct mono now = plat_clock_mono();
    const size_t size = (coap_past_footprint(BATCH) + 63U) & ~(size_t)63U;
    uint8_t *const memory = plat_memory_reserve(count * size);
    if (memory == NULL) {
        return ERR_EXHAUSTED;
    }
    for (unsigned i = 0; i < count; i++) {
        recall.tables[i] = server_worker_messages(workers[i]);
        recall.pasts[i] = coap_past_init(memory + i * size, BATCH, recall.tables[i], now);
    }
    recall_all(&recall, store);
    plat_memory_release(memory, count * size);
    return ERR_OK;
}
