#include "core/quota.h"

#define UNLIMITED                                                                                  \
    "{\"configuration\":{\"type\":\"DEFAULT\",\"maxDevices\":0,\"maxAssets\":0,"                   \
    "\"maxCustomers\":0,\"maxUsers\":0,\"maxDashboards\":0,\"maxRuleChains\":0,\"maxEdges\":0,"    \
    "\"maxResourcesInBytes\":0,\"maxOtaPackagesInBytes\":0,\"maxResourceSize\":0,"                 \
    "\"transportTenantMsgRateLimit\":null,\"transportTenantTelemetryMsgRateLimit\":null,"          \
    "\"transportTenantTelemetryDataPointsRateLimit\":null,\"transportDeviceMsgRateLimit\":null,"   \
    "\"transportDeviceTelemetryMsgRateLimit\":null,"                                               \
    "\"transportDeviceTelemetryDataPointsRateLimit\":null,\"maxTransportMessages\":0,"             \
    "\"maxTransportDataPoints\":0,\"maxREExecutions\":0,\"maxJSExecutions\":0,"                    \
    "\"maxDPStorageDays\":0,\"maxRuleNodeExecutionsPerMessage\":0,"                                \
    "\"maxDebugModeDurationMinutes\":15,\"maxEmails\":0,\"maxSms\":0,\"maxCreatedAlarms\":0,"      \
    "\"defaultStorageTtlDays\":0,\"alarmsTtlDays\":0,\"rpcTtlDays\":0,"                            \
    "\"maxCalculatedFieldsPerEntity\":5,\"maxArgumentsPerCF\":10,"                                 \
    "\"maxDataPointsPerRollingArg\":1000,\"warnThreshold\":0.8},\"queueConfiguration\":null}"

const struct slice core_quota_unlimited = {(const uint8_t *)UNLIMITED, sizeof(UNLIMITED) - 1};

enum err core_quota_take_default(struct store_tx *tx, struct wall now)
{
    const struct model_tenant_profile profile = {.id = core_new_id(now),
                                                 .name = SLICE("Default"),
                                                 .description = SLICE("Default tenant profile"),
                                                 .is_default = true,
                                                 .profile_data = core_quota_unlimited};
    bool is_there = false;
    enum err err = store_quota_has_default(tx, &is_there);
    err = err == ERR_OK && !is_there ? store_tenant_profile_insert(tx, &profile) : err;
    return err == ERR_OK ? store_quota_adopt(tx) : err;
}

typedef enum err count_fn(struct store_tx *tx, struct tenant_id tenant, int64_t *count);

enum err core_quota_admit(const struct core *core, struct store_tx *tx, struct tenant_id tenant,
                          enum core_quota_kind kind, struct core_problem *problem)
{
    struct model_quota quota;
    model_quotas_of(core->quotas, tenant, &quota);
    const struct {
        const char *entity;
        const char *text;
        uint32_t limit;
        count_fn *count;
    } kinds[] = {
        {"DEVICE", "Devices limit reached", quota.devices_max, store_quota_count_devices},
        {"CUSTOMER", "Customers limit reached", quota.customers_max, store_quota_count_customers},
        {"USER", "Users limit reached", quota.users_max, store_quota_count_users},
    };
    int64_t count = 0;
    const enum err err = kinds[kind].limit > 0 ? kinds[kind].count(tx, tenant, &count) : ERR_OK;
    if (err != ERR_OK || kinds[kind].limit == 0 || count < kinds[kind].limit) {
        return err;
    }
    core_problem_set(problem, "%s", kinds[kind].text);
    problem->entity = kinds[kind].entity;
    problem->limit = kinds[kind].limit;
    return ERR_ENTITY_LIMIT;
}

static enum err fill_profile(void *context, const struct uuid *profile,
                             const struct model_quota *quota)
{
    const struct core *core = context;
    return model_quotas_put_profile(core->quotas, profile, quota);
}

static enum err fill_tenant(void *context, struct tenant_id tenant, const struct uuid *profile)
{
    const struct core *core = context;
    return model_quotas_put_tenant(core->quotas, tenant, profile);
}

static enum err fill_all(struct store_tx *tx, void *context)
{
    const enum err err = store_quota_load(tx, context, fill_profile);
    return err == ERR_OK ? store_quota_load_tenants(tx, context, fill_tenant) : err;
}

enum err core_quota_fill(struct core *core)
{
    return store_entities_read(core->entities, core, fill_all);
}
