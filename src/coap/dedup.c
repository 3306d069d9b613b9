#include "coap/dedup.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "coap/answers.h"

// Buckets of four entries fill one cache line each. A key has two buckets; it goes into the emptier
// one, and if both are full one of their entries may move to its other bucket, which keeps overflow
// away until the table is nearly full.
#define BUCKET_ENTRIES 4U
#define AGE_UNIT_NS (1000000000U / 16U)
#define FLOOR_MS 60000U

enum { FLAG_USED = 1, FLAG_CONFIRMABLE = 2, FLAG_ACK_SENT = 4, FLAG_ANSWER = 8 };

struct entry {
    uint64_t hash;
    uint32_t born; // in units of 1/16 s since the start, 8 years
    uint16_t token;
    uint8_t code; // 0 while open
    uint8_t flags;
};

static_assert(sizeof(struct entry) == 16, "millions of these stand in the table");

struct bucket {
    _Alignas(64) struct entry entries[BUCKET_ENTRIES];
};

static_assert(sizeof(struct bucket) == 64, "one cache line");

struct coap_dedup {
    struct bucket *buckets;
    struct coap_answers *answers;
    uint64_t bucket_mask;
    struct mono start;
    struct coap_dedup_stats stats;
};

static size_t round64(size_t size)
{
    return (size + 63U) & ~(size_t)63U;
}

size_t coap_dedup_footprint(struct coap_dedup_limits limits)
{
    return round64(sizeof(struct coap_dedup)) + limits.entries_max * sizeof(struct entry) +
           coap_answers_footprint(limits.answer_bytes_max);
}

struct coap_dedup *coap_dedup_init(void *memory, struct coap_dedup_limits limits, struct mono now)
{
    ASSERT(((uintptr_t)memory & 63U) == 0);
    ASSERT(limits.entries_max >= 2 * BUCKET_ENTRIES);
    ASSERT((limits.entries_max & (limits.entries_max - 1)) == 0);
    struct coap_dedup *dedup = memory;
    uint8_t *at = (uint8_t *)memory + round64(sizeof(*dedup));
    *dedup = (struct coap_dedup){
        .buckets = (struct bucket *)(void *)at,
        .bucket_mask = limits.entries_max / BUCKET_ENTRIES - 1,
        .start = now,
    };
    at += limits.entries_max * sizeof(struct entry);
    dedup->answers = coap_answers_init(at, limits.answer_bytes_max);
    return dedup;
}

static uint64_t peer_and_mid(uint64_t peer_hash, uint16_t mid)
{
    return hash_word(peer_hash + mid * 0x9e3779b97f4a7c15U);
}

struct coap_dedup_key coap_dedup_key(uint64_t peer_hash, const struct coap_message *message)
{
    uint64_t token = 0;
    memcpy(&token, message->token.bytes, sizeof(token));
    return (struct coap_dedup_key){
        .peer_and_mid = peer_and_mid(peer_hash, message->mid),
        .token = (uint16_t)hash_word(token ^ message->token.len),
        .confirmable = message->type == COAP_CON,
    };
}

static uint32_t age_now(const struct coap_dedup *dedup, struct mono now)
{
    return (uint32_t)(mono_since(now, dedup->start).ns / AGE_UNIT_NS);
}

static uint32_t lifetime(const struct entry *entry)
{
    const uint32_t ms =
        (entry->flags & FLAG_CONFIRMABLE) != 0 ? COAP_EXCHANGE_LIFETIME_MS : COAP_NON_LIFETIME_MS;
    return ms / 1000U * 16U;
}

static bool alive(const struct entry *entry, uint32_t now)
{
    return (entry->flags & FLAG_USED) != 0 &&
           (int32_t)(now - entry->born) < (int32_t)lifetime(entry);
}

static struct bucket *bucket_of(const struct coap_dedup *dedup, uint64_t hash, unsigned choice)
{
    const uint64_t spread = choice == 0 ? hash : hash_word(hash);
    return &dedup->buckets[spread & dedup->bucket_mask];
}

static struct entry *find_in(struct bucket *bucket, const struct coap_dedup_key *key)
{
    for (unsigned i = 0; i < BUCKET_ENTRIES; i++) {
        struct entry *entry = &bucket->entries[i];
        if (entry->hash == key->peer_and_mid && (entry->flags & FLAG_USED) != 0 &&
            entry->token == key->token) {
            return entry;
        }
    }
    return NULL;
}

static struct entry *find(const struct coap_dedup *dedup, const struct coap_dedup_key *key)
{
    struct entry *entry = find_in(bucket_of(dedup, key->peer_and_mid, 0), key);
    return entry != NULL ? entry : find_in(bucket_of(dedup, key->peer_and_mid, 1), key);
}

void coap_dedup_prefetch(const struct coap_dedup *dedup, uint64_t peer_hash, uint16_t mid)
{
    const uint64_t hash = peer_and_mid(peer_hash, mid);
    __builtin_prefetch(bucket_of(dedup, hash, 0));
    __builtin_prefetch(bucket_of(dedup, hash, 1));
}

void coap_dedup_prefetch_key(const struct coap_dedup *dedup, struct coap_dedup_key key)
{
    __builtin_prefetch(bucket_of(dedup, key.peer_and_mid, 0), 1);
}

static unsigned dead_count(const struct bucket *bucket, uint32_t now)
{
    unsigned count = 0;
    for (unsigned i = 0; i < BUCKET_ENTRIES; i++) {
        count += alive(&bucket->entries[i], now) ? 0 : 1;
    }
    return count;
}

// Messages whose ids are recycled under another token have answers of their own.
static uint64_t answer_key(const struct entry *entry)
{
    return hash_word(entry->hash ^ entry->token);
}

static struct entry *dead_in(struct bucket *bucket, uint32_t now)
{
    for (unsigned i = 0; i < BUCKET_ENTRIES; i++) {
        if (!alive(&bucket->entries[i], now)) {
            return &bucket->entries[i];
        }
    }
    return NULL;
}

// Both buckets are full of the living: one of them may have room in its other bucket. The place
// that it leaves, marked free, or NULL.
static struct entry *move_one(struct coap_dedup *dedup, uint64_t hash, uint32_t now)
{
    for (unsigned choice = 0; choice < 2; choice++) {
        struct bucket *bucket = bucket_of(dedup, hash, choice);
        for (unsigned i = 0; i < BUCKET_ENTRIES; i++) {
            struct entry *entry = &bucket->entries[i];
            struct bucket *first = bucket_of(dedup, entry->hash, 0);
            struct bucket *other = first == bucket ? bucket_of(dedup, entry->hash, 1) : first;
            struct entry *room = dead_in(other, now);
            if (room != NULL) {
                dedup->stats.entries -= (room->flags & FLAG_USED) != 0 ? 1 : 0;
                *room = *entry;
                entry->flags = 0;
                return entry;
            }
        }
    }
    return NULL;
}

// A place in one of the two buckets: a dead one in the emptier, else the oldest that may go.
static struct entry *place_for(struct coap_dedup *dedup, uint64_t hash, uint32_t now)
{
    struct entry *dead[2] = {NULL, NULL};
    unsigned free_count[2] = {0, 0};
    struct entry *oldest = NULL;
    for (unsigned choice = 0; choice < 2; choice++) {
        struct bucket *bucket = bucket_of(dedup, hash, choice);
        for (unsigned i = 0; i < BUCKET_ENTRIES; i++) {
            struct entry *entry = &bucket->entries[i];
            if (!alive(entry, now)) {
                dead[choice] = entry;
                free_count[choice]++;
            } else if (oldest == NULL || (int32_t)(entry->born - oldest->born) < 0) {
                oldest = entry;
            }
        }
        // The second line is touched only when the first is half full.
        if (choice == 0 && free_count[0] >= BUCKET_ENTRIES / 2) {
            return dead[0];
        }
    }
    if (free_count[0] + free_count[1] > 0) {
        return free_count[0] >= free_count[1] ? dead[0] : dead[1];
    }
    struct entry *vacated = move_one(dedup, hash, now);
    if (vacated != NULL) {
        return vacated;
    }
    if (now - oldest->born < FLOOR_MS / 1000U * 16U) {
        return NULL;
    }
    dedup->stats.forgotten_early++;
    return oldest;
}

static bool insert(struct coap_dedup *dedup, uint32_t now, uint32_t born,
                   const struct coap_dedup_key *key, uint8_t code)
{
    struct entry *entry = place_for(dedup, key->peer_and_mid, now);
    if (entry == NULL) {
        dedup->stats.refused++;
        return false;
    }
    if ((entry->flags & FLAG_USED) == 0) {
        dedup->stats.entries++;
    }
    *entry = (struct entry){
        .hash = key->peer_and_mid,
        .born = born,
        .token = key->token,
        .code = code,
        .flags = (uint8_t)(FLAG_USED | (key->confirmable ? FLAG_CONFIRMABLE : 0)),
    };
    return true;
}

struct coap_dedup_hit coap_dedup_seen(struct coap_dedup *dedup, struct mono now,
                                      struct coap_dedup_key key)
{
    const uint32_t age = age_now(dedup, now);
    struct entry *entry = find(dedup, &key);
    if (entry != NULL && !alive(entry, age)) {
        entry->flags = 0;
        dedup->stats.entries--;
        entry = NULL;
    }
    if (entry == NULL) {
        const bool kept = insert(dedup, age, age, &key, 0);
        return (struct coap_dedup_hit){.verdict = kept ? COAP_DEDUP_NEW : COAP_DEDUP_FULL};
    }
    return (struct coap_dedup_hit){
        .verdict = entry->code != 0 ? COAP_DEDUP_ANSWERED : COAP_DEDUP_IN_HAND,
        .code = entry->code,
        .ack_sent = (entry->flags & FLAG_ACK_SENT) != 0,
        .answer = (entry->flags & FLAG_ANSWER) != 0
                      ? coap_answers_find(dedup->answers, answer_key(entry))
                      : SLICE_EMPTY,
    };
}

void coap_dedup_ack_sent(struct coap_dedup *dedup, struct coap_dedup_key key)
{
    struct entry *entry = find(dedup, &key);
    if (entry != NULL) {
        entry->flags |= FLAG_ACK_SENT;
    }
}

void coap_dedup_answered(struct coap_dedup *dedup, struct coap_dedup_key key, uint8_t code,
                         struct slice answer)
{
    struct entry *entry = find(dedup, &key);
    if (entry == NULL) {
        return;
    }
    ASSERT(code != 0);
    entry->code = code;
    if (answer.len == 0) {
        return;
    }
    if (coap_answers_keep(dedup->answers, answer_key(entry), answer, SLICE_EMPTY)) {
        entry->flags |= FLAG_ANSWER;
    } else {
        dedup->stats.answers_lost++;
    }
}

void coap_dedup_forget(struct coap_dedup *dedup, struct coap_dedup_key key)
{
    struct entry *entry = find(dedup, &key);
    if (entry != NULL) {
        entry->flags = 0;
        dedup->stats.entries--;
    }
}

// While messages are restored nothing leaves, so in a bucket that is half empty now nobody ever had
// to go to the second one.
static struct entry *find_restored(const struct coap_dedup *dedup, const struct coap_dedup_key *key,
                                   uint32_t now)
{
    struct bucket *const first = bucket_of(dedup, key->peer_and_mid, 0);
    struct entry *const entry = find_in(first, key);
    const bool is_alone = entry != NULL || dead_count(first, now) >= BUCKET_ENTRIES / 2;
    return is_alone ? entry : find_in(bucket_of(dedup, key->peer_and_mid, 1), key);
}

void coap_dedup_restore(struct coap_dedup *dedup, struct mono now, struct coap_dedup_key key,
                        uint8_t code, struct span age)
{
    const uint32_t at = age_now(dedup, now);
    const uint64_t units = age.ns / AGE_UNIT_NS;
    if (units > COAP_EXCHANGE_LIFETIME_MS / 1000U * 16U) {
        return;
    }
    struct entry *const earlier = find_restored(dedup, &key, at);
    if (earlier != NULL) {
        earlier->born = at - (uint32_t)units;
        earlier->code = code;
        return;
    }
    (void)insert(dedup, at, at - (uint32_t)units, &key, code);
}

unsigned coap_dedup_part(const struct coap_dedup *dedup, struct coap_dedup_key key)
{
    const uint64_t bucket = key.peer_and_mid & dedup->bucket_mask;
    return (unsigned)(bucket * COAP_DEDUP_PARTS / (dedup->bucket_mask + 1));
}

void *coap_dedup_memory(const struct coap_dedup *dedup, size_t *size)
{
    *size = (dedup->bucket_mask + 1) * sizeof(struct bucket);
    return dedup->buckets;
}

struct coap_dedup_stats coap_dedup_stats(const struct coap_dedup *dedup)
{
    struct coap_dedup_stats stats = dedup->stats;
    stats.answer_bytes = coap_answers_used(dedup->answers);
    return stats;
}

void coap_dedup_check(const struct coap_dedup *dedup)
{
    uint32_t used = 0;
    for (uint64_t b = 0; b <= dedup->bucket_mask; b++) {
        for (unsigned i = 0; i < BUCKET_ENTRIES; i++) {
            const struct entry *entry = &dedup->buckets[b].entries[i];
            if ((entry->flags & FLAG_USED) == 0) {
                continue;
            }
            used++;
            const struct bucket *here = &dedup->buckets[b];
            ASSERT(here == bucket_of(dedup, entry->hash, 0) ||
                   here == bucket_of(dedup, entry->hash, 1));
        }
    }
    ASSERT(used == dedup->stats.entries);
}
