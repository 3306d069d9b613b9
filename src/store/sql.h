// store/sql.h: a connection to SQLite with its prepared statements, and short words for binding and
// reading. Private to the entity store; the only code that sees SQLite.
//
// SQL is fixed text with bound parameters; a statement is prepared at its first use on a connection
// and kept under the address of its text. One thread uses a connection at a time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "model/ids.h"

#define STORE_SQL_STATEMENTS_MAX 224

struct store_sql {
    sqlite3 *db;
    struct {
        const char *text;
        sqlite3_stmt *statement;
    } cache[STORE_SQL_STATEMENTS_MAX];
    unsigned cached;
};

// The file exists. The writer sets what the file keeps (the write-ahead log) and syncs every
// commit; a reader cannot write. ERR_IN_USE, ERR_CORRUPT, ERR_FORBIDDEN, ERR_IO.
MUST_USE enum err store_sql_open(struct store_sql *sql, const char *path, bool writer);
void store_sql_close(struct store_sql *sql);

// Runs several statements without parameters.
MUST_USE enum err store_sql_run(struct store_sql *sql, const char *text);

// A statement being used. After the first failure everything on it does nothing, and the failure is
// what `store_sql_done` and `store_sql_row` say.
struct store_query {
    struct store_sql *sql;
    sqlite3_stmt *statement;
    int result;
    int next_parameter;
    int next_column;
    struct arena *memory; // for texts that are read
    bool exhausted;
};

struct store_query store_sql_prepare(struct store_sql *sql, const char *text, struct arena *memory);
// Parameters, in order.
void store_sql_bind_int(struct store_query *query, int64_t value);
void store_sql_bind_text(struct store_query *query, struct slice text); // ptr NULL: NULL
void store_sql_bind_blob(struct store_query *query, struct slice bytes);
void store_sql_bind_uuid(struct store_query *query, const struct uuid *uuid);
void store_sql_bind_null(struct store_query *query);

// Steps to the next row; false at the end or on failure.
MUST_USE bool store_sql_row(struct store_query *query);
// Columns of the row, in order.
int64_t store_sql_read_int(struct store_query *query);
struct slice store_sql_read_text(struct store_query *query);
struct uuid store_sql_read_uuid(struct store_query *query); // NULL: uuid_null

// Ends it. ERR_ALREADY_EXISTS for a broken unique constraint, ERR_CONFLICT for a foreign key,
// ERR_INVALID for another constraint, ERR_EXHAUSTED when the arena was full, ERR_NO_SPACE,
// ERR_CORRUPT, else ERR_IO.
MUST_USE enum err store_sql_end(struct store_query *query);
// For a statement without rows: runs and ends it; `*changed` (may be NULL) is the number of rows.
MUST_USE enum err store_sql_done(struct store_query *query, int *changed);
// The same; ERR_NOT_FOUND if no row was changed.
MUST_USE enum err store_sql_done_some(struct store_query *query);
