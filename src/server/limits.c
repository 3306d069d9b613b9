#include "server/limits.h"

#include "core/attributes.h"
#include "core/device_name.h"
#include "core/lives.h"
#include "core/visit.h"
#include "model/quotas.h"
#include "rest/handlers.h"
#include "rest/live.h"
#include "rest/names.h"
#include "rest/query.h"
#include "server/worker.h"

struct row {
    const char *name;
    uint64_t bound;
    const char *unit;
    const char *full;
};

static void put_rows(struct buf *out, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_put_format(out, "%-34s %14llu %-12s %s\n", rows[i].name,
                       (unsigned long long)rows[i].bound, rows[i].unit, rows[i].full);
    }
}

static void put_memory(const struct server_settings *settings, struct buf *out)
{
    const uint64_t worker = server_worker_footprint(settings);
    const uint64_t workers = worker * settings->workers;
    const uint64_t http =
        settings->http_enabled ? settings->http_threads * (uint64_t)(64U << 20) : 0;
    const uint64_t live = settings->http_enabled ? rest_live_footprint() : 0;
    const uint64_t store = settings->store.head_bytes_max + settings->store.journal_bytes_max;
    buf_put_format(out, "\nmemory at most, touched as used (MiB)\n");
    buf_put_format(out, "  %u workers with %llu each %20llu\n", settings->workers,
                   (unsigned long long)(worker >> 20), (unsigned long long)(workers >> 20));
    buf_put_format(out, "  head and journal of the store %15llu\n",
                   (unsigned long long)(store >> 20));
    buf_put_format(out, "  requests and responses of REST %14llu\n",
                   (unsigned long long)(http >> 20));
    buf_put_format(out, "  what WebSockets watch %23llu\n", (unsigned long long)(live >> 20));
    buf_put_format(out, "  sum %41llu\n",
                   (unsigned long long)((workers + store + http + live) >> 20));
}

// What the workers have each, or keep of what devices said.
static void put_workers(const struct server_settings *settings, struct buf *out)
{
    const struct coap_endpoint_limits *coap = &settings->coap_limits;
    const struct row rows[] = {
        {"remembered message ids", coap->dedup.entries_max, "per worker",
         "the oldest goes, none under 60 s; then 5.03"},
        {"answers kept for repeats", coap->dedup.answer_bytes_max, "bytes",
         "the oldest goes; rebuilt without payload"},
        {"requests in hand", coap->exchanges_max, "per worker", "5.03 with Max-Age"},
        {"own messages in flight", coap->sent_max, "per worker", "sent as NON"},
        {"peers remembered", coap->peers_max, "per worker", "the one used longest ago goes"},
        {"bodies in blocks", coap->bodies_max, "per worker", "5.03 with Max-Age"},
        {"  of senders without credential", coap->bodies_unproven_max, "per worker",
         "the oldest goes"},
        {"  bytes of all", coap->body_bytes_max, "bytes", "5.03 with Max-Age"},
        {"  bytes of one", settings->api.body_max, "bytes", "4.13 with Size1"},
        {"answers kept for blocks", coap->answer_bytes_max, "bytes", "the oldest goes; 4.08"},
        {"datagrams to send in a turn", coap->transmit_max, "per worker",
         "sent before more is read"},
        {"sources of refused messages", 4096, "per worker", "the one seen longest ago goes"},
        {"devices with an observation or calls", settings->shard.devices_max, "per worker",
         "5.03; REST 503"},
        {"bodies that observers are fetching", settings->shard.fetches_max, "per worker",
         "delivered with the ACK"},
        {"shared attributes of a device", CORE_SHARED_BYTES_MAX, "bytes", "REST 400"},
        {"calls to devices", settings->shard.calls_max, "per worker", "REST 503"},
        {"  to one device", settings->shard.calls_per_device, "", "REST 429"},
        {"devices with limits", settings->meters.devices_max, "per worker",
         "the one seen longest ago goes"},
        {"tenants with limits", settings->meters.tenants_max, "per worker",
         "the one seen longest ago goes"},
        {"calls of devices that wait", API_WAITING_MAX, "per worker", "5.03 with Max-Age"},
        {"reads of attributes under way", STORE_LOADS_MAX, "per worker", "5.03 with Max-Age"},
        {"questions to another worker", CORE_ASKS_MAX, "per worker", "5.03 with Max-Age"},
        {"latest exchanges kept", settings->trace_bytes, "bytes", "the oldest goes"},
        {"state of devices kept in memory", settings->recent_bytes, "bytes",
         "the oldest goes; it is read from disk again"},
    };
    put_rows(out, rows, sizeof(rows) / sizeof(rows[0]));
}

void server_limits_write(const struct server_settings *settings, struct buf *out)
{
    const struct row rows[] = {
        {"devices", settings->devices_max, "", "REST 503"},
        {"tenants", settings->tenants_max, "", "REST 503"},
        {"tenant profiles", MODEL_QUOTAS_PROFILES_MAX, "", "REST 503"},
        {"devices with a life of their own", CORE_LIVES_MAX, "", "their points stay"},
        {"key names of a device", settings->store.keys_per_device_max, "", "4.00"},
        {"key names of a tenant", settings->store.keys_per_tenant_max, "", "4.00"},
        {"points of a request", MODEL_POINTS_MAX, "", "4.00"},
        {"records of a commit", settings->store.commit_records_max, "", "the next commit"},
        {"readings not yet sealed", settings->store.head_bytes_max, "bytes", "sealed; then 5.03"},
        {"journal", settings->store.journal_bytes_max, "bytes", "sealed"},
        {"messages remembered on disk", settings->store.trace_bytes_max, "bytes",
         "the oldest goes; its repeat after a restart is new"},
        {"free disk", settings->store.free_space_min, "bytes", "below it 5.03"},
        {"REST requests that wait", settings->http_queue, "", "503 with Retry-After"},
        {"REST requests that wait for a device", settings->http_parked, "", "503"},
        {"  and those of one device", CORE_VISITS_MAX, "", "429"},
        {"WebSocket connections", settings->http_sockets, "", "refused"},
        {"  subscriptions of one", REST_LIVE_SUBSCRIPTIONS, "", "error 1"},
        {"  keys of one subscription", REST_LIVE_KEYS, "", "error 1"},
        {"  entities of one list", REST_LIVE_ENTITIES, "", "error 2"},
        {"  devices and values of all lists", REST_LIVE_CELLS, "", "error 1, the list ends"},
        {"  queries that run at a time", REST_LIVE_JOBS, "", "the next one waits"},
        {"  messages that wait to be sent", HTTP_SOCKET_OUT_MAX, "", "closed, 1008"},
        {"devices an entity query looks at", REST_QUERY_DEVICES, "", "REST 400"},
        {"  its keys", REST_QUERY_KEYS, "", "REST 400"},
        {"  its predicates", CORE_QUERY_PREDICATES_MAX, "", "REST 400"},
        {"REST connections", settings->http_connections, "", "wait in the kernel"},
        {"REST request body", settings->http_body_max, "bytes", "413"},
        {"names tried for a device", CORE_DEVICE_NAME_TRIES, "", "400"},
        {"devices looked at for activity", REST_DEVICE_WALK, "", "400"},
        {"devices looked at for their keys", REST_NAMES_DEVICES, "", "the newest count"},
        {"names of keys in an answer", REST_NAMES_MAX, "", "400"},
        {"ids in a query parameter", REST_CALL_IDS_MAX, "", "400"},
        {"wrong log-ins", 4096, "senders", "the one seen longest ago goes"},
    };
    buf_put_format(out, "%-34s %14s %-12s %s\n", "table", "bound", "unit", "when full");
    put_workers(settings, out);
    put_rows(out, rows, sizeof(rows) / sizeof(rows[0]));
    put_memory(settings, out);
}
