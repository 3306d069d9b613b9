#include "base/rate.h"

#define WAYS 4U

struct sender {
    uint64_t key;  // 0: free
    struct mono seen;
    float tokens[RATE_BUCKETS_MAX];
};

struct rate_table {
    struct rate rate;
    uint32_t set_count;
    struct sender senders[];
};

static enum err parse_bucket(struct slice text, struct rate *rate)
{
    const struct slice capacity_text = slice_cut(&text, ':');
    int64_t capacity = 0;
    int64_t seconds = 0;
    if (text.ptr == NULL || !slice_to_int64(capacity_text, &capacity) ||
        !slice_to_int64(text, &seconds) || capacity < 1 || capacity > INT32_MAX || seconds < 1 ||
        seconds > INT32_MAX || rate->count == RATE_BUCKETS_MAX) {
        return ERR_INVALID;
    }
    rate->capacity[rate->count] = (uint32_t)capacity;
    rate->seconds[rate->count] = (uint32_t)seconds;
    rate->count++;
    return ERR_OK;
}

enum err rate_parse(struct slice text, struct rate *rate)
{
    *rate = (struct rate){.count = 0};
    while (text.ptr != NULL && text.len > 0) {
        const enum err err = parse_bucket(slice_cut(&text, ','), rate);
        if (err != ERR_OK) {
            return err;
        }
    }
    return ERR_OK;
}

size_t rate_table_footprint(uint32_t senders_max)
{
    return sizeof(struct rate_table) + senders_max * sizeof(struct sender);
}

struct rate_table *rate_table_init(void *memory, uint32_t senders_max, const struct rate *rate)
{
    ASSERT(senders_max >= WAYS && (senders_max & (senders_max - 1)) == 0);
    struct rate_table *table = memory;
    table->rate = *rate;
    table->set_count = senders_max / WAYS;
    return table;
}

// The sender's place, or the one that gives way to it, filled up.
static struct sender *place_of(struct rate_table *table, uint64_t key, struct mono now)
{
    struct sender *set = &table->senders[(key % table->set_count) * WAYS];
    struct sender *oldest = &set[0];
    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            return &set[i];
        }
        if (set[i].seen.ns < oldest->seen.ns) {
            oldest = &set[i];
        }
    }
    oldest->key = key;
    oldest->seen = now;
    for (unsigned i = 0; i < table->rate.count; i++) {
        oldest->tokens[i] = (float)table->rate.capacity[i];
    }
    return oldest;
}

static void refill(const struct rate *rate, struct sender *sender, struct mono now)
{
    const float elapsed_s = (float)mono_since(now, sender->seen).ns / 1e9F;
    for (unsigned i = 0; i < rate->count; i++) {
        const float capacity = (float)rate->capacity[i];
        const float tokens = sender->tokens[i] + elapsed_s * capacity / (float)rate->seconds[i];
        sender->tokens[i] = tokens < capacity ? tokens : capacity;
    }
    sender->seen = now;
}

static struct sender *refilled(struct rate_table *table, uint64_t key, struct mono now, bool *has)
{
    struct sender *sender = place_of(table, key != 0 ? key : 1, now);
    refill(&table->rate, sender, now);
    *has = true;
    for (unsigned i = 0; i < table->rate.count; i++) {
        *has = *has && sender->tokens[i] >= 1.0F;
    }
    return sender;
}

bool rate_table_has(struct rate_table *table, struct mono now, uint64_t key)
{
    bool has = false;
    (void)refilled(table, key, now, &has);
    return has;
}

bool rate_table_take(struct rate_table *table, struct mono now, uint64_t key)
{
    bool has = false;
    struct sender *sender = refilled(table, key, now, &has);
    for (unsigned i = 0; has && i < table->rate.count; i++) {
        sender->tokens[i] -= 1.0F;
    }
    return has;
}
