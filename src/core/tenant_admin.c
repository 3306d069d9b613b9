// The system administrator makes, changes and deletes tenants (server-api.md 2.4).
#include "core/tenant_admin.h"

#include "core/admin_priv.h"
#include "core/profile_default.h"

struct tenant_job {
    const struct core_admin *admin;
    const struct uuid *id;
    struct model_tenant *tenant;
    bool has_version;
    enum err quota_err; // of what was done after the commit
};

static enum err run_get(struct store_tx *tx, void *context)
{
    const struct tenant_job *job = context;
    return store_tenant_get(tx, job->admin->memory, job->id, job->tenant);
}

static bool is_visible(const struct core_caller *caller, const struct uuid *id)
{
    return caller->authority == MODEL_SYS_ADMIN || uuid_equal(id, &caller->tenant_uuid);
}

enum err core_tenant_get(const struct core_admin *admin, const struct uuid *id,
                         struct model_tenant *tenant)
{
    enum err err = core_admin_require(admin, CORE_TENANT_READ);
    if (err != ERR_OK) {
        return err;
    }
    if (!is_visible(admin->caller, id)) {
        return core_admin_refuse(admin);
    }
    struct tenant_job job = {.admin = admin, .id = id, .tenant = tenant};
    err = store_entities_read(admin->core->entities, &job, run_get);
    return core_admin_missing(admin, "Tenant", id, err);
}

static enum err refuse(const struct tenant_job *job, enum err err, const char *why)
{
    core_problem_set(job->admin->problem, "%s", why);
    return err;
}

// Takes the tenant as it is stored, with the name of its profile.
static enum err read_back(struct store_tx *tx, const struct tenant_job *job)
{
    const struct uuid id = job->tenant->id;
    return store_tenant_get(tx, job->admin->memory, &id, job->tenant);
}

// The profile is the only thing that a tenant refers to.
static enum err stored(const struct tenant_job *job, enum err err)
{
    if (err == ERR_CONFLICT) {
        return refuse(job, ERR_INVALID,
                      "Validation error: Tenant is referencing non existing tenant profile!");
    }
    return err == ERR_ALREADY_EXISTS ? refuse(job, err, "Tenant with such title already exists!")
                                     : err;
}

static enum err room(struct store_tx *tx, const struct tenant_job *job)
{
    int64_t count = 0;
    const enum err err = store_tenant_count(tx, &count);
    return err == ERR_OK && count >= model_quotas_tenants_max(job->admin->core->quotas)
               ? refuse(job, ERR_EXHAUSTED, "Tenant limit of this server reached")
               : err;
}

static enum err run_insert(struct store_tx *tx, void *context)
{
    const struct tenant_job *job = context;
    enum err err = room(tx, job);
    err = err == ERR_OK ? stored(job, store_tenant_insert(tx, job->tenant)) : err;
    if (err != ERR_OK) {
        return err;
    }
    const struct model_device_profile profile =
        core_profile_make(job->tenant->number, SLICE("default"), true, job->admin->caller->now);
    err = store_profile_insert(tx, &profile);
    return err == ERR_OK ? read_back(tx, job) : err;
}

static enum err run_update(struct store_tx *tx, void *context)
{
    const struct tenant_job *job = context;
    struct model_tenant old;
    enum err err = store_tenant_get(tx, job->admin->memory, &job->tenant->id, &old);
    if (err == ERR_OK && job->has_version && job->tenant->version != old.version) {
        return refuse(job, ERR_CONFLICT, "Tenant was changed meanwhile, read it again");
    }
    err = err == ERR_OK ? stored(job, store_tenant_update(tx, job->tenant)) : err;
    return err == ERR_OK ? read_back(tx, job) : err;
}

static void put_quota(void *context)
{
    struct tenant_job *job = context;
    job->quota_err = model_quotas_put_tenant(job->admin->core->quotas, job->tenant->number,
                                             &job->tenant->profile);
}

enum err core_tenant_save(const struct core_admin *admin, struct model_tenant *tenant,
                          bool has_version)
{
    enum err err = core_admin_require(admin, CORE_TENANT_WRITE);
    err = err == ERR_OK ? core_name_check(tenant->title, "Tenant title", admin->problem) : err;
    if (err != ERR_OK) {
        return err;
    }
    struct tenant_job job = {.admin = admin, .tenant = tenant, .has_version = has_version};
    const bool is_new = uuid_equal(&tenant->id, &uuid_null);
    if (is_new) {
        tenant->id = core_new_id(admin->caller->now);
    }
    err = store_entities_write(admin->core->entities, &job, is_new ? run_insert : run_update,
                               put_quota);
    err = err == ERR_OK ? job.quota_err : err;
    return core_admin_missing(admin, "Tenant", &tenant->id, err);
}

// One step of the end of a tenant, and what follows from it in the index.
struct drop_job {
    struct core *core;
    struct tenant_id tenant;
    struct store_tenant_step step;
};

static enum err run_drop(struct store_tx *tx, void *context)
{
    struct drop_job *job = context;
    return store_tenant_drop(tx, job->tenant, &job->step);
}

static void forget(void *context)
{
    const struct drop_job *job = context;
    for (unsigned i = 0; i < job->step.count; i++) {
        model_index_remove(job->core->index, job->step.devices[i]);
    }
    (void)model_index_reclaim(job->core->index);
}

static enum err drop(struct drop_job *job)
{
    return store_entities_write(job->core->entities, job, run_drop, forget);
}

static enum err run_end(struct store_tx *tx, void *context)
{
    const struct tenant_job *job = context;
    const enum err err = run_get(tx, context);
    return err == ERR_OK ? store_tenant_end(tx, job->id) : err;
}

static void remove_quota(void *context)
{
    const struct tenant_job *job = context;
    model_quotas_remove_tenant(job->admin->core->quotas, job->tenant->number);
}

enum err core_tenant_delete(const struct core_admin *admin, const struct uuid *id)
{
    struct core *core = admin->core;
    struct model_tenant tenant;
    enum err err = core_admin_require(admin, CORE_TENANT_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct tenant_job end = {.admin = admin, .id = id, .tenant = &tenant};
    err = store_entities_write(core->entities, &end, run_end, remove_quota);
    struct drop_job job = {.core = core, .tenant = tenant.number};
    while (err == ERR_OK && !job.step.finished) {
        err = drop(&job);
    }
    if (err == ERR_OK) {
        core_admin_await(core);
    }
    return core_admin_missing(admin, "Tenant", id, err);
}

static enum err find_ended(struct store_tx *tx, void *context)
{
    struct drop_job *job = context;
    return store_tenant_ended(tx, &job->tenant);
}

enum err core_tenant_sweep(struct core *core)
{
    struct drop_job job = {.core = core};
    const enum err err = store_entities_read(core->entities, &job, find_ended);
    return err == ERR_OK ? drop(&job) : err;
}

struct list_job {
    const struct core_admin *admin;
    const struct model_page *page;
    int64_t *total;
    void *context;
    store_tenant_fn *emit;
};

static enum err run_list(struct store_tx *tx, void *context)
{
    const struct list_job *job = context;
    return store_tenant_list(tx, job->admin->memory, job->page, job->total, job->context,
                             job->emit);
}

enum err core_tenant_list(const struct core_admin *admin, const struct model_page *page,
                          int64_t *total, void *context, store_tenant_fn *emit)
{
    const enum err err = core_admin_require(admin, CORE_TENANT_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct list_job job = {
        .admin = admin, .page = page, .total = total, .context = context, .emit = emit};
    return core_admin_listed(admin, page,
                             store_entities_read(admin->core->entities, &job, run_list));
}
