#include "store/entities.h"
#include "store/entities_contact.h"
#include "store/sql.h"

#define COLUMNS                                                                                    \
    "number, tenant.id, tenant.profile, tenant_profile.name, title, "                              \
    "region, " STORE_CONTACT_COLUMNS ", additional_info, version"
#define FROM                                                                                       \
    " FROM tenant LEFT JOIN tenant_profile ON tenant_profile.id = tenant.profile WHERE ended = 0"

enum err store_tenant_insert(struct store_tx *tx, struct model_tenant *tenant)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "INSERT INTO tenant (id, profile, title, region, " STORE_CONTACT_COLUMNS
                          ", additional_info, version) VALUES (?,"
                          " coalesce(?, (SELECT id FROM tenant_profile WHERE is_default = 1)),"
                          " ?,?, ?,?,?,?,?,?,?,?, ?, 1)",
                          NULL);
    store_sql_bind_uuid(&query, &tenant->id);
    if (uuid_equal(&tenant->profile, &uuid_null)) {
        store_sql_bind_null(&query);
    } else {
        store_sql_bind_uuid(&query, &tenant->profile);
    }
    store_sql_bind_text(&query, tenant->title);
    store_sql_bind_text(&query, tenant->region);
    store_contact_bind(&query, &tenant->contact);
    store_sql_bind_text(&query, tenant->additional_info);
    const enum err err = store_sql_done(&query, NULL);
    tenant->number.number = (uint64_t)sqlite3_last_insert_rowid(tx->sql->db);
    tenant->version = 1;
    return err;
}

static enum err tenant_one(struct store_query *query, struct model_tenant *tenant)
{
    const bool found = store_sql_row(query);
    if (found) {
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
