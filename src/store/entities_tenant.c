#include "store/entities_tenant.h"
#include "store/entities_contact.h"
#include "store/entities_list.h"

#define COLUMNS                                                                                    \
    "number, tenant.id, tenant.profile, tenant_profile.name, title, "                              \
    "region, " STORE_CONTACT_COLUMNS ", additional_info, version"
#define FROM                                                                                       \
    " FROM tenant LEFT JOIN tenant_profile ON tenant_profile.id = tenant.profile WHERE ended = 0"

#define PROFILE_OR_DEFAULT "coalesce(?, (SELECT id FROM tenant_profile WHERE is_default = 1))"

static void bind_profile(struct store_query *query, const struct model_tenant *tenant)
{
    if (uuid_equal(&tenant->profile, &uuid_null)) {
        store_sql_bind_null(query);
    } else {
        store_sql_bind_uuid(query, &tenant->profile);
    }
}

enum err store_tenant_insert(struct store_tx *tx, struct model_tenant *tenant)
{
    struct store_query query = store_sql_prepare(
        tx->sql,
        "INSERT INTO tenant (id, profile, title, region, " STORE_CONTACT_COLUMNS
        ", additional_info, version) VALUES (?," PROFILE_OR_DEFAULT ",?,?, ?,?,?,?,?,?,?,?, ?, 1)",
        NULL);
    store_sql_bind_uuid(&query, &tenant->id);
    bind_profile(&query, tenant);
    store_sql_bind_text(&query, tenant->title);
    store_sql_bind_text(&query, tenant->region);
    store_contact_bind(&query, &tenant->contact);
    store_sql_bind_text(&query, tenant->additional_info);
    const enum err err = store_sql_done(&query, NULL);
    tenant->number.number = (uint64_t)sqlite3_last_insert_rowid(tx->sql->db);
    tenant->version = 1;
    return err;
}

enum err store_tenant_update(struct store_tx *tx, struct model_tenant *tenant)
{
    struct store_query query = store_sql_prepare(
        tx->sql,
        "UPDATE tenant SET profile = " PROFILE_OR_DEFAULT ", title = ?, region = ?, country = ?,"
        " state = ?, city = ?, address = ?, address2 = ?, zip = ?, phone = ?, email = ?,"
        " additional_info = ?, version = version + 1 WHERE id = ? AND ended = 0",
        NULL);
    bind_profile(&query, tenant);
    store_sql_bind_text(&query, tenant->title);
    store_sql_bind_text(&query, tenant->region);
    store_contact_bind(&query, &tenant->contact);
    store_sql_bind_text(&query, tenant->additional_info);
    store_sql_bind_uuid(&query, &tenant->id);
    tenant->version++;
    return store_sql_done_some(&query);
}

static void tenant_read(struct store_query *query, struct model_tenant *tenant)
{
    tenant->number.number = (uint64_t)store_sql_read_int(query);
    tenant->id = store_sql_read_uuid(query);
    tenant->profile = store_sql_read_uuid(query);
    tenant->profile_name = store_sql_read_text(query);
    tenant->title = store_sql_read_text(query);
    tenant->region = store_sql_read_text(query);
    store_contact_read(query, &tenant->contact);
    tenant->additional_info = store_sql_read_text(query);
    tenant->version = store_sql_read_int(query);
}

static enum err tenant_one(struct store_query *query, struct model_tenant *tenant)
{
    const bool found = store_sql_row(query);
    if (found) {
        tenant_read(query, tenant);
    }
    const enum err err = store_sql_end(query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

enum err store_tenant_get(struct store_tx *tx, struct arena *memory, const struct uuid *id,
                          struct model_tenant *tenant)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT " COLUMNS FROM " AND tenant.id = ?", memory);
    store_sql_bind_uuid(&query, id);
    return tenant_one(&query, tenant);
}

enum err store_tenant_first(struct store_tx *tx, struct arena *memory, struct model_tenant *tenant)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT " COLUMNS FROM " ORDER BY number LIMIT 1", memory);
    return tenant_one(&query, tenant);
}

enum err store_tenant_count(struct store_tx *tx, int64_t *count)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT count(*) FROM tenant WHERE ended = 0", NULL);
    *count = store_sql_row(&query) ? store_sql_read_int(&query) : 0;
    return store_sql_end(&query);
}

#define WHERE " AND (?1 IS NULL OR title LIKE ?1 ESCAPE '\\')"
#define LIST(order) "SELECT " COLUMNS FROM WHERE " ORDER BY " order " LIMIT ?2 OFFSET ?3"
#define BOTH(column) LIST(column ", title"), LIST(column " DESC, title DESC")

static const struct store_order orders[] = {
    {"createdTime", LIST("number"), LIST("number DESC")},
    {"title", LIST("title"), LIST("title DESC")},
    {"name", LIST("title"), LIST("title DESC")},
    {"region", BOTH("region")},
    {"email", BOTH("email")},
    {"country", BOTH("country")},
    {"state", BOTH("state")},
    {"city", BOTH("city")},
    {"tenantProfileName", BOTH("tenant_profile.name")},
};

struct tenant_rows {
    void *context;
    store_tenant_fn *emit;
};

static void tenant_row(struct store_query *query, void *context)
{
    const struct tenant_rows *rows = context;
    struct model_tenant tenant;
    tenant_read(query, &tenant);
    rows->emit(rows->context, &tenant);
}

static const struct store_list tenant_list = {
    .count = "SELECT count(*)" FROM WHERE,
    .orders = orders,
    .order_count = sizeof(orders) / sizeof(orders[0]),
    .bind = store_list_unfiltered,
    .row = tenant_row,
};

enum err store_tenant_list(struct store_tx *tx, struct arena *memory, const struct model_page *page,
                           int64_t *total, void *context, store_tenant_fn *emit)
{
    struct tenant_rows rows = {context, emit};
    const struct store_list_call call = {NULL, page, total, &rows};
    return store_list_run(tx, memory, &tenant_list, &call);
}
