// A device asks what waits for it (`?pending=`, protocol-rules.md section 5): calls and changes of
// shared attributes, by the numbers of its outbox, as many as fit into one block.
//
// The first question makes the device one whose changes are noted, observed or not: changes under
// way are waited for (a fence), then every shared attribute gets a number of its own.
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "core/flight_priv.h"
#include "core/outbox_priv.h"

// Entries of one answer; an answer has no room for more.
#define ITEMS_MAX 128U

static struct core_job *open_poll(const struct core_reach *reach)
{
    return reach->link != NULL ? pool_get(reach->shard->jobs, reach->link->poll) : NULL;
}

// The question's end. A body of no length stands for `err`.
static void close_poll(const struct core_reach *reach, enum err err, struct slice body)
{
    struct core_job *slot = open_poll(reach);
    if (slot == NULL) {
        return;
    }
    const struct core_job job = *slot;
    pool_give(reach->shard->jobs, reach->link->poll);
    reach->link->poll = POOL_HANDLE_NONE;
    if (err == ERR_OK) {
        core_shard_answer_body(reach->shard, job.from, &job.question, body);
    } else {
        core_shard_answer(reach->shard, job.from, &job.question, err, 0);
    }
}

void core_poll_end(const struct core_reach *reach, enum err err)
{
    close_poll(reach, err, SLICE_EMPTY);
}

// A number that was never given says nothing.
static void acknowledge(const struct core_reach *reach, uint64_t sequence)
{
    struct core_downlink *link = reach->link;
    struct store_state_change change;
    if (sequence > link->seq) {
        return;
    }
    core_call_taken_upto(reach, sequence);
    const uint64_t known = sequence < link->delta_seq ? sequence : link->delta_seq;
    if (known <= link->covered) {
        return;
    }
    link->covered = known;
    if (link->flight.kind == CORE_FLIGHT_DELTA && link->flight.upto <= known) {
        core_flight_cancel(reach);
    }
    const uint64_t fetched = core_fetch_upto(reach, CORE_RESOURCE_ATTRIBUTES);
    if (fetched > 0 && fetched <= known) {
        core_fetch_stop(reach, CORE_RESOURCE_ATTRIBUTES);
    }
    // Should it fail, a restart sends the same once more.
    if (core_shard_put_counters(reach, &change) == ERR_OK) {
        core_shard_note(reach, &change, 1);
    }
}

// What was submitted before is on disk by the time this is.
static enum err fence(const struct core_reach *reach)
{
    struct store_state_change change;
    struct core_job *job = core_shard_job(reach->shard, CORE_JOB_FENCE);
    if (job == NULL) {
        return ERR_EXHAUSTED;
    }
    const enum err err = core_shard_put_counters(reach, &change);
    if (err != ERR_OK) {
        pool_give(reach->shard->jobs, pool_handle_of(reach->shard->jobs, job));
        return err;
    }
    return core_shard_commit(reach, &change, 1, job);
}

static enum err begin(const struct core_reach *reach, unsigned from, const struct core_mail *mail)
{
    struct core_downlink *link = reach->link;
    struct core_job *job =
        open_poll(reach) == NULL ? core_shard_job(reach->shard, CORE_JOB_POLL) : NULL;
    if (job == NULL) {
        return ERR_EXHAUSTED;
    }
    job->from = from;
    job->question = *mail;
    job->is_ready = link->poll_state == CORE_POLL_NOTED;
    link->poll = pool_handle_of(reach->shard->jobs, job);
    if (job->is_ready) {
        return ERR_OK;
    }
    link->poll_state = CORE_POLL_STARTING;
    const enum err err = fence(reach);
    if (err != ERR_OK) {
        pool_give(reach->shard->jobs, link->poll);
        link->poll = POOL_HANDLE_NONE;
        link->poll_state = CORE_POLL_NEVER;
    }
    return err;
}

void core_poll_take(const struct core_reach *reach, unsigned from, const struct core_mail *mail)
{
    struct core_reach own = *reach;
    const size_t mark = arena_mark(reach->shard->plan.memory);
    own.link = core_shard_open(reach->shard, mail->tenant, mail->device);
    enum err err = ERR_EXHAUSTED;
    if (own.link != NULL) {
        own.link->tenant = mail->tenant;
        acknowledge(&own, mail->sequence);
        err = begin(&own, from, mail);
    }
    if (err != ERR_OK) {
        core_shard_answer(reach->shard, from, mail, err, 0);
    } else {
        core_poll_read(&own);
    }
    if (own.link != NULL) {
        // What was acknowledged may have made room for what comes next.
        core_flight_pump(&own);
    }
    arena_rewind(reach->shard->plan.memory, mark);
}

void core_poll_read(const struct core_reach *reach)
{
    const struct core_job *job = open_poll(reach);
    struct core_downlink *link = reach->link;
    if (job == NULL || !job->is_ready || link->is_loading) {
        return;
    }
    const uint32_t kinds = STORE_STATE_BIT(STORE_STATE_SHARED) |
                           STORE_STATE_BIT(STORE_STATE_OUTBOX) | STORE_STATE_BIT(STORE_STATE_CALL);
    link->load_upto = link->delta_seq;
    link->load_seq = link->seq;
    const enum err err = core_shard_load(reach, kinds, SLICE_EMPTY, CORE_LOAD_POLL);
    if (err != ERR_OK) {
        close_poll(reach, err, SLICE_EMPTY);
    }
}

void core_poll_fenced(const struct core_reach *reach, enum err err)
{
    struct core_job *job = open_poll(reach);
    if (reach->link == NULL) {
        return;
    }
    if (err != ERR_OK || job == NULL) {
        reach->link->poll_state = CORE_POLL_NEVER;
        close_poll(reach, err, SLICE_EMPTY);
        return;
    }
    job->is_ready = true;
    core_poll_read(reach);
}

void core_poll_noted(const struct core_reach *reach, const struct core_job *noted, enum err err)
{
    if (reach->link == NULL) {
        return;
    }
    if (noted->seq > 0) {
        core_delta_end_change(reach, noted->seq, err);
    }
    core_poll_fenced(reach, err);
}

// A row for each shared attribute; an observer had them with its registration.
static enum err put_notes(const struct core_reach *reach, const struct core_gathered *all,
                          struct store_state_change *items, uint32_t *count)
{
    struct core_downlink *link = reach->link;
    const bool is_observed =
        link->observations[CORE_RESOURCE_ATTRIBUTES].state != CORE_OBSERVATION_NONE &&
        !link->is_lapsed;
    for (uint32_t i = 0; !is_observed && i < all->shared_count; i++) {
        link->seq++;
        if (!core_outbox_put(reach, all->shared[i].name, &items[*count])) {
            return ERR_EXHAUSTED;
        }
        (*count)++;
    }
    const uint64_t delta_seq = link->delta_seq;
    // As it will be once this is on disk.
    link->delta_seq = *count > 0 ? link->seq : delta_seq;
    link->poll_state = CORE_POLL_NOTED;
    const enum err err = core_shard_put_counters(reach, &items[(*count)++]);
    link->delta_seq = delta_seq;
    return err;
}

static enum err note_all(const struct core_reach *reach, const struct core_gathered *all)
{
    struct store_state_change *items =
        arena_take_array(reach->shard->plan.memory, all->shared_count + 1, sizeof(*items));
    struct core_job *job = items != NULL ? core_shard_job(reach->shard, CORE_JOB_NOTE) : NULL;
    uint32_t count = 0;
    if (job == NULL) {
        return ERR_EXHAUSTED;
    }
    const enum err err = put_notes(reach, all, items, &count);
    if (err != ERR_OK) {
        pool_give(reach->shard->jobs, pool_handle_of(reach->shard->jobs, job));
        return err;
    }
    const uint64_t seq = count > 1 ? reach->link->seq : 0;
    job->seq = seq;
    const enum err committed = core_shard_commit(reach, items, count, job);
    if (committed == ERR_OK && seq > 0) {
        reach->link->change_newest = seq;
    }
    return committed;
}

// What may go into an answer, by number: a change of one attribute, or a call.
struct item {
    uint64_t seq;
    const struct core_waiting *change;
    struct core_call *call;
    struct core_pending_call texts;
};

struct items {
    struct item *of;
    uint32_t count;
    bool is_cut;    // something that waits is not among them
    uint64_t limit; // nothing from this number on: it may not be on disk
};

static int compare_items(const void *a, const void *b)
{
    const struct item *left = a;
    const struct item *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

static bool find_texts(const struct core_gathered *all, const struct core_call *call,
                       struct core_pending_call *texts)
{
    uint8_t memory[CORE_CALL_NAME_SIZE];
    texts->id = call->id;
    if (!call->is_persistent) {
        texts->method = call->order->call.method;
        texts->params = call->order->call.params;
        return true;
    }
    const struct slice name = core_row_call_name(call->id, memory);
    for (uint32_t i = 0; i < all->call_count; i++) {
        if (slice_equal(all->calls[i].name, name)) {
            return core_row_get_texts(all->calls[i].value, &texts->method, &texts->params);
        }
    }
    return false;
}

static void add_calls(const struct core_reach *reach, const struct core_gathered *all,
                      struct items *items)
{
    for (struct core_call *call = reach->link->calls; call != NULL; call = call->next) {
        struct item item = {.seq = call->seq, .call = call};
        const bool is_open = core_call_is_open(call);
        if (call->state == CORE_CALL_NUMBERING ||
            (is_open && !find_texts(all, call, &item.texts))) {
            items->limit = call->seq < items->limit ? call->seq : items->limit;
            items->is_cut = true;
        } else if (is_open) {
            items->of[items->count++] = item;
        }
    }
}

// In order, as far as they are certain to be on disk.
static void collect(const struct core_reach *reach, const struct core_gathered *all,
                    struct items *items)
{
    const struct core_downlink *link = reach->link;
    const bool is_in_doubt = link->change_newest > link->load_upto;
    items->is_cut = is_in_doubt;
    items->limit = is_in_doubt ? link->load_upto + 1 : UINT64_MAX;
    for (uint32_t i = 0; i < all->waiting_count; i++) {
        items->of[items->count++] =
            (struct item){.seq = all->waiting[i].seq, .change = &all->waiting[i]};
    }
    add_calls(reach, all, items);
    qsort(items->of, items->count, sizeof(items->of[0]), compare_items);
    while (items->count > 0 && items->of[items->count - 1].seq >= items->limit) {
        items->count--;
        items->is_cut = true;
    }
}

// The number that the device has with the first `count` entries.
static uint64_t sequence_after(const struct core_reach *reach, const struct items *items,
                               uint32_t count)
{
    if (count == items->count && !items->is_cut) {
        return reach->link->seq;
    }
    return count > 0 ? items->of[count - 1].seq : reach->link->covered;
}

// False if it does not fit.
static bool render(const struct core_reach *reach, const struct items *items, uint32_t count,
                   struct buf *out)
{
    struct store_attribute set[ITEMS_MAX];
    struct slice removed[ITEMS_MAX];
    struct core_pending_call calls[ITEMS_MAX];
    struct core_pending pending = {.sequence = sequence_after(reach, items, count),
                                   .delta = {.set = set, .removed = removed},
                                   .calls = calls,
                                   .has_more = items->is_cut || count < items->count};
    ASSERT(count <= ITEMS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const struct item *item = &items->of[i];
        if (item->call != NULL) {
            calls[pending.call_count++] = item->texts;
        } else if (item->change->is_removed) {
            removed[pending.delta.removed_count++] = item->change->attribute.key;
        } else {
            set[pending.delta.set_count++] = item->change->attribute;
        }
    }
    out->len = 0;
    out->overflow = false;
    reach->shard->plan.ops->pending(out, &pending);
    return !out->overflow;
}

// The end of the last whole change among the first `count`: its entries have one number.
static uint32_t whole(const struct items *items, uint32_t count)
{
    while (count > 0 && count < items->count && items->of[count - 1].seq == items->of[count].seq) {
        count--;
    }
    return count;
}

// The first change or call alone, however large it is.
static uint32_t first_whole(const struct items *items)
{
    uint32_t count = items->count > 0 ? 1 : 0;
    while (count > 0 && count < items->count && items->of[count].seq == items->of[0].seq) {
        count++;
    }
    return count;
}

// As much as fits into `room`; what does not fit even alone goes out alone, in several blocks.
static uint32_t fill(const struct core_reach *reach, const struct core_gathered *all,
                     const struct items *items, size_t room, struct buf *out)
{
    uint32_t count = whole(items, items->count < ITEMS_MAX ? items->count : ITEMS_MAX);
    out->cap = room;
    while (count > 0 && !render(reach, items, count, out)) {
        count = whole(items, count - 1);
    }
    if (count > 0) {
        return count;
    }
    count = first_whole(items);
    out->cap = CORE_MAIL_BODY_MAX;
    if (count > ITEMS_MAX || !render(reach, items, count, out)) {
        // It asks again, by when the change has become two.
        if (!core_delta_split(reach, all, items->of[0].seq)) {
            LOG(LOG_WARN, "poll.too-large", LOG_INT("device", reach->device.number));
        }
        count = 0;
        (void)!render(reach, items, count, out);
    }
    return count;
}

static void answer(const struct core_reach *reach, const struct core_gathered *all)
{
    struct arena *memory = reach->shard->plan.memory;
    struct items items = {0};
    const uint32_t most = all->waiting_count + reach->link->call_count;
    items.of = arena_take_array(memory, most + 1, sizeof(*items.of));
    void *bytes = arena_take(memory, CORE_MAIL_BODY_MAX);
    if (items.of == NULL || bytes == NULL) {
        close_poll(reach, ERR_EXHAUSTED, SLICE_EMPTY);
        return;
    }
    struct buf out = buf_over(bytes, CORE_MAIL_BODY_MAX);
    collect(reach, all, &items);
    const uint32_t count = fill(reach, all, &items, open_poll(reach)->question.number, &out);
    close_poll(reach, ERR_OK, buf_view(&out));
    for (uint32_t i = 0; i < count; i++) {
        if (items.of[i].call != NULL) {
            core_call_given(reach, items.of[i].call);
        }
    }
}

// The device asks again.
static void end_unread(const struct core_reach *reach, struct core_gathered *all, enum err err)
{
    if (!core_outbox_may_pass(reach, all, err)) {
        LOG(LOG_WARN, "poll.unreadable", LOG_INT("device", reach->device.number),
            LOG_TEXT("error", err_text(err)));
    }
    close_poll(reach, err, SLICE_EMPTY);
}

void core_poll_loaded(const struct core_reach *reach, struct store_load *load)
{
    struct core_gathered all = {0};
    struct core_job *job = open_poll(reach);
    if (job == NULL) {
        core_flight_pump(reach);
        return;
    }
    core_call_expire(reach);
    const enum err err = core_outbox_gather(reach, load, &all);
    if (err != ERR_OK) {
        end_unread(reach, &all, err);
    } else if (reach->link->poll_state == CORE_POLL_STARTING) {
        job->is_ready = false;
        if (note_all(reach, &all) != ERR_OK) {
            reach->link->poll_state = CORE_POLL_NEVER;
            close_poll(reach, ERR_EXHAUSTED, SLICE_EMPTY);
        }
    } else {
        (void)core_outbox_clean(reach, &all);
        answer(reach, &all);
    }
    core_flight_pump(reach);
}
