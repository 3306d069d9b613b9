#include <stdio.h>

#include "bench/devices.h"
#include "fleet/fleet.h"

static void print_readings(const struct fleet_device *device)
{
    const char *separator = "";
    printf(",\"sent\":%u,\"stored\":[", device->readings);
    for (uint32_t i = 0; i < device->readings; i++) {
        if (device->stored[i]) {
            printf("%s%u", separator, i);
            separator = ",";
        }
    }
    printf("]");
}

static void print_shared(const struct fleet_device *device)
{
    const char *separator = "";
    printf(",\"shared\":{");
    for (unsigned key = 0; key < FLEET_KEYS; key++) {
        if (device->shared.values[key] != FLEET_ABSENT) {
            printf("%s\"k%u\":%lld", separator, key, (long long)device->shared.values[key]);
            separator = ",";
        }
    }
    printf("}");
}

static void print_calls(const struct fleet_device *device)
{
    const char *separator = "";
    printf(",\"calls\":[");
    for (uint32_t id = 1; id < FLEET_CALLS; id++) {
        const struct fleet_call *call = &device->calls[id];
        if (call->is_seen) {
            printf("%s[%u,%lld,%lld]", separator, id, (long long)call->params,
                   (long long)call->replied_ms);
            separator = ",";
        }
    }
    printf("]");
}

void fleet_report(const struct fleet *fleet)
{
    uint64_t notified = 0, duplicates = 0, moves = 0, staying = 0;
    for (uint32_t i = 0; i < fleet->count; i++) {
        const struct fleet_device *device = &fleet->devices[i];
        const struct uuid uuid = bench_device_id(i);
        char id[UUID_TEXT_SIZE];
        printf("{\"id\":\"%s\",\"polls\":%s,\"own\":[%u,%u]", uuid_format(&uuid, id),
               device->polls ? "true" : "false", device->published_acknowledged, device->published);
        print_readings(device);
        print_shared(device);
        print_calls(device);
        printf("}\n");
        notified += device->notified;
        duplicates += device->duplicates;
        moves += device->moves;
        staying += !device->polls && !(device->watch.is_over && device->listen.is_over);
    }
    printf("{\"notified\":%llu,\"duplicates\":%llu,\"moves\":%llu,\"staying\":%llu,"
           "\"abandoned\":%llu,\"blank\":%llu,\"fault\":\"%s\",\"answers\":{",
           (unsigned long long)notified, (unsigned long long)duplicates, (unsigned long long)moves,
           (unsigned long long)staying, (unsigned long long)fleet->abandoned,
           (unsigned long long)fleet->blank, fleet->fault);
    const char *separator = "";
    for (unsigned code = 0; code < 256; code++) {
        if (fleet->answers[code] > 0) {
            printf("%s\"%u.%02u\":%llu", separator, code >> 5, code & 31,
                   (unsigned long long)fleet->answers[code]);
            separator = ",";
        }
    }
    printf("}}\n");
    fflush(stdout);
}
