#include "base/meter.h"

#define SECOND_NS 1e9
// Below this nothing is missing: what is left of adding and taking away.
#define NOTHING 1e-6
// A part may be given out anew within this time.
#define PART_WAIT_NS UINT64_C(1000000000)

static double tokens_per_second(const struct rate *rate, unsigned bucket, double part)
{
    return part * rate->capacity[bucket] / rate->seconds[bucket];
}

void meter_refill(struct meter *meter, const struct rate *rate, double part, struct span since)
{
    const double seconds = (double)since.ns / SECOND_NS;
    for (unsigned i = 0; i < rate->count; i++) {
        const double left = meter->missing[i] - seconds * tokens_per_second(rate, i, part);
        meter->missing[i] = left > NOTHING ? left : 0;
    }
}

static struct span bucket_wait(const struct meter *meter, const struct rate *rate, unsigned bucket,
                               double part, uint32_t tokens)
{
    const double whole = part * rate->capacity[bucket];
    const double lacking = meter->missing[bucket] + tokens - whole;
    if (lacking <= NOTHING) {
        return (struct span){0};
    }
    if (tokens > rate->capacity[bucket]) {
        return span_s(rate->seconds[bucket]);
    }
    if (tokens > whole + NOTHING) {
        return (struct span){PART_WAIT_NS};
    }
    // Rounded up, so that the tokens are there when the time is over.
    return (struct span){1U +
                         (uint64_t)(lacking / tokens_per_second(rate, bucket, part) * SECOND_NS)};
}

struct span meter_wait(const struct meter *meter, const struct rate *rate, double part,
                       uint32_t tokens)
{
    struct span longest = {0};
    for (unsigned i = 0; i < rate->count; i++) {
        const struct span wait = bucket_wait(meter, rate, i, part, tokens);
        longest = wait.ns > longest.ns ? wait : longest;
    }
    return longest;
}

void meter_move(struct meter *meter, const struct rate *rate, double from, double to)
{
    for (unsigned i = 0; i < rate->count; i++) {
        const double left = meter->missing[i] + (to - from) * rate->capacity[i];
        meter->missing[i] = left > NOTHING ? left : 0;
    }
}

void meter_take(struct meter *meter, const struct rate *rate, uint32_t tokens)
{
    for (unsigned i = 0; i < rate->count; i++) {
        meter->missing[i] += tokens;
    }
}
