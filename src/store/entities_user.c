#include "store/entities_user.h"

#include "store/entities_list.h"

#define COLUMNS                                                                                    \
    "user.id, user.tenant, (SELECT tenant.id FROM tenant WHERE tenant.number = user.tenant),"      \
    " customer, authority, email, first_name, last_name, phone, additional_info, password,"        \
    " enabled, changed_ms, version"
// Of none, or of one that is not being deleted.
#define OF_A_TENANT                                                                                \
    " AND (tenant IS NULL OR EXISTS"                                                               \
    " (SELECT 1 FROM tenant WHERE number = user.tenant AND ended = 0))"

enum err store_user_insert(struct store_tx *tx, const struct model_user *user)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "INSERT INTO user (id, created_ms, tenant, customer, authority, email, "
                          "first_name, last_name,"
                          " phone, additional_info, password, enabled, changed_ms, version)"
                          " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,1)",
                          NULL);
    store_sql_bind_uuid(&query, &user->id);
    store_sql_bind_int(&query, uuid_time(&user->id).ms);
    if (user->tenant.number != 0) {
        store_sql_bind_int(&query, (int64_t)user->tenant.number);
    } else {
        store_sql_bind_null(&query);
    }
    if (uuid_equal(&user->customer, &uuid_null)) {
        store_sql_bind_null(&query);
    } else {
        store_sql_bind_uuid(&query, &user->customer);
    }
    store_sql_bind_int(&query, user->authority);
    store_sql_bind_text(&query, user->email);
    store_sql_bind_text(&query, user->first_name);
    store_sql_bind_text(&query, user->last_name);
    store_sql_bind_text(&query, user->phone);
    store_sql_bind_text(&query, user->additional_info);
    store_sql_bind_text(&query, user->password_hash);
    store_sql_bind_int(&query, user->enabled);
    store_sql_bind_int(&query, user->changed_ms);
    return store_sql_done(&query, NULL);
}

static void user_read(struct store_query *query, struct model_user *user)
{
    user->is_public = false;
    user->id = store_sql_read_uuid(query);
    user->tenant.number = (uint64_t)store_sql_read_int(query);
    user->tenant_uuid = store_sql_read_uuid(query);
    user->customer = store_sql_read_uuid(query);
    user->authority = (enum model_authority)store_sql_read_int(query);
    user->email = store_sql_read_text(query);
    user->first_name = store_sql_read_text(query);
    user->last_name = store_sql_read_text(query);
    user->phone = store_sql_read_text(query);
    user->additional_info = store_sql_read_text(query);
    user->password_hash = store_sql_read_text(query);
    user->enabled = store_sql_read_int(query) != 0;
    user->changed_ms = store_sql_read_int(query);
    user->version = store_sql_read_int(query);
}

static enum err user_one(struct store_query *query, struct model_user *user)
{
    const bool found = store_sql_row(query);
    if (found) {
        user_read(query, user);
    }
    const enum err err = store_sql_end(query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

enum err store_user_get(struct store_tx *tx, struct arena *memory, const struct uuid *id,
                        struct model_user *user)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT " COLUMNS " FROM user WHERE id = ?" OF_A_TENANT, memory);
    store_sql_bind_uuid(&query, id);
    return user_one(&query, user);
}

enum err store_user_by_email(struct store_tx *tx, struct arena *memory, struct slice email,
                             struct model_user *user)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT " COLUMNS " FROM user WHERE email = ?" OF_A_TENANT, memory);
    store_sql_bind_text(&query, email);
    return user_one(&query, user);
}

enum err store_user_public(struct store_tx *tx, struct arena *memory, const struct uuid *customer,
                           struct model_user *user)
{
    char text[UUID_TEXT_SIZE];
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "SELECT tenant.number, tenant.id FROM customer"
                          " JOIN tenant ON tenant.number = customer.tenant AND tenant.ended = 0"
                          " WHERE customer.id = ?"
                          " AND json_extract(customer.additional_info, '$.isPublic') = 1",
                          memory);
    store_sql_bind_uuid(&query, customer);
    const bool found = store_sql_row(&query);
    if (found) {
        *user = (struct model_user){.id = *customer,
                                    .customer = *customer,
                                    .authority = MODEL_CUSTOMER_USER,
                                    .email =
                                        arena_copy(memory, slice_text(uuid_format(customer, text))),
                                    .enabled = true,
                                    .is_public = true};
        user->tenant.number = (uint64_t)store_sql_read_int(&query);
        user->tenant_uuid = store_sql_read_uuid(&query);
    }
    const enum err err = store_sql_end(&query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

enum err store_user_exists(struct store_tx *tx, struct slice email, bool *exists)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT 1 FROM user WHERE email = ?", NULL);
    store_sql_bind_text(&query, email);
    *exists = store_sql_row(&query);
    return store_sql_end(&query);
}

enum err store_user_set_password(struct store_tx *tx, const struct uuid *id,
                                 struct slice password_hash, int64_t changed_ms)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "UPDATE user SET password = ?, changed_ms = ?, version = version + 1"
                          " WHERE id = ?",
                          NULL);
    store_sql_bind_text(&query, password_hash);
    store_sql_bind_int(&query, changed_ms);
    store_sql_bind_uuid(&query, id);
    return store_sql_done_some(&query);
}

#define FLAG(name, value) "'$." name "', json(iif(" value ", 'true', 'false'))"
#define FLAGS(enabled)                                                                             \
    "json_set(coalesce(additional_info, '{}'), " FLAG("userCredentialsEnabled",                    \
                                                      enabled) ", " FLAG("userActivated", "1") ")"

enum err store_user_update(struct store_tx *tx, struct model_user *user)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "UPDATE user SET email = ?, first_name = ?, last_name = ?, phone = ?,"
                          " additional_info = ?, version = version + 1 WHERE id = ?",
                          NULL);
    store_sql_bind_text(&query, user->email);
    store_sql_bind_text(&query, user->first_name);
    store_sql_bind_text(&query, user->last_name);
    store_sql_bind_text(&query, user->phone);
    store_sql_bind_text(&query, user->additional_info);
    store_sql_bind_uuid(&query, &user->id);
    const enum err err = store_sql_done_some(&query);
    if (err != ERR_OK) {
        return err;
    }
    struct store_query flags = store_sql_prepare(
        tx->sql,
        "UPDATE user SET additional_info = " FLAGS("enabled") " WHERE id = ? AND password NOT NULL",
        NULL);
    store_sql_bind_uuid(&flags, &user->id);
    return store_sql_done(&flags, NULL);
}

enum err store_user_delete(struct store_tx *tx, const struct uuid *id)
{
    struct store_query query = store_sql_prepare(tx->sql, "DELETE FROM user WHERE id = ?", NULL);
    store_sql_bind_uuid(&query, id);
    return store_sql_done_some(&query);
}

enum err store_user_enable(struct store_tx *tx, const struct uuid *id, bool enabled,
                           int64_t changed_ms)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "UPDATE user SET enabled = ?1, changed_ms = ?2,"
                          " additional_info = " FLAGS("?1") ", version = version + 1 WHERE id = ?3",
                          NULL);
    store_sql_bind_int(&query, enabled);
    store_sql_bind_int(&query, changed_ms);
    store_sql_bind_uuid(&query, id);
    return store_sql_done_some(&query);
}

enum err store_session_end(struct store_tx *tx, const struct uuid *session, int64_t until_ms,
                           int64_t now_ms)
{
    struct store_query clean =
        store_sql_prepare(tx->sql, "DELETE FROM ended_session WHERE until_ms < ?", NULL);
    store_sql_bind_int(&clean, now_ms);
    const enum err err = store_sql_done(&clean, NULL);
    if (err != ERR_OK) {
        return err;
    }
    struct store_query query = store_sql_prepare(
        tx->sql, "INSERT INTO ended_session (id, until_ms) VALUES (?, ?) ON CONFLICT DO NOTHING",
        NULL);
    store_sql_bind_uuid(&query, session);
    store_sql_bind_int(&query, until_ms);
    return store_sql_done(&query, NULL);
}

enum err store_session_ended(struct store_tx *tx, const struct uuid *session, bool *ended)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT 1 FROM ended_session WHERE id = ?", NULL);
    store_sql_bind_uuid(&query, session);
    *ended = store_sql_row(&query);
    return store_sql_end(&query);
}

#define WHERE                                                                                      \
    " FROM user WHERE tenant = ?1 AND (?2 IS NULL OR customer = ?2)"                               \
    " AND (NOT ?3 OR customer IS NULL) AND (?4 IS NULL OR email LIKE ?4 ESCAPE '\\')"
#define LIST(order) "SELECT " COLUMNS WHERE " ORDER BY " order " LIMIT ?5 OFFSET ?6"
#define BOTH(column) LIST(column ", email"), LIST(column " DESC, email DESC")

static const struct store_order orders[] = {
    {"createdTime", BOTH("created_ms")},
    {"email", LIST("email"), LIST("email DESC")},
    {"firstName", BOTH("first_name")},
    {"lastName", BOTH("last_name")},
};

static void bind_filter(struct store_query *query, const void *context)
{
    const struct store_user_filter *filter = context;
    store_sql_bind_int(query, (int64_t)filter->tenant.number);
    if (filter->customer != NULL) {
        store_sql_bind_uuid(query, filter->customer);
    } else {
        store_sql_bind_null(query);
    }
    store_sql_bind_int(query, filter->administrators);
}

struct user_rows {
    void *context;
    store_user_fn *emit;
};

static void user_row(struct store_query *query, void *context)
{
    const struct user_rows *rows = context;
    struct model_user user;
    user_read(query, &user);
    rows->emit(rows->context, &user);
}

static const struct store_list user_list = {
    .count = "SELECT count(*)" WHERE,
    .orders = orders,
    .order_count = sizeof(orders) / sizeof(orders[0]),
    .bind = bind_filter,
    .row = user_row,
};

enum err store_user_list(struct store_tx *tx, struct arena *memory,
                         const struct store_user_filter *filter, const struct model_page *page,
                         int64_t *total, void *context, store_user_fn *emit)
{
    struct user_rows rows = {context, emit};
    const struct store_list_call call = {filter, page, total, &rows};
    return store_list_run(tx, memory, &user_list, &call);
}
