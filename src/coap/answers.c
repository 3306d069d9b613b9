#include "coap/answers.h"

#define BUCKET 4U // places in which an answer may stand

struct place {
    uint64_t key;
    uint64_t position; // in the ring, counted over all times
    uint64_t len;      // 0: free
};

struct coap_answers {
    struct place *places;
    uint8_t *ring;
    uint64_t ring_size;
    uint64_t ring_end;
    uint32_t bucket_mask;
};

static uint32_t place_count(uint32_t bytes_max)
{
    uint32_t count = 64;
    while (count < bytes_max / 64U && count < (1U << 20)) {
        count *= 2;
    }
    return count;
}

static size_t round64(size_t size)
{
    return (size + 63U) & ~(size_t)63U;
}

size_t coap_answers_footprint(uint32_t bytes_max)
{
    return round64(sizeof(struct coap_answers)) +
           round64(place_count(bytes_max) * sizeof(struct place)) + round64(bytes_max);
}

struct coap_answers *coap_answers_init(void *memory, uint32_t bytes_max)
{
    ASSERT(bytes_max >= 64);
    struct coap_answers *answers = memory;
    uint8_t *at = (uint8_t *)memory + round64(sizeof(*answers));
    answers->places = (struct place *)(void *)at;
    answers->ring = at + round64(place_count(bytes_max) * sizeof(struct place));
    answers->ring_size = bytes_max;
    answers->ring_end = 0;
    answers->bucket_mask = place_count(bytes_max) / BUCKET - 1;
    return answers;
}

static struct place *bucket_of(const struct coap_answers *answers, uint64_t key)
{
    return &answers->places[(key & answers->bucket_mask) * BUCKET];
}

static struct place *find(const struct coap_answers *answers, uint64_t key)
{
    struct place *bucket = bucket_of(answers, key);
    for (unsigned i = 0; i < BUCKET; i++) {
        if (bucket[i].key == key && bucket[i].len > 0) {
            return &bucket[i];
        }
    }
    return NULL;
}

// The place whose answer will be overwritten first, or of none.
static struct place *oldest_of(const struct coap_answers *answers, uint64_t key)
{
    struct place *bucket = bucket_of(answers, key);
    struct place *oldest = bucket;
    for (unsigned i = 1; i < BUCKET; i++) {
        if (bucket[i].position + bucket[i].len < oldest->position + oldest->len) {
            oldest = &bucket[i];
        }
    }
    return oldest;
}

static void put(struct coap_answers *answers, uint64_t position, struct slice bytes)
{
    if (bytes.len > 0) {
        memcpy(answers->ring + position % answers->ring_size, bytes.ptr, bytes.len);
    }
}

bool coap_answers_keep(struct coap_answers *answers, uint64_t key, struct slice head,
                       struct slice tail)
{
    const size_t len = head.len + tail.len;
    if (len == 0 || len > answers->ring_size / 2) {
        return false;
    }
    // In one piece: what would cross the end starts over at the front.
    uint64_t position = answers->ring_end;
    const uint64_t to_end = answers->ring_size - position % answers->ring_size;
    if (len > to_end) {
        position += to_end;
    }
    put(answers, position, head);
    put(answers, position + head.len, tail);
    answers->ring_end = position + len;
    struct place *older = find(answers, key);
    *(older != NULL ? older : oldest_of(answers, key)) = (struct place){key, position, len};
    return true;
}

void coap_answers_forget(struct coap_answers *answers, uint64_t key)
{
    struct place *place = find(answers, key);
    if (place != NULL) {
        *place = (struct place){0};
    }
}

struct slice coap_answers_find(const struct coap_answers *answers, uint64_t key)
{
    const struct place *place = find(answers, key);
    if (place == NULL || answers->ring_end - place->position > answers->ring_size) {
        return SLICE_EMPTY;
    }
    return slice_of(answers->ring + place->position % answers->ring_size, place->len);
}

uint32_t coap_answers_used(const struct coap_answers *answers)
{
    const uint64_t end = answers->ring_end;
    return (uint32_t)(end < answers->ring_size ? end : answers->ring_size);
}
