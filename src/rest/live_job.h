// rest/live_job.h: the work of one list that may take long, on a thread of the pool: evaluates its
// query, reads first values and histories, and writes the frame that tells them. Private to
// `rest/live`.
#pragma once

#include "rest/live_list.h"
#include "rest/rest.h"

struct live_job {
    struct rest_live *live;
    struct live_list *list; // lent: read only
    unsigned wants;
    struct core_caller caller;
    uint64_t changes; // of the feed, when it began
    // The outcome; in memory of its own.
    uint8_t *memory;
    struct arena arena;
    uint8_t *out;
    struct buf frame; // nothing in it: nothing is to be told
    enum err err;
    struct core_problem problem;
    bool is_same; // the query found what it had found before
    uint32_t count;
    struct live_member *members; // with ids only
    struct live_cell *latest_cells;
    struct live_cell *series_cells;
    int64_t total;
};

// NULL without memory.
struct live_job *rest_live_job_make(struct rest_live *live, struct live_list *list, unsigned wants);
void rest_live_job_free(struct live_job *job);
// In the pool; `context` is the job. Posts `rest_live_job_done` to the sockets' thread.
void rest_live_job_run(void *context);
// On the sockets' thread (live_list.c).
void rest_live_job_done(void *context);
