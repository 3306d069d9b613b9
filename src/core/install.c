#include "core/install.h"

#include "core/profile_default.h"
#include "crypto/hash.h"
#include "crypto/password.h"
#include "store/entities_tenant.h"
#include "store/entities_user.h"

static const char sysadmin_email[] = "sysadmin@thingsboard.org";
static const char tenant_email[] = "tenant@thingsboard.org";

static const char *const customers[] = {"Customer A", "Customer B", "Customer C"};

static const struct {
    const char *email;
    unsigned customer; // position in `customers`
} customer_users[] = {
    {"customer@thingsboard.org", 0},
    {"customerA@thingsboard.org", 0},
    {"customerB@thingsboard.org", 1},
    {"customerC@thingsboard.org", 2},
};

#define NOBODY 99U

static const struct {
    const char *name;
    const char *token;
    const char *profile;
    unsigned customer;
} devices[] = {
    {"Test Device A1", "A1_TEST_TOKEN", "default", 0},
    {"Test Device A2", "A2_TEST_TOKEN", "default", 0},
    {"Test Device A3", "A3_TEST_TOKEN", "default", 0},
    {"Test Device B1", "B1_TEST_TOKEN", "default", 1},
    {"Test Device C1", "C1_TEST_TOKEN", "default", 2},
    {"DHT11 Demo Device", "DHT11_DEMO_TOKEN", "default", NOBODY},
    {"Raspberry Pi Demo Device", "RASPBERRY_PI_DEMO_TOKEN", "default", NOBODY},
    {"Thermostat T1", "T1_TEST_TOKEN", "thermostat", NOBODY},
    {"Thermostat T2", "T2_TEST_TOKEN", "thermostat", NOBODY},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ARENA_SIZE 16384U

// Set once the demo data were made, so that what people delete stays deleted.
static const char demo_mark[] = "demo";

struct install {
    struct wall now;
    bool is_filled; // by an earlier start
    bool has_demo;
    struct tenant_id tenant;
    struct uuid customers[COUNT(customers)];
    // Hashed before the transaction, since that takes its time.
    char sysadmin_hash[CRYPTO_PASSWORD_HASH_SIZE];
    char tenant_hash[CRYPTO_PASSWORD_HASH_SIZE];
    char customer_hash[CRYPTO_PASSWORD_HASH_SIZE];
    struct arena memory;
    uint8_t bytes[ARENA_SIZE] __attribute__((aligned(16)));
};

struct account {
    const char *email;
    enum model_authority authority;
    const struct uuid *customer;
    const char *hash;
};

// An account that is there keeps its password and everything else.
static enum err user_take(struct store_tx *tx, const struct install *install,
                          const struct account *account)
{
    bool exists = false;
    const enum err err = store_user_exists(tx, slice_text(account->email), &exists);
    if (err != ERR_OK || exists) {
        return err;
    }
    const struct model_user user = {
        .id = core_new_id(install->now),
        .tenant = account->authority == MODEL_SYS_ADMIN ? (struct tenant_id){0} : install->tenant,
        .customer = *account->customer,
        .authority = account->authority,
        .email = slice_text(account->email),
        .password_hash = slice_text(account->hash),
        .enabled = true,
        .changed_ms = install->now.ms,
    };
    return store_user_insert(tx, &user);
}

// The first tenant, made with its default profile if there is none.
static enum err tenant_take(struct store_tx *tx, struct install *install)
{
    struct model_tenant tenant = {.number = {0}};
    enum err err = store_tenant_first(tx, &install->memory, &tenant);
    install->tenant = tenant.number;
    if (err != ERR_NOT_FOUND) {
        return err;
    }
    tenant = (struct model_tenant){.id = core_new_id(install->now),
                                   .profile = uuid_null,
                                   .title = SLICE("Tenant"),
                                   .region = SLICE("Global")};
    err = store_tenant_insert(tx, &tenant);
    install->tenant = tenant.number;
    if (err != ERR_OK) {
        return err;
    }
    const struct model_device_profile profile =
        core_profile_make(tenant.number, SLICE("default"), true, install->now);
    return store_profile_insert(tx, &profile);
}

// The accounts that every installation begins with. Whoever changed the administrator of the system
// since does not get another one.
static enum err administrators_take(struct store_tx *tx, struct install *install)
{
    const struct account sysadmin = {sysadmin_email, MODEL_SYS_ADMIN, &uuid_null,
                                     install->sysadmin_hash};
    const struct account tenant = {tenant_email, MODEL_TENANT_ADMIN, &uuid_null,
                                   install->tenant_hash};
    enum err err = install->is_filled ? ERR_OK : user_take(tx, install, &sysadmin);
    err = err == ERR_OK ? tenant_take(tx, install) : err;
    err = err == ERR_OK ? user_take(tx, install, &tenant) : err;
    return err == ERR_OK ? store_setting_put(tx, STORE_SETTING_FILLED, SLICE("1")) : err;
}

static enum err customer_take(struct store_tx *tx, struct install *install, unsigned i)
{
    struct model_customer customer;
    const struct slice title = slice_text(customers[i]);
    arena_reset(&install->memory);
    enum err err = store_customer_by_title(tx, &install->memory, install->tenant, title, &customer);
    if (err == ERR_NOT_FOUND) {
        customer = (struct model_customer){
            .id = core_new_id(install->now), .tenant = install->tenant, .title = title};
        err = store_customer_insert(tx, &customer);
    }
    install->customers[i] = customer.id;
    return err;
}

static enum err profile_take(struct store_tx *tx, struct install *install, struct slice name,
                             struct uuid *id)
{
    struct model_device_profile profile;
    arena_reset(&install->memory);
    enum err err = store_profile_by_name(tx, &install->memory, install->tenant, name, &profile);
    if (err == ERR_NOT_FOUND) {
        profile = core_profile_make(install->tenant, name, false, install->now);
        err = store_profile_insert(tx, &profile);
    }
    *id = profile.id;
    return err;
}

static enum err device_insert(struct store_tx *tx, struct install *install, unsigned i)
{
    struct uuid profile;
    enum err err = profile_take(tx, install, slice_text(devices[i].profile), &profile);
    if (err != ERR_OK) {
        return err;
    }
    const bool assigned = devices[i].customer != NOBODY;
    struct model_device device = {
        .id = core_new_id(install->now),
        .tenant = install->tenant,
        .customer = assigned ? install->customers[devices[i].customer] : uuid_null,
        .profile = profile,
        .name = slice_text(devices[i].name),
    };
    err = store_device_insert(tx, &device);
    if (err != ERR_OK) {
        return err;
    }
    const struct model_credentials credentials = {.id = core_new_id(install->now),
                                                  .device = device.id,
                                                  .kind = MODEL_CREDENTIAL_TOKEN,
                                                  .credential = slice_text(devices[i].token)};
    return store_credentials_insert(tx, device.number, &credentials);
}

// A device whose name or token somebody has is left out.
static enum err device_take(struct store_tx *tx, struct install *install, unsigned i)
{
    struct model_device other;
    bool taken = false;
    arena_reset(&install->memory);
    enum err err = store_credentials_taken(tx, slice_text(devices[i].token), &taken);
    if (err != ERR_OK || taken) {
        return err;
    }
    err = store_device_by_name(tx, &install->memory, install->tenant, slice_text(devices[i].name),
                               &other);
    return err == ERR_NOT_FOUND ? device_insert(tx, install, i) : err;
}

static enum err demo_insert(struct store_tx *tx, void *context)
{
    struct install *install = context;
    enum err err = administrators_take(tx, install);
    for (unsigned i = 0; err == ERR_OK && i < COUNT(customers); i++) {
        err = customer_take(tx, install, i);
    }
    for (unsigned i = 0; err == ERR_OK && i < COUNT(customer_users); i++) {
        const struct account account = {customer_users[i].email, MODEL_CUSTOMER_USER,
                                        &install->customers[customer_users[i].customer],
                                        install->customer_hash};
        err = user_take(tx, install, &account);
    }
    for (unsigned i = 0; err == ERR_OK && i < COUNT(devices); i++) {
        err = device_take(tx, install, i);
    }
    return err == ERR_OK ? store_setting_put(tx, demo_mark, SLICE("1")) : err;
}

static enum err has_mark(struct store_tx *tx, const char *name, bool *is_there)
{
    char mark = 0;
    const enum err err = store_setting_get(tx, name, &mark, sizeof(mark));
    *is_there = err == ERR_OK;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err read_marks(struct store_tx *tx, void *context)
{
    struct install *install = context;
    const enum err err = has_mark(tx, STORE_SETTING_FILLED, &install->is_filled);
    return err == ERR_OK ? has_mark(tx, demo_mark, &install->has_demo) : err;
}

enum err core_install_demo(struct core *core, struct wall now)
{
    struct install install = {.now = now};
    arena_init(&install.memory, install.bytes, sizeof(install.bytes));
    enum err err = store_entities_read(core->entities, &install, read_marks);
    if (err != ERR_OK || install.has_demo) {
        return err;
    }
    err = crypto_password_hash(SLICE("sysadmin"), install.sysadmin_hash);
    err = err == ERR_OK ? crypto_password_hash(SLICE("tenant"), install.tenant_hash) : err;
    err = err == ERR_OK ? crypto_password_hash(SLICE("customer"), install.customer_hash) : err;
    return err == ERR_OK ? store_entities_write(core->entities, &install, demo_insert, NULL) : err;
}

static enum err first_insert(struct store_tx *tx, void *context)
{
    return administrators_take(tx, context);
}

enum err core_install_first(struct core *core, struct wall now, void *context,
                            core_install_keep_fn *keep)
{
    char password[CORE_INSTALL_PASSWORD_LEN + 1] = "";
    struct install install = {.now = now};
    arena_init(&install.memory, install.bytes, sizeof(install.bytes));
    enum err err = store_entities_read(core->entities, &install, read_marks);
    if (err != ERR_OK || install.is_filled) {
        return err;
    }
    crypto_random_text(password, CORE_INSTALL_PASSWORD_LEN);
    err = crypto_password_hash(slice_text(password), install.sysadmin_hash);
    memcpy(install.tenant_hash, install.sysadmin_hash, sizeof(install.tenant_hash));
    err = err == ERR_OK ? keep(context, password) : err;
    return err == ERR_OK ? store_entities_write(core->entities, &install, first_insert, NULL) : err;
}
