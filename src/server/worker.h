// server/worker.h: one worker: its UDP sockets, its CoAP endpoint, its lane of the store, its turn.
// Workers share nothing but the index of devices and speak to the store through rings.
#pragma once

#include "api/api.h"
#include "base/epoch.h"
#include "base/histogram.h"
#include "coap/endpoint.h"
#include "plat/udp.h"
#include "server/settings.h"
#include "store/store.h"

struct server_worker;

struct server_worker_plan {
    unsigned number;
    const struct server_settings *settings;
    struct hash_key dedup_key;
    const struct core *core;
    struct plat_udp *sockets[SETTINGS_BINDS_MAX]; // owned by the worker from now on
    unsigned socket_count;
};

// Start-up only; before the store starts, since it opens a lane.
MUST_USE enum err server_worker_create(const struct server_worker_plan *plan,
                                       struct server_worker **worker);
// Before any worker starts: what the store keeps of the devices to be reached.
MUST_USE enum err server_worker_restore_shards(struct server_worker *const *workers, unsigned count,
                                               struct store *store);
// Before it starts: its table of messages, to be refilled with those of before the restart.
struct coap_dedup *server_worker_messages(const struct server_worker *worker);
MUST_USE enum err server_worker_start(struct server_worker *worker);

// What a worker counts, as of at most a tenth of a second ago while it is busy.
enum server_figure {
    SERVER_RECEIVED,
    SERVER_SENT,
    SERVER_MALFORMED,
    SERVER_DUPLICATES,
    SERVER_RETRANSMITTED,
    SERVER_LOST,
    SERVER_REJECTED,
    SERVER_REFUSED_FULL,
    SERVER_KERNEL_DROPS,
    SERVER_DEDUP, // levels from here on: what tables hold (server/tables.def)
    SERVER_DEDUP_ANSWERS,
    SERVER_EXCHANGES,
    SERVER_IN_FLIGHT,
    SERVER_NOTED,
    SERVER_PEERS,
    SERVER_BODIES,
    SERVER_BODIES_UNPROVEN,
    SERVER_BODY_BYTES,
    SERVER_BLOCK_ANSWERS,
    SERVER_TURN, // the most of a turn so far
    SERVER_REFUSALS,
    SERVER_WAITING,
    SERVER_ASKS,
    SERVER_JOBS,
    SERVER_PARCELS,
    SERVER_REACHED,
    SERVER_OBSERVATIONS,
    SERVER_SUSPENDED,
    SERVER_CALLS,
    SERVER_FIGURES,
};

struct server_figures {
    uint64_t of[SERVER_FIGURES];
};

// Any thread.
struct server_figures server_worker_figures(const struct server_worker *worker);
const struct api_metrics *server_worker_api(const struct server_worker *worker);
// Microseconds from a request to its answer, of those that had to be stored.
const struct histogram *server_worker_latency(const struct server_worker *worker);

// Any thread: calls that somebody waits for end now, and no more are taken.
void server_worker_end_calls(struct server_worker *worker);
// Any thread: take no new requests; answer what is in hand (at most 5 s), then end.
void server_worker_stop(struct server_worker *worker);
void server_worker_join(struct server_worker *worker);
void server_worker_destroy(struct server_worker *worker);
