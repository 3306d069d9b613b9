#include "core/profile_default.h"

struct model_device_profile core_profile_make(struct tenant_id tenant, struct slice name,
                                              bool is_default, struct wall now)
{
    return (struct model_device_profile){
        .id = core_new_id(now),
        .tenant = tenant,
        .name = name,
        .description = is_default ? SLICE("Default device profile") : SLICE_EMPTY,
        .is_default = is_default,
        .transport = MODEL_TRANSPORT_DEFAULT,
        .provision_type = SLICE("DISABLED"),
        .profile_data = SLICE(CORE_PROFILE_DATA_DEFAULT),
        .version = 1,
    };
}
