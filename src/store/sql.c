#include "store/sql.h"

#include "base/log.h"

static enum err constraint_err(int result)
{
    switch (result) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return ERR_ALREADY_EXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return ERR_CONFLICT;
    default:
        return ERR_INVALID;
    }
}

static enum err err_of(int result)
{
    switch (result & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ERR_OK;
    case SQLITE_CONSTRAINT:
        return constraint_err(result);
    case SQLITE_FULL:
        return ERR_NO_SPACE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return ERR_FORBIDDEN;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_IN_USE;
    case SQLITE_NOMEM:
        return ERR_EXHAUSTED;
    default:
        return ERR_IO;
    }
}

#define SETTINGS                                                                                   \
    "PRAGMA foreign_keys=ON; PRAGMA secure_delete=OFF; PRAGMA cache_size=-4096;"                   \
    "PRAGMA temp_store=MEMORY;"

static const char settings_reader[] = SETTINGS "PRAGMA query_only=ON;";
static const char settings_writer[] = SETTINGS "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                               "PRAGMA wal_autocheckpoint=1000;";

enum err store_sql_open(struct store_sql *sql, const char *path, bool writer)
{
    *sql = (struct store_sql){.db = NULL};
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE;
    const int result = sqlite3_open_v2(path, &sql->db, flags, NULL);
    enum err err = err_of(result);
    if (err == ERR_OK) {
        sqlite3_busy_timeout(sql->db, 5000);
        err = store_sql_run(sql, writer ? settings_writer : settings_reader);
    }
    if (err != ERR_OK) {
        store_sql_close(sql);
    }
    return err;
}

void store_sql_close(struct store_sql *sql)
{
    for (unsigned i = 0; i < sql->cached; i++) {
        sqlite3_finalize(sql->cache[i].statement);
    }
    sql->cached = 0;
    sqlite3_close(sql->db);
    sql->db = NULL;
}

enum err store_sql_run(struct store_sql *sql, const char *text)
{
    const int result = sqlite3_exec(sql->db, text, NULL, NULL, NULL);
    if (result != SQLITE_OK) {
        LOG(LOG_ERROR, "store.sql", LOG_TEXT("reason", sqlite3_errmsg(sql->db)));
    }
    return err_of(result);
}

static sqlite3_stmt *cached(struct store_sql *sql, const char *text, int *result)
{
    for (unsigned i = 0; i < sql->cached; i++) {
        if (sql->cache[i].text == text) {
            return sql->cache[i].statement;
        }
    }
    ASSERT(sql->cached < STORE_SQL_STATEMENTS_MAX);
    sqlite3_stmt *statement = NULL;
    *result = sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (*result == SQLITE_OK) {
        sql->cache[sql->cached].text = text;
        sql->cache[sql->cached].statement = statement;
        sql->cached++;
    }
    return statement;
}

struct store_query store_sql_prepare(struct store_sql *sql, const char *text, struct arena *memory)
{
    struct store_query query = {.sql = sql, .memory = memory, .next_parameter = 1};
    query.statement = cached(sql, text, &query.result);
    return query;
}

void store_sql_bind_int(struct store_query *query, int64_t value)
{
    if (query->result == SQLITE_OK) {
        query->result = sqlite3_bind_int64(query->statement, query->next_parameter++, value);
    }
}

void store_sql_bind_text(struct store_query *query, struct slice text)
{
    if (query->result == SQLITE_OK) {
        const int at = query->next_parameter++;
        query->result = text.ptr == NULL
                            ? sqlite3_bind_null(query->statement, at)
                            : sqlite3_bind_text64(query->statement, at, (const char *)text.ptr,
                                                  text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    }
}

void store_sql_bind_blob(struct store_query *query, struct slice bytes)
{
    if (query->result == SQLITE_OK) {
        query->result = sqlite3_bind_blob64(query->statement, query->next_parameter++, bytes.ptr,
                                            bytes.len, SQLITE_TRANSIENT);
    }
}

void store_sql_bind_uuid(struct store_query *query, const struct uuid *uuid)
{
    if (query->result == SQLITE_OK) {
        query->result = sqlite3_bind_blob(query->statement, query->next_parameter++, uuid->bytes,
                                          sizeof(uuid->bytes), SQLITE_TRANSIENT);
    }
}

void store_sql_bind_null(struct store_query *query)
{
    if (query->result == SQLITE_OK) {
        query->result = sqlite3_bind_null(query->statement, query->next_parameter++);
    }
}

bool store_sql_row(struct store_query *query)
{
    if (query->result != SQLITE_OK && query->result != SQLITE_ROW) {
        return false;
    }
    query->result = sqlite3_step(query->statement);
    query->next_column = 0;
    return query->result == SQLITE_ROW;
}

int64_t store_sql_read_int(struct store_query *query)
{
    return sqlite3_column_int64(query->statement, query->next_column++);
}

struct slice store_sql_read_text(struct store_query *query)
{
    const int column = query->next_column++;
    const void *bytes = sqlite3_column_blob(query->statement, column);
    const int len = sqlite3_column_bytes(query->statement, column);
    if (sqlite3_column_type(query->statement, column) == SQLITE_NULL) {
        return SLICE_EMPTY;
    }
    const struct slice copy = arena_copy(query->memory, slice_of(bytes, (size_t)len));
    query->exhausted = query->exhausted || copy.ptr == NULL;
    return copy;
}

struct uuid store_sql_read_uuid(struct store_query *query)
{
    struct uuid uuid = uuid_null;
    const int column = query->next_column++;
    const void *bytes = sqlite3_column_blob(query->statement, column);
    if (bytes != NULL && sqlite3_column_bytes(query->statement, column) == sizeof(uuid.bytes)) {
        memcpy(uuid.bytes, bytes, sizeof(uuid.bytes));
    }
    return uuid;
}

enum err store_sql_end(struct store_query *query)
{
    enum err err = err_of(query->result);
    if (err != ERR_OK && err != ERR_ALREADY_EXISTS && err != ERR_CONFLICT) {
        LOG(LOG_ERROR, "store.sql", LOG_TEXT("reason", sqlite3_errmsg(query->sql->db)));
    }
    if (query->statement != NULL) {
        sqlite3_reset(query->statement);
        sqlite3_clear_bindings(query->statement);
    }
    return err == ERR_OK && query->exhausted ? ERR_EXHAUSTED : err;
}

enum err store_sql_done(struct store_query *query, int *changed)
{
    while (store_sql_row(query)) {
    }
    const enum err err = store_sql_end(query);
    if (changed != NULL) {
        *changed = err == ERR_OK ? sqlite3_changes(query->sql->db) : 0;
    }
    return err;
}

enum err store_sql_done_some(struct store_query *query)
{
    int changed = 0;
    const enum err err = store_sql_done(query, &changed);
    return err == ERR_OK && changed == 0 ? ERR_NOT_FOUND : err;
}
