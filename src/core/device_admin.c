#include "core/admin.h"
#include "core/admin_priv.h"
#include "core/device_name.h"
#include "core/profile_default.h"
#include "core/quota.h"
#include "crypto/hash.h"

#define TOKEN_LEN 20U

// One write of a device or its credentials, and what follows from it in the index.
struct device_job {
    const struct core_admin *admin;
    const struct uuid *id;
    const struct uuid *customer;
    struct core_device_save *save;
    struct model_device *device;
    struct model_credentials *credentials;
    bool has_version;
    // Set by the job, read after the commit on the same thread.
    struct model_index_entry entry;
    struct device_id removed;
    enum err index_err;
};

// Customer users see and change their own customer's devices only.
static enum err device_visible(const struct core_admin *admin, const struct model_device *device)
{
    const struct core_caller *caller = admin->caller;
    if (caller->authority == MODEL_CUSTOMER_USER &&
        !uuid_equal(&device->customer, &caller->customer)) {
        return core_admin_refuse(admin);
    }
    return ERR_OK;
}

static enum err device_load(const struct device_job *job, struct store_tx *tx,
                            const struct uuid *id, struct model_device *device)
{
    const struct core_admin *admin = job->admin;
    const enum err err = store_device_get(tx, admin->memory, admin->caller->tenant, id, device);
    if (err != ERR_OK) {
        return core_admin_missing(admin, "Device", id, err);
    }
    return device_visible(admin, device);
}

static void index_update(void *context)
{
    struct device_job *job = context;
    struct core *core = job->admin->core;
    if (job->removed.number != 0) {
        model_index_remove(core->index, job->removed);
    } else {
        job->index_err = model_index_put(core->index, &job->entry);
    }
    (void)model_index_reclaim(core->index);
}

// Runs a write; when it is in the index, waits until every worker has seen it.
static enum err write_device(struct device_job *job, store_job_fn *run)
{
    struct core *core = job->admin->core;
    enum err err = store_entities_write(core->entities, job, run, index_update);
    if (err == ERR_OK) {
        err = job->index_err;
    }
    if (err != ERR_OK) {
        return err;
    }
    core_admin_await(core);
    return ERR_OK;
}

static enum err profile_find(const struct device_job *job, struct store_tx *tx,
                             struct model_device *device, struct model_device_profile *profile)
{
    const struct core_admin *admin = job->admin;
    const struct tenant_id tenant = admin->caller->tenant;
    if (!uuid_equal(&device->profile, &uuid_null)) {
        const enum err err =
            store_profile_get(tx, admin->memory, tenant, &device->profile, profile);
        if (err == ERR_NOT_FOUND) {
            core_problem_set(
                admin->problem,
                "Validation error: Device is referencing non existing device profile!");
            return ERR_INVALID;
        }
        return err;
    }
    if (device->type.len == 0) {
        return store_profile_default(tx, admin->memory, tenant, profile);
    }
    enum err err = store_profile_by_name(tx, admin->memory, tenant, device->type, profile);
    if (err != ERR_NOT_FOUND) {
        return err;
    }
    err = core_admin_require(admin, CORE_PROFILE_WRITE);
    err = err == ERR_OK ? core_name_check(device->type, "Device type", admin->problem) : err;
    if (err != ERR_OK) {
        return err;
    }
    *profile = core_profile_make(tenant, device->type, false, admin->caller->now);
    return store_profile_insert(tx, profile);
}

static enum err customer_check(const struct device_job *job, struct store_tx *tx,
                               const struct uuid *customer)
{
    const struct core_admin *admin = job->admin;
    struct model_customer found;
    if (uuid_equal(customer, &uuid_null)) {
        return ERR_OK;
    }
    const enum err err =
        store_customer_get(tx, admin->memory, admin->caller->tenant, customer, &found);
    return core_admin_missing(admin, "Customer", customer, err);
}

static enum err credentials_check(const struct core_admin *admin,
                                  const struct model_credentials *credentials)
{
    const struct slice id = credentials->credential;
    if (id.len == 0 || id.len > MODEL_CREDENTIAL_ID_MAX) {
        core_problem_set(admin->problem,
                         "Validation error: Device credentials id should be 1 to %u bytes long!",
                         MODEL_CREDENTIAL_ID_MAX);
        return ERR_INVALID;
    }
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] < 0x20 || id.ptr[i] == 0x7f) {
            core_problem_set(admin->problem,
                             "Validation error: Device credentials id holds a control character!");
            return ERR_INVALID;
        }
    }
    return ERR_OK;
}

static enum err credentials_taken(const struct core_admin *admin, enum err err)
{
    if (err == ERR_ALREADY_EXISTS) {
        core_problem_set(admin->problem,
                         "Device credentials are already assigned to another device!");
    }
    return err;
}

static enum err credentials_make(const struct device_job *job, struct store_tx *tx,
                                 const struct model_device *device)
{
    const struct core_admin *admin = job->admin;
    char token[TOKEN_LEN];
    struct model_credentials made = {.kind = MODEL_CREDENTIAL_TOKEN};
    if (job->save->credentials != NULL) {
        made = *job->save->credentials;
    } else if (job->save->token.len > 0) {
        made.credential = job->save->token;
    } else {
        crypto_random_text(token, TOKEN_LEN);
        made.credential = slice_of(token, TOKEN_LEN);
    }
    made.id = core_new_id(admin->caller->now);
    made.device = device->id;
    const enum err err = credentials_check(admin, &made);
    return err != ERR_OK
               ? err
               : credentials_taken(admin, store_credentials_insert(tx, device->number, &made));
}

static enum err credentials_replace(const struct device_job *job, struct store_tx *tx,
                                    const struct model_device *device)
{
    struct model_credentials changed = *job->save->credentials;
    changed.device = device->id;
    const enum err err = credentials_check(job->admin, &changed);
    return err != ERR_OK
               ? err
               : credentials_taken(job->admin, store_credentials_update(tx, &changed, false));
}

static enum err name_taken(const struct core_admin *admin, enum err err)
{
    if (err == ERR_ALREADY_EXISTS) {
        core_problem_set(admin->problem, "Device with such name already exists!");
    } else if (err == ERR_CONFLICT) {
        core_problem_set(admin->problem, "Device was changed meanwhile, read it again");
    }
    return err;
}

// What was inserted in the same commit is not in the index yet, so it is counted beside it. Touched
// by jobs only, which never run at the same time.
static enum err index_room(const struct device_job *job, const struct store_tx *tx)
{
    struct core *core = job->admin->core;
    if (core->inserting_group != tx->group) {
        core->inserting_group = tx->group;
        core->inserting = 0;
    }
    core->inserting++;
    if (!model_index_has_room(core->index, core->inserting)) {
        core_problem_set(job->admin->problem, "Device limit reached");
        return ERR_EXHAUSTED;
    }
    return ERR_OK;
}

static enum err device_create(struct device_job *job, struct store_tx *tx)
{
    struct model_device *device = &job->save->device;
    device->id = core_new_id(job->admin->caller->now);
    enum err err = index_room(job, tx);
    err = err == ERR_OK ? core_quota_admit(job->admin->core, tx, device->tenant, CORE_QUOTA_DEVICE,
                                           job->admin->problem)
                        : err;
    err = err == ERR_OK ? name_taken(job->admin, store_device_insert(tx, device)) : err;
    return err != ERR_OK ? err : credentials_make(job, tx, device);
}

static enum err device_change(struct device_job *job, struct store_tx *tx)
{
    struct model_device old;
    struct model_device *device = &job->save->device;
    enum err err = device_load(job, tx, &device->id, &old);
    if (err != ERR_OK) {
        return err;
    }
    err = name_taken(job->admin, store_device_update(tx, device, job->save->has_version));
    return err != ERR_OK || job->save->credentials == NULL ? err
                                                           : credentials_replace(job, tx, device);
}

static enum err run_save(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    struct model_device *device = &job->save->device;
    struct model_device_profile profile;
    enum err err = profile_find(job, tx, device, &profile);
    if (err == ERR_OK) {
        err = customer_check(job, tx, &device->customer);
    }
    if (err != ERR_OK) {
        return err;
    }
    device->profile = profile.id;
    device->type = profile.name;
    device->transport = profile.transport;
    device->tenant = job->admin->caller->tenant;
    err = core_device_name_settle(job->admin, tx, &job->save->name_rule, device);
    if (err != ERR_OK) {
        return err;
    }
    const bool is_new = uuid_equal(&device->id, &uuid_null);
    err = is_new ? device_create(job, tx) : device_change(job, tx);
    return err != ERR_OK ? err : store_index_entry(tx, &device->id, &job->entry);
}

static enum err save_allowed(const struct core_admin *admin, const struct core_device_save *save)
{
    const bool is_new = uuid_equal(&save->device.id, &uuid_null);
    const enum err err = core_admin_require(admin, is_new ? CORE_DEVICE_CREATE : CORE_DEVICE_WRITE);
    return err != ERR_OK || save->credentials == NULL
               ? err
               : core_admin_require(admin, CORE_CREDENTIALS_WRITE);
}

enum err core_device_save(const struct core_admin *admin, struct core_device_save *save)
{
    enum err err = save_allowed(admin, save);
    if (err == ERR_OK) {
        err = core_name_check(save->device.name, "Device name", admin->problem);
    }
    if (err == ERR_OK && save->device.label.len > 0) {
        err = core_name_check(save->device.label, "Device label", admin->problem);
    }
    if (err != ERR_OK) {
        return err;
    }
    if (admin->caller->authority == MODEL_CUSTOMER_USER) {
        // A customer's user cannot give a device away.
        save->device.customer = admin->caller->customer;
    }
    struct device_job job = {.admin = admin, .save = save};
    return write_device(&job, run_save);
}

static enum err run_get(struct store_tx *tx, void *context)
{
    const struct device_job *job = context;
    return device_load(job, tx, job->id, job->device);
}

enum err core_device_get(const struct core_admin *admin, const struct uuid *id,
                         struct model_device *device)
{
    const enum err err = core_admin_require(admin, CORE_DEVICE_READ);
    if (err != ERR_OK) {
        return err;
    }
    struct device_job job = {.admin = admin, .id = id, .device = device};
    return store_entities_read(admin->core->entities, &job, run_get);
}

struct name_job {
    const struct core_admin *admin;
    struct slice name;
    struct model_device *device;
};

static enum err run_by_name(struct store_tx *tx, void *context)
{
    const struct name_job *job = context;
    return store_device_by_name(tx, job->admin->memory, job->admin->caller->tenant, job->name,
                                job->device);
}

enum err core_device_by_name(const struct core_admin *admin, struct slice name,
                             struct model_device *device)
{
    enum err err = core_admin_require(admin, CORE_DEVICE_LIST);
    if (err != ERR_OK) {
        return err;
    }
    struct name_job job = {admin, name, device};
    err = store_entities_read(admin->core->entities, &job, run_by_name);
    if (err == ERR_NOT_FOUND) {
        core_problem_set(admin->problem, "Requested item wasn't found!");
    }
    return err;
}

static enum err run_delete(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    struct model_device device;
    const enum err err = device_load(job, tx, job->id, &device);
    if (err != ERR_OK) {
        return err;
    }
    job->removed = device.number;
    return store_device_delete(tx, job->admin->caller->tenant, job->id);
}

enum err core_device_delete(const struct core_admin *admin, const struct uuid *id)
{
    const enum err err = core_admin_require(admin, CORE_DEVICE_DELETE);
    if (err != ERR_OK) {
        return err;
    }
    struct device_job job = {.admin = admin, .id = id};
    return write_device(&job, run_delete);
}

static enum err run_assign(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    struct model_device *device = job->device;
    enum err err = device_load(job, tx, job->id, device);
    if (err == ERR_OK && uuid_equal(job->customer, &uuid_null) &&
        uuid_equal(&device->customer, &uuid_null)) {
        core_problem_set(job->admin->problem, "Device isn't assigned to any customer!");
        return ERR_INVALID;
    }
    err = err == ERR_OK ? customer_check(job, tx, job->customer) : err;
    if (err != ERR_OK) {
        return err;
    }
    device->customer = *job->customer;
    err = store_device_update(tx, device, false);
    err = err == ERR_OK ? device_load(job, tx, job->id, device) : err;
    return err != ERR_OK ? err : store_index_entry(tx, job->id, &job->entry);
}

enum err core_device_assign(const struct core_admin *admin, const struct uuid *id,
                            const struct uuid *customer, struct model_device *device)
{
    const enum err err = core_admin_require(admin, CORE_DEVICE_ASSIGN);
    if (err != ERR_OK) {
        return err;
    }
    struct device_job job = {.admin = admin, .id = id, .customer = customer, .device = device};
    return write_device(&job, run_assign);
}

static enum err public_customer(const struct device_job *job, struct store_tx *tx, struct uuid *id)
{
    const struct core_admin *admin = job->admin;
    struct model_customer customer;
    enum err err = store_customer_public(tx, admin->memory, admin->caller->tenant, &customer);
    if (err == ERR_NOT_FOUND) {
        customer = (struct model_customer){.id = core_new_id(admin->caller->now),
                                           .tenant = admin->caller->tenant,
                                           .title = SLICE(STORE_CUSTOMER_PUBLIC),
                                           .additional_info = SLICE("{\"isPublic\":true}")};
        err =
            core_quota_admit(admin->core, tx, customer.tenant, CORE_QUOTA_CUSTOMER, admin->problem);
        err = err == ERR_OK ? store_customer_insert(tx, &customer) : err;
    }
    if (err == ERR_ALREADY_EXISTS) {
        core_problem_set(admin->problem, "The customer 'Public' is not public");
        return ERR_INVALID;
    }
    *id = customer.id;
    return err;
}

static enum err run_make_public(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    struct uuid customer;
    job->customer = &customer;
    const enum err err = public_customer(job, tx, &customer);
    return err == ERR_OK ? run_assign(tx, context) : err;
}

enum err core_device_make_public(const struct core_admin *admin, const struct uuid *id,
                                 struct model_device *device)
{
    const enum err err = core_admin_require(admin, CORE_DEVICE_ASSIGN);
    if (err != ERR_OK) {
        return err;
    }
    struct device_job job = {.admin = admin, .id = id, .device = device};
    return write_device(&job, run_make_public);
}

struct list_job {
    const struct core_admin *admin;
    const struct core_device_list *list;
    int64_t *total;
    void *context;
    store_device_fn *emit;
};

static enum err run_list(struct store_tx *tx, void *context)
{
    const struct list_job *job = context;
    const struct core_admin *admin = job->admin;
    struct model_device_profile profile;
    struct store_device_filter filter = {.tenant = admin->caller->tenant,
                                         .customer = job->list->customer,
                                         .profiles = job->list->profile,
                                         .profile_count = job->list->profile != NULL};
    if (job->list->type.len > 0) {
        const enum err err =
            store_profile_by_name(tx, admin->memory, filter.tenant, job->list->type, &profile);
        if (err == ERR_NOT_FOUND) {
            *job->total = 0;
            return ERR_OK;
        }
        if (err != ERR_OK) {
            return err;
        }
        filter.profiles = &profile.id;
        filter.profile_count = 1;
    }
    return store_device_list(tx, admin->memory, &filter, job->list->page, job->total, job->context,
                             job->emit);
}

enum err core_device_list(const struct core_admin *admin, const struct core_device_list *list,
                          int64_t *total, void *context, store_device_fn *emit)
{
    const bool of_customer = list->customer != NULL;
    const enum err err =
        core_admin_require(admin, of_customer ? CORE_DEVICE_LIST_CUSTOMER : CORE_DEVICE_LIST);
    if (err != ERR_OK) {
        return err;
    }
    if (admin->caller->authority == MODEL_CUSTOMER_USER &&
        !uuid_equal(list->customer, &admin->caller->customer)) {
        return core_admin_refuse(admin);
    }
    struct list_job job = {admin, list, total, context, emit};
    return core_admin_listed(admin, list->page,
                             store_entities_read(admin->core->entities, &job, run_list));
}

static enum err run_credentials_get(struct store_tx *tx, void *context)
{
    const struct device_job *job = context;
    struct model_device device;
    const enum err err = device_load(job, tx, job->id, &device);
    return err != ERR_OK ? err
                         : store_credentials_get(tx, job->admin->memory, job->id, job->credentials);
}

enum err core_credentials_get(const struct core_admin *admin, const struct uuid *device,
                              struct model_credentials *credentials)
{
    const enum err err = core_admin_require(admin, CORE_CREDENTIALS_READ);
    if (err != ERR_OK) {
        return err;
    }
    struct device_job job = {.admin = admin, .id = device, .credentials = credentials};
    return store_entities_read(admin->core->entities, &job, run_credentials_get);
}

static enum err run_credentials_save(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    struct model_device device;
    enum err err = device_load(job, tx, &job->credentials->device, &device);
    if (err == ERR_OK) {
        err = store_credentials_update(tx, job->credentials, job->has_version);
    }
    if (err == ERR_CONFLICT) {
        core_problem_set(job->admin->problem,
                         "Device credentials were changed meanwhile, read them again");
    }
    err = credentials_taken(job->admin, err);
    return err != ERR_OK ? err : store_index_entry(tx, &device.id, &job->entry);
}

enum err core_credentials_save(const struct core_admin *admin,
                               struct model_credentials *credentials, bool has_version,
                               struct device_id *number)
{
    enum err err = core_admin_require(admin, CORE_CREDENTIALS_WRITE);
    if (err == ERR_OK) {
        err = credentials_check(admin, credentials);
    }
    if (err != ERR_OK) {
        return err;
    }
    struct device_job job = {
        .admin = admin, .credentials = credentials, .has_version = has_version};
    err = write_device(&job, run_credentials_save);
    *number = job.entry.device;
    return err;
}
