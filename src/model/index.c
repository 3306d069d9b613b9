#include "model/index.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

// A table of atomic pointers, open addressing with linear probing. Readers probe without locks; the
// writer publishes entries with release. A removed entry leaves a tombstone until the table is built
// anew, which happens when used places reach three quarters.
struct table {
    uint64_t mask;
    uint64_t used;  // entries and tombstones
    struct table *retired_next;
    uint64_t retired_epoch;
    _Atomic(struct node *) places[];
};

struct node {
    struct model_index_entry entry;
    uint64_t hash;
    uint64_t retired_epoch;
    struct node *retired_next;
    struct node *device_next;  // writer only: chain by device number
};

struct model_index {
    struct epoch *epoch;
    _Atomic(struct table *) table;
    struct node **by_device;
    uint64_t device_mask;
    uint32_t count;
    uint32_t count_max;
    struct node *retired;
    struct table *retired_tables;
    uint64_t last_change;
};

static struct node tombstone;

static uint64_t credential_hash(enum model_credential_kind kind, struct slice credential)
{
    return hash_word(hash_bytes(credential) + (uint64_t)kind);
}

static struct table *table_create(uint64_t size)
{
    struct table *table = calloc(1, sizeof(*table) + size * sizeof(table->places[0]));
    if (table != NULL) {
        table->mask = size - 1;
    }
    return table;
}

static uint64_t power_of_two(uint64_t least)
{
    uint64_t size = 1024;
    while (size < least) {
        size *= 2;
    }
    return size;
}

enum err model_index_create(struct model_index **index, struct epoch *epoch, uint32_t entries_max)
{
    struct model_index *made = calloc(1, sizeof(*made));
    struct table *table = table_create(1024);
    const uint64_t buckets = power_of_two(entries_max < 65536 ? entries_max : 65536);
    struct node **by_device = calloc(buckets, sizeof(*by_device));
    if (made == NULL || table == NULL || by_device == NULL) {
        free(made);
        free(table);
        free(by_device);
        return ERR_EXHAUSTED;
    }
    made->epoch = epoch;
    made->by_device = by_device;
    made->device_mask = buckets - 1;
    made->count_max = entries_max;
    atomic_init(&made->table, table);
    *index = made;
    return ERR_OK;
}

static void free_nodes(struct node *node)
{
    while (node != NULL) {
        struct node *next = node->retired_next;
        free(node);
        node = next;
    }
}

static void free_tables(struct table *table)
{
    while (table != NULL) {
        struct table *next = table->retired_next;
        free(table);
        table = next;
    }
}

void model_index_destroy(struct model_index *index)
{
    struct table *table = atomic_load_explicit(&index->table, memory_order_relaxed);
    for (uint64_t i = 0; i <= table->mask; i++) {
        struct node *node = atomic_load_explicit(&table->places[i], memory_order_relaxed);
        if (node != &tombstone) {
            free(node);
        }
    }
    free_nodes(index->retired);
    free_tables(index->retired_tables);
    free(table);
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

static enum err make_room(struct model_index *index)
{
    struct table *table = atomic_load_explicit(&index->table, memory_order_relaxed);
    if ((table->used + 1) * 4 <= (table->mask + 1) * 3) {
        return ERR_OK;
    }
    struct table *larger = table_create(power_of_two(((uint64_t)index->count + 1) * 4));
    if (larger == NULL) {
        return ERR_EXHAUSTED;
    }
    for (uint64_t i = 0; i <= table->mask; i++) {
        struct node *node = atomic_load_explicit(&table->places[i], memory_order_relaxed);
        if (node != NULL && node != &tombstone) {
            place(larger, node);
        }
    }
    atomic_store_explicit(&index->table, larger, memory_order_release);
    table->retired_epoch = epoch_advance(index->epoch);
    table->retired_next = index->retired_tables;
    index->retired_tables = table;
    return ERR_OK;
}

static struct node **device_place(struct model_index *index, struct device_id device)
{
    struct node **at = &index->by_device[hash_word(device.number) & index->device_mask];
    while (*at != NULL && (*at)->entry.device.number != device.number) {
        at = &(*at)->device_next;
    }
    return at;
}

static void retire(struct model_index *index, struct node *node)
{
    struct table *table = atomic_load_explicit(&index->table, memory_order_relaxed);
    uint64_t at = node->hash & table->mask;
    while (atomic_load_explicit(&table->places[at], memory_order_relaxed) != node) {
        at = (at + 1) & table->mask;
    }
    atomic_store_explicit(&table->places[at], &tombstone, memory_order_release);
    index->count--;
    index->last_change = epoch_advance(index->epoch);
    node->retired_epoch = index->last_change;
    node->retired_next = index->retired;
    index->retired = node;
}

enum err model_index_put(struct model_index *index, const struct model_index_entry *entry)
{
    ASSERT(entry->credential_len > 0 && entry->credential_len <= MODEL_CREDENTIAL_ID_MAX);
    const struct slice credential = slice_of(entry->credential, entry->credential_len);
    struct table *table = atomic_load_explicit(&index->table, memory_order_relaxed);
    const struct node *other = find(table, entry->kind, credential);
    if (other != NULL && other->entry.device.number != entry->device.number) {
        return ERR_ALREADY_EXISTS;
    }
    const bool replaces = *device_place(index, entry->device) != NULL;
    if ((!replaces && index->count == index->count_max) || make_room(index) != ERR_OK) {
        return ERR_EXHAUSTED;
    }
    struct node *node = calloc(1, sizeof(*node));
    if (node == NULL) {
        return ERR_EXHAUSTED;
    }
    node->entry = *entry;
    node->hash = credential_hash(entry->kind, credential);
    // The new one is published before the old one goes, so that a reader always finds the device.
    place(atomic_load_explicit(&index->table, memory_order_relaxed), node);
    index->count++;
    model_index_remove(index, entry->device);
    struct node **chain = device_place(index, entry->device);
    node->device_next = *chain;
    *chain = node;
    return ERR_OK;
}

void model_index_remove(struct model_index *index, struct device_id device)
{
    struct node **chain = device_place(index, device);
    struct node *node = *chain;
    if (node != NULL) {
        *chain = node->device_next;
        retire(index, node);
    }
}

uint64_t model_index_reclaim(struct model_index *index)
{
    struct node **at = &index->retired;
    while (*at != NULL) {
        struct node *node = *at;
        if (epoch_passed(index->epoch, node->retired_epoch)) {
            *at = node->retired_next;
            free(node);
        } else {
            at = &node->retired_next;
        }
    }
    struct table **table_at = &index->retired_tables;
    while (*table_at != NULL) {
        struct table *table = *table_at;
        if (epoch_passed(index->epoch, table->retired_epoch)) {
            *table_at = table->retired_next;
            free(table);
        } else {
            table_at = &table->retired_next;
        }
    }
    return index->last_change;
}

uint32_t model_index_count(const struct model_index *index)
{
    return index->count;
}
