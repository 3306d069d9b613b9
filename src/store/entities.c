#include "store/entities.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "plat/file.h"
#include "plat/thread.h"
#include "store/entities_schema.h"
#include "store/sql.h"

#define GROUP_MAX 64U
#define PATH_SIZE 1100U

// A job stands on its caller's stack until it is done.
struct job {
    store_job_fn *run;
    store_after_fn *after;
    void *context;
    enum err err;
    bool done;
    struct job *next;
};

// After a commit that could not be synced what is on disk is unknown, and a later sync that
// succeeds says nothing about what the failed one should have written: so nothing is written any
// more. Reading goes on; a restart recovers from the log.
struct store_entities {
    struct store_sql writer;
    struct store_sql *readers;
    bool *reader_taken;
    unsigned reader_count;
    struct plat_thread thread;
    struct plat_mutex mutex;
    struct plat_cond work; // for the writer
    struct plat_cond done; // for callers, and for those who wait for a reader
    struct job *first;
    struct job *last;
    unsigned queued;
    bool stopping;
    struct store_entities_stats stats;
};

static void run_in_savepoint(struct store_tx *tx, struct job *job)
{
    struct store_sql *sql = tx->sql;
    job->err = store_sql_run(sql, "SAVEPOINT job");
    if (job->err != ERR_OK) {
        return;
    }
    job->err = job->run(tx, job->context);
    const bool keep = job->err == ERR_OK;
    const enum err ended =
        store_sql_run(sql, keep ? "RELEASE job" : "ROLLBACK TO job; RELEASE job");
    if (keep) {
        job->err = ended;
    }
}

static void run_after(struct job *first)
{
    for (struct job *job = first; job != NULL; job = job->next) {
        if (job->err == ERR_OK && job->after != NULL) {
            job->after(job->context);
        }
    }
}

// Some failures (a full disk, no memory) make SQLite undo the whole transaction; the jobs that
// follow must not run outside of one.
static enum err run_jobs(struct store_tx *tx, struct job *first)
{
    for (struct job *job = first; job != NULL; job = job->next) {
        run_in_savepoint(tx, job);
        if (sqlite3_get_autocommit(tx->sql->db) != 0) {
            return job->err != ERR_OK ? job->err : ERR_IO;
        }
    }
    return ERR_OK;
}

static enum err run_transaction(struct store_entities *entities, struct job *first)
{
    struct store_sql *sql = &entities->writer;
    struct store_tx tx = {sql, entities->stats.groups + 1};
    enum err err = store_sql_run(sql, "BEGIN IMMEDIATE");
    err = err == ERR_OK ? run_jobs(&tx, first) : err;
    if (err != ERR_OK) {
        return err;
    }
    err = store_sql_run(sql, "COMMIT");
    if (err == ERR_IO || err == ERR_CORRUPT) {
        plat_mutex_lock(&entities->mutex);
        entities->stats.read_only = true;
        plat_mutex_unlock(&entities->mutex);
        LOG(LOG_ERROR, "store.entities.read_only", LOG_TEXT("reason", err_text(err)));
    }
    return err;
}

static void run_group(struct store_entities *entities, struct job *first)
{
    const enum err err = entities->stats.read_only ? ERR_IO : run_transaction(entities, first);
    if (err == ERR_OK) {
        run_after(first);
        return;
    }
    if (sqlite3_get_autocommit(entities->writer.db) == 0) {
        (void)!store_sql_run(&entities->writer, "ROLLBACK");
    }
    for (struct job *job = first; job != NULL; job = job->next) {
        job->err = job->err == ERR_OK ? err : job->err;
    }
}

static struct job *take_group(struct store_entities *entities, unsigned *taken)
{
    struct job *first = entities->first;
    struct job *last = first;
    unsigned count = 1;
    while (count < GROUP_MAX && last->next != NULL) {
        last = last->next;
        count++;
    }
    entities->first = last->next;
    if (entities->first == NULL) {
        entities->last = NULL;
    }
    last->next = NULL;
    entities->queued -= count;
    *taken = count;
    return first;
}

static void count_group(struct store_entities_stats *stats, unsigned count)
{
    stats->groups++;
    stats->jobs += count;
    stats->group_max = stats->group_max > count ? stats->group_max : count;
}

static void write_groups(void *context)
{
    struct store_entities *entities = context;
    plat_mutex_lock(&entities->mutex);
    for (;;) {
        while (entities->first == NULL && !entities->stopping) {
            plat_cond_wait(&entities->work, &entities->mutex);
        }
        if (entities->first == NULL) {
            break;
        }
        unsigned count = 0;
        struct job *group = take_group(entities, &count);
        plat_mutex_unlock(&entities->mutex);
        run_group(entities, group);
        plat_mutex_lock(&entities->mutex);
        count_group(&entities->stats, count);
        for (struct job *job = group; job != NULL;) {
            // Its owner may go on, and the job with it, as soon as it is done.
            struct job *next = job->next;
            job->done = true;
            job = next;
        }
        plat_cond_broadcast(&entities->done);
    }
    plat_mutex_unlock(&entities->mutex);
}

enum err store_entities_write(struct store_entities *entities, void *context, store_job_fn *run,
                              store_after_fn *after)
{
    struct job job = {.run = run, .after = after, .context = context};
    plat_mutex_lock(&entities->mutex);
    if (entities->stopping || entities->queued == STORE_ENTITY_JOBS_MAX) {
        const enum err err = entities->stopping ? ERR_STOPPING : ERR_EXHAUSTED;
        plat_mutex_unlock(&entities->mutex);
        return err;
    }
    if (entities->last != NULL) {
        entities->last->next = &job;
    } else {
        entities->first = &job;
    }
    entities->last = &job;
    entities->queued++;
    plat_cond_signal(&entities->work);
    while (!job.done) {
        plat_cond_wait(&entities->done, &entities->mutex);
    }
    plat_mutex_unlock(&entities->mutex);
    return job.err;
}

static unsigned reader_take(struct store_entities *entities)
{
    plat_mutex_lock(&entities->mutex);
    for (;;) {
        for (unsigned i = 0; i < entities->reader_count; i++) {
            if (!entities->reader_taken[i]) {
                entities->reader_taken[i] = true;
                plat_mutex_unlock(&entities->mutex);
                return i;
            }
        }
        plat_cond_wait(&entities->done, &entities->mutex);
    }
}

static void reader_give(struct store_entities *entities, unsigned reader)
{
    plat_mutex_lock(&entities->mutex);
    entities->reader_taken[reader] = false;
    plat_cond_broadcast(&entities->done);
    plat_mutex_unlock(&entities->mutex);
}

enum err store_entities_read(struct store_entities *entities, void *context, store_job_fn *job)
{
    const unsigned reader = reader_take(entities);
    struct store_tx tx = {&entities->readers[reader], 0};
    enum err err = store_sql_run(tx.sql, "BEGIN");
    if (err == ERR_OK) {
        err = job(&tx, context);
        const enum err ended = store_sql_run(tx.sql, "COMMIT");
        err = err == ERR_OK ? ended : err;
    }
    reader_give(entities, reader);
    return err;
}

static enum err version_read(struct store_sql *sql, int64_t *version)
{
    struct store_query query = store_sql_prepare(sql, "PRAGMA user_version", NULL);
    *version = store_sql_row(&query) ? store_sql_read_int(&query) : 0;
    return store_sql_end(&query);
}

// SQLite gives the log the mode of the file beside it, so it is enough to create that one.
static enum err create_file(const char *directory, const char *path)
{
    const enum err err = plat_file_make_directory(directory);
    return err != ERR_OK || plat_file_exists(path) ? err : plat_file_write(path, SLICE_EMPTY, 0600);
}

static enum err migrate_step(struct store_sql *sql, int64_t version)
{
    char mark[64];
    snprintf(mark, sizeof(mark), "PRAGMA user_version=%d; COMMIT", (int)version + 1);
    enum err err = store_sql_run(sql, "BEGIN IMMEDIATE");
    err = err == ERR_OK ? store_sql_run(sql, store_entities_steps[version]) : err;
    return err == ERR_OK ? store_sql_run(sql, mark) : err;
}

static enum err migrate(struct store_sql *sql)
{
    int64_t version = 0;
    enum err err = version_read(sql, &version);
    if (err == ERR_OK && version > STORE_ENTITIES_VERSION) {
        return ERR_NEWER_VERSION;
    }
    for (; err == ERR_OK && version < STORE_ENTITIES_VERSION; version++) {
        err = migrate_step(sql, version);
    }
    return err;
}

static enum err open_connections(struct store_entities *entities, const char *path,
                                 unsigned readers)
{
    enum err err = store_sql_open(&entities->writer, path, true);
    err = err == ERR_OK ? migrate(&entities->writer) : err;
    while (err == ERR_OK && entities->reader_count < readers) {
        err = store_sql_open(&entities->readers[entities->reader_count], path, false);
        entities->reader_count += err == ERR_OK;
    }
    return err;
}

static void close_connections(struct store_entities *entities)
{
    for (unsigned i = 0; i < entities->reader_count; i++) {
        store_sql_close(&entities->readers[i]);
    }
    store_sql_close(&entities->writer);
}

static void deinit(struct store_entities *entities)
{
    plat_cond_deinit(&entities->work);
    plat_cond_deinit(&entities->done);
    plat_mutex_deinit(&entities->mutex);
    free(entities->readers);
    free(entities->reader_taken);
    free(entities);
}

enum err store_entities_open(const char *directory, unsigned readers, struct store_entities **out,
                             char message[256])
{
    char path[PATH_SIZE];
    message[0] = 0;
    snprintf(path, sizeof(path), "%s/entities.db", directory);
    struct store_entities *entities = calloc(1, sizeof(*entities));
    ASSERT(entities != NULL && readers > 0);
    entities->readers = calloc(readers, sizeof(*entities->readers));
    entities->reader_taken = calloc(readers, sizeof(*entities->reader_taken));
    ASSERT(entities->readers != NULL && entities->reader_taken != NULL);
    plat_mutex_init(&entities->mutex);
    plat_cond_init(&entities->work);
    plat_cond_init(&entities->done);
    enum err err = create_file(directory, path);
    if (err == ERR_OK) {
        err = open_connections(entities, path, readers);
    }
    if (err == ERR_OK) {
        err = plat_thread_start(&entities->thread, "entities", -1, entities, write_groups);
    }
    if (err != ERR_OK) {
        snprintf(message, 256, "%.200s: %s", path, err_text(err));
        close_connections(entities);
        deinit(entities);
        return err;
    }
    *out = entities;
    return ERR_OK;
}

void store_entities_close(struct store_entities *entities)
{
    plat_mutex_lock(&entities->mutex);
    entities->stopping = true;
    plat_cond_broadcast(&entities->work);
    plat_mutex_unlock(&entities->mutex);
    plat_thread_join(&entities->thread);
    close_connections(entities);
    deinit(entities);
}

struct store_entities_stats store_entities_stats(struct store_entities *entities)
{
    plat_mutex_lock(&entities->mutex);
    struct store_entities_stats stats = entities->stats;
    stats.queued = entities->queued;
    plat_mutex_unlock(&entities->mutex);
    return stats;
}

enum err store_setting_get(struct store_tx *tx, const char *name, void *bytes, size_t len)
{
    uint8_t memory[512] __attribute__((aligned(16)));
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT value FROM setting WHERE name = ?", &arena);
    store_sql_bind_text(&query, slice_text(name));
    enum err found = ERR_NOT_FOUND;
    if (store_sql_row(&query)) {
        const struct slice value = store_sql_read_text(&query);
        found = value.len == len ? ERR_OK : ERR_CORRUPT;
        if (found == ERR_OK) {
            memcpy(bytes, value.ptr, len);
        }
    }
    const enum err err = store_sql_end(&query);
    return err != ERR_OK ? err : found;
}

enum err store_setting_put(struct store_tx *tx, const char *name, struct slice bytes)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "INSERT INTO setting (name, value) VALUES (?, ?)"
                          " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                          NULL);
    store_sql_bind_text(&query, slice_text(name));
    store_sql_bind_blob(&query, bytes);
    return store_sql_done(&query, NULL);
}
