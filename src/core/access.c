#include "core/access.h"

#define S MODEL_SYS_ADMIN
#define T MODEL_TENANT_ADMIN
#define C MODEL_CUSTOMER_USER

static const unsigned char rights[CORE_RIGHTS] = {
    [CORE_TENANT_READ] = S | T,
    [CORE_TENANT_WRITE] = S,
    [CORE_CUSTOMER_READ] = T | C,
    [CORE_CUSTOMER_WRITE] = T,
    [CORE_USER_READ] = S | T | C,
    [CORE_USER_LIST] = T | C,
    [CORE_USER_WRITE] = S | T | C,
    [CORE_USER_MANAGE] = S | T,
    [CORE_PROFILE_READ] = T | C,
    [CORE_PROFILE_WRITE] = T,
    [CORE_DEVICE_CREATE] = T,
    [CORE_DEVICE_READ] = T | C,
    [CORE_DEVICE_WRITE] = T | C,
    [CORE_DEVICE_DELETE] = T,
    [CORE_DEVICE_ASSIGN] = T,
    [CORE_DEVICE_LIST] = T,
    [CORE_DEVICE_LIST_CUSTOMER] = T | C,
    [CORE_CREDENTIALS_READ] = T | C,
    [CORE_CREDENTIALS_WRITE] = T,
    [CORE_ATTRIBUTES_READ] = T | C,
    [CORE_ATTRIBUTES_WRITE] = T | C,
    [CORE_TELEMETRY_READ] = T | C,
    [CORE_TELEMETRY_WRITE] = T | C,
    [CORE_RPC_CALL] = T | C,
    [CORE_RPC_DELETE] = T,
};

bool core_access_allowed(enum model_authority authority, enum core_right right)
{
    ASSERT((unsigned)right < CORE_RIGHTS);
    return (rights[right] & (unsigned)authority) != 0;
}

bool core_access_reads(enum core_right right)
{
    static const bool reads[CORE_RIGHTS] = {
        [CORE_TENANT_READ] = true,     [CORE_CUSTOMER_READ] = true,
        [CORE_PROFILE_READ] = true,    [CORE_DEVICE_READ] = true,
        [CORE_DEVICE_LIST] = true,     [CORE_DEVICE_LIST_CUSTOMER] = true,
        [CORE_ATTRIBUTES_READ] = true, [CORE_TELEMETRY_READ] = true,
    };
    ASSERT((unsigned)right < CORE_RIGHTS);
    return reads[right];
}
