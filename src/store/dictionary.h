// store/dictionary.h: key names have numbers. A name belongs to a tenant; numbers are given in
// order of first use over all tenants, from 1, and stay for good (number 0 stands for "all keys").
//
// One thread adds, under the lock of the store's head; everybody may look up under that lock, the
// adding thread without it. Bytes of names stay where they are until deinit.
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "store/index.h"

#define STORE_KEY_ALL 0U

struct store_dictionary_name {
    uint64_t tenant;
    struct slice name;
};

struct store_dictionary {
    struct store_dictionary_name *names; // [number - 1]
    uint32_t count;
    uint32_t cap;
    struct store_index by_name;   // hash of tenant and name -> number
    struct store_index by_tenant; // tenant -> position in `tenants`
    struct store_dictionary_tenant *tenants;
    uint32_t tenant_count;
    uint32_t tenant_cap;
};

void store_dictionary_init(struct store_dictionary *dictionary);
void store_dictionary_deinit(struct store_dictionary *dictionary);

// The number of a name, or 0 if the tenant does not use it.
uint32_t store_dictionary_find(const struct store_dictionary *dictionary, uint64_t tenant,
                               struct slice name);
// Names of one tenant.
uint32_t store_dictionary_tenant_count(const struct store_dictionary *dictionary, uint64_t tenant);
// Gives a new name its number; the name is not there yet.
uint32_t store_dictionary_add(struct store_dictionary *dictionary, uint64_t tenant,
                              struct slice name);
// Takes back what was added last, until `count` names are left.
void store_dictionary_truncate(struct store_dictionary *dictionary, uint32_t count);

// `number` is one that was given.
static inline const struct store_dictionary_name *
store_dictionary_name(const struct store_dictionary *dictionary, uint32_t number)
{
    return &dictionary->names[number - 1];
}
