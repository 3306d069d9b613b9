// Tenants: open addressing with linear probing over words that hold a tenant's number and the
// position of its profile, so a word is always whole. A tenant that goes leaves a tombstone, unless
// the place behind it was never used; the table is at most half full, so a probe ends soon.
//
// Profiles: slots with a stamp, odd while the slot is written. Words are written with release and
// read with acquire: who saw a word of the newer quota sees at its second look another stamp.
#include "model/quotas.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define EMPTY UINT64_C(0)
#define TOMBSTONE UINT64_MAX
#define PROFILE_BITS 8U
#define WORDS ((sizeof(struct model_quota) + 7U) / 8U)

static_assert(MODEL_QUOTAS_PROFILES_MAX == 1U << PROFILE_BITS, "a position fits into a word");

struct slot {
    _Atomic uint64_t stamp;
    _Atomic uint64_t words[WORDS];
    struct uuid profile; // writer only
    bool used;           // writer only
    bool has_rates;      // writer only
};

struct model_quotas {
    uint32_t tenants_max;
    _Atomic uint32_t tenants;
    _Atomic uint32_t rated; // profiles with rates
    uint64_t mask;
    struct slot slots[MODEL_QUOTAS_PROFILES_MAX];
    _Atomic uint64_t places[];
};

static uint64_t places_for(uint32_t tenants_max)
{
    uint64_t places = 2;
    while (places < (uint64_t)tenants_max * 2) {
        places *= 2;
    }
    return places;
}

uint64_t model_quotas_bytes(uint32_t tenants_max)
{
    return sizeof(struct model_quotas) + places_for(tenants_max) * sizeof(uint64_t);
}

enum err model_quotas_create(struct model_quotas **quotas, uint32_t tenants_max)
{
    ASSERT(tenants_max > 0);
    const uint64_t places = places_for(tenants_max);
    struct model_quotas *made = calloc(1, model_quotas_bytes(tenants_max));
    if (made == NULL) {
        return ERR_EXHAUSTED;
    }
    made->tenants_max = tenants_max;
    made->mask = places - 1;
    *quotas = made;
    return ERR_OK;
}

void model_quotas_destroy(struct model_quotas *quotas)
{
    free(quotas);
}

static uint64_t word_of(struct tenant_id tenant, unsigned profile)
{
    ASSERT(tenant.number > 0 && tenant.number < TOMBSTONE >> PROFILE_BITS);
    return tenant.number << PROFILE_BITS | profile;
}

static uint64_t word_at(const struct model_quotas *quotas, uint64_t place)
{
    return atomic_load_explicit(&quotas->places[place & quotas->mask], memory_order_acquire);
}

static void word_set(struct model_quotas *quotas, uint64_t place, uint64_t word)
{
    atomic_store_explicit(&quotas->places[place & quotas->mask], word, memory_order_release);
}

static bool is_of(uint64_t word, struct tenant_id tenant)
{
    return word != TOMBSTONE && word >> PROFILE_BITS == tenant.number;
}

// The word of a tenant, and its place; EMPTY, and the place where it would be put, if there is
// none.
static uint64_t find(const struct model_quotas *quotas, struct tenant_id tenant, uint64_t *place)
{
    const uint64_t first = hash_word(tenant.number);
    bool has_free = false;
    for (uint64_t i = 0; i <= quotas->mask; i++) {
        const uint64_t word = word_at(quotas, first + i);
        if (is_of(word, tenant)) {
            *place = first + i;
            return word;
        }
        if (!has_free && (word == EMPTY || word == TOMBSTONE)) {
            *place = first + i;
            has_free = true;
        }
        if (word == EMPTY) {
            break;
        }
    }
    ASSERT(has_free);
    return EMPTY;
}

static void copy(const struct slot *slot, struct model_quota *quota)
{
    uint64_t words[WORDS];
    for (unsigned i = 0; i < WORDS; i++) {
        words[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
    }
    memcpy(quota, words, sizeof(*quota));
}

// False if the slot was written, or the tenant changed its profile, meanwhile. The stamp is looked
// at last: the quota stood there unchanged while the tenant had it, even if it had others in
// between.
static bool try_copy(const struct model_quotas *quotas, uint64_t place, uint64_t word,
                     struct model_quota *quota)
{
    const struct slot *slot = &quotas->slots[word & (MODEL_QUOTAS_PROFILES_MAX - 1)];
    const uint64_t stamp = atomic_load_explicit(&slot->stamp, memory_order_acquire);
    copy(slot, quota);
    return (stamp & 1U) == 0 && word_at(quotas, place) == word &&
           atomic_load_explicit(&slot->stamp, memory_order_relaxed) == stamp;
}

void model_quotas_of(const struct model_quotas *quotas, struct tenant_id tenant,
                     struct model_quota *quota)
{
    // A writer is done within a microsecond, and writes when a person saves a profile.
    for (;;) {
        uint64_t place = 0;
        const uint64_t word = find(quotas, tenant, &place);
        if (word == EMPTY) {
            memset(quota, 0, sizeof(*quota));
            return;
        }
        if (try_copy(quotas, place, word, quota)) {
            return;
        }
    }
}

static struct slot *slot_of(struct model_quotas *quotas, const struct uuid *profile)
{
    for (unsigned i = 0; i < MODEL_QUOTAS_PROFILES_MAX; i++) {
        struct slot *slot = &quotas->slots[i];
        if (slot->used && uuid_equal(&slot->profile, profile)) {
            return slot;
        }
    }
    return NULL;
}

static struct slot *slot_free(struct model_quotas *quotas)
{
    for (unsigned i = 0; i < MODEL_QUOTAS_PROFILES_MAX; i++) {
        if (!quotas->slots[i].used) {
            return &quotas->slots[i];
        }
    }
    return NULL;
}

static bool has_rates(const struct model_quota *quota)
{
    return (quota->tenant_messages.count | quota->tenant_telemetry_messages.count |
            quota->tenant_data_points.count | quota->device_messages.count |
            quota->device_telemetry_messages.count | quota->device_data_points.count) != 0;
}

static void note_rates(struct model_quotas *quotas, struct slot *slot, bool has)
{
    const uint32_t rated = atomic_load_explicit(&quotas->rated, memory_order_relaxed);
    atomic_store_explicit(&quotas->rated, rated + has - slot->has_rates, memory_order_relaxed);
    slot->has_rates = has;
}

enum err model_quotas_put_profile(struct model_quotas *quotas, const struct uuid *profile,
                                  const struct model_quota *quota)
{
    struct slot *slot = slot_of(quotas, profile);
    slot = slot != NULL ? slot : slot_free(quotas);
    if (slot == NULL) {
        return ERR_EXHAUSTED;
    }
    slot->used = true;
    slot->profile = *profile;
    uint64_t words[WORDS] = {0};
    memcpy(words, quota, sizeof(*quota));
    const uint64_t stamp = atomic_load_explicit(&slot->stamp, memory_order_relaxed);
    atomic_store_explicit(&slot->stamp, stamp + 1, memory_order_relaxed);
    for (unsigned i = 0; i < WORDS; i++) {
        atomic_store_explicit(&slot->words[i], words[i], memory_order_release);
    }
    atomic_store_explicit(&slot->stamp, stamp + 2, memory_order_release);
    note_rates(quotas, slot, has_rates(quota));
    return ERR_OK;
}

void model_quotas_remove_profile(struct model_quotas *quotas, const struct uuid *profile)
{
    struct slot *slot = slot_of(quotas, profile);
    if (slot != NULL) {
        slot->used = false;
        note_rates(quotas, slot, false);
    }
}

enum err model_quotas_put_tenant(struct model_quotas *quotas, struct tenant_id tenant,
                                 const struct uuid *profile)
{
    const struct slot *slot = slot_of(quotas, profile);
    if (slot == NULL) {
        return ERR_NOT_FOUND;
    }
    uint64_t place = 0;
    const bool is_new = find(quotas, tenant, &place) == EMPTY;
    const uint32_t count = atomic_load_explicit(&quotas->tenants, memory_order_relaxed);
    if (is_new && count == quotas->tenants_max) {
        return ERR_EXHAUSTED;
    }
    word_set(quotas, place, word_of(tenant, (unsigned)(slot - quotas->slots)));
    atomic_store_explicit(&quotas->tenants, count + is_new, memory_order_relaxed);
    return ERR_OK;
}

void model_quotas_remove_tenant(struct model_quotas *quotas, struct tenant_id tenant)
{
    uint64_t place = 0;
    if (find(quotas, tenant, &place) == EMPTY) {
        return;
    }
    word_set(quotas, place, TOMBSTONE);
    const uint32_t count = atomic_load_explicit(&quotas->tenants, memory_order_relaxed);
    atomic_store_explicit(&quotas->tenants, count - 1, memory_order_relaxed);
    // No probe goes on past a place that was never used.
    while (word_at(quotas, place + 1) == EMPTY && word_at(quotas, place) == TOMBSTONE) {
        word_set(quotas, place--, EMPTY);
    }
}

bool model_quotas_have_rates(const struct model_quotas *quotas)
{
    return atomic_load_explicit(&quotas->rated, memory_order_relaxed) != 0;
}

uint32_t model_quotas_tenants(const struct model_quotas *quotas)
{
    return atomic_load_explicit(&quotas->tenants, memory_order_relaxed);
}

uint32_t model_quotas_tenants_max(const struct model_quotas *quotas)
{
    return quotas->tenants_max;
}
