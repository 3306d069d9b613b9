#include "store/entities_schema.h"

#include "store/entities.h"

#define CONTACT                                                                                    \
    " country TEXT, state TEXT, city TEXT, address TEXT, address2 TEXT, zip TEXT, phone TEXT,"     \
    " email TEXT,"

const char *const store_entities_steps[STORE_ENTITIES_VERSION] = {
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE tenant ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,"
    " title TEXT NOT NULL UNIQUE, region TEXT," CONTACT
    " additional_info TEXT, version INTEGER NOT NULL) STRICT;"

    // Here and below: the time inside a version 1 UUID does not sort as its bytes do.
    "CREATE TABLE customer ("
    " id BLOB PRIMARY KEY, created_ms INTEGER NOT NULL,"
    " tenant INTEGER NOT NULL REFERENCES tenant(number), title TEXT NOT NULL," CONTACT
    " additional_info TEXT, version INTEGER NOT NULL,"
    " UNIQUE (tenant, title)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE user ("
    " id BLOB PRIMARY KEY, created_ms INTEGER NOT NULL,"
    " tenant INTEGER REFERENCES tenant(number), customer BLOB REFERENCES customer(id),"
    " authority INTEGER NOT NULL, email TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " first_name TEXT, last_name TEXT, phone TEXT, additional_info TEXT,"
    " password TEXT, enabled INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
    " version INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX user_by_tenant ON user (tenant, customer);"
    "CREATE INDEX user_by_customer ON user (customer);"

    "CREATE TABLE ended_session (id BLOB PRIMARY KEY, until_ms INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX ended_session_by_time ON ended_session (until_ms);"

    "CREATE TABLE device_profile ("
    " id BLOB PRIMARY KEY, created_ms INTEGER NOT NULL,"
    " tenant INTEGER NOT NULL REFERENCES tenant(number),"
    " name TEXT NOT NULL, description TEXT, image TEXT, is_default INTEGER NOT NULL,"
    " transport INTEGER NOT NULL, provision_type TEXT NOT NULL, provision_key TEXT UNIQUE,"
    " profile_data TEXT NOT NULL, version INTEGER NOT NULL,"
    " UNIQUE (tenant, name)) STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX device_profile_default ON device_profile (tenant) WHERE is_default = 1;"

    "CREATE TABLE device ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,"
    " tenant INTEGER NOT NULL REFERENCES tenant(number), customer BLOB REFERENCES customer(id),"
    " profile BLOB NOT NULL REFERENCES device_profile(id),"
    " name TEXT NOT NULL, label TEXT, additional_info TEXT, device_data TEXT,"
    " version INTEGER NOT NULL, UNIQUE (tenant, name)) STRICT;"
    "CREATE INDEX device_by_tenant ON device (tenant);"
    "CREATE INDEX device_by_customer ON device (customer);"
    "CREATE INDEX device_by_profile ON device (profile);"

    "CREATE TABLE credentials ("
    " device INTEGER PRIMARY KEY REFERENCES device(number) ON DELETE CASCADE,"
    " id BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, credential TEXT NOT NULL UNIQUE,"
    " value TEXT, version INTEGER NOT NULL) STRICT;"

    // Data of deleted devices that is still to be purged from the device-data store.
    "CREATE TABLE purge (device INTEGER PRIMARY KEY, tenant INTEGER NOT NULL) STRICT;"

    // Changes of device data that follow from entity changes, until they are applied.
    "CREATE TABLE handover ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, tenant INTEGER NOT NULL, device INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, body BLOB NOT NULL) STRICT;",

    // Tenant profiles (a tenant without one gets the default one at the start), the end of a tenant
    // in several transactions, and links by which a new user chooses a password.
    "CREATE TABLE tenant_profile ("
    " id BLOB PRIMARY KEY, created_ms INTEGER NOT NULL, name TEXT NOT NULL UNIQUE,"
    " description TEXT, is_default INTEGER NOT NULL, isolated INTEGER NOT NULL,"
    " profile_data TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX tenant_profile_default ON tenant_profile (is_default)"
    " WHERE is_default = 1;"
    "ALTER TABLE tenant ADD COLUMN profile BLOB REFERENCES tenant_profile(id);"
    "ALTER TABLE tenant ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX tenant_by_profile ON tenant (profile);"
    "CREATE INDEX tenant_ended ON tenant (ended) WHERE ended = 1;"

    "CREATE TABLE activation ("
    " user BLOB PRIMARY KEY REFERENCES user(id) ON DELETE CASCADE, token TEXT NOT NULL UNIQUE,"
    " until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;",

    // That somebody was made at a start, whatever became of them since (core/install.h).
    "INSERT OR IGNORE INTO setting (name, value) SELECT '" STORE_SETTING_FILLED "', x'31'"
    " WHERE EXISTS (SELECT 1 FROM user);",
};
