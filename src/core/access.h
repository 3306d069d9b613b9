// core/access.h: which authorities have which right (server-api.md 1.6), as one table. That a
// customer user reaches its own customer's things only, and everybody its own tenant's, is checked
// where the thing is known.
#pragma once

#include <stdbool.h>

#include "model/entity.h"

enum core_right {
    CORE_TENANT_READ,
    CORE_TENANT_WRITE, // create, change, delete, list; and all of tenant profiles
    CORE_CUSTOMER_READ,
    CORE_CUSTOMER_WRITE, // create, change, delete, list, find
    CORE_USER_READ,
    CORE_USER_LIST,
    CORE_USER_WRITE,  // create and change
    CORE_USER_MANAGE, // delete, enable, activate, act in the name of
    CORE_PROFILE_READ,
    CORE_PROFILE_WRITE,
    CORE_DEVICE_CREATE,
    CORE_DEVICE_READ,
    CORE_DEVICE_WRITE,
    CORE_DEVICE_DELETE,
    CORE_DEVICE_ASSIGN,
    CORE_DEVICE_LIST,          // of the tenant, and find by name
    CORE_DEVICE_LIST_CUSTOMER, // of one customer
    CORE_CREDENTIALS_READ,
    CORE_CREDENTIALS_WRITE,
    CORE_ATTRIBUTES_READ,
    CORE_ATTRIBUTES_WRITE,
    CORE_TELEMETRY_READ,
    CORE_TELEMETRY_WRITE,
    CORE_RPC_CALL, // and read persistent ones
    CORE_RPC_DELETE,
    CORE_RIGHTS,
};

bool core_access_allowed(enum model_authority authority, enum core_right right);
// Whether it only reads: what whoever came in by a public customer may do.
bool core_access_reads(enum core_right right);
