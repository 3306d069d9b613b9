#include "store/entities_user.h"
#include "store/sql.h"

enum err store_activation_put(struct store_tx *tx, const struct uuid *user,
                              const struct store_activation *activation)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "INSERT INTO activation (user, token, until_ms) VALUES (?, ?, ?)"
                          " ON CONFLICT (user) DO UPDATE SET token = excluded.token,"
                          " until_ms = excluded.until_ms",
                          NULL);
    store_sql_bind_uuid(&query, user);
    store_sql_bind_text(&query, slice_of(activation->token, STORE_ACTIVATION_LEN));
    store_sql_bind_int(&query, activation->until_ms);
    return store_sql_done(&query, NULL);
}

enum err store_activation_get(struct store_tx *tx, const struct uuid *user,
                              struct store_activation *activation)
{
    uint8_t bytes[256] __attribute__((aligned(16)));
    struct arena memory;
    arena_init(&memory, bytes, sizeof(bytes));
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT token, until_ms FROM activation WHERE user = ?", &memory);
    store_sql_bind_uuid(&query, user);
    const bool found = store_sql_row(&query);
    if (found) {
        const struct slice token = store_sql_read_text(&query);
        activation->until_ms = store_sql_read_int(&query);
        ASSERT(token.len == STORE_ACTIVATION_LEN);
        memcpy(activation->token, token.ptr, STORE_ACTIVATION_LEN);
    }
    const enum err err = store_sql_end(&query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

enum err store_activation_find(struct store_tx *tx, struct slice token, int64_t now_ms,
                               struct uuid *user)
{
    struct store_query query = store_sql_prepare(
        tx->sql,
        "SELECT user FROM activation WHERE token = ? AND until_ms > ? AND EXISTS (SELECT 1"
        " FROM user LEFT JOIN tenant ON tenant.number = user.tenant"
        " WHERE user.id = activation.user AND coalesce(tenant.ended, 0) = 0)",
        NULL);
    store_sql_bind_text(&query, token);
    store_sql_bind_int(&query, now_ms);
    const bool found = store_sql_row(&query);
    if (found) {
        *user = store_sql_read_uuid(&query);
    }
    const enum err err = store_sql_end(&query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

enum err store_activation_remove(struct store_tx *tx, const struct uuid *user)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "DELETE FROM activation WHERE user = ?", NULL);
    store_sql_bind_uuid(&query, user);
    return store_sql_done(&query, NULL);
}
