#include "store/entities_schema.h"

const char *const store_entities_steps[STORE_ENTITIES_VERSION] = {
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"

    "CREATE TABLE tenant ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,"
    " title TEXT NOT NULL UNIQUE, region TEXT,"
    " country TEXT, state TEXT, city TEXT, address TEXT, address2 TEXT, zip TEXT, phone TEXT,"
    " email TEXT, additional_info TEXT, version INTEGER NOT NULL);"

    "CREATE TABLE customer ("
    " id BLOB PRIMARY KEY, tenant INTEGER NOT NULL REFERENCES tenant(number),"
    " title TEXT NOT NULL,"
    " country TEXT, state TEXT, city TEXT, address TEXT, address2 TEXT, zip TEXT, phone TEXT,"
    " email TEXT, additional_info TEXT, version INTEGER NOT NULL,"
    " UNIQUE (tenant, title)) WITHOUT ROWID;"

    "CREATE TABLE user ("
    " id BLOB PRIMARY KEY, tenant INTEGER REFERENCES tenant(number), customer BLOB,"
    " authority INTEGER NOT NULL, email TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " first_name TEXT, last_name TEXT, phone TEXT, additional_info TEXT,"
    " password TEXT, enabled INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
    " version INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX user_by_tenant ON user (tenant, customer);"

    "CREATE TABLE ended_session (id BLOB PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID;"

    "CREATE TABLE device_profile ("
    " id BLOB PRIMARY KEY, tenant INTEGER NOT NULL REFERENCES tenant(number),"
    " name TEXT NOT NULL, description TEXT, image TEXT, is_default INTEGER NOT NULL,"
    " transport INTEGER NOT NULL, provision_type TEXT NOT NULL, provision_key TEXT UNIQUE,"
    " profile_data TEXT NOT NULL, version INTEGER NOT NULL,"
    " UNIQUE (tenant, name)) WITHOUT ROWID;"

    "CREATE TABLE device ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,"
    " tenant INTEGER NOT NULL REFERENCES tenant(number), customer BLOB,"
    " profile BLOB NOT NULL REFERENCES device_profile(id),"
    " name TEXT NOT NULL, label TEXT, additional_info TEXT, device_data TEXT,"
    " version INTEGER NOT NULL, UNIQUE (tenant, name));"
    "CREATE INDEX device_by_customer ON device (tenant, customer);"
    "CREATE INDEX device_by_profile ON device (profile);"

    "CREATE TABLE credentials ("
    " device INTEGER PRIMARY KEY REFERENCES device(number) ON DELETE CASCADE,"
    " id BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, credential TEXT NOT NULL UNIQUE,"
    " value TEXT, version INTEGER NOT NULL);"

    // Data of deleted devices that is still to be purged from the device-data store.
    "CREATE TABLE purge (device INTEGER PRIMARY KEY, tenant INTEGER NOT NULL);"

    // Changes of device data that follow from entity changes, until they are applied.
    "CREATE TABLE handover ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, tenant INTEGER NOT NULL, device INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, body BLOB NOT NULL);",
};
