#include "store/dictionary.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "store/bytes.h"

struct store_dictionary_tenant {
    uint64_t tenant;
    uint32_t names;
};

void store_dictionary_init(struct store_dictionary *dictionary)
{
    *dictionary = (struct store_dictionary){0};
    store_index_init(&dictionary->by_name);
    store_index_init(&dictionary->by_tenant);
}

void store_dictionary_deinit(struct store_dictionary *dictionary)
{
    store_dictionary_truncate(dictionary, 0);
    store_index_deinit(&dictionary->by_name);
    store_index_deinit(&dictionary->by_tenant);
    free(dictionary->names);
    free(dictionary->tenants);
}

static uint64_t name_hash(uint64_t tenant, struct slice name)
{
    return hash_bytes(name) ^ hash_word(tenant);
}

uint32_t store_dictionary_find(const struct store_dictionary *dictionary, uint64_t tenant,
                               struct slice name)
{
    const uint64_t hash = name_hash(tenant, name);
    uint32_t cursor = store_index_begin(&dictionary->by_name, hash);
    uint32_t number = store_index_next(&dictionary->by_name, hash, &cursor);
    while (number != STORE_INDEX_NONE) {
        const struct store_dictionary_name *const known = store_dictionary_name(dictionary, number);
        if (known->tenant == tenant && slice_equal(known->name, name)) {
            return number;
        }
        number = store_index_next(&dictionary->by_name, hash, &cursor);
    }
    return 0;
}

static struct store_dictionary_tenant *find_tenant(const struct store_dictionary *dictionary,
                                                   uint64_t tenant)
{
    const uint32_t position = store_index_get(&dictionary->by_tenant, tenant);
    return position == STORE_INDEX_NONE ? NULL : &dictionary->tenants[position];
}

uint32_t store_dictionary_tenant_count(const struct store_dictionary *dictionary, uint64_t tenant)
{
    const struct store_dictionary_tenant *const found = find_tenant(dictionary, tenant);
    return found == NULL ? 0 : found->names;
}

static struct store_dictionary_tenant *need_tenant(struct store_dictionary *dictionary,
                                                   uint64_t tenant)
{
    struct store_dictionary_tenant *const found = find_tenant(dictionary, tenant);
    if (found != NULL) {
        return found;
    }
    dictionary->tenants =
        store_array_room(dictionary->tenants, &dictionary->tenant_cap, dictionary->tenant_count + 1,
                         sizeof(*dictionary->tenants));
    store_index_put(&dictionary->by_tenant, tenant, dictionary->tenant_count);
    dictionary->tenants[dictionary->tenant_count] = (struct store_dictionary_tenant){tenant, 0};
    return &dictionary->tenants[dictionary->tenant_count++];
}

uint32_t store_dictionary_add(struct store_dictionary *dictionary, uint64_t tenant,
                              struct slice name)
{
    uint8_t *const bytes = malloc(name.len + 1);
    ASSERT(bytes != NULL);
    memcpy(bytes, name.len == 0 ? (const uint8_t *)"" : name.ptr, name.len);
    dictionary->names = store_array_room(dictionary->names, &dictionary->cap, dictionary->count + 1,
                                         sizeof(*dictionary->names));
    dictionary->names[dictionary->count++] =
        (struct store_dictionary_name){tenant, slice_of(bytes, name.len)};
    store_index_put(&dictionary->by_name, name_hash(tenant, name), dictionary->count);
    need_tenant(dictionary, tenant)->names++;
    return dictionary->count;
}

void store_dictionary_truncate(struct store_dictionary *dictionary, uint32_t count)
{
    while (dictionary->count > count) {
        const struct store_dictionary_name *const last =
            store_dictionary_name(dictionary, dictionary->count);
        store_index_remove(&dictionary->by_name, name_hash(last->tenant, last->name),
                           dictionary->count);
        find_tenant(dictionary, last->tenant)->names--;
        free((void *)(uintptr_t)last->name.ptr);
        dictionary->count--;
    }
}
