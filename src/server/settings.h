// server/settings.h: the configuration in the types that the parts want, checked as a whole.
#pragma once

#include "api/api.h"
#include "base/address.h"
#include "base/log.h"
#include "coap/endpoint.h"
#include "conf/conf.h"
#include "core/meters.h"
#include "core/presence.h"
#include "core/recorder.h"
#include "rest/rest.h"
#include "server/options.h"
#include "store/store.h"

#define SETTINGS_BINDS_MAX CONF_ADDRESSES_MAX

// Room for what is wrong, or for a warning that names every variable of upstream.
#define SETTINGS_MESSAGE_SIZE 4096

struct server_settings {
    const char *data;
    bool demo;
    enum log_level log_level;
    enum log_format log_format;

    bool coap_enabled;
    struct address coap_bind[SETTINGS_BINDS_MAX];
    unsigned coap_bind_count;
    bool coap_bind_is_default; // an address family that the host lacks is left out
    unsigned workers;
    int worker_cpus[CONF_CPUS_MAX]; // -1: free
    uint32_t receive_bytes;
    struct coap_endpoint_limits coap_limits; // per worker
    struct coap_endpoint_settings coap;
    struct core_shard_settings shard; // of each worker
    size_t trace_bytes;               // a power of two, or 0
    size_t recent_bytes;              // of each worker's lane; 0: nothing is remembered
    struct core_presence_settings presence;
    struct span presence_sweep;
    struct api_settings api;
    struct rate wrong_tokens;

    bool http_enabled;
    struct address http_bind;
    unsigned http_threads;
    unsigned http_queue;
    unsigned http_connections;
    unsigned http_parked;
    unsigned http_sockets;
    size_t http_body_max;
    size_t http_held_max;
    struct rest_settings rest;
    struct rate wrong_log_ins;

    struct core_meters_bounds meters;
    struct store_limits store;
    uint32_t devices_max;
    uint64_t ballast_bytes;
    uint32_t tenants_max;
};

// Reads file, environment and command line into `conf`, then into `settings`, whose texts live as
// long as `conf` and `options`. One line in `message` for what is wrong; with ERR_OK it may hold a
// warning.
MUST_USE enum err server_settings_read(const struct server_options *options, struct conf *conf,
                                       struct server_settings *settings, struct buf *message);
// Logs what a reading warned of, if anything.
void server_settings_warn(struct slice warning);
