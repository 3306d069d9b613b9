#include "store/entities.h"
#include "store/entities_list.h"

#define COLUMNS                                                                                    \
    "id, tenant, name, description, image, is_default, transport, provision_type, provision_key,"  \
    " profile_data, version"

enum err store_profile_insert(struct store_tx *tx, const struct model_device_profile *profile)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "INSERT INTO device_profile (" COLUMNS ", created_ms)"
                          " VALUES (?,?,?,?,?,?,?,?,?,?,1,?)",
                          NULL);
    store_sql_bind_uuid(&query, &profile->id);
    store_sql_bind_int(&query, (int64_t)profile->tenant.number);
    store_sql_bind_text(&query, profile->name);
    store_sql_bind_text(&query, profile->description);
    store_sql_bind_text(&query, profile->image);
    store_sql_bind_int(&query, profile->is_default);
    store_sql_bind_int(&query, profile->transport);
    store_sql_bind_text(&query, profile->provision_type);
    store_sql_bind_text(&query, profile->provision_key);
    store_sql_bind_text(&query, profile->profile_data);
    store_sql_bind_int(&query, uuid_time(&profile->id).ms);
    return store_sql_done(&query, NULL);
}

enum err store_profile_update(struct store_tx *tx, struct model_device_profile *profile)
{
    struct store_query query = store_sql_prepare(
        tx->sql,
        "UPDATE device_profile SET name = ?, description = ?, image = ?, transport = ?,"
        " provision_type = ?, provision_key = ?, profile_data = ?, version = version + 1"
        " WHERE id = ? AND tenant = ?",
        NULL);
    store_sql_bind_text(&query, profile->name);
    store_sql_bind_text(&query, profile->description);
    store_sql_bind_text(&query, profile->image);
    store_sql_bind_int(&query, profile->transport);
    store_sql_bind_text(&query, profile->provision_type);
    store_sql_bind_text(&query, profile->provision_key);
    store_sql_bind_text(&query, profile->profile_data);
    store_sql_bind_uuid(&query, &profile->id);
    store_sql_bind_int(&query, (int64_t)profile->tenant.number);
    profile->version++;
    return store_sql_done_some(&query);
}

// There is one default at any time, so the old one gives way first.
enum err store_profile_make_default(struct store_tx *tx, struct tenant_id tenant,
                                    const struct uuid *id)
{
    struct store_query old =
        store_sql_prepare(tx->sql,
                          "UPDATE device_profile SET is_default = 0, version = version + 1"
                          " WHERE tenant = ? AND is_default = 1",
                          NULL);
    store_sql_bind_int(&old, (int64_t)tenant.number);
    const enum err err = store_sql_done(&old, NULL);
    if (err != ERR_OK) {
        return err;
    }
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "UPDATE device_profile SET is_default = 1, version = version + 1"
                          " WHERE tenant = ? AND id = ?",
                          NULL);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_uuid(&query, id);
    return store_sql_done_some(&query);
}

enum err store_profile_is_used(struct store_tx *tx, const struct uuid *id, bool *is_used)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT 1 FROM device WHERE profile = ? LIMIT 1", NULL);
    store_sql_bind_uuid(&query, id);
    *is_used = store_sql_row(&query);
    return store_sql_end(&query);
}

enum err store_profile_delete(struct store_tx *tx, struct tenant_id tenant, const struct uuid *id)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "DELETE FROM device_profile WHERE tenant = ? AND id = ?", NULL);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_uuid(&query, id);
    return store_sql_done_some(&query);
}

static void profile_read(struct store_query *query, struct model_device_profile *profile)
{
    profile->id = store_sql_read_uuid(query);
    profile->tenant.number = (uint64_t)store_sql_read_int(query);
    profile->name = store_sql_read_text(query);
    profile->description = store_sql_read_text(query);
    profile->image = store_sql_read_text(query);
    profile->is_default = store_sql_read_int(query) != 0;
    profile->transport = (enum model_transport)store_sql_read_int(query);
    profile->provision_type = store_sql_read_text(query);
    profile->provision_key = store_sql_read_text(query);
    profile->profile_data = store_sql_read_text(query);
    profile->version = store_sql_read_int(query);
}

static enum err profile_one(struct store_query *query, struct model_device_profile *profile)
{
    const bool found = store_sql_row(query);
    if (found) {
        profile_read(query, profile);
    }
    const enum err err = store_sql_end(query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

enum err store_profile_get(struct store_tx *tx, struct arena *memory, struct tenant_id tenant,
                           const struct uuid *id, struct model_device_profile *profile)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT " COLUMNS " FROM device_profile WHERE tenant = ? AND id = ?", memory);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_uuid(&query, id);
    return profile_one(&query, profile);
}

enum err store_profile_by_name(struct store_tx *tx, struct arena *memory, struct tenant_id tenant,
                               struct slice name, struct model_device_profile *profile)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT " COLUMNS " FROM device_profile WHERE tenant = ? AND name = ?", memory);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_text(&query, name);
    return profile_one(&query, profile);
}

enum err store_profile_default(struct store_tx *tx, struct arena *memory, struct tenant_id tenant,
                               struct model_device_profile *profile)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT " COLUMNS " FROM device_profile WHERE tenant = ? AND is_default = 1",
        memory);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    return profile_one(&query, profile);
}

#define WHERE                                                                                      \
    " FROM device_profile WHERE tenant = ?1 AND (?2 IS NULL OR transport = ?2)"                    \
    " AND (?3 IS NULL OR name LIKE ?3 ESCAPE '\\')"
#define LIST(order) "SELECT " COLUMNS WHERE " ORDER BY " order " LIMIT ?4 OFFSET ?5"
#define BOTH(column) LIST(column ", name"), LIST(column " DESC, name DESC")

static const struct store_order orders[] = {
    {"createdTime", BOTH("created_ms")},       {"name", LIST("name"), LIST("name DESC")},
    {"type", LIST("name"), LIST("name DESC")}, // there is only one type of profile
    {"description", BOTH("description")},      {"isDefault", BOTH("is_default")},
};

static void bind_filter(struct store_query *query, const void *context)
{
    const struct store_profile_filter *filter = context;
    store_sql_bind_int(query, (int64_t)filter->tenant.number);
    if (filter->transport != NULL) {
        store_sql_bind_int(query, *filter->transport);
    } else {
        store_sql_bind_null(query);
    }
}

struct profile_rows {
    void *context;
    store_profile_fn *emit;
};

static void profile_row(struct store_query *query, void *context)
{
    const struct profile_rows *rows = context;
    struct model_device_profile profile;
    profile_read(query, &profile);
    rows->emit(rows->context, &profile);
}

static const struct store_list profile_list = {
    .count = "SELECT count(*)" WHERE,
    .orders = orders,
    .order_count = sizeof(orders) / sizeof(orders[0]),
    .bind = bind_filter,
    .row = profile_row,
};

enum err store_profile_list(struct store_tx *tx, struct arena *memory,
                            const struct store_profile_filter *filter,
                            const struct model_page *page, int64_t *total, void *context,
                            store_profile_fn *emit)
{
    struct profile_rows rows = {context, emit};
    const struct store_list_call call = {filter, page, total, &rows};
    return store_list_run(tx, memory, &profile_list, &call);
}

enum err store_profile_names(struct store_tx *tx, struct arena *memory, struct tenant_id tenant,
                             bool in_use, void *context, store_profile_name_fn *emit)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "SELECT id, name FROM device_profile WHERE tenant = ?"
                          " AND (NOT ? OR EXISTS (SELECT 1 FROM device"
                          " WHERE device.profile = device_profile.id)) ORDER BY name",
                          memory);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_int(&query, in_use);
    while (store_sql_row(&query)) {
        const size_t mark = arena_mark(memory);
        const struct uuid id = store_sql_read_uuid(&query);
        emit(context, &id, store_sql_read_text(&query));
        arena_rewind(memory, mark);
    }
    return store_sql_end(&query);
}
