#include "server/worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "plat/clock.h"
#include "plat/entropy.h"
#include "plat/loop.h"
#include "plat/memory.h"
#include "plat/steer.h"
#include "plat/thread.h"
#include "server/meters.h"
#include "server/sizes.h"
#include "server/trace.h"

#define COMPLETIONS_MAX 1024U
#define MAIL_MAX 1024U
#define OWN_MAIL_ROUNDS 4U
#define DRAIN_S 5U
#define FIGURES_MS 100U
#define ROOM_MIN (2U * PLAT_UDP_BATCH)

struct server_worker {
    struct server_worker_plan plan;
    struct plat_thread thread;
    struct plat_loop *loop;
    struct coap_endpoint *endpoint;
    void *endpoint_memory;
    size_t endpoint_size;
    void *turn_memory;
    void *refusal_memory;
    struct arena memory;
    struct api api;
    struct store_lane *lane;
    struct bus_party *party;
    struct core_shard *shard;
    void *shard_memory;
    void *follow_memory;
    struct store_lane *shard_lane;
    bool is_behind;         // more had come than one turn takes
    uint64_t in_store;      // requests that wait for their completion, or for a shard
    uint64_t ready_sockets; // bits of sockets with something to read
    uint64_t clean_sockets; // bits of those that were read empty once (see is_misplaced)
    uint64_t error_sockets; // bits of those with something on their error queue
    struct metric figures[SERVER_FIGURES];
    struct mono figures_due;
    bool figures_are_stale; // something happened since they were published
    struct histogram latency;
    struct metric end_calls; // set by the main thread
    bool calls_are_ended;
    struct metric stop; // set by the main thread
    struct mono stop_deadline;
};

static size_t refusal_size(void)
{
    return rate_table_footprint(SERVER_REFUSAL_SOURCES);
}

static void wake(void *context)
{
    struct server_worker *worker = context;
    plat_loop_wake(worker->loop);
}

static size_t follow_size(const struct server_settings *settings)
{
    return settings->coap_limits.exchanges_max * sizeof(struct api_follow);
}

static enum err reserve(struct server_worker *worker)
{
    worker->endpoint_size = coap_endpoint_footprint(&worker->plan.settings->coap_limits);
    worker->endpoint_memory = plat_memory_reserve(worker->endpoint_size);
    worker->turn_memory = plat_memory_reserve(SERVER_TURN_BYTES);
    worker->refusal_memory = plat_memory_reserve(refusal_size());
    worker->shard_memory = plat_memory_reserve(core_shard_footprint(&worker->plan.settings->shard));
    worker->follow_memory = plat_memory_reserve(follow_size(worker->plan.settings));
    const bool all = worker->endpoint_memory != NULL && worker->turn_memory != NULL &&
                     worker->refusal_memory != NULL && worker->shard_memory != NULL &&
                     worker->follow_memory != NULL;
    return all ? ERR_OK : ERR_EXHAUSTED;
}

static const struct coap_link links[] = {
    {"/", "ct=0"},
    {"/api/v1", "rt=\"motehub.device\";ct=50"},
};

static void init(struct server_worker *worker)
{
    const struct server_settings *settings = worker->plan.settings;
    struct coap_endpoint_settings coap = settings->coap;
    coap.key = worker->plan.dedup_key;
    coap.seed = plat_entropy_word();
    coap.links = links;
    coap.link_count = sizeof(links) / sizeof(links[0]);
    worker->endpoint = coap_endpoint_init(worker->endpoint_memory, &settings->coap_limits, &coap,
                                          plat_clock_mono());
    arena_init(&worker->memory, worker->turn_memory, SERVER_TURN_BYTES);
    worker->api.settings = settings->api;
    plat_entropy(&worker->api.settings.hash_key, sizeof(worker->api.settings.hash_key));
    worker->api.core =
        (struct core_worker){.lane = worker->lane,
                             .index = worker->plan.core->index,
                             .bus = worker->plan.core->bus,
                             .party = worker->party,
                             .presence = worker->plan.core->presence,
                             .feed = worker->plan.core->feed,
                             .meters = worker->plan.core->meters[worker->plan.number],
                             .reached = worker->plan.core->reached};
    worker->api.memory = &worker->memory;
    worker->api.recorder = worker->plan.core->recorders[worker->plan.number];
    worker->api.follows = worker->follow_memory;
    worker->api.refusals.table =
        rate_table_init(worker->refusal_memory, SERVER_REFUSAL_SOURCES, &settings->wrong_tokens);
    plat_entropy(&worker->api.refusals.key, sizeof(worker->api.refusals.key));
    const struct core_shard_plan shard = {.number = worker->plan.number,
                                          .core = worker->plan.core,
                                          .party = worker->party,
                                          .lane = worker->shard_lane,
                                          .memory = &worker->memory,
                                          .ops = &api_notice_ops,
                                          .settings = settings->shard};
    worker->shard = core_shard_init(worker->shard_memory, &shard, plat_clock_mono());
}

static enum err open_lanes(struct server_worker *worker)
{
    struct store *store = worker->plan.core->store;
    const size_t recent_bytes = worker->plan.settings->recent_bytes;
    enum err err = store_lane_open(store, SERVER_LANE_BYTES, worker, wake, &worker->lane);
    if (err == ERR_OK && recent_bytes > 0) {
        err = store_load_remember(worker->lane, recent_bytes);
    }
    return err == ERR_OK
               ? store_lane_open(store, SERVER_LANE_BYTES, worker, wake, &worker->shard_lane)
               : err;
}

enum err server_worker_create(const struct server_worker_plan *plan, struct server_worker **out)
{
    struct server_worker *worker = calloc(1, sizeof(*worker));
    ASSERT(worker != NULL);
    worker->plan = *plan;
    *out = worker;
    enum err err = reserve(worker);
    err = err == ERR_OK ? plat_loop_create(&worker->loop) : err;
    err = err == ERR_OK ? open_lanes(worker) : err;
    err = err == ERR_OK ? bus_join(plan->core->bus, worker->loop, &worker->party) : err;
    for (unsigned i = 0; err == ERR_OK && i < plan->socket_count; i++) {
        err = plat_loop_watch(worker->loop, plat_udp_descriptor(plan->sockets[i]), i);
    }
    if (err == ERR_OK) {
        init(worker);
    }
    return err;
}

struct coap_dedup *server_worker_messages(const struct server_worker *worker)
{
    return coap_endpoint_dedup(worker->endpoint);
}

enum err server_worker_restore_shards(struct server_worker *const *workers, unsigned count,
                                      struct store *store)
{
    struct core_shard *shards[STEER_WORKERS_MAX];
    for (unsigned i = 0; i < count; i++) {
        shards[i] = workers[i]->shard;
    }
    const struct core_shard_time now = {plat_clock_mono(), plat_clock_wall()};
    return core_shard_restore(shards, count, store, now);
}

// Sends what waits, in batches of one socket each.
static void transmit(struct server_worker *worker, struct mono now)
{
    struct plat_udp_datagram batch[PLAT_UDP_BATCH];
    unsigned count = 0;
    uint8_t socket = 0;
    struct coap_datagram datagram;
    while (coap_endpoint_output(worker->endpoint, now, &datagram)) {
        if (count == PLAT_UDP_BATCH || (count > 0 && datagram.peer.socket != socket)) {
            (void)plat_udp_send(worker->plan.sockets[socket], batch, count);
            count = 0;
        }
        socket = datagram.peer.socket;
        batch[count++] = (struct plat_udp_datagram){.remote = coap_peer_remote(&datagram.peer),
                                                    .local = coap_peer_local(&datagram.peer),
                                                    .bytes = datagram.bytes};
    }
    if (count > 0) {
        (void)plat_udp_send(worker->plan.sockets[socket], batch, count);
    }
}

static void make_room(struct server_worker *worker, struct mono now)
{
    if (coap_endpoint_room(worker->endpoint) < ROOM_MIN) {
        transmit(worker, now);
    }
}

static void refuse_stopping(struct server_worker *worker, struct mono now,
                            const struct coap_request *request)
{
    struct coap_reply reply = {.code = COAP_SERVICE_UNAVAILABLE,
                               .content_format = COAP_FORMAT_NONE,
                               .max_age_s = 5,
                               .no_effect = true};
    coap_endpoint_reply(worker->endpoint, now, request->exchange, &reply);
}

static void serve_request(struct server_worker *worker, struct api_time now,
                          const struct coap_request *request)
{
    const struct address remote = coap_peer_remote(request->peer);
    struct api_origin origin = {.steer = plat_steer_hash(&remote)};
    const struct server_trace trace = {request->dedup, COAP_CREATED, origin.steer};
    struct coap_reply reply;
    server_trace_write(&trace, &origin.trace);
    const enum api_outcome outcome = api_request(&worker->api, now, request, &origin, &reply);
    if (worker->api.is_reached) {
        coap_endpoint_expect_notices(worker->endpoint, request->exchange);
    }
    switch (outcome) {
    case API_REPLIED:
        coap_endpoint_reply(worker->endpoint, now.mono, request->exchange, &reply);
        return;
    case API_PENDING:
        worker->in_store++;
        return;
    case API_DROPPED:
        coap_endpoint_drop(worker->endpoint, request->exchange);
        return;
    }
}

static void begin_body(struct server_worker *worker, struct api_time now,
                       const struct coap_request *request)
{
    struct coap_reply reply;
    struct coap_admission admission;
    switch (api_body_begins(&worker->api, now, request, &admission, &reply)) {
    case API_REPLIED:
        coap_endpoint_reply(worker->endpoint, now.mono, request->exchange, &reply);
        return;
    case API_PENDING:
        coap_endpoint_admit(worker->endpoint, now.mono, request->exchange, &admission);
        return;
    case API_DROPPED:
        coap_endpoint_drop(worker->endpoint, request->exchange);
        return;
    }
}

static void handle(struct server_worker *worker, struct api_time now,
                   const struct coap_event *event)
{
    switch (event->kind) {
    case COAP_EVENT_REQUEST:
    case COAP_EVENT_BODY_BEGINS:
        if (metric_read(&worker->stop) != 0) {
            refuse_stopping(worker, now.mono, &event->request);
        } else if (event->kind == COAP_EVENT_REQUEST) {
            serve_request(worker, now, &event->request);
        } else {
            begin_body(worker, now, &event->request);
        }
        return;
    case COAP_EVENT_REPEATED:
        api_repeated(&worker->api, &event->request);
        return;
    case COAP_EVENT_DELIVERED:
    case COAP_EVENT_REJECTED:
    case COAP_EVENT_LOST:
    case COAP_EVENT_TRANSMITTED:
    case COAP_EVENT_UNANSWERED:
    case COAP_EVENT_FETCHED:
        // Separate responses take care of themselves; notifications are told to their shard.
        api_notice_outcome(&worker->api, event);
        return;
    case COAP_EVENT_NONE:
    case COAP_EVENT_RESPONSE:
        // The server sends no requests.
        return;
    }
}

// The sockets of a group are bound one after the other, and until the last one is there the kernel
// puts datagrams where it likes. Such a one would meet a worker that does not know the message from
// before a restart, and be stored twice: it is dropped, its sender repeats it. What comes after a
// socket was read empty once was steered by the whole group.
static bool is_misplaced(const struct server_worker *worker, unsigned socket,
                         const struct address *remote)
{
    return (worker->clean_sockets & (1ULL << socket)) == 0 &&
           plat_steer_worker(remote, worker->plan.settings->workers) != worker->plan.number;
}

// At most one batch of a socket. Its look-ups are started for all datagrams before the first is
// handled.
static void receive_batch(struct server_worker *worker, struct api_time now, unsigned socket)
{
    struct plat_udp_datagram in[PLAT_UDP_BATCH];
    struct coap_datagram batch[PLAT_UDP_BATCH];
    struct coap_event event;
    unsigned count = 0;
    const unsigned received = plat_udp_receive(worker->plan.sockets[socket], in);
    worker->figures_are_stale |= received > 0;
    for (unsigned i = 0; i < received; i++) {
        if (is_misplaced(worker, socket, &in[i].remote)) {
            continue;
        }
        batch[count] = (struct coap_datagram){
            .peer = coap_peer_plain(&in[i].remote, &in[i].local, (uint8_t)socket),
            .bytes = in[i].bytes,
            .truncated = in[i].truncated,
            .multicast = address_is_multicast(&in[i].local),
        };
        coap_endpoint_prefetch(worker->endpoint, &batch[count++]);
    }
    worker->clean_sockets |= received < PLAT_UDP_BATCH ? 1ULL << socket : 0;
    for (unsigned i = 0; i < count; i++) {
        make_room(worker, now.mono);
        if (coap_endpoint_input(worker->endpoint, now.mono, &batch[i], &event)) {
            handle(worker, now, &event);
        }
    }
}

static void receive(struct server_worker *worker, struct api_time now)
{
    for (unsigned socket = 0; socket < worker->plan.socket_count; socket++) {
        if ((worker->ready_sockets & (1ULL << socket)) != 0) {
            receive_batch(worker, now, socket);
        }
    }
}

// To the endpoint that speaks to this address. What finds no room is found out by a time-out.
static void tell_unreachable(struct server_worker *worker, const struct plat_udp_path *path,
                             unsigned socket)
{
    const struct coap_peer peer = coap_peer_plain(&path->remote, &path->local, (uint8_t)socket);
    const unsigned to = plat_steer_worker(&path->remote, worker->plan.settings->workers);
    if (to == worker->plan.number) {
        coap_endpoint_unreachable(worker->endpoint, &peer);
        return;
    }
    struct core_mail *mail =
        bus_has_room(worker->party, to) ? core_mail_begin(worker->party, to, 0) : NULL;
    if (mail != NULL) {
        mail->kind = CORE_MAIL_UNREACHABLE;
        memcpy(mail->registration.route.peer, &peer, sizeof(peer));
        core_mail_end(worker->party, to, mail);
    }
}

static void take_unreachable(struct server_worker *worker)
{
    struct plat_udp_path paths[PLAT_UDP_PATHS];
    for (unsigned socket = 0; worker->error_sockets != 0; socket++) {
        const uint64_t bit = 1ULL << socket;
        const bool is_marked = (worker->error_sockets & bit) != 0;
        const unsigned count =
            is_marked ? plat_udp_unreachable(worker->plan.sockets[socket], paths) : 0;
        for (unsigned i = 0; i < count; i++) {
            tell_unreachable(worker, &paths[i], socket);
        }
        worker->error_sockets &= ~bit;
    }
}

static void collect(struct server_worker *worker, struct mono now)
{
    struct store_completion completion;
    unsigned taken = 0;
    for (; taken < COMPLETIONS_MAX && store_collect(worker->lane, &completion); taken++) {
        struct coap_handle exchange;
        struct coap_reply reply;
        ASSERT(worker->in_store > 0);
        worker->figures_are_stale = true;
        make_room(worker, now);
        if (api_completed(&worker->api, &completion, &exchange, &reply) == API_PENDING) {
            continue;
        }
        worker->in_store--;
        histogram_add(&worker->latency,
                      coap_endpoint_age(worker->endpoint, now, exchange).ns / 1000);
        coap_endpoint_reply(worker->endpoint, now, exchange, &reply);
    }
    worker->is_behind |= taken == COMPLETIONS_MAX;
}

static void collect_loads(struct server_worker *worker, struct mono now)
{
    struct store_load *load = store_load_collect(worker->lane);
    for (; load != NULL; load = store_load_collect(worker->lane)) {
        struct coap_handle exchange;
        struct coap_reply reply;
        const size_t mark = arena_mark(&worker->memory);
        ASSERT(worker->in_store > 0);
        worker->in_store--;
        make_room(worker, now);
        api_loaded(&worker->api, load, &exchange, &reply);
        coap_endpoint_reply(worker->endpoint, now, exchange, &reply);
        arena_rewind(&worker->memory, mark);
        store_load_release(load);
    }
}

static void take_answer(struct server_worker *worker, struct mono now, const struct core_mail *mail)
{
    struct coap_handle exchange;
    struct coap_reply reply;
    make_room(worker, now);
    if (api_answered(&worker->api, mail, &exchange, &reply) == API_REPLIED) {
        ASSERT(worker->in_store > 0);
        worker->in_store--;
        coap_endpoint_reply(worker->endpoint, now, exchange, &reply);
    }
}

// Mail is for the shard, or for the messages of this worker.
static void take_mail(struct server_worker *worker, struct api_time now)
{
    const struct core_shard_time shard_now = {now.mono, now.wall};
    struct slice message;
    unsigned from;
    unsigned taken = 0;
    for (; taken < MAIL_MAX && bus_next(worker->party, &from, &message); taken++) {
        const struct core_mail *mail = (const struct core_mail *)(const void *)message.ptr;
        worker->figures_are_stale = true;
        if (mail->kind == CORE_MAIL_ANSWER) {
            take_answer(worker, now.mono, mail);
        } else if (mail->kind == CORE_MAIL_NOTICE || mail->kind == CORE_MAIL_CANCEL) {
            make_room(worker, now.mono);
            api_notice_send(&worker->api, worker->endpoint, now.mono, mail);
        } else if (mail->kind == CORE_MAIL_UNREACHABLE) {
            struct coap_peer peer;
            memcpy(&peer, mail->registration.route.peer, sizeof(peer));
            coap_endpoint_unreachable(worker->endpoint, &peer);
        } else {
            core_shard_take(worker->shard, shard_now, from, mail);
        }
    }
    bus_release(worker->party);
    worker->is_behind |= taken == MAIL_MAX;
    if (metric_read(&worker->end_calls) != 0 && !worker->calls_are_ended) {
        worker->calls_are_ended = true;
        core_shard_end_calls(worker->shard, shard_now);
    }
    worker->figures_are_stale |= mono_reached(now.mono, core_shard_deadline(worker->shard));
    core_shard_turn(worker->shard, shard_now);
}

// What the worker says to itself, as its shard and its endpoint do to each other, needs no turn of
// its own; what goes on longer than this has one.
static void take_own_mail(struct server_worker *worker, struct api_time now)
{
    for (unsigned i = 0; i < OWN_MAIL_ROUNDS && bus_flush_own(worker->party); i++) {
        take_mail(worker, now);
    }
}

static void expire_waiting(struct server_worker *worker, struct mono now)
{
    struct coap_handle exchange;
    struct coap_reply reply;
    while (api_expired(&worker->api, now, &exchange, &reply)) {
        ASSERT(worker->in_store > 0);
        worker->in_store--;
        make_room(worker, now);
        coap_endpoint_reply(worker->endpoint, now, exchange, &reply);
    }
}

static void expire(struct server_worker *worker, struct api_time now)
{
    expire_waiting(worker, now.mono);
    struct coap_event event;
    make_room(worker, now.mono);
    while (coap_endpoint_tick(worker->endpoint, now.mono, &event)) {
        worker->figures_are_stale = true;
        handle(worker, now, &event);
        make_room(worker, now.mono);
    }
}

static void wait(struct server_worker *worker)
{
    uint32_t tags[PLAT_LOOP_READY_MAX];
    const struct mono now = plat_clock_mono();
    struct mono deadline = coap_endpoint_deadline(worker->endpoint);
    deadline = mono_earlier(deadline, core_shard_deadline(worker->shard));
    deadline = mono_earlier(deadline, api_deadline(&worker->api));
    if (worker->figures_are_stale) {
        deadline = mono_earlier(deadline, worker->figures_due);
    }
    if (metric_read(&worker->stop) != 0) {
        deadline = mono_earlier(deadline, worker->stop_deadline);
    }
    // Nobody wakes it for what is there already.
    deadline = worker->is_behind ? now : deadline;
    worker->is_behind = false;
    const unsigned count = plat_loop_wait(worker->loop, now, deadline, tags);
    worker->ready_sockets = 0;
    for (unsigned i = 0; i < count; i++) {
        const uint64_t bit = 1ULL << (tags[i] & ~PLAT_LOOP_ERROR);
        worker->ready_sockets |= bit;
        worker->error_sockets |= (tags[i] & PLAT_LOOP_ERROR) != 0 ? bit : 0;
    }
}

static void publish_figures(struct server_worker *worker, struct mono now)
{
    if (!worker->figures_are_stale || !mono_reached(now, worker->figures_due)) {
        return;
    }
    worker->figures_are_stale = false;
    const struct coap_endpoint_stats stats = coap_endpoint_stats(worker->endpoint);
    const struct core_shard_stats shard = core_shard_stats(worker->shard);
    uint64_t drops = 0;
    for (unsigned i = 0; i < worker->plan.socket_count; i++) {
        drops += plat_udp_kernel_drops(worker->plan.sockets[i]);
    }
    const uint64_t now_is[SERVER_FIGURES] = {
        [SERVER_RECEIVED] = stats.received,
        [SERVER_SENT] = stats.sent,
        [SERVER_MALFORMED] = stats.malformed,
        [SERVER_DUPLICATES] = stats.duplicates,
        [SERVER_RETRANSMITTED] = stats.retransmitted,
        [SERVER_LOST] = stats.lost,
        [SERVER_REJECTED] = stats.rejected,
        [SERVER_REFUSED_FULL] = stats.refused_full,
        [SERVER_KERNEL_DROPS] = drops,
        [SERVER_DEDUP] = stats.dedup.entries,
        [SERVER_DEDUP_ANSWERS] = stats.dedup.answer_bytes,
        [SERVER_EXCHANGES] = stats.exchanges,
        [SERVER_IN_FLIGHT] = stats.sent_in_flight,
        [SERVER_NOTED] = stats.noted,
        [SERVER_PEERS] = stats.peers,
        [SERVER_BODIES] = stats.bodies,
        [SERVER_BODIES_UNPROVEN] = stats.bodies_unproven,
        [SERVER_BODY_BYTES] = stats.body_bytes,
        [SERVER_BLOCK_ANSWERS] = stats.answer_bytes,
        [SERVER_TURN] = worker->memory.used_max,
        [SERVER_REFUSALS] = rate_table_count(worker->api.refusals.table),
        [SERVER_WAITING] = worker->api.waiting.count,
        [SERVER_ASKS] = worker->api.core.asks,
        [SERVER_JOBS] = shard.jobs,
        [SERVER_PARCELS] = shard.parcels,
        [SERVER_REACHED] = shard.devices,
        [SERVER_OBSERVATIONS] = shard.observations,
        [SERVER_SUSPENDED] = shard.suspended,
        [SERVER_CALLS] = shard.calls,
    };
    for (unsigned i = 0; i < SERVER_FIGURES; i++) {
        metric_set(&worker->figures[i], now_is[i]);
    }
    worker->figures_due = mono_add(now, span_ms(FIGURES_MS));
}

// One turn. The clock is read once; everything here happens "at now".
static void turn(struct server_worker *worker)
{
    const int64_t wall_us = plat_clock_wall_us();
    const struct api_time now = {plat_clock_mono(), {wall_us / 1000}};
    core_recorder_turn(worker->api.recorder, wall_us);
    epoch_enter(worker->plan.core->epoch, worker->plan.number);
    receive(worker, now);
    take_unreachable(worker);
    store_flush(worker->lane);
    collect(worker, now.mono);
    collect_loads(worker, now.mono);
    bus_flush_own(worker->party);
    take_mail(worker, now);
    take_own_mail(worker, now);
    expire(worker, now);
    take_own_mail(worker, now);
    transmit(worker, now.mono);
    publish_figures(worker, now.mono);
    bus_flush(worker->party);
    arena_reset(&worker->memory);
    epoch_leave(worker->plan.core->epoch, worker->plan.number);
}

static bool finished(struct server_worker *worker)
{
    if (metric_read(&worker->stop) == 0) {
        return false;
    }
    if (worker->stop_deadline.ns == 0) {
        worker->stop_deadline = mono_add(plat_clock_mono(), span_s(DRAIN_S));
    }
    return worker->in_store == 0 || mono_reached(plat_clock_mono(), worker->stop_deadline);
}

static void run(void *context)
{
    struct server_worker *worker = context;
    while (!finished(worker)) {
        turn(worker);
        if (!finished(worker)) {
            wait(worker);
        }
    }
    turn(worker);
}

enum err server_worker_start(struct server_worker *worker)
{
    char name[16];
    struct buf text = buf_over(name, sizeof(name) - 1);
    buf_put_format(&text, "worker-%u", worker->plan.number);
    name[text.len] = 0;
    const int cpu = worker->plan.settings->worker_cpus[worker->plan.number];
    return plat_thread_start(&worker->thread, name, cpu, worker, run);
}

struct server_figures server_worker_figures(const struct server_worker *worker)
{
    struct server_figures figures;
    for (unsigned i = 0; i < SERVER_FIGURES; i++) {
        figures.of[i] = metric_read(&worker->figures[i]);
    }
    return figures;
}

const struct api_metrics *server_worker_api(const struct server_worker *worker)
{
    return &worker->api.metrics;
}

const struct histogram *server_worker_latency(const struct server_worker *worker)
{
    return &worker->latency;
}

void server_worker_end_calls(struct server_worker *worker)
{
    metric_set(&worker->end_calls, 1);
    plat_loop_wake(worker->loop);
}

void server_worker_stop(struct server_worker *worker)
{
    metric_set(&worker->stop, 1);
    plat_loop_wake(worker->loop);
}

void server_worker_join(struct server_worker *worker)
{
    plat_thread_join(&worker->thread);
}

void server_worker_destroy(struct server_worker *worker)
{
    for (unsigned i = 0; i < worker->plan.socket_count; i++) {
        plat_udp_close(worker->plan.sockets[i]);
    }
    if (worker->loop != NULL) {
        plat_loop_destroy(worker->loop);
    }
    plat_memory_release(worker->endpoint_memory, worker->endpoint_size);
    plat_memory_release(worker->turn_memory, SERVER_TURN_BYTES);
    plat_memory_release(worker->refusal_memory, refusal_size());
    plat_memory_release(worker->shard_memory, core_shard_footprint(&worker->plan.settings->shard));
    plat_memory_release(worker->follow_memory, follow_size(worker->plan.settings));
    free(worker);
}
