// Customers and device profiles.
#include "core/admin.h"

#include "core/admin_priv.h"
#include "core/quota.h"

enum err core_admin_refuse(const struct core_admin *admin)
{
    core_problem_set(admin->problem, "You don't have permission to perform this operation!");
    return ERR_FORBIDDEN;
}

enum err core_admin_require(const struct core_admin *admin, enum core_right right)
{
    const struct core_caller *caller = admin->caller;
    return core_access_allowed(caller->authority, right) &&
                   (!caller->is_public || core_access_reads(right))
               ? ERR_OK
               : core_admin_refuse(admin);
}

enum err core_admin_missing(const struct core_admin *admin, const char *what, const struct uuid *id,
                            enum err err)
{
    char text[UUID_TEXT_SIZE];
    if (err == ERR_NOT_FOUND) {
        core_problem_set(admin->problem, "%s with id [%s] is not found", what,
                         uuid_format(id, text));
    }
    return err;
}

void core_admin_await(struct core *core)
{
    const uint64_t number = epoch_advance(core->epoch);
    while (!epoch_passed(core->epoch, number)) {
        core->pause();
    }
}

struct customer_job {
    const struct core_admin *admin;
    const struct uuid *id;
    struct slice title;
    struct model_customer *customer;
    bool has_version;
};

static enum err customer_get(struct store_tx *tx, void *context)
{
    const struct customer_job *job = context;
    return store_customer_get(tx, job->admin->memory, job->admin->caller->tenant, job->id,
                              job->customer);
}

static enum err customer_by_title(struct store_tx *tx, void *context)
{
    const struct customer_job *job = context;
    return store_customer_by_title(tx, job->admin->memory, job->admin->caller->tenant, job->title,
                                   job->customer);
}

static enum err customer_insert(struct store_tx *tx, void *context)
{
    const struct customer_job *job = context;
    const enum err err = core_quota_admit(job->admin->core, tx, job->customer->tenant,
                                          CORE_QUOTA_CUSTOMER, job->admin->problem);
    return err == ERR_OK ? store_customer_insert(tx, job->customer) : err;
}

static enum err customer_update(struct store_tx *tx, void *context)
{
    const struct customer_job *job = context;
    struct model_customer old;
    const enum err err = store_customer_get(tx, job->admin->memory, job->admin->caller->tenant,
                                            &job->customer->id, &old);
    if (err != ERR_OK) {
        return err;
    }
    if (job->has_version && job->customer->version != old.version) {
        core_problem_set(job->admin->problem, "Customer was changed meanwhile, read it again");
        return ERR_CONFLICT;
    }
    job->customer->version = old.version;
    return store_customer_update(tx, job->customer);
}

static enum err customer_delete(struct store_tx *tx, void *context)
{
    const struct customer_job *job = context;
    return store_customer_delete(tx, job->admin->caller->tenant, job->id);
}

enum err core_customer_save(const struct core_admin *admin, struct model_customer *customer,
                            bool has_version)
{
    enum err err = core_admin_require(admin, CORE_CUSTOMER_WRITE);
    if (err == ERR_OK) {
        err = core_name_check(customer->title, "Customer title", admin->problem);
    }
    if (err != ERR_OK) {
        return err;
    }
    struct customer_job job = {.admin = admin, .customer = customer, .has_version = has_version};
    const bool is_new = uuid_equal(&customer->id, &uuid_null);
    customer->tenant = admin->caller->tenant;
    if (is_new) {
        customer->id = core_new_id(admin->caller->now);
        customer->version = 1;
    }
    err = store_entities_write(admin->core->entities, &job,
                               is_new ? customer_insert : customer_update, NULL);
    if (err == ERR_ALREADY_EXISTS) {
        core_problem_set(admin->problem, "Customer with such title already exists!");
    }
    return core_admin_missing(admin, "Customer", &customer->id, err);
}

enum err core_customer_get(const struct core_admin *admin, const struct uuid *id,
                           struct model_customer *customer)
{
    enum err err = core_admin_require(admin, CORE_CUSTOMER_READ);
    if (err != ERR_OK) {
        return err;
    }
    if (admin->caller->authority == MODEL_CUSTOMER_USER &&
        !uuid_equal(id, &admin->caller->customer)) {
        return core_admin_refuse(admin);
    }
    struct customer_job job = {.admin = admin, .id = id, .customer = customer};
    err = store_entities_read(admin->core->entities, &job, customer_get);
    return core_admin_missing(admin, "Customer", id, err);
}

enum err core_customer_by_title(const struct core_admin *admin, struct slice title,
                                struct model_customer *customer)
{
    enum err err = core_admin_require(admin, CORE_CUSTOMER_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct customer_job job = {.admin = admin, .title = title, .customer = customer};
    err = store_entities_read(admin->core->entities, &job, customer_by_title);
    if (err == ERR_NOT_FOUND) {
        core_problem_set(admin->problem, "Customer with title [%.*s] is not found",
                         SLICE_ARGS(slice_sub(title, 0, 100)));
    }
    return err;
}

enum err core_customer_delete(const struct core_admin *admin, const struct uuid *id)
{
    enum err err = core_admin_require(admin, CORE_CUSTOMER_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct customer_job job = {.admin = admin, .id = id};
    err = store_entities_write(admin->core->entities, &job, customer_delete, NULL);
    return core_admin_missing(admin, "Customer", id, err);
}

struct list_job {
    const struct core_admin *admin;
    const struct model_page *page;
    const enum model_transport *transport;
    int64_t *total;
    void *context;
    union {
        store_customer_fn *customers;
        store_profile_fn *profiles;
    } emit;
};

static enum err customer_list(struct store_tx *tx, void *context)
{
    const struct list_job *job = context;
    return store_customer_list(tx, job->admin->memory, job->admin->caller->tenant, job->page,
                               job->total, job->context, job->emit.customers);
}

static enum err profile_list(struct store_tx *tx, void *context)
{
    const struct list_job *job = context;
    const struct store_profile_filter filter = {job->admin->caller->tenant, job->transport};
    return store_profile_list(tx, job->admin->memory, &filter, job->page, job->total, job->context,
                              job->emit.profiles);
}

enum err core_admin_listed(const struct core_admin *admin, const struct model_page *page,
                           enum err err)
{
    if (err == ERR_INVALID) {
        core_problem_set(admin->problem, "Unsupported sort property '%.*s'",
                         SLICE_ARGS(slice_sub(page->sort, 0, 64)));
    }
    return err;
}

enum err core_customer_list(const struct core_admin *admin, const struct model_page *page,
                            int64_t *total, void *context, store_customer_fn *emit)
{
    const enum err err = core_admin_require(admin, CORE_CUSTOMER_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct list_job job = {
        .admin = admin, .page = page, .total = total, .context = context, .emit.customers = emit};
    return core_admin_listed(admin, page,
                             store_entities_read(admin->core->entities, &job, customer_list));
}

struct profile_job {
    const struct core_admin *admin;
    const struct uuid *id;
    struct model_device_profile *profile;
};

static enum err profile_get(struct store_tx *tx, void *context)
{
    const struct profile_job *job = context;
    const struct tenant_id tenant = job->admin->caller->tenant;
    return job->id != NULL
               ? store_profile_get(tx, job->admin->memory, tenant, job->id, job->profile)
               : store_profile_default(tx, job->admin->memory, tenant, job->profile);
}

enum err core_profile_get(const struct core_admin *admin, const struct uuid *id,
                          struct model_device_profile *profile)
{
    enum err err = core_admin_require(admin, CORE_PROFILE_READ);
    if (err != ERR_OK) {
        return err;
    }
    struct profile_job job = {admin, id, profile};
    err = store_entities_read(admin->core->entities, &job, profile_get);
    return id != NULL ? core_admin_missing(admin, "Device profile", id, err) : err;
}

enum err core_profile_list(const struct core_admin *admin, const enum model_transport *transport,
                           const struct model_page *page, int64_t *total, void *context,
                           store_profile_fn *emit)
{
    const enum err err = core_admin_require(admin, CORE_PROFILE_READ);
    if (err != ERR_OK) {
        return err;
    }
    struct list_job job = {.admin = admin,
                           .page = page,
                           .transport = transport,
                           .total = total,
                           .context = context,
                           .emit.profiles = emit};
    return core_admin_listed(admin, page,
                             store_entities_read(admin->core->entities, &job, profile_list));
}

struct name_job {
    const struct core_admin *admin;
    bool in_use;
    void *context;
    store_profile_name_fn *emit;
};

static enum err profile_names(struct store_tx *tx, void *context)
{
    const struct name_job *job = context;
    return store_profile_names(tx, job->admin->memory, job->admin->caller->tenant, job->in_use,
                               job->context, job->emit);
}

enum err core_profile_names(const struct core_admin *admin, bool in_use, void *context,
                            store_profile_name_fn *emit)
{
    const enum err err = core_admin_require(admin, CORE_PROFILE_READ);
    struct name_job job = {admin, in_use, context, emit};
    return err == ERR_OK ? store_entities_read(admin->core->entities, &job, profile_names) : err;
}
