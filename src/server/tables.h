// server/tables.h: every bounded table of the server with its bound, its rule, its level and the
// memory that it stands in, from the one list in server/tables.def.
#pragma once

#include "bus/bus.h"
#include "core/core.h"
#include "http/server.h"
#include "server/settings.h"
#include "server/worker.h"

struct server_table {
    const char *name;   // as in /metrics
    const char *memory; // the name of its memory, or "disk"
    const char *unit;
    const char *full; // what happens when it is full
    unsigned places;  // that have one each
    uint64_t bound;   // of each
    bool has_level;
    uint64_t used; // of all; 0 without levels
};

struct server_memory {
    const char *name;
    const char *text;
    unsigned places;
    uint64_t reserved; // bytes of each, touched as they are used
    uint64_t heap;     // bytes that each takes from the heap at most
};

// What is in use now.
struct server_levels {
    struct server_figures workers; // of all workers
    struct store_stats store;
    struct http_server_stats http;
    uint64_t mail_bytes;
    uint64_t recorder_bytes;
    uint64_t devices;
    uint64_t tenants;
    uint64_t presence;
    uint64_t attempts;
    uint64_t entity_jobs;
};

#define SERVER_TABLES_MAX 128U
#define SERVER_MEMORIES_MAX 32U

// Fills the rows in the order of the list; returns how many. Without `levels` nothing is in use.
unsigned server_tables(const struct server_settings *settings, const struct server_levels *levels,
                       struct server_table tables[SERVER_TABLES_MAX]);
// What the heap gives at most, of all rows.
uint64_t server_heap_bytes_max(const struct server_settings *settings);
unsigned server_memories(const struct server_settings *settings,
                         struct server_memory memories[SERVER_MEMORIES_MAX]);
