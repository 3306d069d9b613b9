#include "server/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "plat/file.h"
#include "plat/process.h"
#include "plat/steer.h"
#include "plat/thread.h"

#define CONFIG_FILE_MAX 1048576U

static enum err load_file(const char *name, struct conf *conf, struct buf *message)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    const bool may_lack = name[0] == '-';
    name += may_lack ? 1 : 0;
    enum err err = plat_file_read(name, CONFIG_FILE_MAX, &bytes, &len);
    if (may_lack && err == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    if (err != ERR_OK) {
        buf_put_format(message, "%.200s: %s", name, err_text(err));
        return err;
    }
    err = conf_load_yaml(conf, name, slice_of(bytes, len), message);
    plat_file_free(bytes);
    return err;
}

static enum err load(const struct server_options *options, struct conf *conf, struct buf *message)
{
    enum err err = ERR_OK;
    if (options->config_file != NULL) {
        err = load_file(options->config_file, conf, message);
    }
    err = err == ERR_OK ? conf_load_environment(conf, plat_process_environment(), message) : err;
    for (unsigned i = 0; err == ERR_OK && i < options->set_count; i++) {
        err = conf_set(conf, options->sets[i], message);
    }
    return err;
}

// Forms and ranges were checked by `conf`.
static struct address read_address(struct slice text)
{
    struct address address;
    const enum err err = address_parse(text, &address);
    ASSERT(err == ERR_OK);
    return address;
}

static struct rate read_rate(const struct conf *conf, const char *name)
{
    struct rate rate;
    const enum err err = rate_parse(slice_text(conf_text(conf, name)), &rate);
    ASSERT(err == ERR_OK);
    return rate;
}

static void read_binds(const char *text, struct server_settings *settings)
{
    struct slice rest = slice_text(text);
    settings->coap_bind_count = 0;
    while (rest.ptr != NULL) {
        ASSERT(settings->coap_bind_count < SETTINGS_BINDS_MAX);
        settings->coap_bind[settings->coap_bind_count++] = read_address(slice_cut(&rest, ','));
    }
}

static enum err read_addresses(const struct server_options *options, const struct conf *conf,
                               struct server_settings *settings, struct buf *message)
{
    const bool loopback = options->demo && !options->demo_public;
    settings->coap_bind_is_default = !conf_is_set(conf, "coap.bind");
    const char *coap = loopback && settings->coap_bind_is_default ? "127.0.0.1:5683,[::1]:5683"
                                                                  : conf_text(conf, "coap.bind");
    const char *http = loopback && !conf_is_set(conf, "http.bind") ? "127.0.0.1:8080"
                                                                   : conf_text(conf, "http.bind");
    read_binds(coap, settings);
    settings->http_bind = read_address(slice_text(http));
    bool all_loopback = address_is_loopback(&settings->http_bind);
    for (unsigned i = 0; i < settings->coap_bind_count; i++) {
        all_loopback = all_loopback && address_is_loopback(&settings->coap_bind[i]);
    }
    if (loopback && !all_loopback) {
        buf_put_text(message, message->len > 0 ? "\n" : "");
        buf_put_text(message, "--demo has known passwords and binds loopback only; "
                              "--demo-public lifts that");
        return ERR_INVALID;
    }
    return ERR_OK;
}

// Words become what the parts call them; their order is that of keys.def.
static void read_log(const struct conf *conf, struct server_settings *settings)
{
    static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR};
    const enum log_format formats[] = {
        plat_process_error_is_terminal() ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON,
        LOG_FORMAT_TEXT,
        LOG_FORMAT_JSON,
    };
    settings->log_level = levels[conf_choice(conf, "log.level")];
    settings->log_format = formats[conf_choice(conf, "log.format")];
}

static void read_workers(const struct conf *conf, struct server_settings *settings)
{
    settings->workers = (unsigned)conf_int(conf, "coap.workers");
    if (settings->workers == 0) {
        settings->workers = plat_thread_cpu_count();
    }
    if (settings->workers > STEER_WORKERS_MAX) {
        settings->workers = STEER_WORKERS_MAX;
    }
    for (unsigned i = 0; i < STEER_WORKERS_MAX; i++) {
        settings->worker_cpus[i] = -1;
    }
    struct slice rest = slice_text(conf_text(conf, "coap.worker-cpus"));
    for (unsigned i = 0; rest.ptr != NULL && rest.len > 0; i++) {
        int64_t cpu = 0;
        ASSERT(slice_to_int64(slice_cut(&rest, ','), &cpu) && i < STEER_WORKERS_MAX);
        settings->worker_cpus[i] = (int)cpu;
    }
}

static uint32_t power_of_two_at_most(uint64_t value)
{
    uint32_t power = 64;
    while ((uint64_t)power * 2 <= value && power < (1U << 30)) {
        power *= 2;
    }
    return power;
}

static void read_coap(const struct conf *conf, struct server_settings *settings)
{
    static const enum coap_path_check path_checks[] = {COAP_PATH_CHECK_STRICT,
                                                       COAP_PATH_CHECK_BLOCKS, COAP_PATH_CHECK_OFF};
    const uint64_t dedup = (uint64_t)conf_int(conf, "coap.dedup-entries") / settings->workers;
    settings->coap_enabled = conf_bool(conf, "coap.enabled");
    settings->receive_bytes = (uint32_t)conf_size(conf, "coap.receive-buffer");
    settings->coap_limits = (struct coap_endpoint_limits){
        .dedup = {.entries_max = power_of_two_at_most(dedup), .answer_bytes_max = 1U << 20},
        .exchanges_max = (uint32_t)conf_int(conf, "coap.exchanges"),
        .sent_max = 4096,
        .peers_max = 65536,
        .bodies_max = 1024,
        .bodies_unproven_max = 64,
        .body_bytes_max = 4U << 20,
        .answer_bytes_max = 1U << 20,
        .transmit_max = 256,
    };
    settings->coap = (struct coap_endpoint_settings){
        .ack_wait = span_ms(conf_span_ms(conf, "coap.ack-wait")),
        .separate_responses = conf_bool(conf, "coap.separate-responses"),
        .path_check = path_checks[conf_choice(conf, "coap.path-check")],
        .szx_max = 6,
        .nstart = 1,
    };
    settings->api = (struct api_settings){
        .type_cast = conf_bool(conf, "json.type-cast"),
        .string_units_max = (uint32_t)conf_int(conf, "json.string-length-max"),
        .strict_formats = conf_bool(conf, "coap.strict-formats"),
        .upstream_codes = conf_bool(conf, "coap.upstream-codes"),
        .body_max = (uint32_t)conf_size(conf, "coap.body-max"),
        .answer_wait = span_ms(conf_span_ms(conf, "coap.timeout")),
    };
    settings->wrong_tokens = read_rate(conf, "coap.wrong-token-rate");
}

// How devices are reached.
static void read_shard(const struct conf *conf, struct server_settings *settings)
{
    // One message at a time is on its way to a device, so a burst waits for each ACK as well.
    static const enum core_call_strategy strategies[] = {CORE_CALLS_BURST, CORE_CALLS_ON_ACK,
                                                         CORE_CALLS_ON_RESPONSE};
    // Shards are not quite equal.
    const uint32_t share = (uint32_t)conf_int(conf, "limits.devices") / settings->workers;
    settings->shard = (struct core_shard_settings){
        .devices_max = share * 5 / 4 + 64 < CORE_PLACES_MAX ? share * 5 / 4 + 64 : CORE_PLACES_MAX,
        .calls_max = (uint32_t)conf_int(conf, "rpc.calls"),
        .fetches_max = 1024,
        .jobs_max = 32768,
        .parcels_max = 4096,
        .calls_per_device = (uint32_t)conf_int(conf, "rpc.per-device"),
        .retries_max = (uint32_t)conf_int(conf, "rpc.retries-max"),
        .strategy = strategies[conf_choice(conf, "rpc.strategy")],
        .response_wait = span_ms(conf_span_ms(conf, "rpc.response-wait")),
        .keeps_type = settings->coap.separate_responses,
        .pace = span_s(3),
        .probe_every = span_ms(conf_span_ms(conf, "coap.probe-every")),
        .probe_again = span_s(60),
        .probe_most = span_s(3600),
        .silence_most = span_s(UINT64_C(30) * 86400),
        .fetch_most = span_s(60),
        .psm_awake = span_ms(conf_span_ms(conf, "coap.psm-awake")),
        .edrx_awake = span_ms(conf_span_ms(conf, "coap.edrx-awake")),
    };
}

// What is remembered of devices.
static void read_memory(const struct conf *conf, struct server_settings *settings)
{
    const uint64_t trace = conf_size(conf, "trace.bytes");
    settings->trace_bytes =
        trace == 0 ? 0 : power_of_two_at_most(trace > TAPE_SIZE_MIN ? trace : TAPE_SIZE_MIN);
    settings->recent_bytes = conf_size(conf, "store.recent-size");
    settings->presence = (struct core_presence_settings){
        .inactivity = span_ms(conf_span_ms(conf, "presence.inactivity")),
        .report_every = span_ms(conf_span_ms(conf, "presence.report-every")),
    };
    settings->presence_sweep = span_ms(conf_span_ms(conf, "presence.sweep-every"));
}

static void read_http(const struct conf *conf, struct server_settings *settings)
{
    static const enum rest_metrics_access metrics[] = {REST_METRICS_LOOPBACK, REST_METRICS_ALL,
                                                       REST_METRICS_OFF};
    settings->http_enabled = conf_bool(conf, "http.enabled");
    settings->http_threads = (unsigned)conf_int(conf, "http.threads");
    settings->http_queue = (unsigned)conf_int(conf, "http.queue");
    settings->http_connections = (unsigned)conf_int(conf, "http.connections");
    settings->http_sockets = (unsigned)conf_int(conf, "http.sockets");
    settings->http_parked = (unsigned)conf_int(conf, "http.parked");
    settings->http_body_max = conf_size(conf, "http.body-max");
    settings->http_held_max = conf_size(conf, "http.memory");
    settings->rest = (struct rest_settings){
        .user_tokens = conf_bool(conf, "auth.user-tokens"),
        .token_life_s = conf_span_ms(conf, "auth.token-life") / 1000,
        .refresh_life_s = conf_span_ms(conf, "auth.refresh-life") / 1000,
        .type_cast = conf_bool(conf, "json.type-cast"),
        .metrics_access = metrics[conf_choice(conf, "metrics.access")],
        .rpc_timeout_min_ms = (int64_t)conf_span_ms(conf, "rpc.timeout-min"),
        .rpc_timeout_ms = (int64_t)conf_span_ms(conf, "rpc.timeout-default"),
        .rpc_timeout_max_ms = (int64_t)conf_span_ms(conf, "rpc.timeout-max"),
        .visit_wait_ms = (int64_t)conf_span_ms(conf, "http.device-wait"),
        .visit_wait_most_ms = (int64_t)conf_span_ms(conf, "http.device-wait-max"),
        .answer_wait_ms = (int64_t)conf_span_ms(conf, "coap.timeout"),
        .query_refresh = span_ms(conf_span_ms(conf, "http.query-refresh")),
    };
    settings->wrong_log_ins = read_rate(conf, "auth.login-rate");
}

static void read_store(const struct conf *conf, struct server_settings *settings)
{
    settings->ballast_bytes = conf_size(conf, "store.ballast");
    settings->devices_max = (uint32_t)conf_int(conf, "limits.devices");
    settings->tenants_max = (uint32_t)conf_int(conf, "limits.tenants");
    // Twice as many: devices are not spread quite equally over the workers.
    settings->meters = (struct core_meters_bounds){
        .devices_max = power_of_two_at_most(settings->devices_max / settings->workers * 2ULL),
        .tenants_max = power_of_two_at_most(settings->tenants_max),
    };
    settings->store = (struct store_limits){
        .head_bytes_max = conf_size(conf, "store.head-size"),
        .journal_bytes_max = conf_size(conf, "store.journal-size"),
        .journal_age_max = span_ms(conf_span_ms(conf, "store.journal-age")),
        .expiry_every = span_ms(conf_span_ms(conf, "store.expiry-every")),
        .commit_delay_max = span_ms(conf_span_ms(conf, "store.commit-delay")),
        .commit_records_max = (uint32_t)conf_int(conf, "store.commit-max"),
        .keys_per_device_max = (uint32_t)conf_int(conf, "limits.keys-per-device"),
        .keys_max = (uint32_t)conf_int(conf, "limits.keys"),
        .keys_per_tenant_max = (uint32_t)conf_int(conf, "limits.keys-per-tenant"),
        .free_space_min = conf_size(conf, "store.free-space-min"),
        .trace_age_max = span_ms(COAP_EXCHANGE_LIFETIME_MS),
        .trace_bytes_max = (uint64_t)conf_int(conf, "coap.dedup-entries") * STORE_TRACE_SIZE,
    };
}

enum err server_settings_read(const struct server_options *options, struct conf *conf,
                              struct server_settings *settings, struct buf *message)
{
    enum err err = load(options, conf, message);
    if (err != ERR_OK) {
        return err;
    }
    *settings = (struct server_settings){
        .data = options->data != NULL ? options->data : conf_text(conf, "data.dir"),
        .demo = options->demo,
    };
    read_log(conf, settings);
    read_workers(conf, settings);
    read_coap(conf, settings);
    read_shard(conf, settings);
    read_memory(conf, settings);
    read_http(conf, settings);
    read_store(conf, settings);
    return read_addresses(options, conf, settings, message);
}

void server_settings_warn(struct slice warning)
{
    if (warning.len > 0) {
        LOG(LOG_WARN, "config.warning", LOG_SLICE("text", warning));
    }
}
