// The system administrator says what tenants may use (server-api.md 2.4 and 10).
#include "core/admin_priv.h"
#include "core/tenant_admin.h"

struct profile_job {
    const struct core_admin *admin;
    const struct uuid *id;
    struct model_tenant_profile *profile;
    bool wants_default;
    struct model_quota quota; // of the profile, once it was written
    enum err quota_err;       // of what was done after the commit
};

static enum err refuse(const struct profile_job *job, enum err err, const char *why)
{
    core_problem_set(job->admin->problem, "%s", why);
    return err;
}

static enum err run_get(struct store_tx *tx, void *context)
{
    const struct profile_job *job = context;
    return job->id != NULL ? store_tenant_profile_get(tx, job->admin->memory, job->id, job->profile)
                           : store_tenant_profile_default(tx, job->admin->memory, job->profile);
}

enum err core_tenant_profile_get(const struct core_admin *admin, const struct uuid *id,
                                 struct model_tenant_profile *profile)
{
    enum err err = core_admin_require(admin, CORE_TENANT_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct profile_job job = {.admin = admin, .id = id, .profile = profile};
    err = store_entities_read(admin->core->entities, &job, run_get);
    return id != NULL ? core_admin_missing(admin, "Tenant profile", id, err) : err;
}

static const char another_default[] = "Another default tenant profile is present!";

// Reads from the profile what it allows; what cannot be read is not stored.
static enum err stored(struct profile_job *job, struct store_tx *tx, enum err err)
{
    if (err == ERR_ALREADY_EXISTS) {
        return refuse(job, err, "Tenant profile with such name already exists!");
    }
    err = err == ERR_OK ? store_quota_get(tx, &job->profile->id, &job->quota) : err;
    return err == ERR_INVALID ? refuse(job, err,
                                       "Validation error: a rate limit of the tenant "
                                       "profile is not understood")
                              : err;
}

static enum err run_insert(struct store_tx *tx, void *context)
{
    struct profile_job *job = context;
    int64_t count = 0;
    const enum err err = store_tenant_profile_count(tx, &count);
    if (err == ERR_OK && count >= MODEL_QUOTAS_PROFILES_MAX) {
        return refuse(job, ERR_EXHAUSTED, "Tenant profile limit of this server reached");
    }
    if (err == ERR_OK && job->wants_default) {
        return refuse(job, ERR_INVALID, another_default);
    }
    return err == ERR_OK ? stored(job, tx, store_tenant_profile_insert(tx, job->profile)) : err;
}

static enum err run_update(struct store_tx *tx, void *context)
{
    struct profile_job *job = context;
    struct model_tenant_profile old;
    const enum err err = store_tenant_profile_get(tx, job->admin->memory, &job->profile->id, &old);
    if (err == ERR_OK && job->wants_default && !old.is_default) {
        return refuse(job, ERR_INVALID, another_default);
    }
    job->profile->is_default = err == ERR_OK && old.is_default;
    return err == ERR_OK ? stored(job, tx, store_tenant_profile_update(tx, job->profile)) : err;
}

static void put_quota(void *context)
{
    struct profile_job *job = context;
    job->quota_err =
        model_quotas_put_profile(job->admin->core->quotas, &job->profile->id, &job->quota);
}

enum err core_tenant_profile_save(const struct core_admin *admin,
                                  struct model_tenant_profile *profile)
{
    enum err err = core_admin_require(admin, CORE_TENANT_WRITE);
    err =
        err == ERR_OK ? core_name_check(profile->name, "Tenant profile name", admin->problem) : err;
    if (err != ERR_OK) {
        return err;
    }
    struct profile_job job = {
        .admin = admin, .profile = profile, .wants_default = profile->is_default};
    const bool is_new = uuid_equal(&profile->id, &uuid_null);
    if (is_new) {
        profile->id = core_new_id(admin->caller->now);
    }
    err = store_entities_write(admin->core->entities, &job, is_new ? run_insert : run_update,
                               put_quota);
    err = err == ERR_OK ? job.quota_err : err;
    return core_admin_missing(admin, "Tenant profile", &profile->id, err);
}

static enum err run_default(struct store_tx *tx, void *context)
{
    const struct profile_job *job = context;
    const enum err err = store_tenant_profile_make_default(tx, job->id);
    return err == ERR_OK ? run_get(tx, context) : err;
}

enum err core_tenant_profile_make_default(const struct core_admin *admin, const struct uuid *id,
                                          struct model_tenant_profile *profile)
{
    enum err err = core_admin_require(admin, CORE_TENANT_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct profile_job job = {.admin = admin, .id = id, .profile = profile};
    err = store_entities_write(admin->core->entities, &job, run_default, NULL);
    return core_admin_missing(admin, "Tenant profile", id, err);
}

static enum err run_delete(struct store_tx *tx, void *context)
{
    const struct profile_job *job = context;
    enum err err = run_get(tx, context);
    if (err == ERR_OK && job->profile->is_default) {
        return refuse(job, ERR_INVALID, "Deletion of Default Tenant Profile is prohibited!");
    }
    err = err == ERR_OK ? store_tenant_profile_delete(tx, job->id) : err;
    return err == ERR_CONFLICT
               ? refuse(job, ERR_INVALID,
                        "The tenant profile referenced by the tenants cannot be deleted!")
               : err;
}

static void remove_quota(void *context)
{
    const struct profile_job *job = context;
    model_quotas_remove_profile(job->admin->core->quotas, job->id);
}

enum err core_tenant_profile_delete(const struct core_admin *admin, const struct uuid *id)
{
    struct model_tenant_profile profile;
    enum err err = core_admin_require(admin, CORE_TENANT_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct profile_job job = {.admin = admin, .id = id, .profile = &profile};
    err = store_entities_write(admin->core->entities, &job, run_delete, remove_quota);
    return core_admin_missing(admin, "Tenant profile", id, err);
}

struct list_job {
    const struct core_admin *admin;
    const struct model_page *page;
    int64_t *total;
    void *context;
    store_tenant_profile_fn *emit;
};

static enum err run_list(struct store_tx *tx, void *context)
{
    const struct list_job *job = context;
    return store_tenant_profile_list(tx, job->admin->memory, job->page, job->total, job->context,
                                     job->emit);
}

enum err core_tenant_profile_list(const struct core_admin *admin, const struct model_page *page,
                                  int64_t *total, void *context, store_tenant_profile_fn *emit)
{
    const enum err err = core_admin_require(admin, CORE_TENANT_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct list_job job = {admin, page, total, context, emit};
    return core_admin_listed(admin, page,
                             store_entities_read(admin->core->entities, &job, run_list));
}
