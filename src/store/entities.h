// store/entities.h: the entity store (SQLite): tenants, customers, users, devices, credentials,
// profiles, settings. One writer thread groups the transactions of many callers into one commit;
// each reader has a connection of its own. Callers block: only pool threads and start-up may call.
//
// A write is a job that runs inside a savepoint on the writer's thread: if it fails its own changes
// are undone and the others of the group stay. It returns after the group is on disk. Jobs never
// run at the same time, so what only jobs touch needs no lock.
//
// After a commit that could not be synced every write gets ERR_IO until the process is restarted.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/entity.h"

struct store_entities;
struct store_sql;

// What a job may touch, for the time of the call.
struct store_tx {
    struct store_sql *sql;
    uint64_t group; // writing: counts the commits; `after` of all jobs of one group was called
                    // before the first job of the next runs. Reading: 0
};

typedef enum err store_job_fn(struct store_tx *tx, void *context);
typedef void store_after_fn(void *context);

// Opens DIRECTORY/entities.db, creates it (mode 0600, a missing directory 0700) or brings it to the
// newest version, starts the writer. ERR_NEWER_VERSION, ERR_CORRUPT, ERR_FORBIDDEN, ERR_NO_SPACE,
// ERR_IO with one line in `message`.
MUST_USE enum err store_entities_open(const char *directory, unsigned readers,
                                      struct store_entities **entities, char message[256]);
// Runs what is queued, then stops the writer.
void store_entities_close(struct store_entities *entities);

// ERR_EXHAUSTED when too many jobs wait, ERR_STOPPING, what the job returned, or why the commit
// failed (then nothing of the group is stored). When all went well `after` (may be NULL) is called
// on the writer's thread, in commit order, before the caller goes on: for what has one writing
// thread in memory.
MUST_USE enum err store_entities_write(struct store_entities *entities, void *context,
                                       store_job_fn *job, store_after_fn *after);
// Runs on the caller's thread with a reader connection and one snapshot.
MUST_USE enum err store_entities_read(struct store_entities *entities, void *context,
                                      store_job_fn *job);

// Jobs that may wait; beyond: ERR_EXHAUSTED.
#define STORE_ENTITY_JOBS_MAX 1024U

struct store_entities_stats {
    uint64_t jobs;
    uint64_t groups;    // transactions
    uint64_t group_max; // jobs in one
    unsigned queued;    // jobs that wait now
    bool read_only;     // a commit could not be synced: see the log
};
struct store_entities_stats store_entities_stats(struct store_entities *entities);

// Set once a new database was filled; older ones get it with their migration.
#define STORE_SETTING_FILLED "filled"
// Small values by name: keys, version marks.
MUST_USE enum err store_setting_get(struct store_tx *tx, const char *name, void *bytes, size_t len);
MUST_USE enum err store_setting_put(struct store_tx *tx, const char *name, struct slice bytes);

// Every function: ERR_NOT_FOUND when there is no such row (or not in that tenant),
// ERR_ALREADY_EXISTS for a name or credential that is taken, ERR_CONFLICT for a version that is
// older or a reference that stands in the way. Texts that are read live in `memory`.

MUST_USE enum err store_customer_insert(struct store_tx *tx, const struct model_customer *customer);
MUST_USE enum err store_customer_update(struct store_tx *tx, struct model_customer *customer);
MUST_USE enum err store_customer_delete(struct store_tx *tx, struct tenant_id tenant,
                                        const struct uuid *id);
MUST_USE enum err store_customer_get(struct store_tx *tx, struct arena *memory,
                                     struct tenant_id tenant, const struct uuid *id,
                                     struct model_customer *customer);
// The one of this title, if it is public (its additional info says so).
#define STORE_CUSTOMER_PUBLIC "Public"
MUST_USE enum err store_customer_public(struct store_tx *tx, struct arena *memory,
                                        struct tenant_id tenant, struct model_customer *customer);
MUST_USE enum err store_customer_by_title(struct store_tx *tx, struct arena *memory,
                                          struct tenant_id tenant, struct slice title,
                                          struct model_customer *customer);

MUST_USE enum err store_profile_insert(struct store_tx *tx,
                                       const struct model_device_profile *profile);
// The version grows. ERR_NOT_FOUND; ERR_ALREADY_EXISTS: the name or the provision key.
MUST_USE enum err store_profile_update(struct store_tx *tx, struct model_device_profile *profile);
MUST_USE enum err store_profile_make_default(struct store_tx *tx, struct tenant_id tenant,
                                             const struct uuid *id);
MUST_USE enum err store_profile_is_used(struct store_tx *tx, const struct uuid *id, bool *is_used);
MUST_USE enum err store_profile_delete(struct store_tx *tx, struct tenant_id tenant,
                                       const struct uuid *id);
MUST_USE enum err store_profile_get(struct store_tx *tx, struct arena *memory,
                                    struct tenant_id tenant, const struct uuid *id,
                                    struct model_device_profile *profile);
MUST_USE enum err store_profile_by_name(struct store_tx *tx, struct arena *memory,
                                        struct tenant_id tenant, struct slice name,
                                        struct model_device_profile *profile);
MUST_USE enum err store_profile_default(struct store_tx *tx, struct arena *memory,
                                        struct tenant_id tenant,
                                        struct model_device_profile *profile);

// Gives the device its number.
MUST_USE enum err store_device_insert(struct store_tx *tx, struct model_device *device);
// `check_version`: only if the stored version is the given one. The new version is set.
MUST_USE enum err store_device_update(struct store_tx *tx, struct model_device *device,
                                      bool check_version);
// Notes a purge of its data, to be run by whoever watches `store_purge_next`.
MUST_USE enum err store_device_delete(struct store_tx *tx, struct tenant_id tenant,
                                      const struct uuid *id);
MUST_USE enum err store_device_get(struct store_tx *tx, struct arena *memory,
                                   struct tenant_id tenant, const struct uuid *id,
                                   struct model_device *device);
// Whose device it is.
MUST_USE enum err store_device_tenant(struct store_tx *tx, const struct uuid *id,
                                      struct tenant_id *tenant);
MUST_USE enum err store_device_by_name(struct store_tx *tx, struct arena *memory,
                                       struct tenant_id tenant, struct slice name,
                                       struct model_device *device);

MUST_USE enum err store_credentials_insert(struct store_tx *tx, struct device_id device,
                                           const struct model_credentials *credentials);
MUST_USE enum err store_credentials_update(struct store_tx *tx,
                                           struct model_credentials *credentials,
                                           bool check_version);
MUST_USE enum err store_credentials_get(struct store_tx *tx, struct arena *memory,
                                        const struct uuid *device,
                                        struct model_credentials *credentials);

MUST_USE enum err store_credentials_taken(struct store_tx *tx, struct slice credential,
                                          bool *taken);

#define STORE_DEVICE_PROFILES_MAX 16U

// Where the search of a page looks.
enum {
    STORE_SEARCH_NAME = 1,
    STORE_SEARCH_LABEL = 2,
    STORE_SEARCH_TYPE = 4,
};

struct store_device_filter {
    struct tenant_id tenant;
    const struct uuid *customer; // NULL: all
    const struct uuid *profiles; // of one of these
    uint32_t profile_count;      // at most STORE_DEVICE_PROFILES_MAX; 0: all
    struct slice name_start;     // what the name begins with, whatever its case; empty: anything
    unsigned search_in;          // bits; 0: the name
};

// Lists: `emit` gets the rows of one page, each good during the call; `*total` is the number of
// rows on all pages. ERR_INVALID for a property that cannot be sorted by. On an error what was
// emitted is worth nothing.
typedef void store_device_fn(void *context, const struct model_device *device);
typedef void store_customer_fn(void *context, const struct model_customer *customer);
typedef void store_profile_fn(void *context, const struct model_device_profile *profile);

MUST_USE enum err store_device_list(struct store_tx *tx, struct arena *memory,
                                    const struct store_device_filter *filter,
                                    const struct model_page *page, int64_t *total, void *context,
                                    store_device_fn *emit);
MUST_USE enum err store_customer_list(struct store_tx *tx, struct arena *memory,
                                      struct tenant_id tenant, const struct model_page *page,
                                      int64_t *total, void *context, store_customer_fn *emit);
struct store_profile_filter {
    struct tenant_id tenant;
    const enum model_transport *transport; // NULL: all
};

MUST_USE enum err store_profile_list(struct store_tx *tx, struct arena *memory,
                                     const struct store_profile_filter *filter,
                                     const struct model_page *page, int64_t *total, void *context,
                                     store_profile_fn *emit);
// All of them by name, or those that devices have.
typedef void store_profile_name_fn(void *context, const struct uuid *id, struct slice name);
MUST_USE enum err store_profile_names(struct store_tx *tx, struct arena *memory,
                                      struct tenant_id tenant, bool in_use, void *context,
                                      store_profile_name_fn *emit);

// All devices with credentials, for the index at start.
typedef enum err store_index_fn(void *context, const struct model_index_entry *entry);
MUST_USE enum err store_index_load(struct store_tx *tx, void *context, store_index_fn *emit);
// Those of one profile.
MUST_USE enum err store_index_of_profile(struct store_tx *tx, const struct uuid *profile,
                                         void *context, store_index_fn *emit);
MUST_USE enum err store_index_entry(struct store_tx *tx, const struct uuid *device,
                                    struct model_index_entry *entry);
// By credential instead; for requests that do not come to a worker.
MUST_USE enum err store_index_by_credential(struct store_tx *tx, enum model_credential_kind kind,
                                            struct slice credential,
                                            struct model_index_entry *entry);

// Devices whose data still has to be purged; ERR_NOT_FOUND when there is none.
MUST_USE enum err store_purge_next(struct store_tx *tx, struct tenant_id *tenant,
                                   struct device_id *device);
MUST_USE enum err store_purge_done(struct store_tx *tx, struct device_id device);
