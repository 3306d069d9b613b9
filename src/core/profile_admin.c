// People write device profiles (server-api.md 2.3).
#include "core/admin_priv.h"
#include "core/profile_default.h"

struct write_job {
    const struct core_admin *admin;
    const struct uuid *id;
    struct model_device_profile *profile;
    bool has_version;
    bool wants_default;
    enum err index_err; // of telling the devices
};

static enum err refuse(const struct write_job *job, const char *why)
{
    core_problem_set(job->admin->problem, "%s", why);
    return ERR_INVALID;
}

static enum err load(const struct write_job *job, struct store_tx *tx, const struct uuid *id,
                     struct model_device_profile *profile)
{
    return store_profile_get(tx, job->admin->memory, job->admin->caller->tenant, id, profile);
}

// Which of the two names is taken.
static enum err taken(const struct write_job *job, struct store_tx *tx, enum err err)
{
    struct model_device_profile other;
    if (err != ERR_ALREADY_EXISTS) {
        return err;
    }
    const enum err found = store_profile_by_name(tx, job->admin->memory, job->profile->tenant,
                                                 job->profile->name, &other);
    const bool is_name = found == ERR_OK && !uuid_equal(&other.id, &job->profile->id);
    core_problem_set(job->admin->problem,
                     is_name ? "Device profile with such name already exists!"
                             : "Device profile with such provision device key already exists!");
    return ERR_ALREADY_EXISTS;
}

static enum err run_insert(struct store_tx *tx, void *context)
{
    const struct write_job *job = context;
    if (job->wants_default) {
        return refuse(job, "Another default device profile is present in scope of current tenant!");
    }
    return taken(job, tx, store_profile_insert(tx, job->profile));
}

static enum err check_change(const struct write_job *job, struct store_tx *tx,
                             const struct model_device_profile *old)
{
    bool is_used = false;
    if (job->has_version && job->profile->version != old->version) {
        core_problem_set(job->admin->problem,
                         "Device profile was changed meanwhile, read it again");
        return ERR_CONFLICT;
    }
    if (job->wants_default && !old->is_default) {
        return refuse(job, "Another default device profile is present in scope of current tenant!");
    }
    if (job->profile->transport == old->transport) {
        return ERR_OK;
    }
    const enum err err = store_profile_is_used(tx, &old->id, &is_used);
    return err == ERR_OK && is_used ? refuse(job, "Can't change device profile transport type "
                                                  "because devices referenced it!")
                                    : err;
}

static enum err run_update(struct store_tx *tx, void *context)
{
    const struct write_job *job = context;
    struct model_device_profile old;
    enum err err = load(job, tx, &job->profile->id, &old);
    err = err == ERR_OK ? check_change(job, tx, &old) : err;
    if (err != ERR_OK) {
        return err;
    }
    job->profile->is_default = old.is_default;
    job->profile->version = old.version;
    return taken(job, tx, store_profile_update(tx, job->profile));
}

static enum err put_anew(void *context, const struct model_index_entry *entry)
{
    struct model_index *index = context;
    const struct slice credential = slice_of(entry->credential, entry->credential_len);
    // The writing thread may look without an epoch: nobody else frees anything.
    const struct model_index_entry *old = model_index_find(index, entry->kind, credential);
    // A device that got this credential in the same commit is put by its own change.
    if (old == NULL || old->device.number != entry->device.number) {
        return ERR_OK;
    }
    const bool is_same = old->power == entry->power && old->awake_ms == entry->awake_ms;
    return is_same ? ERR_OK : model_index_put(index, entry);
}

static enum err read_devices(struct store_tx *tx, void *context)
{
    const struct write_job *job = context;
    return store_index_of_profile(tx, &job->profile->id, job->admin->core->index, put_anew);
}

// What a profile says of saving power is known to the workers by its devices. Behind the commit, on
// the entities' writer, which alone writes the index; readers wait for nobody, so it may be one.
static void tell_devices(void *context)
{
    struct write_job *job = context;
    const struct core *core = job->admin->core;
    if (job->profile->transport == MODEL_TRANSPORT_COAP) {
        job->index_err = store_entities_read(core->entities, job, read_devices);
        (void)model_index_reclaim(core->index);
    }
}

enum err core_profile_save(const struct core_admin *admin, struct model_device_profile *profile,
                           bool has_version)
{
    enum err err = core_admin_require(admin, CORE_PROFILE_WRITE);
    if (err == ERR_OK) {
        err = core_name_check(profile->name, "Device profile name", admin->problem);
    }
    if (err != ERR_OK) {
        return err;
    }
    struct write_job job = {.admin = admin,
                            .profile = profile,
                            .has_version = has_version,
                            .wants_default = profile->is_default};
    const bool is_new = uuid_equal(&profile->id, &uuid_null);
    profile->tenant = admin->caller->tenant;
    if (is_new) {
        profile->id = core_new_id(admin->caller->now);
        profile->version = 1;
    }
    err = is_new ? store_entities_write(admin->core->entities, &job, run_insert, NULL)
                 : store_entities_write(admin->core->entities, &job, run_update, tell_devices);
    err = err == ERR_OK ? job.index_err : err;
    return core_admin_missing(admin, "Device profile", &profile->id, err);
}

static enum err run_default(struct store_tx *tx, void *context)
{
    const struct write_job *job = context;
    enum err err = load(job, tx, job->id, job->profile);
    if (err != ERR_OK || job->profile->is_default) {
        return err;
    }
    err = store_profile_make_default(tx, job->profile->tenant, job->id);
    return err == ERR_OK ? load(job, tx, job->id, job->profile) : err;
}

enum err core_profile_make_default(const struct core_admin *admin, const struct uuid *id,
                                   struct model_device_profile *profile)
{
    enum err err = core_admin_require(admin, CORE_PROFILE_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct write_job job = {.admin = admin, .id = id, .profile = profile};
    err = store_entities_write(admin->core->entities, &job, run_default, NULL);
    return core_admin_missing(admin, "Device profile", id, err);
}

static enum err run_delete(struct store_tx *tx, void *context)
{
    const struct write_job *job = context;
    struct model_device_profile profile;
    bool is_used = false;
    enum err err = load(job, tx, job->id, &profile);
    err = err == ERR_OK ? store_profile_is_used(tx, job->id, &is_used) : err;
    if (err != ERR_OK) {
        return err;
    }
    if (profile.is_default) {
        return refuse(job, "Deletion of Default Device Profile is prohibited!");
    }
    if (is_used) {
        return refuse(job, "The device profile referenced by the devices cannot be deleted!");
    }
    return store_profile_delete(tx, profile.tenant, job->id);
}

enum err core_profile_delete(const struct core_admin *admin, const struct uuid *id)
{
    enum err err = core_admin_require(admin, CORE_PROFILE_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct write_job job = {.admin = admin, .id = id};
    err = store_entities_write(admin->core->entities, &job, run_delete, NULL);
    return core_admin_missing(admin, "Device profile", id, err);
}
