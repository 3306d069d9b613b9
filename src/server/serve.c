#include "server/serve.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "core/attributes.h"
#include "core/install.h"
#include "core/lives.h"
#include "core/recorder.h"
#include "core/rpc_expiry.h"
#include "core/tenant_admin.h"
#include "http/server.h"
#include "http/socket.h"
#include "plat/clock.h"
#include "plat/file.h"
#include "plat/memory.h"
#include "plat/notify.h"
#include "plat/process.h"
#include "plat/signal.h"
#include "plat/steer.h"
#include "plat/thread.h"
#include "rest/live.h"
#include "server/ballast.h"
#include "server/beside.h"
#include "server/guard.h"
#include "server/meters.h"
#include "server/metrics.h"
#include "server/recall.h"
#include "server/reload.h"
#include "server/sizes.h"
#include "server/sockets.h"
#include "server/tables.h"
#include "server/worker.h"
#include "server/zones.h"

#define PATH_SIZE 1200U
#define PURGE_PAUSE_MS 500U
#define HTTP_THREADS_MAX 64U // as the key http.threads says

// Everything that lives while the server runs. Members that are NULL or zero were not reached.
struct server {
    const struct server_settings *settings;
    int lock;
    struct server_ballast ballast; // the control thread's, once that runs
    char devices[PATH_SIZE];       // the directory of device data
    struct store *store;
    struct epoch epoch;
    struct core core;
    struct filter reached;
    void *presence_memory;
    void *lives_memory;
    struct store_lives lives;
    struct server_meters meters;
    struct plat_mutex settings_lock;
    struct core_recorder *recorders[STEER_WORKERS_MAX];
    struct core_feed feed;
    struct bus_party *feed_party; // read by the sockets' thread; its wake-ups are the feed thread's
    struct plat_thread feed_thread;
    bool feed_started;
    struct mono presence_due; // the control thread's
    struct core_rpc_expiry calls_expiry;
    struct mono calls_due;
    struct rest rest;
    struct http_server *http;
    struct server_worker *workers[STEER_WORKERS_MAX];
    unsigned workers_started;
    bool store_started;
    // The control thread: purges the data of deleted devices, ends a server whose store failed.
    struct core_desk control_desk;
    struct core_desk desks[HTTP_THREADS_MAX];
    struct core_desk door; // of the thread that runs the sockets
    struct plat_thread control;
    bool control_started;
    struct metric stopping;
    bool http_is_up;             // under `stop_lock`: `http` may be looked at by its own threads
    struct plat_mutex stop_lock; // with `stop_told`, wakes the control thread from its pause
    struct plat_cond stop_told;
    char message[PATH_SIZE + 256];
};

static enum err fail(struct server *server, enum err err, const char *what)
{
    if (server->message[0] == 0) {
        snprintf(server->message, sizeof(server->message), "%s: %s", what, err_text(err));
    }
    return err;
}

static void pause_shortly(void)
{
    plat_thread_sleep(span_us(200));
}

static enum err open_directory(struct server *server)
{
    const char *data = server->settings->data;
    char path[PATH_SIZE];
    server->lock = -1;
    enum err err = plat_file_make_directory(data);
    if (err != ERR_OK) {
        return fail(server, err, data);
    }
    snprintf(path, sizeof(path), "%s/lock", data);
    err = plat_file_lock(path, &server->lock);
    if (err == ERR_IN_USE) {
        snprintf(server->message, sizeof(server->message),
                 "the data directory %s is in use by another process", data);
    }
    return err == ERR_OK ? ERR_OK : fail(server, err, path);
}

static enum err open_entities(struct server *server)
{
    const struct server_settings *settings = server->settings;
    char message[256] = "";
    const enum err err = store_entities_open(settings->data, settings->http_threads + 2,
                                             &server->core.entities, message);
    if (err != ERR_OK && message[0] != 0) {
        snprintf(server->message, sizeof(server->message), "%s", message);
    }
    return err == ERR_OK ? ERR_OK : fail(server, err, settings->data);
}

static enum err open_recorders(struct server *server)
{
    const size_t bytes = server->settings->trace_bytes;
    server->core.recorders = server->recorders;
    server->core.recorder_count = server->settings->workers;
    const int64_t now_us = plat_clock_wall_us();
    for (unsigned i = 0; bytes > 0 && i < server->settings->workers; i++) {
        void *memory = plat_memory_reserve(core_recorder_footprint(bytes));
        if (memory == NULL) {
            return ERR_EXHAUSTED;
        }
        server->recorders[i] = core_recorder_init(memory, bytes, now_us);
    }
    return ERR_OK;
}

static enum err open_core(struct server *server)
{
    struct core *core = &server->core;
    epoch_init(&server->epoch, server->settings->workers);
    core->epoch = &server->epoch;
    core->pause = pause_shortly;
    enum err err = store_attempts_create(&core->attempts, &server->settings->wrong_log_ins);
    core->reached = &server->reached;
    core->settings = server_guard_over(&server->settings_lock);
    core->feed = &server->feed;
    server->presence_memory = plat_memory_reserve(core_presence_footprint());
    if (server->presence_memory == NULL) {
        return fail(server, ERR_EXHAUSTED, "presence");
    }
    core->presence = core_presence_init(server->presence_memory, &server->settings->presence);
    server->lives_memory = plat_memory_reserve(core_lives_footprint());
    if (server->lives_memory == NULL) {
        return fail(server, ERR_EXHAUSTED, "lives");
    }
    err = err == ERR_OK ? open_recorders(server) : err;
    if (err == ERR_OK) {
        err = bus_create(&core->bus, server->settings->workers,
                         server_bus_ring_bytes(server->settings->workers));
    }
    if (err == ERR_OK) {
        err = model_index_create(&core->index, &server->epoch, server->settings->devices_max);
    }
    err = err == ERR_OK ? model_quotas_create(&core->quotas, server->settings->tenants_max) : err;
    if (err == ERR_OK) {
        core->lives = core_lives_init(server->lives_memory, core->quotas);
        server->lives = (struct store_lives){core->lives, core_lives_of};
        err = server_meters_open(&server->meters, server->settings, core);
    }
    err = err == ERR_OK ? core_open(core, plat_clock_wall()) : err;
    return err == ERR_OK ? ERR_OK : fail(server, err, "entities");
}

static enum err write_password(void *context, const char *password)
{
    struct server *server = context;
    char path[PATH_SIZE];
    char text[256];
    snprintf(path, sizeof(path), "%s/first-password", server->settings->data);
    const int len = snprintf(text, sizeof(text),
                             "sysadmin@thingsboard.org and tenant@thingsboard.org: %s\n", password);
    const enum err err = plat_file_write(path, slice_of(text, (size_t)len), 0600);
    if (err == ERR_OK) {
        LOG(LOG_INFO, "server.first-password", LOG_TEXT("file", path));
    }
    return err == ERR_OK ? ERR_OK : fail(server, err, path);
}

static enum err install(struct server *server)
{
    struct core *core = &server->core;
    const struct wall now = plat_clock_wall();
    enum err err = ERR_OK;
    if (server->settings->demo) {
        err = core_install_demo(core, now);
    } else {
        err = core_install_first(core, now, server, write_password);
    }
    err = err == ERR_OK ? core_index_fill(core) : err;
    return err == ERR_OK ? ERR_OK : fail(server, err, "accounts and devices");
}

static enum err open_workers(struct server *server)
{
    const struct server_settings *settings = server->settings;
    struct server_worker_plan plans[STEER_WORKERS_MAX] = {{.number = 0}};
    struct buf message = buf_over(server->message, sizeof(server->message) - 1);
    enum err err = server_sockets_open(settings, plans, &message);
    server->message[message.len] = 0;
    if (err != ERR_OK) {
        server_sockets_close(settings, plans);
        return err;
    }
    for (unsigned i = 0; i < settings->workers; i++) {
        plans[i].number = i;
        plans[i].settings = settings;
        plans[i].dedup_key = server->core.dedup_key;
        plans[i].core = &server->core;
        const enum err created = server_worker_create(&plans[i], &server->workers[i]);
        err = err == ERR_OK ? created : err;
    }
    return err == ERR_OK ? ERR_OK : fail(server, err, "workers");
}

static void pause_unless_stopping(struct server *server)
{
    const struct mono end = mono_add(plat_clock_mono(), span_ms(PURGE_PAUSE_MS));
    bool is_time_left = true;
    plat_mutex_lock(&server->stop_lock);
    while (is_time_left && metric_read(&server->stopping) == 0) {
        is_time_left = plat_cond_wait_until(&server->stop_told, &server->stop_lock, end);
    }
    plat_mutex_unlock(&server->stop_lock);
}

static void sweep_presence(struct server *server)
{
    const struct core_presence_time now = {plat_clock_mono(), plat_clock_wall()};
    if (mono_reached(now.mono, server->presence_due)) {
        (void)core_presence_sweep(&server->core, &server->control_desk, now);
        server->presence_due = core_presence_is_behind(server->core.presence)
                                   ? now.mono
                                   : mono_add(now.mono, server->settings->presence_sweep);
    }
}

// One step of a round; rounds are as far apart as those of the store.
static void expire_calls(struct server *server)
{
    const struct mono now = plat_clock_mono();
    bool is_over = false;
    if (!mono_reached(now, server->calls_due)) {
        return;
    }
    const enum err err = core_rpc_expire(&server->core, &server->control_desk,
                                         &server->calls_expiry, plat_clock_wall(), &is_over);
    if (err != ERR_OK) {
        LOG(LOG_WARN, "calls.not-expired", LOG_TEXT("error", err_text(err)));
    }
    if (err != ERR_OK || is_over) {
        server->calls_due = mono_add(now, server->settings->store.expiry_every);
    }
}

static void control(void *context)
{
    struct server *server = context;
    while (metric_read(&server->stopping) == 0) {
        // Nothing is tried again on a store whose write failed; a new process opens it anew.
        if (store_stats(server->store).read_only) {
            plat_signal_stop();
            return;
        }
        server_ballast_look(&server->ballast, plat_clock_mono());
        sweep_presence(server);
        server_meters_share(&server->meters, plat_clock_mono());
        expire_calls(server);
        enum err err = core_purge_one(&server->core, &server->control_desk);
        err = err == ERR_NOT_FOUND ? core_tenant_sweep(&server->core) : err;
        if (err != ERR_OK) {
            pause_unless_stopping(server);
        }
    }
}

// Devices are served meanwhile; people, who would see what has expired, only afterwards.
static enum err restore_attributes(struct server *server)
{
    const struct core_presence_time now = {plat_clock_mono(), plat_clock_wall()};
    const enum err err = core_attributes_restore(&server->core, now);
    return err == ERR_OK ? ERR_OK : fail(server, err, "attributes of devices");
}

static enum err open_desk(struct server *server, size_t lane_size, struct core_desk *desk)
{
    desk->bus = server->core.bus;
    const enum err err = store_lane_open(server->store, lane_size, NULL, NULL, &desk->lane);
    return err == ERR_OK ? bus_join(desk->bus, NULL, &desk->party) : err;
}

static enum err start_threads(struct server *server)
{
    enum err err = open_desk(server, SERVER_CONTROL_LANE_BYTES, &server->control_desk);
    for (unsigned i = 0; err == ERR_OK && i < server->settings->http_threads; i++) {
        err = open_desk(server, SERVER_DESK_LANE_BYTES, &server->desks[i]);
    }
    server->door.bus = server->core.bus;
    err = err == ERR_OK ? bus_join(server->core.bus, NULL, &server->door.party) : err;
    err = err == ERR_OK ? bus_join_hub(server->core.bus, NULL, &server->feed_party) : err;
    server->feed.party = err == ERR_OK ? bus_number(server->feed_party) : 0;
    err = err == ERR_OK ? store_start(server->store) : err;
    server->store_started = err == ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < server->settings->workers; i++) {
        err = server_worker_start(server->workers[i]);
        server->workers_started += err == ERR_OK ? 1 : 0;
    }
    err = err == ERR_OK ? restore_attributes(server) : err;
    if (err == ERR_OK) {
        err = plat_thread_start(&server->control, "control", -1, server, control);
        server->control_started = err == ERR_OK;
    }
    return err == ERR_OK ? ERR_OK : fail(server, err, "threads");
}

static bool is_ready(void *context)
{
    const struct server *server = context;
    return metric_read(&server->stopping) == 0 && !store_stats(server->store).read_only;
}

static struct http_server *http_of(struct server *server)
{
    // Somebody may come while the server of REST is still being made.
    plat_mutex_lock(&server->stop_lock);
    struct http_server *const http = server->http_is_up ? server->http : NULL;
    plat_mutex_unlock(&server->stop_lock);
    return http;
}

static void write_metrics(void *context, struct buf *out)
{
    struct server *server = context;
    const struct server_metrics metrics = {server->settings, server->workers, &server->core,
                                           http_of(server)};
    server_metrics_write(&metrics, out);
}

// How often at least the sockets' thread is told to look whether anything is due.
#define FEED_STEP span_s(1)

// What changed is looked at on the sockets' thread; this one only tells it that something is there.
static void feed(void *context)
{
    struct server *server = context;
    const struct span refresh = server->settings->rest.query_refresh;
    const struct span step = refresh.ns / 4 < FEED_STEP.ns ? span_us(refresh.ns / 4000) : FEED_STEP;
    while (metric_read(&server->stopping) == 0) {
        bus_wait(server->feed_party, mono_add(plat_clock_mono(), step));
        rest_live_tell(server->rest.live);
    }
}

static bool work(void *context, void *job, void (*run)(void *job))
{
    struct http_server *const http = http_of(context);
    return http != NULL && http_server_submit(http, job, run);
}

static bool post(void *context, void *job, void (*run)(void *job))
{
    struct http_server *const http = http_of(context);
    return http != NULL && http_socket_post(http, job, run);
}

// What the store, the workers and the desks open at most.
#define DESCRIPTORS_OWN 768U

// As many connections as there are descriptors for: without one the library would ask the kernel
// for the next connection again and again.
static unsigned bound_connections(const struct server_settings *settings)
{
    const unsigned wanted = settings->http_connections;
    const uint64_t limit = plat_process_descriptors((uint64_t)wanted + DESCRIPTORS_OWN);
    if (limit >= (uint64_t)wanted + DESCRIPTORS_OWN) {
        return wanted;
    }
    const unsigned bound =
        (unsigned)(limit > 2 * DESCRIPTORS_OWN ? limit - DESCRIPTORS_OWN : limit / 4);
    LOG(LOG_WARN, "http.connections-bounded", LOG_INT("wanted", wanted), LOG_INT("bound", bound),
        LOG_INT("descriptors", limit));
    return bound > 8 ? bound : 8;
}

static enum err start_http(struct server *server)
{
    const struct server_settings *settings = server->settings;
    server->rest = (struct rest){.core = &server->core,
                                 .settings = settings->rest,
                                 .desks = server->desks,
                                 .door = &server->door,
                                 .thread = http_server_thread,
                                 .zone = server_zones_read,
                                 .wall = plat_clock_wall,
                                 .mono = plat_clock_mono,
                                 .ready = is_ready,
                                 .metrics = write_metrics,
                                 .work = work,
                                 .post = post,
                                 .context = server,
                                 .park = http_park,
                                 .answer = http_parked_answer};
    const struct http_server_options options = {
        .bind = settings->http_bind,
        .threads = settings->http_threads,
        .queue_max = settings->http_queue,
        .connections_max = bound_connections(settings),
        .parked_max = settings->http_parked,
        .sockets = &rest_live_ops,
        .sockets_max = settings->http_sockets,
        .body_max = settings->http_body_max,
        .held_max = settings->http_held_max,
        .response_max = SERVER_HTTP_RESPONSE_BYTES,
        .memory_size = settings->http_body_max + SERVER_HTTP_ARENA_BYTES,
        .context = &server->rest,
        .handler = rest_handle,
    };
    if (!settings->http_enabled) {
        return ERR_OK;
    }
    enum err err = rest_live_create(&server->rest, server->feed_party, &server->rest.live);
    if (err != ERR_OK) {
        return fail(server, err, "http.sockets");
    }
    err = http_server_create(&options, &server->http);
    if (err == ERR_OK) {
        err = plat_thread_start(&server->feed_thread, "feed", -1, server, feed);
        server->feed_started = err == ERR_OK;
    }
    if (err != ERR_OK) {
        char text[ADDRESS_TEXT_SIZE];
        snprintf(server->message, sizeof(server->message), "cannot bind HTTP to %s: %s",
                 address_format(&settings->http_bind, text),
                 err == ERR_IN_USE ? "the port is taken" : err_text(err));
    }
    plat_mutex_lock(&server->stop_lock);
    server->http_is_up = err == ERR_OK;
    plat_mutex_unlock(&server->stop_lock);
    return err;
}

// What two parts of a start that ran beside each other came to: that of the store, with what it
// said, and the other one. The store's trouble is told first.
static enum err both(struct server *server, enum err store, const char *message, enum err other)
{
    if (store == ERR_OK) {
        return other;
    }
    snprintf(server->message, sizeof(server->message), "%s", message);
    return fail(server, store, server->settings->data);
}

static enum err open_accounts(void *context)
{
    struct server *server = context;
    enum err err = open_entities(server);
    err = err == ERR_OK ? open_core(server) : err;
    return err == ERR_OK ? install(server) : err;
}

static enum err open_databases(struct server *server)
{
    const struct server_settings *settings = server->settings;
    struct server_beside accounts = {.run = open_accounts, .context = server};
    char path[PATH_SIZE];
    char message[256] = "";
    // On a disk that is full the databases may need what it holds to be opened at all.
    server_ballast_open(&server->ballast, settings->data, settings->ballast_bytes,
                        settings->store.free_space_min);
    server_ballast_look(&server->ballast, plat_clock_mono());
    snprintf(path, sizeof(path), "%s/devices", settings->data);
    enum err err = plat_file_make_directory(path);
    if (err != ERR_OK) {
        return fail(server, err, path);
    }
    err = server_beside_start(&accounts, "accounts");
    if (err != ERR_OK) {
        return fail(server, err, "threads");
    }
    err = store_local_open(path, &settings->store, &server->store, message);
    err = both(server, err, message, server_beside_join(&accounts));
    if (err == ERR_OK) {
        server->core.store = server->store;
        store_set_lives(server->store, &server->lives);
    }
    return err;
}

static enum err restore_shards(struct server *server)
{
    const enum err err =
        server_worker_restore_shards(server->workers, server->settings->workers, server->store);
    return err == ERR_OK ? ERR_OK
                         : fail(server, err, "observations and calls (limits.devices, rpc.calls)");
}

static enum err recall(void *context)
{
    struct server *server = context;
    const enum err err = server_recall(server->workers, server->settings->workers, server->store);
    return err == ERR_OK ? restore_shards(server) : fail(server, err, "remembered messages");
}

static enum err restore(struct server *server)
{
    struct server_beside messages = {.run = recall, .context = server};
    char message[256] = "";
    enum err err = server_beside_start(&messages, "recall");
    if (err != ERR_OK) {
        return fail(server, err, "threads");
    }
    err = store_replay(server->store, message);
    return both(server, err, message, server_beside_join(&messages));
}

static enum err start(struct server *server)
{
    enum err err = open_directory(server);
    err = err == ERR_OK ? open_databases(server) : err;
    err = err == ERR_OK ? open_workers(server) : err;
    err = err == ERR_OK ? restore(server) : err;
    err = err == ERR_OK ? start_threads(server) : err;
    return err == ERR_OK ? start_http(server) : err;
}

// Nothing new is taken; what is in hand is answered; what was acknowledged is on disk already.
static void stop(struct server *server)
{
    plat_mutex_lock(&server->stop_lock);
    metric_set(&server->stopping, 1);
    plat_cond_broadcast(&server->stop_told);
    plat_mutex_unlock(&server->stop_lock);
    for (unsigned i = 0; i < server->workers_started; i++) {
        server_worker_end_calls(server->workers[i]);
    }
    if (server->feed_started) {
        bus_wake(server->feed_party);
        plat_thread_join(&server->feed_thread);
    }
    if (server->http != NULL) {
        http_server_destroy(server->http);
    }
    if (server->rest.live != NULL) {
        rest_live_destroy(server->rest.live);
    }
    if (server->control_started) {
        plat_thread_join(&server->control);
    }
    for (unsigned i = 0; i < server->workers_started; i++) {
        server_worker_stop(server->workers[i]);
    }
    for (unsigned i = 0; i < server->workers_started; i++) {
        server_worker_join(server->workers[i]);
    }
    if (server->store_started) {
        store_stop(server->store);
    }
    for (unsigned i = 0; i < server->settings->workers; i++) {
        if (server->workers[i] != NULL) {
            server_worker_destroy(server->workers[i]);
        }
    }
}

static void close_all(struct server *server)
{
    if (server->presence_memory != NULL) {
        plat_memory_release(server->presence_memory, core_presence_footprint());
    }
    if (server->lives_memory != NULL) {
        plat_memory_release(server->lives_memory, core_lives_footprint());
    }
    server_meters_close(&server->meters);
    for (unsigned i = 0; i < server->core.recorder_count; i++) {
        plat_memory_release(server->recorders[i],
                            core_recorder_footprint(server->settings->trace_bytes));
    }
    if (server->core.bus != NULL) {
        bus_destroy(server->core.bus);
    }
    if (server->core.index != NULL) {
        model_index_destroy(server->core.index);
    }
    if (server->core.quotas != NULL) {
        model_quotas_destroy(server->core.quotas);
    }
    if (server->core.attempts != NULL) {
        store_attempts_destroy(server->core.attempts);
    }
    if (server->core.entities != NULL) {
        store_entities_close(server->core.entities);
    }
    if (server->store != NULL) {
        store_close(server->store);
    }
    if (server->lock >= 0) {
        plat_file_unlock(server->lock);
    }
    plat_mutex_deinit(&server->settings_lock);
    plat_cond_deinit(&server->stop_told);
    plat_mutex_deinit(&server->stop_lock);
}

static void print_banner(const struct server *server)
{
    const struct server_settings *settings = server->settings;
    char coap[ADDRESS_TEXT_SIZE];
    char http[ADDRESS_TEXT_SIZE] = "off";
    const struct address *bind = &settings->coap_bind[0];
    if (server->http != NULL) {
        const struct address local = http_server_local(server->http);
        address_format(&local, http);
    }
    printf("Motehub " MOTEHUB_VERSION "\n  CoAP  coap://%s\n  REST  http://%s\n  data  %s\n",
           settings->coap_enabled ? address_format(bind, coap) : "off", http, settings->data);
    if (settings->demo && settings->coap_enabled && server->http != NULL) {
        printf("  log in as tenant@thingsboard.org, password: tenant\n\n"
               "Post a reading with libcoap's client, or with npm's coap-cli:\n"
               "  coap-client -m post -t 50 -e '{\"temperature\":25.5}' "
               "coap://%s/api/v1/A1_TEST_TOKEN/telemetry\n"
               "  echo -n '{\"temperature\":25.5}' | "
               "coap post coap://%s/api/v1/A1_TEST_TOKEN/telemetry\n"
               "Read it back:\n"
               "  T=$(curl -s http://%s/api/auth/login "
               "-d '{\"username\":\"tenant@thingsboard.org\",\"password\":\"tenant\"}' "
               "| sed 's/.*\"token\":\"\\([^\"]*\\).*/\\1/'); "
               "D=$(curl -sG http://%s/api/tenant/devices --data-urlencode 'deviceName=Test Device "
               "A1' "
               "-H \"X-Authorization: Bearer $T\" | sed 's/[^}]*\"id\":\"\\([^\"]*\\).*/\\1/'); "
               "curl -s http://%s/api/plugins/telemetry/DEVICE/$D/values/timeseries "
               "-H \"X-Authorization: Bearer $T\"\n\n",
               coap, coap, http, http, http);
    }
    fflush(stdout);
}

static void log_sink(void *context, enum log_level level, struct slice line)
{
    (void)context;
    (void)level;
    plat_process_error(line);
}

static int64_t log_clock(void *context)
{
    (void)context;
    return plat_clock_wall().ms;
}

static void run_until_told(const struct server_options *options, const struct conf *conf)
{
    struct server_reload reload = {.options = options, .started = conf};
    plat_notify("READY=1");
    while (plat_signal_wait() != PLAT_SIGNAL_STOP) {
        server_reload(&reload);
    }
    plat_notify("STOPPING=1");
    server_reload_end(&reload);
}

int server_serve(const struct server_settings *settings, const struct server_options *options,
                 const struct conf *conf, struct slice warning)
{
    static struct server server; // large, and one per process
    server.settings = settings;
    plat_mutex_init(&server.stop_lock);
    plat_mutex_init(&server.settings_lock);
    plat_cond_init(&server.stop_told);
    plat_signal_init();
    log_init(settings->log_level, settings->log_format, NULL, log_clock, log_sink);
    server_settings_warn(warning);
    bool is_well = true;
    const enum err err = start(&server);
    if (err != ERR_OK) {
        fprintf(stderr, "motehub: %s\n", server.message);
    } else {
        print_banner(&server);
        LOG(LOG_INFO, "server.started", LOG_INT("workers", settings->workers),
            LOG_INT("devices", model_index_count(server.core.index)),
            LOG_INT("reserved-bytes", plat_memory_reserved()),
            LOG_INT("heap-bytes-max", server_heap_bytes_max(settings)));
        run_until_told(options, conf);
        is_well = !store_stats(server.store).read_only;
        LOG(LOG_INFO, "server.stopping", LOG_TEXT("reason", is_well ? "signal" : "store"));
    }
    stop(&server);
    close_all(&server);
    if (err == ERR_OK && !is_well) {
        fprintf(stderr, "motehub: a write to %s failed, so this process ends; see the log above\n",
                settings->data);
    }
    return err == ERR_OK && is_well ? 0 : 1;
}
