// The table: atomic pointers to immutable nodes, open addressing with linear probing. Readers probe
// without locks; the writer publishes a node with release. A removed node leaves a tombstone until
// the table is built anew, which happens when its used places reach three quarters.
//
// What was unlinked (nodes, whole tables) waits in a list with the number of the epoch that readers
// must pass. Nodes come from slabs of three sizes, by the length of the credential: most are access
// tokens of 20 characters, and at a million devices the difference is 100 MB.
#include "model/index.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "model/slab.h"

#define TABLE_SIZE_MIN 1024U

struct node {
    uint64_t hash;
    struct node *next; // writer only: of the same bucket of device numbers, or among the retired
    uint64_t retired_epoch;
    struct model_index_entry entry; // cut behind its credential
};

struct table {
    uint64_t mask;
    uint64_t used; // nodes and tombstones
    struct table *retired_next;
    uint64_t retired_epoch;
    _Atomic(struct node *) places[];
};

#define CLASSES 3

struct model_index {
    struct epoch *epoch;
    _Atomic(struct table *) table;
    struct node **by_device; // buckets, writer only
    uint64_t device_mask;
    _Atomic uint32_t count;
    uint32_t count_max;
    struct node *retired;
    struct table *retired_tables;
    uint64_t last_change;
    struct model_slab slabs[CLASSES];
};

// The longest credential of each class: what fills a node up to a multiple of 8 bytes.
static const uint8_t class_credential_max[CLASSES] = {39, 71, MODEL_CREDENTIAL_ID_MAX};
#define NODE_FIXED (offsetof(struct node, entry) + offsetof(struct model_index_entry, credential))

// Every empty place behind a removed node points here; no lookup ever matches it.
static struct node tombstone;

static size_t node_size(unsigned class)
{
    return (NODE_FIXED + class_credential_max[class] + 7U) & ~(size_t)7U;
}

static unsigned node_class(uint8_t credential_len)
{
    unsigned class = 0;
    while (credential_len > class_credential_max[class]) {
        class ++;
    }
    ASSERT(class < CLASSES);
    return class;
}

static uint64_t credential_hash(enum model_credential_kind kind, struct slice credential)
{
    return hash_word(hash_bytes(credential) + (uint64_t)kind);
}

static uint64_t power_of_two(uint64_t least)
{
    uint64_t size = TABLE_SIZE_MIN;
    while (size < least) {
        size *= 2;
    }
    return size;
}

uint64_t model_index_bytes_max(uint32_t entries_max)
{
    // Tables are made with two to four places for each entry, buckets half as many; an older table
    // waits for its readers. What a class of nodes took stays with it.
    const uint64_t places = power_of_two(((uint64_t)entries_max + 1) * 2);
    uint64_t bytes = (2 * places + places / 2) * sizeof(void *);
    for (unsigned i = 0; i < CLASSES; i++) {
        bytes += entries_max * (uint64_t)node_size(i) + 2 * (uint64_t)MODEL_SLAB_SIZE;
    }
    return bytes;
}

static struct table *table_create(uint64_t size)
{
    struct table *table = calloc(1, sizeof(*table) + size * sizeof(table->places[0]));
    if (table != NULL) {
        table->mask = size - 1;
    }
    return table;
}

enum err model_index_create(struct model_index **index, struct epoch *epoch, uint32_t entries_max)
{
    struct model_index *made = calloc(1, sizeof(*made));
    struct table *table = table_create(TABLE_SIZE_MIN);
    struct node **by_device = calloc(TABLE_SIZE_MIN, sizeof(*by_device));
    if (made == NULL || table == NULL || by_device == NULL) {
        free(made);
        free(table);
        free(by_device);
        return ERR_EXHAUSTED;
    }
    made->epoch = epoch;
    made->by_device = by_device;
    made->device_mask = TABLE_SIZE_MIN - 1;
    made->count_max = entries_max;
    atomic_init(&made->table, table);
    atomic_init(&made->count, 0);
    for (unsigned i = 0; i < CLASSES; i++) {
        model_slab_init(&made->slabs[i], node_size(i));
    }
    *index = made;
    return ERR_OK;
}

static struct table *current(const struct model_index *index)
{
    return atomic_load_explicit(&index->table, memory_order_relaxed);
}

void model_index_destroy(struct model_index *index)
{
    while (index->retired_tables != NULL) {
        struct table *next = index->retired_tables->retired_next;
        free(index->retired_tables);
        index->retired_tables = next;
    }
    for (unsigned i = 0; i < CLASSES; i++) {
        model_slab_deinit(&index->slabs[i]);
    }
    free(current(index));
    free(index->by_device);
    free(index);
}

static bool node_is(const struct node *node, uint64_t hash, enum model_credential_kind kind,
                    struct slice credential)
{
    return node->hash == hash && node->entry.kind == kind &&
           node->entry.credential_len == credential.len &&
           memcmp(node->entry.credential, credential.ptr, credential.len) == 0;
}

static struct node *find(const struct table *table, enum model_credential_kind kind,
                         struct slice credential)
{
    const uint64_t hash = credential_hash(kind, credential);
    for (uint64_t at = hash & table->mask;; at = (at + 1) & table->mask) {
        struct node *node = atomic_load_explicit(&table->places[at], memory_order_acquire);
        if (node == NULL) {
            return NULL;
        }
        if (node != &tombstone && node_is(node, hash, kind, credential)) {
            return node;
        }
    }
}

const struct model_index_entry *model_index_find(const struct model_index *index,
                                                 enum model_credential_kind kind,
                                                 struct slice credential)
{
    if (credential.len == 0 || credential.len > MODEL_CREDENTIAL_ID_MAX) {
        return NULL;
    }
    const struct table *table = atomic_load_explicit(&index->table, memory_order_acquire);
    const struct node *node = find(table, kind, credential);
    return node != NULL ? &node->entry : NULL;
}

static void place(struct table *table, struct node *node)
{
    uint64_t at = node->hash & table->mask;
    while (atomic_load_explicit(&table->places[at], memory_order_relaxed) != NULL) {
        at = (at + 1) & table->mask;
    }
    atomic_store_explicit(&table->places[at], node, memory_order_release);
    table->used++;
}

static struct node **bucket_of(struct model_index *index, struct device_id device)
{
    return &index->by_device[hash_word(device.number) & index->device_mask];
}

// The link that points to the device's node, or to NULL.
static struct node **device_link(struct model_index *index, struct device_id device)
{
    struct node **at = bucket_of(index, device);
    while (*at != NULL && (*at)->entry.device.number != device.number) {
        at = &(*at)->next;
    }
    return at;
}

static void chain(struct model_index *index, struct node *node)
{
    struct node **bucket = bucket_of(index, node->entry.device);
    node->next = *bucket;
    *bucket = node;
}

// Without new buckets the index is only slower, so a full heap is no reason to refuse.
static void spread_buckets(struct model_index *index, const struct table *table)
{
    struct node **larger = calloc((table->mask + 1) / 2, sizeof(*larger));
    if (larger == NULL) {
        return;
    }
    free(index->by_device);
    index->by_device = larger;
    index->device_mask = (table->mask + 1) / 2 - 1;
    for (uint64_t i = 0; i <= table->mask; i++) {
        struct node *node = atomic_load_explicit(&table->places[i], memory_order_relaxed);
        if (node != NULL) {
            chain(index, node);
        }
    }
}

static enum err make_room(struct model_index *index)
{
    struct table *table = current(index);
    if ((table->used + 1) * 4 <= (table->mask + 1) * 3) {
        return ERR_OK;
    }
    struct table *larger = table_create(power_of_two(((uint64_t)model_index_count(index) + 1) * 2));
    if (larger == NULL) {
        return ERR_EXHAUSTED;
    }
    for (uint64_t i = 0; i <= table->mask; i++) {
        struct node *node = atomic_load_explicit(&table->places[i], memory_order_relaxed);
        if (node != NULL && node != &tombstone) {
            place(larger, node);
        }
    }
    spread_buckets(index, larger);
    atomic_store_explicit(&index->table, larger, memory_order_release);
    table->retired_epoch = epoch_advance(index->epoch);
    table->retired_next = index->retired_tables;
    index->retired_tables = table;
    return ERR_OK;
}

static void count_add(struct model_index *index, int change)
{
    const int64_t count = (int64_t)model_index_count(index) + change;
    atomic_store_explicit(&index->count, (uint32_t)count, memory_order_relaxed);
}

static void retire(struct model_index *index, struct node *node)
{
    struct table *table = current(index);
    uint64_t at = node->hash & table->mask;
    while (atomic_load_explicit(&table->places[at], memory_order_relaxed) != node) {
        at = (at + 1) & table->mask;
    }
    atomic_store_explicit(&table->places[at], &tombstone, memory_order_release);
    count_add(index, -1);
    index->last_change = epoch_advance(index->epoch);
    node->retired_epoch = index->last_change;
    node->next = index->retired;
    index->retired = node;
}

static struct node *node_make(struct model_index *index, const struct model_index_entry *entry)
{
    const unsigned class = node_class(entry->credential_len);
    struct node *node = model_slab_take(&index->slabs[class]);
    if (node != NULL) {
        // Copied as bytes: neither side need have more of the credential than its length.
        memcpy(&node->entry, entry,
               offsetof(struct model_index_entry, credential) + entry->credential_len);
        node->hash =
            credential_hash(entry->kind, slice_of(entry->credential, entry->credential_len));
    }
    return node;
}

enum err model_index_put(struct model_index *index, const struct model_index_entry *entry)
{
    ASSERT(entry->device.number != 0);
    ASSERT(entry->credential_len > 0 && entry->credential_len <= MODEL_CREDENTIAL_ID_MAX);
    const struct slice credential = slice_of(entry->credential, entry->credential_len);
    const struct node *other = find(current(index), entry->kind, credential);
    if (other != NULL && other->entry.device.number != entry->device.number) {
        return ERR_ALREADY_EXISTS;
    }
    const bool replaces = *device_link(index, entry->device) != NULL;
    if ((!replaces && model_index_count(index) == index->count_max) || make_room(index) != ERR_OK) {
        return ERR_EXHAUSTED;
    }
    struct node *node = node_make(index, entry);
    if (node == NULL) {
        return ERR_EXHAUSTED;
    }
    // The new one is published before the old one goes, so that a reader always finds the device.
    place(current(index), node);
    count_add(index, 1);
    model_index_remove(index, entry->device);
    chain(index, node);
    return ERR_OK;
}

void model_index_remove(struct model_index *index, struct device_id device)
{
    struct node **link = device_link(index, device);
    struct node *node = *link;
    if (node != NULL) {
        *link = node->next;
        retire(index, node);
    }
}

static void reclaim_nodes(struct model_index *index)
{
    struct node **at = &index->retired;
    while (*at != NULL) {
        struct node *node = *at;
        if (epoch_passed(index->epoch, node->retired_epoch)) {
            *at = node->next;
            model_slab_give(&index->slabs[node_class(node->entry.credential_len)], node);
        } else {
            at = &node->next;
        }
    }
}

static void reclaim_tables(struct model_index *index)
{
    struct table **at = &index->retired_tables;
    while (*at != NULL) {
        struct table *table = *at;
        if (epoch_passed(index->epoch, table->retired_epoch)) {
            *at = table->retired_next;
            free(table);
        } else {
            at = &table->retired_next;
        }
    }
}

uint64_t model_index_reclaim(struct model_index *index)
{
    reclaim_nodes(index);
    reclaim_tables(index);
    return index->last_change;
}

bool model_index_has_room(const struct model_index *index, uint32_t entries)
{
    return entries <= index->count_max - model_index_count(index);
}

uint32_t model_index_count(const struct model_index *index)
{
    return atomic_load_explicit(&index->count, memory_order_relaxed);
}

uint64_t model_index_bytes(const struct model_index *index)
{
    const struct table *table = current(index);
    uint64_t bytes = sizeof(*index) + sizeof(*table) +
                     (table->mask + 1) * sizeof(table->places[0]) +
                     (index->device_mask + 1) * sizeof(index->by_device[0]);
    for (unsigned i = 0; i < CLASSES; i++) {
        bytes += index->slabs[i].bytes;
    }
    return bytes;
}
