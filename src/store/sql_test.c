// The words around SQLite: what goes in comes out, and each failure has its error.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/sql.h"

static char path[64];
static struct store_sql sql;
static uint8_t bytes[4096] __attribute__((aligned(16)));
static struct arena memory;

static int open_file(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/motehub-sql-XXXXXX");
    const int descriptor = mkstemp(path);
    arena_init(&memory, bytes, sizeof(bytes));
    if (descriptor < 0 || close(descriptor) != 0 || store_sql_open(&sql, path, true) != ERR_OK) {
        return -1;
    }
    return store_sql_run(&sql, "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
                               "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT UNIQUE,"
                               " parent INTEGER REFERENCES parent(id), body BLOB,"
                               " must INTEGER NOT NULL DEFAULT 1) STRICT;") == ERR_OK
               ? 0
               : -1;
}

static int close_file(void **state)
{
    (void)state;
    store_sql_close(&sql);
    (void)unlink(path);
    return 0;
}

static enum err insert(int64_t id, struct slice name)
{
    struct store_query query =
        store_sql_prepare(&sql, "INSERT INTO thing (id, name) VALUES (?, ?)", NULL);
    store_sql_bind_int(&query, id);
    store_sql_bind_text(&query, name);
    return store_sql_done(&query, NULL);
}

static void text_comes_back_as_it_was_given(void **state)
{
    (void)state;
    const struct slice with_zero = SLICE("a\0b");
    assert_int_equal(insert(1, with_zero), ERR_OK);
    assert_int_equal(insert(2, SLICE("")), ERR_OK);
    assert_int_equal(insert(3, SLICE_EMPTY), ERR_OK);
    struct store_query query =
        store_sql_prepare(&sql, "SELECT name FROM thing ORDER BY id", &memory);
    assert_true(store_sql_row(&query));
    assert_true(slice_equal(store_sql_read_text(&query), with_zero));
    assert_true(store_sql_row(&query));
    const struct slice empty = store_sql_read_text(&query);
    assert_non_null(empty.ptr);
    assert_int_equal(empty.len, 0);
    assert_true(store_sql_row(&query));
    assert_null(store_sql_read_text(&query).ptr);
    assert_false(store_sql_row(&query));
    assert_int_equal(store_sql_end(&query), ERR_OK);
}

static void blob_and_uuid_come_back_as_they_were_given(void **state)
{
    (void)state;
    const struct uuid id = uuid_make((struct wall){1700000000000}, 1, 2);
    struct store_query query =
        store_sql_prepare(&sql, "INSERT INTO thing (id, body) VALUES (1, ?), (2, ?), (3, ?)", NULL);
    store_sql_bind_uuid(&query, &id);
    store_sql_bind_null(&query);
    store_sql_bind_blob(&query, SLICE("short"));
    int changed = 0;
    assert_int_equal(store_sql_done(&query, &changed), ERR_OK);
    assert_int_equal(changed, 3);
    query = store_sql_prepare(&sql, "SELECT body FROM thing ORDER BY id", &memory);
    assert_true(store_sql_row(&query));
    struct uuid read = store_sql_read_uuid(&query);
    assert_true(uuid_equal(&read, &id));
    for (unsigned i = 0; i < 2; i++) {
        // What is no UUID is none.
        assert_true(store_sql_row(&query));
        read = store_sql_read_uuid(&query);
        assert_true(uuid_equal(&read, &uuid_null));
    }
    assert_int_equal(store_sql_end(&query), ERR_OK);
}

static void broken_constraints_have_their_errors(void **state)
{
    (void)state;
    assert_int_equal(insert(1, SLICE("one")), ERR_OK);
    assert_int_equal(insert(2, SLICE("one")), ERR_ALREADY_EXISTS);
    assert_int_equal(insert(1, SLICE("two")), ERR_ALREADY_EXISTS);
    struct store_query query =
        store_sql_prepare(&sql, "INSERT INTO thing (id, parent) VALUES (9, 9)", NULL);
    assert_int_equal(store_sql_done(&query, NULL), ERR_CONFLICT);
    query = store_sql_prepare(&sql, "INSERT INTO thing (id, must) VALUES (9, NULL)", NULL);
    assert_int_equal(store_sql_done(&query, NULL), ERR_INVALID);
    query = store_sql_prepare(&sql, "INSERT INTO thing (id, must) VALUES (9, 'text')", NULL);
    assert_int_equal(store_sql_done(&query, NULL), ERR_INVALID);
}

static void failed_statement_can_be_used_again(void **state)
{
    (void)state;
    assert_int_equal(insert(1, SLICE("one")), ERR_OK);
    assert_int_equal(insert(1, SLICE("two")), ERR_ALREADY_EXISTS);
    assert_int_equal(insert(2, SLICE("two")), ERR_OK);
    assert_int_equal(sql.cached, 1);
}

static void wrong_sql_is_an_error_to_the_end(void **state)
{
    (void)state;
    struct store_query query = store_sql_prepare(&sql, "SELECT nothing FROM nowhere", &memory);
    store_sql_bind_int(&query, 1);
    store_sql_bind_text(&query, SLICE("x"));
    assert_false(store_sql_row(&query));
    assert_int_equal(store_sql_end(&query), ERR_IO);
    assert_int_equal(store_sql_run(&sql, "DROP TABLE nowhere"), ERR_IO);
}

static void full_arena_is_an_error_at_the_end(void **state)
{
    (void)state;
    uint8_t small[32] __attribute__((aligned(16)));
    struct arena narrow;
    arena_init(&narrow, small, sizeof(small));
    assert_int_equal(insert(1, SLICE("this text is longer than thirty-two bytes")), ERR_OK);
    struct store_query query = store_sql_prepare(&sql, "SELECT name FROM thing", &narrow);
    assert_true(store_sql_row(&query));
    assert_null(store_sql_read_text(&query).ptr);
    assert_int_equal(store_sql_end(&query), ERR_EXHAUSTED);
}

static void reader_cannot_write(void **state)
{
    (void)state;
    struct store_sql reader;
    assert_int_equal(store_sql_open(&reader, path, false), ERR_OK);
    assert_int_equal(store_sql_run(&reader, "INSERT INTO parent VALUES (1)"), ERR_FORBIDDEN);
    store_sql_close(&reader);
}

static void settings_of_the_writer_are_those_of_the_rules(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *value;
    } settings[] = {
        {"PRAGMA journal_mode", "wal"},
        {"PRAGMA synchronous", "2"},
        {"PRAGMA foreign_keys", "1"},
        {"PRAGMA secure_delete", "0"},
    };
    for (unsigned i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        struct store_query query = store_sql_prepare(&sql, settings[i].text, &memory);
        assert_true(store_sql_row(&query));
        assert_true(slice_equal(store_sql_read_text(&query), slice_text(settings[i].value)));
        assert_int_equal(store_sql_end(&query), ERR_OK);
    }
}

static void missing_file_is_not_made(void **state)
{
    (void)state;
    struct store_sql other;
    assert_int_equal(store_sql_open(&other, "/tmp/motehub-no-such-file.db", true), ERR_FORBIDDEN);
    assert_null(other.db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_file, close_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_comes_back_as_it_was_given),
        TEST(blob_and_uuid_come_back_as_they_were_given),
        TEST(broken_constraints_have_their_errors),
        TEST(failed_statement_can_be_used_again),
        TEST(wrong_sql_is_an_error_to_the_end),
        TEST(full_arena_is_an_error_at_the_end),
        TEST(reader_cannot_write),
        TEST(settings_of_the_writer_are_those_of_the_rules),
        TEST(missing_file_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
