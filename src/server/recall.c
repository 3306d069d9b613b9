#include "server/recall.h"

#include "base/log.h"
#include "plat/clock.h"
#include "server/trace.h"

// Messages of before the restart are looked for in memory some time before they are put there.
#define AHEAD 32U

struct recall {
    struct server_worker *const *workers;
    unsigned worker_count;
    struct mono mono;
    struct wall now;
    uint64_t count; // taken; the last AHEAD of them are still to be put
    struct {
        struct server_trace trace;
        struct span age;
    } ahead[AHEAD];
};

static struct server_worker *worker_of(const struct recall *recall,
                                       const struct server_trace *trace)
{
    return recall->workers[trace->steer % recall->worker_count];
}

static void recall_due(const struct recall *recall, uint64_t number)
{
    const struct server_trace *trace = &recall->ahead[number % AHEAD].trace;
    server_worker_restore(worker_of(recall, trace), recall->mono, trace,
                          recall->ahead[number % AHEAD].age);
}

static void recall_one(void *context, const struct store_trace *stored, struct wall at)
{
    struct recall *recall = context;
    struct server_trace trace;
    if (!server_trace_read(stored, &trace)) {
        return;
    }
    if (recall->count >= AHEAD) {
        recall_due(recall, recall->count);
    }
    const int64_t age_ms = recall->now.ms - at.ms;
    recall->ahead[recall->count % AHEAD].trace = trace;
    recall->ahead[recall->count % AHEAD].age = span_ms(age_ms > 0 ? (uint64_t)age_ms : 0);
    server_worker_expect(worker_of(recall, &trace), &trace);
    recall->count++;
}

void server_recall(struct server_worker *const *workers, unsigned count, struct store *store)
{
    struct recall recall = {.workers = workers,
                            .worker_count = count,
                            .mono = plat_clock_mono(),
                            .now = plat_clock_wall()};
    const struct wall since = {recall.now.ms - (int64_t)COAP_EXCHANGE_LIFETIME_MS};
    store_traces(store, since, &recall, recall_one);
    const uint64_t left = recall.count < AHEAD ? recall.count : AHEAD;
    for (uint64_t i = recall.count - left; i < recall.count; i++) {
        recall_due(&recall, i);
    }
    if (recall.count > 0) {
        LOG(LOG_INFO, "coap.remembered", LOG_INT("messages", recall.count));
    }
}
