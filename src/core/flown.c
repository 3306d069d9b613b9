#include "core/flown.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define BUCKETS 1024U
#define NOBODY UINT32_MAX

struct buckets {
    uint32_t by_link[BUCKETS];
    uint32_t by_message[BUCKETS];
};

struct reading {
    const struct tape *tape;
    struct device_id device;
    unsigned worker;
    struct core_flown_list *list;
    struct core_flown *found; // the second half of the list's items
    uint64_t count;           // of the device on this tape, also those that gave way to later ones
    uint64_t seen;            // of all devices
    int64_t oldest_us;
};

static bool is_first(const struct core_record *record)
{
    return record->kind == CORE_RECORD_REQUEST || record->kind == CORE_RECORD_NOTICE;
}

// The exchanges of the device, the latest in the order of a ring.
static void find_exchanges(struct reading *reading, struct tape_cursor cursor)
{
    struct core_flown flown = {.ended_us = 0};
    while (tape_next(reading->tape, &cursor, &flown.record, &flown.position)) {
        const struct core_record *record = &flown.record;
        if (reading->seen++ == 0) {
            reading->oldest_us = record->at_us;
        }
        if (is_first(record) && record->device.number == reading->device.number) {
            flown.worker = reading->worker;
            flown.ended_us = record->verdict == CORE_VERDICT_WAITING ? 0 : record->at_us;
            reading->found[reading->count++ % reading->list->max] = flown;
        }
    }
}

static unsigned bucket_of(uint64_t key)
{
    return (unsigned)(hash_word(key) % BUCKETS);
}

// Later ones come first in their bucket.
static void fill_buckets(const struct reading *reading, struct buckets *buckets)
{
    const uint64_t max = reading->list->max;
    memset(buckets, 0xff, sizeof(*buckets));
    for (uint64_t i = reading->count > max ? reading->count - max : 0; i < reading->count; i++) {
        struct core_flown *flown = &reading->found[i % max];
        uint32_t *link = &buckets->by_link[bucket_of(flown->record.link)];
        uint32_t *message = &buckets->by_message[bucket_of(flown->record.message)];
        flown->by_link = *link;
        flown->by_message = *message;
        *link = *message = (uint32_t)(i % max);
    }
}

// The exchange that a later record belongs to: the latest before it with the same name.
static struct core_flown *owner_of(const struct reading *reading, const struct buckets *buckets,
                                   const struct core_record *later, uint64_t position)
{
    const bool is_repeat = later->kind == CORE_RECORD_REPEAT;
    const uint8_t kind =
        later->kind == CORE_RECORD_OUTCOME ? CORE_RECORD_NOTICE : CORE_RECORD_REQUEST;
    uint32_t at = is_repeat ? buckets->by_message[bucket_of(later->message)]
                            : buckets->by_link[bucket_of(later->link)];
    while (at != NOBODY) {
        struct core_flown *flown = &reading->found[at];
        const struct core_record *record = &flown->record;
        const bool is_same =
            is_repeat ? record->message == later->message : record->link == later->link;
        if (is_same && record->kind == kind && flown->position < position) {
            return flown;
        }
        at = is_repeat ? flown->by_message : flown->by_link;
    }
    return NULL;
}

static void take_reason(struct core_record *record, const struct core_record *later)
{
    const struct slice reason = core_record_reason(later);
    if (reason.len > 0) {
        core_record_put_reason(record, reason);
    }
}

// A notification that nothing more is heard of. A NON is over once it left.
static bool has_ended(const struct core_record *record)
{
    const bool is_con = (record->flags & CORE_RECORD_CONFIRMABLE) != 0;
    return record->verdict != CORE_VERDICT_WAITING && record->verdict != CORE_VERDICT_UNANSWERED &&
           (record->verdict != CORE_VERDICT_SENT || !is_con);
}

static void apply(struct core_flown *flown, const struct core_record *later)
{
    struct core_record *record = &flown->record;
    if (later->kind == CORE_RECORD_REPEAT) {
        flown->repeats++;
        return;
    }
    if (later->verdict == CORE_VERDICT_WITHDRAWN && has_ended(record)) {
        return;
    }
    flown->ended_us = later->at_us;
    record->verdict = later->verdict;
    if (later->kind == CORE_RECORD_ANSWER) {
        record->code = later->code;
        take_reason(record, later);
    } else if (later->verdict == CORE_VERDICT_UNANSWERED) {
        flown->is_retransmitted = true;
    }
}

static void join(const struct reading *reading, struct tape_cursor cursor)
{
    struct buckets buckets;
    struct core_record record;
    uint64_t position;
    fill_buckets(reading, &buckets);
    while (tape_next(reading->tape, &cursor, &record, &position)) {
        struct core_flown *flown =
            is_first(&record) ? NULL : owner_of(reading, &buckets, &record, position);
        if (flown != NULL) {
            apply(flown, &record);
        }
    }
}

static int compare(const void *a, const void *b)
{
    const struct core_flown *x = a;
    const struct core_flown *y = b;
    if (x->record.at_us != y->record.at_us) {
        return x->record.at_us < y->record.at_us ? -1 : 1;
    }
    if (x->worker != y->worker) {
        return x->worker < y->worker ? -1 : 1;
    }
    return x->position < y->position ? -1 : x->position > y->position;
}

// Adds what was found on a tape to what was found on those before.
static void merge(const struct reading *reading)
{
    struct core_flown_list *list = reading->list;
    const unsigned kept = reading->count < list->max ? (unsigned)reading->count : list->max;
    memmove(list->items + list->count, reading->found, kept * sizeof(*list->items));
    const unsigned all = list->count + kept;
    const unsigned surplus = all > list->max ? all - list->max : 0;
    qsort(list->items, all, sizeof(*list->items), compare);
    memmove(list->items, list->items + surplus, (all - surplus) * sizeof(*list->items));
    list->count = all - surplus;
    list->left_out += reading->count - kept + surplus;
}

static void read_one(const struct core_recorder *recorder, unsigned worker, struct device_id device,
                     struct core_flown_list *list)
{
    int64_t since_us;
    struct reading reading = {.tape = core_recorder_tape(recorder, &since_us),
                              .device = device,
                              .worker = worker,
                              .list = list,
                              .found = list->items + list->max};
    const struct tape_cursor cursor = tape_rewind(reading.tape);
    find_exchanges(&reading, cursor);
    if (reading.count > 0) {
        join(&reading, tape_rewind(reading.tape));
        merge(&reading);
    }
    if (reading.seen < cursor.records) {
        list->overwritten += cursor.records - reading.seen;
        since_us = reading.oldest_us;
    }
    list->since_us = since_us > list->since_us ? since_us : list->since_us;
}

static bool is_elsewhere(const struct core_record *one, const struct core_record *other)
{
    struct address a;
    struct address b;
    return core_record_peer(one, &a) && core_record_peer(other, &b) && !address_equal(&a, &b);
}

void core_flown_read(struct core_recorder *const *recorders, unsigned count,
                     struct device_id device, struct core_flown_list *list)
{
    ASSERT(list->max > 0 && list->max <= CORE_FLOWN_MAX);
    list->count = 0;
    list->left_out = 0;
    list->overwritten = 0;
    list->since_us = 0;
    for (unsigned i = 0; i < count; i++) {
        if (recorders[i] != NULL) {
            read_one(recorders[i], i, device, list);
        }
    }
    for (unsigned i = 1; i < list->count; i++) {
        list->items[i].has_moved = is_elsewhere(&list->items[i - 1].record, &list->items[i].record);
    }
}
