// A bucket is kept as one moment, at which it will be full again. Taking a token moves it on by the
// time that one token needs; the bucket is empty when that would put it further ahead than all
// tokens together need. So refill is exact, costs nothing, and the moment of the next token is
// known.
#include "base/rate.h"

#define WAYS 4U
#define SECOND_NS UINT64_C(1000000000)

struct sender {
    uint64_t key; // 0: free
    struct mono seen;
    uint64_t full_ns[RATE_BUCKETS_MAX];
};

struct bucket {
    uint64_t token_ns; // one token comes in this time
    uint64_t whole_ns; // all of them
};

struct rate_table {
    struct bucket buckets[RATE_BUCKETS_MAX];
    uint32_t bucket_count;
    uint32_t set_count;
    uint32_t taken; // places
    struct sender senders[];
};

// Digits of the largest. More would be zeros in front, which have to be kept somewhere.
#define DIGITS_MAX 10U

static bool parse_count(struct slice text, uint32_t *count)
{
    int64_t value;
    if (text.len > DIGITS_MAX || !slice_to_int64(text, &value) || value < 1 || value > INT32_MAX) {
        return false;
    }
    *count = (uint32_t)value;
    return true;
}

enum err rate_parse(struct slice text, struct rate *rate)
{
    struct rate parsed = {.count = 0};
    struct slice rest = text.len == 0 ? SLICE_EMPTY : text;

    while (rest.ptr != NULL) {
        struct slice seconds = slice_cut(&rest, ',');
        const struct slice capacity = slice_cut(&seconds, ':');
        if (parsed.count == RATE_BUCKETS_MAX ||
            !parse_count(capacity, &parsed.capacity[parsed.count]) ||
            !parse_count(seconds, &parsed.seconds[parsed.count])) {
            return ERR_INVALID;
        }
        parsed.count++;
    }
    *rate = parsed;
    return ERR_OK;
}

size_t rate_table_footprint(uint32_t senders_max)
{
    return sizeof(struct rate_table) + senders_max * sizeof(struct sender);
}

struct rate_table *rate_table_init(void *memory, uint32_t senders_max, const struct rate *rate)
{
    struct rate_table *table = memory;

    ASSERT(senders_max >= WAYS);
    ASSERT((senders_max & (senders_max - 1)) == 0);
    ASSERT(rate->count <= RATE_BUCKETS_MAX);
    table->bucket_count = rate->count;
    table->set_count = senders_max / WAYS;
    for (unsigned i = 0; i < rate->count; i++) {
        ASSERT(rate->capacity[i] > 0);
        const uint64_t whole_ns = rate->seconds[i] * SECOND_NS;
        // Rounded up, at most a nanosecond: never more tokens than were granted.
        const uint64_t token_ns = (whole_ns + rate->capacity[i] - 1) / rate->capacity[i];
        table->buckets[i] = (struct bucket){token_ns, token_ns * rate->capacity[i]};
    }
    return table;
}

// The sender's place, or with full buckets the one that gives way to it.
static struct sender *place_of(struct rate_table *table, struct mono now, uint64_t given_key)
{
    const uint64_t key = given_key != 0 ? given_key : 1;
    struct sender *set = &table->senders[(key % table->set_count) * WAYS];
    struct sender *oldest = &set[0];

    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            set[i].seen = now;
            return &set[i];
        }
        if (set[i].seen.ns < oldest->seen.ns) {
            oldest = &set[i];
        }
    }
    table->taken += oldest->key == 0 ? 1 : 0;
    *oldest = (struct sender){.key = key, .seen = now};
    return oldest;
}

// When the bucket will be full again if a token is taken now.
static uint64_t full_after_take(const struct bucket *bucket, uint64_t full_ns, struct mono now)
{
    return (full_ns > now.ns ? full_ns : now.ns) + bucket->token_ns;
}

static struct span wait_of(const struct rate_table *table, const struct sender *sender,
                           struct mono now)
{
    uint64_t longest = 0;

    for (unsigned i = 0; i < table->bucket_count; i++) {
        const struct bucket *bucket = &table->buckets[i];
        const uint64_t ahead = full_after_take(bucket, sender->full_ns[i], now) - now.ns;
        const uint64_t wait = ahead > bucket->whole_ns ? ahead - bucket->whole_ns : 0;
        longest = wait > longest ? wait : longest;
    }
    return (struct span){longest};
}

uint32_t rate_table_count(const struct rate_table *table)
{
    return table->taken;
}

struct span rate_table_wait(struct rate_table *table, struct mono now, uint64_t key)
{
    return wait_of(table, place_of(table, now, key), now);
}

bool rate_table_has(struct rate_table *table, struct mono now, uint64_t key)
{
    return rate_table_wait(table, now, key).ns == 0;
}

bool rate_table_take(struct rate_table *table, struct mono now, uint64_t key)
{
    struct sender *sender = place_of(table, now, key);

    if (wait_of(table, sender, now).ns != 0) {
        return false;
    }
    for (unsigned i = 0; i < table->bucket_count; i++) {
        sender->full_ns[i] = full_after_take(&table->buckets[i], sender->full_ns[i], now);
    }
    return true;
}
