// core/profile_default.h: the profile that is made for a new tenant, and those that come into being
// when a device names a type that does not exist.
#pragma once

#include "core/core.h"

#define CORE_PROFILE_DATA_DEFAULT                                                                  \
    "{\"configuration\":{\"type\":\"DEFAULT\"},\"transportConfiguration\":{\"type\":\"DEFAULT\"}," \
    "\"provisionConfiguration\":{\"type\":\"DISABLED\",\"provisionDeviceSecret\":null},"           \
    "\"alarms\":null}"

#define CORE_PROFILE_DATA_COAP                                                                     \
    "{\"configuration\":{\"type\":\"DEFAULT\"},\"transportConfiguration\":{\"type\":\"COAP\","     \
    "\"coapDeviceTypeConfiguration\":{\"coapDeviceType\":\"DEFAULT\","                             \
    "\"transportPayloadTypeConfiguration\":{\"transportPayloadType\":\"JSON\"}},"                  \
    "\"clientSettings\":{\"powerMode\":\"DRX\",\"psmActivityTimer\":null,\"edrxCycle\":null,"      \
    "\"pagingTransmissionWindow\":null}},"                                                         \
    "\"provisionConfiguration\":{\"type\":\"DISABLED\",\"provisionDeviceSecret\":null},"           \
    "\"alarms\":null}"

struct model_device_profile core_profile_make(struct tenant_id tenant, struct slice name,
                                              bool is_default, struct wall now);
