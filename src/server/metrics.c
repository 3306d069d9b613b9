#include "server/metrics.h"

#include "core/presence.h"
#include "plat/clock.h"
#include "plat/memory.h"
#include "plat/process.h"
#include "server/tables.h"
#include "store/attempts.h"

// Writing.

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_put_format(out, "# HELP motehub_%s %s\n# TYPE motehub_%s %s\n", name, help, name, type);
}

static void put(struct buf *out, const char *name, const char *type, const char *help,
                uint64_t value)
{
    put_head(out, name, type, help);
    buf_put_format(out, "motehub_%s %llu\n", name, (unsigned long long)value);
}

static void put_total(struct buf *out, const char *name, const char *help, uint64_t value)
{
    put(out, name, "counter", help, value);
}

static void put_level(struct buf *out, const char *name, const char *help, uint64_t value)
{
    put(out, name, "gauge", help, value);
}

// Some histograms of the same thing, added up. `unit` makes seconds of microseconds, or 1.
static void put_histogram(struct buf *out, const char *name, const char *help,
                          const struct histogram *const *parts, unsigned count, double unit)
{
    uint64_t total = 0;
    uint64_t sum = 0;
    put_head(out, name, "histogram", help);
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        for (unsigned i = 0; i < count; i++) {
            total += metric_read(&parts[i]->buckets[bucket]);
        }
        if (bucket + 1 < HISTOGRAM_BUCKETS) {
            buf_put_format(out, "motehub_%s_bucket{le=\"%.9g\"} %llu\n", name,
                           (double)(UINT64_C(1) << bucket) * unit, (unsigned long long)total);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        sum += metric_read(&parts[i]->sum);
    }
    buf_put_format(out, "motehub_%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)total);
    buf_put_format(out, "motehub_%s_sum %.9g\n", name, (double)sum * unit);
    buf_put_format(out, "motehub_%s_count %llu\n", name, (unsigned long long)total);
}

#define MICROSECOND 1e-6

// CoAP, over all workers.

static struct server_figures sum_of_workers(const struct server_metrics *metrics)
{
    struct server_figures sum = {0};
    for (unsigned i = 0; i < metrics->settings->workers; i++) {
        const struct server_figures one = server_worker_figures(metrics->workers[i]);
        for (unsigned figure = 0; figure < SERVER_FIGURES; figure++) {
            sum.of[figure] += one.of[figure];
        }
    }
    return sum;
}

static void put_codes(const struct server_metrics *metrics, struct buf *out)
{
    put_head(out, "coap_answers_total", "counter", "Answers of the device API by code.");
    for (unsigned code = 0; code < 256; code++) {
        uint64_t count = 0;
        for (unsigned i = 0; i < metrics->settings->workers; i++) {
            count += metric_read(&server_worker_api(metrics->workers[i])->by_code[code]);
        }
        if (count > 0) {
            buf_put_format(out, "motehub_coap_answers_total{code=\"%u.%02u\"} %llu\n", code >> 5,
                           code & 31U, (unsigned long long)count);
        }
    }
}

static void put_api(const struct server_metrics *metrics, struct buf *out)
{
    uint64_t wrong_tokens = 0;
    uint64_t dropped = 0;
    for (unsigned i = 0; i < metrics->settings->workers; i++) {
        const struct api_metrics *const api = server_worker_api(metrics->workers[i]);
        wrong_tokens += metric_read(&api->wrong_tokens);
        dropped += metric_read(&api->dropped);
    }
    put_codes(metrics, out);
    put_total(out, "coap_wrong_tokens_total", "Requests whose token no device has.", wrong_tokens);
    put_total(out, "coap_refusals_dropped_total",
              "Refused in silence, since the source is over its limit.", dropped);
}

static void put_limited(const struct server_metrics *metrics, struct buf *out)
{
    struct core_meters_figures sum = {0, 0};
    for (unsigned i = 0; i < metrics->core->meter_count; i++) {
        const struct core_meters_figures found = core_meters_figures(metrics->core->meters[i]);
        sum.by_tenant += found.by_tenant;
        sum.by_device += found.by_device;
    }
    put_head(out, "limited_total", "counter",
             "Messages of devices over a limit of the tenant's profile, by whose limit it is.");
    buf_put_format(out, "motehub_limited_total{by=\"tenant\"} %llu\n",
                   (unsigned long long)sum.by_tenant);
    buf_put_format(out, "motehub_limited_total{by=\"device\"} %llu\n",
                   (unsigned long long)sum.by_device);
}

static void put_coap(const struct server_metrics *metrics, struct buf *out)
{
    const struct histogram *latencies[STEER_WORKERS_MAX];
    const struct server_figures sum = sum_of_workers(metrics);
    for (unsigned i = 0; i < metrics->settings->workers; i++) {
        latencies[i] = server_worker_latency(metrics->workers[i]);
    }
    put_total(out, "coap_received_total", "Datagrams received.", sum.of[SERVER_RECEIVED]);
    put_total(out, "coap_sent_total", "Datagrams sent.", sum.of[SERVER_SENT]);
    put_total(out, "coap_malformed_total", "Datagrams that are no CoAP.", sum.of[SERVER_MALFORMED]);
    put_total(out, "coap_duplicates_total", "Messages that were known.", sum.of[SERVER_DUPLICATES]);
    put_total(out, "coap_retransmitted_total", "Own messages sent again.",
              sum.of[SERVER_RETRANSMITTED]);
    put_total(out, "coap_lost_total", "Own messages that nobody acknowledged.",
              sum.of[SERVER_LOST]);
    put_total(out, "coap_rejected_total", "Own messages that were reset.", sum.of[SERVER_REJECTED]);
    put_total(out, "coap_refused_full_total", "Requests refused because a table was full.",
              sum.of[SERVER_REFUSED_FULL]);
    put_total(out, "coap_kernel_drops_total",
              "Datagrams that the kernel dropped: the receive buffer was full.",
              sum.of[SERVER_KERNEL_DROPS]);
    put_api(metrics, out);
    put_limited(metrics, out);
    put_histogram(out, "coap_durable_seconds",
                  "From a request until its answer, when something had to be stored.", latencies,
                  metrics->settings->workers, MICROSECOND);
}

// The store.

static void put_store(const struct server_metrics *metrics, struct buf *out)
{
    struct store *const store = metrics->core->store;
    const struct store_stats stats = store_stats(store);
    const struct histogram *const time = store_commit_time(store);
    const struct histogram *const size = store_commit_size(store);
    put_total(out, "store_records_total", "Records taken.", stats.records);
    put_total(out, "store_points_total", "Points stored.", stats.points);
    put_total(out, "store_bytes_total", "Bytes given to the database.", stats.bytes_written);
    put_total(out, "store_seals_total", "Devices whose readings became blocks.", stats.seals);
    put_total(out, "store_expired_total", "Readings removed because they expired.", stats.expired);
    put_total(out, "store_failures_total", "Commits that failed.", stats.failures);
    put_level(out, "store_journal_rows", "Rows of the journal.", stats.journal_rows);
    put_level(out, "store_devices_in_head", "Devices in memory.", stats.devices_in_head);
    put_level(out, "store_write_stopped", "1: writes wait for compaction.",
              stats.write_stopped ? 1 : 0);
    put_level(out, "store_read_only", "1: a write failed, the process ends.",
              stats.read_only ? 1 : 0);
    put_histogram(out, "store_commit_seconds", "One synced write.", &time, 1, MICROSECOND);
    put_histogram(out, "store_commit_records", "Records of one commit.", &size, 1, 1.0);
}

static void put_reach(const struct server_metrics *metrics, struct buf *out)
{
    const struct server_figures sum = sum_of_workers(metrics);
    put_level(out, "devices_active", "Devices that were heard within their inactivity timeout.",
              core_presence_active(metrics->core->presence));
    put_level(out, "observations", "Observations of devices.", sum.of[SERVER_OBSERVATIONS]);
    put_level(out, "observations_suspended", "Those whose device does not answer at present.",
              sum.of[SERVER_SUSPENDED]);
}

static struct server_levels levels_of(const struct server_metrics *metrics)
{
    struct core *const core = metrics->core;
    struct server_levels levels = {
        .workers = sum_of_workers(metrics),
        .store = store_stats(core->store),
        .mail_bytes = bus_used(core->bus),
        .devices = model_index_count(core->index),
        .tenants = model_quotas_tenants(core->quotas),
        .presence = core_presence_highest(core->presence),
        .attempts = store_attempts_count(core->attempts),
        .entity_jobs = store_entities_stats(core->entities).queued,
    };
    for (unsigned i = 0; i < core->recorder_count; i++) {
        levels.recorder_bytes += core_recorder_used(core->recorders[i]);
    }
    if (metrics->http != NULL) {
        levels.http = http_server_stats(metrics->http);
    }
    return levels;
}

static void put_one(struct buf *out, const char *of, const char *label, const char *name,
                    uint64_t value)
{
    buf_put_format(out, "motehub_%s{%s=\"%s\"} %llu\n", of, label, name, (unsigned long long)value);
}

static void put_tables(const struct server_metrics *metrics, struct buf *out)
{
    const struct server_levels levels = levels_of(metrics);
    struct server_table tables[SERVER_TABLES_MAX];
    const unsigned count = server_tables(metrics->settings, &levels, tables);
    put_head(out, "table_used", "gauge", "What a bounded table holds.");
    for (unsigned i = 0; i < count; i++) {
        if (tables[i].has_level) {
            put_one(out, "table_used", "table", tables[i].name, tables[i].used);
        }
    }
    put_head(out, "table_bound", "gauge", "What it may hold; motehub limits says what then.");
    for (unsigned i = 0; i < count; i++) {
        if (tables[i].has_level) {
            put_one(out, "table_bound", "table", tables[i].name,
                    tables[i].places * tables[i].bound);
        }
    }
}

static void put_memories(const struct server_metrics *metrics, struct buf *out)
{
    struct server_memory memories[SERVER_MEMORIES_MAX];
    const unsigned count = server_memories(metrics->settings, memories);
    put_level(out, "memory_reserved_bytes", "Memory that was reserved at the start.",
              plat_memory_reserved());
    put_head(out, "memory_bound_bytes", "gauge", "What each part may touch of it and of the heap.");
    for (unsigned i = 0; i < count; i++) {
        put_one(out, "memory_bound_bytes", "part", memories[i].name,
                memories[i].places * (memories[i].reserved + memories[i].heap));
    }
}

static void put_http(const struct server_metrics *metrics, struct buf *out)
{
    if (metrics->http == NULL) {
        return;
    }
    const struct http_server_stats stats = http_server_stats(metrics->http);
    put_total(out, "http_requests_total", "REST requests.", stats.requests);
    put_total(out, "http_refused_busy_total", "REST requests answered 503.", stats.refused_busy);
    put_total(out, "http_refused_large_total", "REST requests answered 413.", stats.refused_large);
    put_total(out, "http_refused_connections_total", "Connections beyond the bound.",
              stats.refused_connections);
    put_total(out, "http_sent_bytes_total", "Bytes of answers.", stats.bytes_sent);
    put_level(out, "http_connections", "Open connections.", stats.connections);
}

static void put_process(struct buf *out)
{
    put_head(out, "info", "gauge", "What runs.");
    buf_put_text(out, "motehub_info{version=\"" MOTEHUB_VERSION "\"} 1\n");
    put_head(out, "cpu_seconds_total", "counter", "CPU time of the process.");
    buf_put_format(out, "motehub_cpu_seconds_total %.3f\n",
                   (double)plat_clock_process_cpu().ns / 1e9);
    put_level(out, "resident_bytes", "Memory of the process.", plat_process_resident());
}

void server_metrics_write(const struct server_metrics *metrics, struct buf *out)
{
    put_process(out);
    put_coap(metrics, out);
    put_store(metrics, out);
    put_tables(metrics, out);
    put_memories(metrics, out);
    put_reach(metrics, out);
    put_http(metrics, out);
}
