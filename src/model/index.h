// model/index.h: devices by credential, for every worker, without locks. One thread writes; entries
// are immutable once published and freed after every reader has passed the epoch (base/epoch.h).
//
// Bound: `entries_max`; a put beyond it is ERR_EXHAUSTED and the device cannot be created. Pointers
// that a lookup returns are good until the reader leaves its epoch, that is the end of the turn.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/epoch.h"
#include "base/err.h"
#include "base/slice.h"
#include "model/ids.h"

enum model_credential_kind {
    MODEL_CREDENTIAL_TOKEN = 0,
    MODEL_CREDENTIAL_X509 = 1,
    MODEL_CREDENTIAL_MQTT_BASIC = 2,
    MODEL_CREDENTIAL_LWM2M = 3,
};

enum model_transport {
    MODEL_TRANSPORT_DEFAULT = 0,
    MODEL_TRANSPORT_COAP = 1,
    MODEL_TRANSPORT_MQTT = 2,
    MODEL_TRANSPORT_LWM2M = 3,
    MODEL_TRANSPORT_SNMP = 4,
};

// How a device saves power (device-api.md 7.1): whether it listens always (DRX, or nothing is
// said), or only for a while after a message of its own.
enum model_power {
    MODEL_POWER_NONE = 0,
    MODEL_POWER_PSM = 1,
    MODEL_POWER_EDRX = 2,
};

#define MODEL_CREDENTIAL_ID_MAX 128U

// What a worker must know of a device to admit and serve its messages. An entry that a lookup gives
// ends behind the `credential_len` bytes of its credential: it is read in place, never copied
// whole.
struct model_index_entry {
    struct device_id device;
    struct tenant_id tenant;
    struct uuid uuid;
    enum model_credential_kind kind;
    enum model_transport transport;
    uint32_t awake_ms;      // so long it listens after a message of it; 0: as configured
    uint8_t power;          // enum model_power
    uint8_t credential_len; // at least 1
    char credential[MODEL_CREDENTIAL_ID_MAX];
};

struct model_index;

// Bytes of the heap that so many entries take at most, with what waits for readers.
uint64_t model_index_bytes_max(uint32_t entries_max);
// Start-up only.
MUST_USE enum err model_index_create(struct model_index **index, struct epoch *epoch,
                                     uint32_t entries_max);
void model_index_destroy(struct model_index *index);

// Reader, inside its epoch: the device with this credential, or NULL.
const struct model_index_entry *model_index_find(const struct model_index *index,
                                                 enum model_credential_kind kind,
                                                 struct slice credential);

// Writer: publishes an entry, in the place of an older one of the same device if there is one.
// ERR_EXHAUSTED; ERR_ALREADY_EXISTS when another device has the credential.
MUST_USE enum err model_index_put(struct model_index *index, const struct model_index_entry *entry);
// Writer: takes the device out. Nothing if it is not there.
void model_index_remove(struct model_index *index, struct device_id device);
// Writer: frees what no reader can hold any more; returns the epoch number of the last change, so
// that the caller may wait until every worker has passed it.
uint64_t model_index_reclaim(struct model_index *index);
// Any thread: whether so many more entries fit.
bool model_index_has_room(const struct model_index *index, uint32_t entries);
// Any thread.
uint32_t model_index_count(const struct model_index *index);
// Writer: bytes in use, without what waits for readers.
uint64_t model_index_bytes(const struct model_index *index);
