#include "core/install.h"

#include "core/profile_default.h"
#include "crypto/hash.h"
#include "crypto/password.h"

static const char sysadmin_email[] = "sysadmin@thingsboard.org";
static const char tenant_email[] = "tenant@thingsboard.org";

static const char *const customers[] = {"Customer A", "Customer B", "Customer C"};

static const struct {
    const char *email;
    unsigned customer;  // position in `customers`
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
#define ARENA_SIZE 8192U

struct install {
    struct wall now;
    bool made;
    struct tenant_id tenant;
    struct uuid customers[COUNT(customers)];
    // Hashed before the transaction, since that takes its time.
    char sysadmin_hash[CRYPTO_PASSWORD_HASH_SIZE];
    char tenant_hash[CRYPTO_PASSWORD_HASH_SIZE];
    char customer_hash[CRYPTO_PASSWORD_HASH_SIZE];
};

static enum err user_insert(struct store_tx *tx, const struct install *install, const char *email,
                            enum model_authority authority, const struct uuid *customer,
                            const char *hash)
{
    const struct model_user user = {
        .id = core_new_id(install->now),
        .tenant = authority == MODEL_SYS_ADMIN ? (struct tenant_id){0} : install->tenant,
        .customer = *customer,
        .authority = authority,
        .email = slice_text(email),
        .password_hash = slice_text(hash),
        .enabled = true,
        .changed_ms = install->now.ms,
    };
    return store_user_insert(tx, &user);
}

static enum err user_exists(struct store_tx *tx, const char *email, bool *exists)
{
    uint8_t memory[ARENA_SIZE] __attribute__((aligned(16)));
    struct arena arena;
    struct model_user user;
    arena_init(&arena, memory, sizeof(memory));
    const enum err err = store_user_by_email(tx, &arena, slice_text(email), &user);
    *exists = err == ERR_OK;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

// The first tenant, made with its default profile if there is none.
static enum err tenant_take(struct store_tx *tx, struct install *install)
{
    uint8_t memory[ARENA_SIZE] __attribute__((aligned(16)));
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    struct model_tenant tenant;
    enum err err = store_tenant_first(tx, &arena, &tenant);
    if (err == ERR_NOT_FOUND) {
        tenant = (struct model_tenant){.id = core_new_id(install->now),
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
    install->tenant = tenant.number;
    return err;
}

static enum err customers_insert(struct store_tx *tx, struct install *install)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < COUNT(customers); i++) {
        const struct model_customer customer = {.id = core_new_id(install->now),
                                                .tenant = install->tenant,
                                                .title = slice_text(customers[i])};
        install->customers[i] = customer.id;
        err = store_customer_insert(tx, &customer);
    }
    for (unsigned i = 0; err == ERR_OK && i < COUNT(customer_users); i++) {
        err = user_insert(tx, install, customer_users[i].email, MODEL_CUSTOMER_USER,
                          &install->customers[customer_users[i].customer], install->customer_hash);
    }
    return err;
}

static enum err device_insert(struct store_tx *tx, const struct install *install, unsigned i)
{
    uint8_t memory[ARENA_SIZE] __attribute__((aligned(16)));
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    struct model_device_profile profile;
    const struct slice type = slice_text(devices[i].profile);
    enum err err = store_profile_by_name(tx, &arena, install->tenant, type, &profile);
    if (err == ERR_NOT_FOUND) {
        profile = core_profile_make(install->tenant, type, false, install->now);
        err = store_profile_insert(tx, &profile);
    }
    if (err != ERR_OK) {
        return err;
    }
    const bool assigned = devices[i].customer != NOBODY;
    struct model_device device = {
        .id = core_new_id(install->now),
        .tenant = install->tenant,
        .customer = assigned ? install->customers[devices[i].customer] : uuid_null,
        .profile = profile.id,
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

static enum err demo_insert(struct store_tx *tx, void *context)
{
    struct install *install = context;
    bool exists = false;
    enum err err = user_exists(tx, tenant_email, &exists);
    if (err != ERR_OK || exists) {
        return err;
    }
    err = user_exists(tx, sysadmin_email, &exists);
    if (err == ERR_OK && !exists) {
        err = user_insert(tx, install, sysadmin_email, MODEL_SYS_ADMIN, &uuid_null,
                          install->sysadmin_hash);
    }
    err = err == ERR_OK ? tenant_take(tx, install) : err;
    err = err == ERR_OK ? user_insert(tx, install, tenant_email, MODEL_TENANT_ADMIN, &uuid_null,
                                      install->tenant_hash)
                        : err;
    err = err == ERR_OK ? customers_insert(tx, install) : err;
    for (unsigned i = 0; err == ERR_OK && i < COUNT(devices); i++) {
        err = device_insert(tx, install, i);
    }
    return err;
}

static enum err demo_missing(struct store_tx *tx, void *context)
{
    bool *exists = context;
    return user_exists(tx, tenant_email, exists);
}

enum err core_install_demo(struct core *core, struct wall now)
{
    struct install install = {.now = now};
    bool exists = false;
    enum err err = store_entities_read(core->entities, &exists, demo_missing);
    if (err != ERR_OK || exists) {
        return err;
    }
    err = crypto_password_hash(SLICE("sysadmin"), install.sysadmin_hash);
    err = err == ERR_OK ? crypto_password_hash(SLICE("tenant"), install.tenant_hash) : err;
    err = err == ERR_OK ? crypto_password_hash(SLICE("customer"), install.customer_hash) : err;
    return err != ERR_OK ? err
                         : store_entities_write(core->entities, &install, demo_insert, NULL);
}

static enum err first_insert(struct store_tx *tx, void *context)
{
    struct install *install = context;
    bool exists = false;
    enum err err = user_exists(tx, sysadmin_email, &exists);
    if (err != ERR_OK || exists) {
        return err;
    }
    err = user_insert(tx, install, sysadmin_email, MODEL_SYS_ADMIN, &uuid_null,
                      install->sysadmin_hash);
    err = err == ERR_OK ? tenant_take(tx, install) : err;
    err = err == ERR_OK ? user_insert(tx, install, tenant_email, MODEL_TENANT_ADMIN, &uuid_null,
                                      install->sysadmin_hash)
                        : err;
    install->made = err == ERR_OK;
    return err;
}

enum err core_install_first(struct core *core, struct wall now, bool *made,
                            char password[CORE_INSTALL_PASSWORD_LEN + 1])
{
    struct install install = {.now = now};
    *made = false;
    crypto_random_text(password, CORE_INSTALL_PASSWORD_LEN);
    password[CORE_INSTALL_PASSWORD_LEN] = 0;
    enum err err = crypto_password_hash(slice_of(password, CORE_INSTALL_PASSWORD_LEN),
                                        install.sysadmin_hash);
    err = err == ERR_OK ? store_entities_write(core->entities, &install, first_insert, NULL) : err;
    *made = install.made;
    return err;
}
