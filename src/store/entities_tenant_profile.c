#include "store/entities_list.h"
#include "store/entities_tenant.h"

#define COLUMNS "id, name, description, is_default, isolated, profile_data"

enum err store_tenant_profile_insert(struct store_tx *tx,
                                     const struct model_tenant_profile *profile)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "INSERT INTO tenant_profile (" COLUMNS ", created_ms) VALUES (?,?,?,?,?,?,?)",
        NULL);
    store_sql_bind_uuid(&query, &profile->id);
    store_sql_bind_text(&query, profile->name);
    store_sql_bind_text(&query, profile->description);
    store_sql_bind_int(&query, profile->is_default);
    store_sql_bind_int(&query, profile->is_isolated);
    store_sql_bind_text(&query, profile->profile_data);
    store_sql_bind_int(&query, uuid_time(&profile->id).ms);
    return store_sql_done(&query, NULL);
}

enum err store_tenant_profile_update(struct store_tx *tx,
                                     const struct model_tenant_profile *profile)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "UPDATE tenant_profile SET name = ?, description = ?, isolated = ?,"
                          " profile_data = ? WHERE id = ?",
                          NULL);
    store_sql_bind_text(&query, profile->name);
    store_sql_bind_text(&query, profile->description);
    store_sql_bind_int(&query, profile->is_isolated);
    store_sql_bind_text(&query, profile->profile_data);
    store_sql_bind_uuid(&query, &profile->id);
    return store_sql_done_some(&query);
}

// There is one default at any time, so the old one gives way first.
enum err store_tenant_profile_make_default(struct store_tx *tx, const struct uuid *id)
{
    const enum err err =
        store_sql_run(tx->sql, "UPDATE tenant_profile SET is_default = 0 WHERE is_default = 1");
    if (err != ERR_OK) {
        return err;
    }
    struct store_query query =
        store_sql_prepare(tx->sql, "UPDATE tenant_profile SET is_default = 1 WHERE id = ?", NULL);
    store_sql_bind_uuid(&query, id);
    return store_sql_done_some(&query);
}

enum err store_tenant_profile_delete(struct store_tx *tx, const struct uuid *id)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "DELETE FROM tenant_profile WHERE id = ?", NULL);
    store_sql_bind_uuid(&query, id);
    return store_sql_done_some(&query);
}

static void profile_read(struct store_query *query, struct model_tenant_profile *profile)
{
    profile->id = store_sql_read_uuid(query);
    profile->name = store_sql_read_text(query);
    profile->description = store_sql_read_text(query);
    profile->is_default = store_sql_read_int(query) != 0;
    profile->is_isolated = store_sql_read_int(query) != 0;
    profile->profile_data = store_sql_read_text(query);
}

static enum err profile_one(struct store_query *query, struct model_tenant_profile *profile)
{
    const bool found = store_sql_row(query);
    if (found) {
        profile_read(query, profile);
    }
    const enum err err = store_sql_end(query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

enum err store_tenant_profile_default(struct store_tx *tx, struct arena *memory,
                                      struct model_tenant_profile *profile)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT " COLUMNS " FROM tenant_profile WHERE is_default = 1", memory);
    return profile_one(&query, profile);
}

enum err store_tenant_profile_get(struct store_tx *tx, struct arena *memory, const struct uuid *id,
                                  struct model_tenant_profile *profile)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT " COLUMNS " FROM tenant_profile WHERE id = ?", memory);
    store_sql_bind_uuid(&query, id);
    return profile_one(&query, profile);
}

enum err store_tenant_profile_count(struct store_tx *tx, int64_t *count)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT count(*) FROM tenant_profile", NULL);
    *count = store_sql_row(&query) ? store_sql_read_int(&query) : 0;
    return store_sql_end(&query);
}

#define WHERE " FROM tenant_profile WHERE (?1 IS NULL OR name LIKE ?1 ESCAPE '\\')"
#define LIST(order) "SELECT " COLUMNS WHERE " ORDER BY " order " LIMIT ?2 OFFSET ?3"
#define BOTH(column) LIST(column ", name"), LIST(column " DESC, name DESC")

static const struct store_order orders[] = {
    {"createdTime", BOTH("created_ms")},
    {"name", LIST("name"), LIST("name DESC")},
    {"description", BOTH("description")},
    {"isDefault", BOTH("is_default")},
};

struct profile_rows {
    void *context;
    store_tenant_profile_fn *emit;
};

static void profile_row(struct store_query *query, void *context)
{
    const struct profile_rows *rows = context;
    struct model_tenant_profile profile;
    profile_read(query, &profile);
    rows->emit(rows->context, &profile);
}

static const struct store_list profile_list = {
    .count = "SELECT count(*)" WHERE,
    .orders = orders,
    .order_count = sizeof(orders) / sizeof(orders[0]),
    .bind = store_list_unfiltered,
    .row = profile_row,
};

enum err store_tenant_profile_list(struct store_tx *tx, struct arena *memory,
                                   const struct model_page *page, int64_t *total, void *context,
                                   store_tenant_profile_fn *emit)
{
    struct profile_rows rows = {context, emit};
    const struct store_list_call call = {NULL, page, total, &rows};
    return store_list_run(tx, memory, &profile_list, &call);
}
