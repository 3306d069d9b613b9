#include "core/rpc_expiry.h"

#define DAY_MS INT64_C(86400000)

// A call that ended, and at least a day ago was made.
struct ended {
    struct device_id device;
    struct uuid device_uuid;
    struct uuid call;
    int64_t created_ms;
};

struct look {
    struct core_rpc_expiry *place;
    int64_t before_ms; // made before
    uint32_t looked;
    bool is_cut;
    bool is_oneway;
    bool has_request; // `items[count]` is filled, its status comes next
    struct ended items[CORE_RPC_EXPIRY_REMOVED];
    uint32_t count;
};

static bool has_ended(enum core_call_status status, bool is_oneway)
{
    switch (status) {
    case CORE_CALL_SUCCESSFUL:
    case CORE_CALL_EXPIRED:
    case CORE_CALL_FAILED:
        return true;
    case CORE_CALL_STATUS_DELIVERED:
        return is_oneway;
    case CORE_CALL_QUEUED:
    case CORE_CALL_SENT:
    case CORE_CALL_TIMEOUT:
        return false;
    }
    return false;
}

// False when the step has enough; the next one begins with this call.
static bool look_at_request(struct look *look, const struct store_state_row *row)
{
    struct core_call_request request;
    uint32_t number;
    struct uuid id;
    memcpy(id.bytes, row->name.ptr, sizeof(id.bytes));
    look->is_cut = look->looked == CORE_RPC_EXPIRY_LOOKED || look->count == CORE_RPC_EXPIRY_REMOVED;
    if (look->is_cut) {
        *look->place = (struct core_rpc_expiry){row->device, id};
        return false;
    }
    look->looked++;
    look->has_request = core_row_get_request(row->value, &number, &request) &&
                        request.created.ms <= look->before_ms;
    if (look->has_request) {
        look->is_oneway = request.is_oneway;
        look->items[look->count] =
            (struct ended){row->device, request.device, id, request.created.ms};
    }
    return true;
}

static bool look_at_row(void *context, const struct store_state_row *row)
{
    struct look *look = context;
    enum core_call_status status;
    struct slice response;
    if (row->name.len == sizeof(struct uuid)) {
        return look_at_request(look, row);
    }
    if (look->has_request && core_row_get_status(row->value, &status, &response) &&
        has_ended(status, look->is_oneway)) {
        look->count++;
    }
    look->has_request = false;
    return true;
}

struct owner {
    const struct uuid *device;
    struct tenant_id tenant;
};

static enum err find_owner(struct store_tx *tx, void *context)
{
    struct owner *owner = context;
    return store_device_tenant(tx, owner->device, &owner->tenant);
}

// Removes those of the calls, all of one device, that are old enough.
static enum err remove_calls(const struct core *core, struct core_desk *desk,
                             const struct ended *items, uint32_t count, struct wall now)
{
    struct store_state_change changes[2 * CORE_RPC_EXPIRY_REMOVED];
    uint8_t names[2 * CORE_RPC_EXPIRY_REMOVED][CORE_CALL_UUID_NAME];
    struct model_quota quota;
    struct owner owner = {.device = &items[0].device_uuid};
    uint32_t used = 0;
    const enum err err = store_entities_read(core->entities, &owner, find_owner);
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_OK : err; // its purge takes them
    }
    model_quotas_of(core->quotas, owner.tenant, &quota);
    for (uint32_t i = 0; quota.rpc_ttl_days > 0 && i < count; i++) {
        if (now.ms - items[i].created_ms < (int64_t)quota.rpc_ttl_days * DAY_MS) {
            continue;
        }
        for (int is_status = 0; is_status < 2; is_status++) {
            const struct slice name =
                core_row_uuid_name(&items[i].call, is_status != 0, names[used]);
            changes[used++] = (struct store_state_change){STORE_STATE_RPC, name, true, SLICE_EMPTY};
        }
    }
    const struct store_record record = {.verb = STORE_CHANGE,
                                        .tenant = owner.tenant,
                                        .device = items[0].device,
                                        .change = {changes, used}};
    return used == 0 ? ERR_OK : core_desk_commit(desk, &record);
}

enum err core_rpc_expire(const struct core *core, struct core_desk *desk,
                         struct core_rpc_expiry *place, struct wall now, bool *is_over)
{
    struct look look = {.place = place, .before_ms = now.ms - DAY_MS};
    const bool is_first = place->device.number == 0;
    const struct store_state_query query = {
        .kind = STORE_STATE_RPC,
        .since = place->device,
        .from = is_first ? SLICE_EMPTY : slice_of(place->call.bytes, sizeof(place->call.bytes))};
    const struct core_rpc_expiry before = *place;
    enum err err = store_state_scan(core->store, &query, &look, look_at_row);
    for (uint32_t i = 0; err == ERR_OK && i < look.count;) {
        uint32_t end = i + 1;
        while (end < look.count && look.items[end].device.number == look.items[i].device.number) {
            end++;
        }
        err = remove_calls(core, desk, &look.items[i], end - i, now);
        i = end;
    }
    *is_over = err == ERR_OK && !look.is_cut;
    if (err != ERR_OK) {
        *place = before; // again
    } else if (*is_over) {
        *place = (struct core_rpc_expiry){.device = {0}};
    }
    return err;
}
