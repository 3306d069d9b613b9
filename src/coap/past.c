#include "coap/past.h"

#include <assert.h>
#include <string.h>

// Messages between asking for the place of one and putting it there.
#define AHEAD 16U

struct message {
    struct coap_dedup_key key;
    struct span age;
    uint8_t part;
    uint8_t code;
};

static_assert(COAP_DEDUP_PARTS <= UINT8_MAX + 1, "a part is one byte");

struct coap_past {
    struct coap_dedup *dedup;
    struct mono now;
    struct message *taken; // `batch` of them, in the order of time
    struct message *sorted;
    uint32_t batch;
    uint32_t count;                   // of `taken`
    uint32_t parts[COAP_DEDUP_PARTS]; // how many of `taken` go there
};

size_t coap_past_footprint(uint32_t batch)
{
    return sizeof(struct coap_past) + 2 * (size_t)batch * sizeof(struct message);
}

struct coap_past *coap_past_init(void *memory, uint32_t batch, struct coap_dedup *dedup,
                                 struct mono now)
{
    struct coap_past *const past = memory;
    past->dedup = dedup;
    past->now = now;
    past->taken = (struct message *)(void *)(past + 1);
    past->sorted = past->taken + batch;
    past->batch = batch;
    return past;
}

static void sort(struct coap_past *past)
{
    uint32_t at = 0;
    for (unsigned part = 0; part < COAP_DEDUP_PARTS; part++) {
        const uint32_t count = past->parts[part];
        past->parts[part] = at;
        at += count;
    }
    for (uint32_t i = 0; i < past->count; i++) {
        const struct message *const message = &past->taken[i];
        past->sorted[past->parts[message->part]++] = *message;
    }
}

void coap_past_end(struct coap_past *past)
{
    sort(past);
    for (uint32_t i = 0; i < past->count + AHEAD; i++) {
        if (i < past->count) {
            coap_dedup_prefetch_key(past->dedup, past->sorted[i].key);
        }
        if (i >= AHEAD) {
            const struct message *const due = &past->sorted[i - AHEAD];
            coap_dedup_restore(past->dedup, past->now, due->key, due->code, due->age);
        }
    }
    past->count = 0;
    memset(past->parts, 0, sizeof(past->parts));
}

void coap_past_put(struct coap_past *past, struct coap_dedup_key key, uint8_t code, struct span age)
{
    const uint8_t part = (uint8_t)coap_dedup_part(past->dedup, key);
    past->taken[past->count] = (struct message){key, age, part, code};
    past->parts[part]++;
    if (++past->count == past->batch) {
        coap_past_end(past);
    }
}
