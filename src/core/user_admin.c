// Users are made, changed and deleted (server-api.md 1.6 and 2.4).
#include "core/user_admin.h"

#include "core/admin_priv.h"
#include "core/quota.h"
#include "core/session.h"
#include "crypto/hash.h"

struct user_job {
    const struct core_admin *admin;
    const struct uuid *id;
    struct model_user *user;
    struct store_activation *activation;
    bool has_version;
    bool enabled;
};

static enum err refuse(const struct user_job *job, enum err err, const char *why)
{
    core_problem_set(job->admin->problem, "%s", why);
    return err;
}

static enum err run_get(struct store_tx *tx, void *context)
{
    const struct user_job *job = context;
    return store_user_get(tx, job->admin->memory, job->id, job->user);
}

static bool is_visible(const struct core_caller *caller, const struct model_user *user)
{
    switch (caller->authority) {
    case MODEL_SYS_ADMIN:
        return user->authority != MODEL_CUSTOMER_USER;
    case MODEL_TENANT_ADMIN:
        return user->tenant.number == caller->tenant.number;
    case MODEL_CUSTOMER_USER:
        return user->tenant.number == caller->tenant.number &&
               uuid_equal(&user->customer, &caller->customer);
    }
    return false;
}

static bool is_writable(const struct core_caller *caller, const struct model_user *user)
{
    return is_visible(caller, user) &&
           (caller->authority != MODEL_CUSTOMER_USER || uuid_equal(&user->id, &caller->user));
}

enum err core_user_get(const struct core_admin *admin, const struct uuid *id,
                       struct model_user *user)
{
    enum err err = core_admin_require(admin, CORE_USER_READ);
    if (err != ERR_OK) {
        return err;
    }
    struct user_job job = {.admin = admin, .id = id, .user = user};
    err = store_entities_read(admin->core->entities, &job, run_get);
    if (err == ERR_OK && !is_visible(admin->caller, user)) {
        return core_admin_refuse(admin);
    }
    return core_admin_missing(admin, "User", id, err);
}

// Loads a user whom the caller may change.
static enum err load(const struct user_job *job, struct store_tx *tx, const struct uuid *id,
                     struct model_user *user)
{
    const struct core_admin *admin = job->admin;
    const enum err err = store_user_get(tx, admin->memory, id, user);
    if (err == ERR_OK && !is_writable(admin->caller, user)) {
        return core_admin_refuse(admin);
    }
    return core_admin_missing(admin, "User", id, err);
}

static enum err check_email(const struct core_admin *admin, struct slice email)
{
    const enum err err = core_name_check(email, "User email", admin->problem);
    if (err != ERR_OK) {
        return err;
    }
    struct slice rest = email;
    const struct slice name = slice_cut(&rest, '@');
    bool is_good = name.len > 0 && rest.len > 0;
    for (size_t i = 0; i < email.len; i++) {
        is_good = is_good && email.ptr[i] > ' ';
    }
    for (size_t i = 0; i < rest.len; i++) {
        is_good = is_good && rest.ptr[i] != '@';
    }
    if (!is_good) {
        core_problem_set(admin->problem, "Validation error: '%.*s' is not an email address",
                         SLICE_ARGS(slice_sub(email, 0, 100)));
        return ERR_INVALID;
    }
    return ERR_OK;
}

// The tenant and the customer of a new user, by who makes it.
static enum err place_tenant(const struct user_job *job, struct store_tx *tx)
{
    const struct core_caller *caller = job->admin->caller;
    struct model_user *user = job->user;
    struct model_tenant tenant;
    if (user->authority == MODEL_SYS_ADMIN) {
        user->tenant.number = 0;
        return ERR_OK;
    }
    if (caller->authority == MODEL_TENANT_ADMIN) {
        user->tenant = caller->tenant;
        return ERR_OK;
    }
    const enum err err = store_tenant_get(tx, job->admin->memory, &user->tenant_uuid, &tenant);
    user->tenant = tenant.number;
    return err == ERR_NOT_FOUND
               ? refuse(job, ERR_INVALID,
                        "Validation error: User is referencing non existing tenant!")
               : err;
}

static enum err place_customer(const struct user_job *job, struct store_tx *tx)
{
    struct model_user *user = job->user;
    struct model_customer customer;
    if (user->authority != MODEL_CUSTOMER_USER) {
        user->customer = uuid_null;
        return ERR_OK;
    }
    const enum err err =
        store_customer_get(tx, job->admin->memory, user->tenant, &user->customer, &customer);
    return err == ERR_NOT_FOUND
               ? refuse(job, ERR_INVALID,
                        "Validation error: User is referencing non existing customer!")
               : err;
}

static enum err stored(const struct user_job *job, struct store_tx *tx, enum err err)
{
    if (err == ERR_ALREADY_EXISTS) {
        return refuse(job, err, "User with such email already exists!");
    }
    const struct uuid id = job->user->id;
    return err == ERR_OK ? store_user_get(tx, job->admin->memory, &id, job->user) : err;
}

static struct store_activation activation_make(const struct core_admin *admin)
{
    struct store_activation made = {.until_ms = admin->caller->now.ms + CORE_ACTIVATION_LIFE_MS};
    crypto_random_text(made.token, STORE_ACTIVATION_LEN);
    return made;
}

static enum err run_insert(struct store_tx *tx, void *context)
{
    const struct user_job *job = context;
    const struct core_admin *admin = job->admin;
    struct model_user *user = job->user;
    const struct store_activation activation = activation_make(admin);
    enum err err = place_tenant(job, tx);
    err = err == ERR_OK ? place_customer(job, tx) : err;
    if (err == ERR_OK && user->tenant.number != 0) {
        err = core_quota_admit(admin->core, tx, user->tenant, CORE_QUOTA_USER, admin->problem);
    }
    err = err == ERR_OK ? stored(job, tx, store_user_insert(tx, user)) : err;
    return err == ERR_OK ? store_activation_put(tx, &user->id, &activation) : err;
}

// What a user is stays, and whoever sends it along must send the same.
static enum err check_kept(const struct user_job *job, const struct model_user *old)
{
    const struct model_user *user = job->user;
    const bool names_tenant = !uuid_equal(&user->tenant_uuid, &uuid_null);
    const bool names_customer = !uuid_equal(&user->customer, &uuid_null);
    if (job->has_version && user->version != old->version) {
        return refuse(job, ERR_CONFLICT, "User was changed meanwhile, read it again");
    }
    if (user->authority != old->authority) {
        return refuse(job, ERR_INVALID, "Validation error: User authority can't be changed!");
    }
    if (names_tenant && !uuid_equal(&user->tenant_uuid, &old->tenant_uuid)) {
        return refuse(job, ERR_INVALID, "Validation error: User can't get another tenant!");
    }
    return names_customer && !uuid_equal(&user->customer, &old->customer)
               ? refuse(job, ERR_INVALID, "Validation error: User can't get another customer!")
               : ERR_OK;
}

static enum err run_update(struct store_tx *tx, void *context)
{
    const struct user_job *job = context;
    struct model_user old;
    enum err err = load(job, tx, &job->user->id, &old);
    err = err == ERR_OK ? check_kept(job, &old) : err;
    return err == ERR_OK ? stored(job, tx, store_user_update(tx, job->user)) : err;
}

// Whom the caller may make.
static bool may_make(const struct core_caller *caller, enum model_authority authority)
{
    switch (caller->authority) {
    case MODEL_SYS_ADMIN:
        return authority != MODEL_CUSTOMER_USER;
    case MODEL_TENANT_ADMIN:
        return authority != MODEL_SYS_ADMIN;
    case MODEL_CUSTOMER_USER:
        return false;
    }
    return false;
}

enum err core_user_save(const struct core_admin *admin, struct model_user *user, bool has_version)
{
    enum err err = core_admin_require(admin, CORE_USER_WRITE);
    err = err == ERR_OK ? check_email(admin, user->email) : err;
    if (err != ERR_OK) {
        return err;
    }
    struct user_job job = {.admin = admin, .user = user, .has_version = has_version};
    if (!uuid_equal(&user->id, &uuid_null)) {
        return store_entities_write(admin->core->entities, &job, run_update, NULL);
    }
    if (!may_make(admin->caller, user->authority)) {
        return core_admin_refuse(admin);
    }
    user->id = core_new_id(admin->caller->now);
    user->enabled = false;
    user->changed_ms = admin->caller->now.ms;
    return store_entities_write(admin->core->entities, &job, run_insert, NULL);
}

static enum err run_delete(struct store_tx *tx, void *context)
{
    const struct user_job *job = context;
    struct model_user user;
    const enum err err = load(job, tx, job->id, &user);
    if (err == ERR_OK && user.authority == MODEL_SYS_ADMIN &&
        uuid_equal(job->id, &job->admin->caller->user)) {
        return refuse(job, ERR_FORBIDDEN, "A system administrator can't delete the own account!");
    }
    return err == ERR_OK ? store_user_delete(tx, job->id) : err;
}

enum err core_user_delete(const struct core_admin *admin, const struct uuid *id)
{
    const enum err err = core_admin_require(admin, CORE_USER_MANAGE);
    struct user_job job = {.admin = admin, .id = id};
    return err == ERR_OK ? store_entities_write(admin->core->entities, &job, run_delete, NULL)
                         : err;
}

static enum err run_enable(struct store_tx *tx, void *context)
{
    const struct user_job *job = context;
    struct model_user user;
    const enum err err = load(job, tx, job->id, &user);
    if (err == ERR_OK && uuid_equal(job->id, &job->admin->caller->user)) {
        return refuse(job, ERR_INVALID, "Nobody can disable or enable the own account!");
    }
    if (err == ERR_OK && user.password_hash.ptr == NULL) {
        return refuse(job, ERR_INVALID, "User is not activated yet!");
    }
    return err == ERR_OK ? store_user_enable(tx, job->id, job->enabled, job->admin->caller->now.ms)
                         : err;
}

enum err core_user_enable(const struct core_admin *admin, const struct uuid *id, bool enabled)
{
    const enum err err = core_admin_require(admin, CORE_USER_MANAGE);
    struct user_job job = {.admin = admin, .id = id, .enabled = enabled};
    return err == ERR_OK ? store_entities_write(admin->core->entities, &job, run_enable, NULL)
                         : err;
}

static enum err run_activation(struct store_tx *tx, void *context)
{
    const struct user_job *job = context;
    struct model_user user;
    enum err err = load(job, tx, job->id, &user);
    if (err != ERR_OK) {
        return err;
    }
    if (user.password_hash.ptr != NULL) {
        return refuse(job, ERR_INVALID, "User is already activated!");
    }
    err = store_activation_get(tx, job->id, job->activation);
    if (err == ERR_NOT_FOUND ||
        (err == ERR_OK && job->activation->until_ms <= job->admin->caller->now.ms)) {
        *job->activation = activation_make(job->admin);
        err = store_activation_put(tx, job->id, job->activation);
    }
    return err;
}

enum err core_user_activation(const struct core_admin *admin, const struct uuid *id,
                              struct store_activation *activation)
{
    const enum err err = core_admin_require(admin, CORE_USER_MANAGE);
    struct user_job job = {.admin = admin, .id = id, .activation = activation};
    return err == ERR_OK ? store_entities_write(admin->core->entities, &job, run_activation, NULL)
                         : err;
}

enum err core_user_stand_for(const struct core_admin *admin, const struct uuid *id,
                             struct model_user *user)
{
    enum err err = core_admin_require(admin, CORE_USER_MANAGE);
    err = err == ERR_OK ? core_user_get(admin, id, user) : err;
    if (err != ERR_OK) {
        return err;
    }
    const enum model_authority below =
        admin->caller->authority == MODEL_SYS_ADMIN ? MODEL_TENANT_ADMIN : MODEL_CUSTOMER_USER;
    if (user->authority != below) {
        return core_admin_refuse(admin);
    }
    if (!user->enabled) {
        core_problem_set(admin->problem, "User account is not active");
        return ERR_FORBIDDEN;
    }
    return ERR_OK;
}

struct list_job {
    const struct core_admin *admin;
    const struct uuid *tenant; // NULL: that of the filter
    struct store_user_filter filter;
    const struct model_page *page;
    int64_t *total;
    void *context;
    store_user_fn *emit;
};

static enum err run_list(struct store_tx *tx, void *context)
{
    struct list_job *job = context;
    struct model_tenant tenant;
    if (job->tenant != NULL) {
        const enum err err = store_tenant_get(tx, job->admin->memory, job->tenant, &tenant);
        if (err != ERR_OK) {
            return core_admin_missing(job->admin, "Tenant", job->tenant, err);
        }
        job->filter.tenant = tenant.number;
    }
    return store_user_list(tx, job->admin->memory, &job->filter, job->page, job->total,
                           job->context, job->emit);
}

static enum err list(struct list_job *job)
{
    return core_admin_listed(job->admin, job->page,
                             store_entities_read(job->admin->core->entities, job, run_list));
}

enum err core_user_list(const struct core_admin *admin, const struct uuid *customer,
                        const struct model_page *page, int64_t *total, void *context,
                        store_user_fn *emit)
{
    const enum err err = core_admin_require(admin, CORE_USER_LIST);
    if (err != ERR_OK) {
        return err;
    }
    const bool own_only = admin->caller->authority == MODEL_CUSTOMER_USER;
    struct list_job job = {.admin = admin,
                           .filter = {.tenant = admin->caller->tenant,
                                      .customer = own_only ? &admin->caller->customer : customer},
                           .page = page,
                           .total = total,
                           .context = context,
                           .emit = emit};
    return list(&job);
}

enum err core_user_list_of_tenant(const struct core_admin *admin, const struct uuid *tenant,
                                  const struct model_page *page, int64_t *total, void *context,
                                  store_user_fn *emit)
{
    const enum err err = core_admin_require(admin, CORE_TENANT_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct list_job job = {.admin = admin,
                           .tenant = tenant,
                           .filter = {.administrators = true},
                           .page = page,
                           .total = total,
                           .context = context,
                           .emit = emit};
    return list(&job);
}
