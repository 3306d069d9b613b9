// rest/live_list.h: entities that somebody watches (server-api.md 5.3): a query, the devices that
// it found, and what was sent of each. Private to `rest/live`; on the sockets' thread only.
//
// What may take long (the query, first values, histories) is a job in the pool of HTTP. A list has
// one at most, and is lent to it: meanwhile nothing is sent of the list and only the marks of its
// members change, so no older value comes after a newer one. A member that is marked is read again
// once the list is back, or at once.
//
// What changed while a job ran is in a ring of the latest changes (struct rest_live); if they were
// more than it holds every member is read again.
#pragma once

#include "codec/json.h"
#include "core/series.h"
#include "http/socket.h"
#include "rest/query.h"

struct live_session;
struct rest_live;

// Keys with their names, in one block of the heap.
struct live_keys {
    uint32_t count;
    size_t size; // of the block
    struct core_query_key items[];
};

// NULL without memory.
struct live_keys *rest_live_keys_make(const struct core_query_key *keys, uint32_t count);

#define LIVE_ZONE_SIZE 64U

// A range of series, by tsCmd or historyCmd.
struct live_window {
    struct live_keys *keys;
    int64_t start_ms;
    int64_t end_ms;
    int64_t interval_ms;
    int unit; // enum calendar_unit, or LIVE_NO_CALENDAR
    char zone[LIVE_ZONE_SIZE];
    uint32_t limit;
    enum core_aggregation aggregation;
    bool has_previous; // also the newest point before it
};
#define LIVE_NO_CALENDAR (-1)

void rest_live_window_free(struct live_window *window);

// What was sent of a value, to see whether it changed.
struct live_cell {
    int64_t at_ms; // INT64_MIN: it is not there
    uint64_t digest;
};

struct live_cell rest_live_cell_of(const struct core_query_cell *cell);

// What else is kept is counted as the cells that it takes the place of.
static inline uint64_t rest_live_cells(size_t bytes)
{
    return bytes / sizeof(struct live_cell) + 1;
}

struct live_list;
struct live_past;

struct live_member {
    struct live_list *list;
    struct live_member *next_in_bucket;
    struct live_member *next_marked;
    struct device_id device;
    struct uuid id;
    uint64_t fields; // digest of the fields of the entity that were told
    bool is_marked;  // to be read again
};

// What a job is to do.
enum {
    LIVE_WANTS_QUERY = 1, // evaluate it
    LIVE_WANTS_LATEST = 2,
    LIVE_WANTS_SERIES = 4,
    LIVE_WANTS_HISTORY = 8,
    LIVE_WANTS_PAST = 16, // of one device: nothing else
};

struct live_list {
    struct live_list *next; // of the session
    struct live_list *next_ready;
    struct live_list *next_marked;
    struct live_session *session; // NULL: nobody wants it any more
    int64_t command;
    bool is_count; // only how many there are
    bool is_dynamic;
    bool is_busy;   // lent to a job
    bool is_ready;  // waits for one
    bool is_told;   // the first frame was sent
    bool is_listed; // among the lists with marked members
    unsigned wants;
    struct mono due;        // when the query is to be evaluated again
    struct live_past *past; // not NULL: the list stands for this (rest/live_past.h)
    size_t query_len;
    char *query; // JSON
    // As they are in force, and what a later command put in their place.
    struct live_keys *latest, *next_latest;
    struct live_window *series, *next_series;
    struct live_window *history, *next_history; // told once
    // What the query found, in its order.
    struct live_member *members;
    uint32_t member_count;
    struct live_cell *latest_cells; // of each member, for each key of `latest`
    struct live_cell *series_cells; // the newest point of each key of `series`
    int64_t total;
    struct live_member *marked_first, *marked_last;
};

// A list of the session that has found nothing yet. NULL without memory.
struct live_list *rest_live_list_make(struct rest_live *live, struct live_session *session,
                                      int64_t command, bool is_count, struct codec_json query);
// One that stands for a history, which is taken if it is made.
struct live_list *rest_live_list_make_past(struct rest_live *live, struct live_session *session,
                                           int64_t command, struct live_past *owned_past);
// The cells of its members, and those that the rest takes the place of.
uint64_t rest_live_list_cells(const struct live_list *list);
// Lets a job begin when its turn comes.
void rest_live_list_want(struct rest_live *live, struct live_list *list, unsigned wants);
// Takes it out of its session and frees it, now or when its job is done.
void rest_live_list_end(struct rest_live *live, struct live_list *list);

// Something of a device changed.
void rest_live_list_mark(struct rest_live *live, struct device_id device);
// Everything may have changed.
void rest_live_list_mark_all(struct rest_live *live, struct live_list *list);
// Among the lists with marked members.
void rest_live_list_enlist(struct rest_live *live, struct live_list *list);
// Begins jobs that wait, evaluates what is due, tells what is marked, a part of it at a time.
void rest_live_list_turn(struct rest_live *live);

// live_tell.c

// Tells marked members, as many as one turn may read. False if some are left.
MUST_USE bool rest_live_tell_marked(struct rest_live *live);
