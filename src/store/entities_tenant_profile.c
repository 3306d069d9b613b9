#include "store/entities.h"
#include "store/entities_list.h"

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
