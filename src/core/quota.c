#include "core/quota.h"

#define DEFAULT_DATA                                                                               \
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

enum err core_quota_take_default(struct store_tx *tx, struct wall now)
{
    const struct model_tenant_profile profile = {.id = core_new_id(now),
                                                 .name = SLICE("Default"),
                                                 .description = SLICE("Default tenant profile"),
                                                 .is_default = true,
                                                 .profile_data = SLICE(DEFAULT_DATA)};
    bool is_there = false;
    enum err err = store_quota_has_default(tx, &is_there);
    err = err == ERR_OK && !is_there ? store_tenant_profile_insert(tx, &profile) : err;
    return err == ERR_OK ? store_quota_adopt(tx) : err;
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
