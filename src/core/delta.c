// Shared attributes on their way to the device: changes are durable in its outbox until it took
// them (core/outbox.c), and merge while they wait (protocol-rules.md section 5).
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "core/feed.h"
#include "core/flight_priv.h"
#include "core/outbox_priv.h"

// Rows that cannot be read are tried again after this.
#define UNREADABLE_S 60U

// What a device is shown when it registers is read after its registration is on disk. A change that
// follows that into the store may be too late for the reading, so it is noted already.
static bool is_observed(const struct core_downlink *link)
{
    const struct core_observation *observation = &link->observations[CORE_RESOURCE_ATTRIBUTES];
    const bool is_told = observation->state != CORE_OBSERVATION_NONE && !link->is_lapsed;
    return is_told || observation->registering > 0;
}

bool core_delta_is_noted(const struct core_reach *reach)
{
    const struct core_downlink *link = reach->link;
    return link != NULL &&
           (is_observed(link) || link->is_visited || link->poll_state != CORE_POLL_NEVER);
}

// The changed rows and an outbox row for each. The number is durable with the change itself, so
// that no delivery can be missed.
static enum err make_noted(const struct core_reach *reach, const struct store_change *change,
                           struct store_change *made)
{
    struct store_state_change *items =
        arena_take_array(reach->shard->plan.memory, 2 * change->count, sizeof(*items));
    if (items == NULL) {
        return ERR_EXHAUSTED;
    }
    reach->link->seq++;
    for (uint32_t i = 0; i < change->count; i++) {
        items[i] = change->items[i];
        if (!core_outbox_put(reach, change->items[i].name, &items[change->count + i])) {
            return ERR_EXHAUSTED;
        }
    }
    *made = (struct store_change){items, 2 * change->count};
    return ERR_OK;
}

static enum err change(const struct core_reach *reach, unsigned from, struct core_order *order)
{
    struct store_change change = *order->change;
    const bool noted = core_delta_is_noted(reach);
    if (noted && core_outbox_is_full(reach)) {
        core_flight_pump(reach);
        return ERR_EXHAUSTED;
    }
    enum err err = noted ? make_noted(reach, order->change, &change) : ERR_OK;
    struct core_job *job = err == ERR_OK ? core_shard_job(reach->shard, CORE_JOB_CHANGE) : NULL;
    if (job == NULL) {
        return ERR_EXHAUSTED;
    }
    job->from = from;
    job->order = order;
    job->seq = noted ? reach->link->seq : 0;
    err = core_shard_commit(reach, change.items, change.count, job);
    if (err == ERR_OK && noted) {
        reach->link->change_newest = reach->link->seq;
    }
    return err;
}

void core_delta_change(const struct core_reach *reach, unsigned from, struct core_order *order)
{
    const size_t mark = arena_mark(reach->shard->plan.memory);
    const enum err err = change(reach, from, order);
    if (err != ERR_OK) {
        core_shard_done(reach->shard, from, order, err, SLICE_EMPTY);
    }
    arena_rewind(reach->shard->plan.memory, mark);
}

// What a notification of up to `count` attributes is written with, in turn memory.
struct sheet {
    struct store_attribute *set;
    struct slice *removed;
    void *body;
};

static bool take_sheet(const struct core_reach *reach, uint32_t count, struct sheet *sheet)
{
    struct arena *memory = reach->shard->plan.memory;
    sheet->set = arena_take_array(memory, count, sizeof(*sheet->set));
    sheet->removed = arena_take_array(memory, count, sizeof(*sheet->removed));
    sheet->body = arena_take(memory, CORE_MAIL_BODY_MAX);
    return sheet->set != NULL && sheet->removed != NULL && sheet->body != NULL;
}

// Empty if it does not fit into one notification.
static struct slice render(const struct core_reach *reach, const struct sheet *sheet,
                           const struct core_delta *delta)
{
    struct buf out = buf_over(sheet->body, CORE_MAIL_BODY_MAX);
    reach->shard->plan.ops->delta(&out, delta);
    return out.overflow ? SLICE_EMPTY : buf_view(&out);
}

// Straight from the order, while nothing else waits: saves reading it back.
static bool send_order(const struct core_reach *reach, const struct core_order *order)
{
    const struct store_change *change = order->change;
    struct sheet sheet;
    if (!take_sheet(reach, change->count, &sheet)) {
        return false;
    }
    struct core_delta delta = {.set = sheet.set, .removed = sheet.removed};
    for (uint32_t i = 0; i < change->count; i++) {
        const struct store_state_change *item = &change->items[i];
        const struct store_state_row row = {.name = item->name, .value = item->value};
        if (item->is_removed) {
            sheet.removed[delta.removed_count++] = item->name;
        } else if (!store_attribute_get(&row, &sheet.set[delta.set_count++])) {
            return false;
        }
    }
    const struct slice body = render(reach, &sheet, &delta);
    if (body.len == 0 || !core_flight_start(reach, CORE_RESOURCE_ATTRIBUTES, CORE_FLIGHT_DELTA,
                                            CORE_NOTICE_CONTENT, body)) {
        return false;
    }
    reach->link->flight.upto = reach->link->delta_seq;
    return true;
}

// Attributes under a new number, as if they had been changed again; the job's end follows.
static enum err commit_notes(const struct core_reach *reach, const struct slice *keys,
                             uint32_t count, struct core_job *job)
{
    struct core_downlink *link = reach->link;
    struct store_state_change *items =
        arena_take_array(reach->shard->plan.memory, count, sizeof(*items));
    bool is_full = items == NULL;
    job->seq = ++link->seq;
    for (uint32_t i = 0; i < count && !is_full; i++) {
        is_full = !core_outbox_put(reach, keys[i], &items[i]);
    }
    if (is_full) {
        pool_give(reach->shard->jobs, pool_handle_of(reach->shard->jobs, job));
        return ERR_EXHAUSTED;
    }
    const enum err err = core_shard_commit(reach, items, count, job);
    link->change_newest = err == ERR_OK ? link->seq : link->change_newest;
    return err;
}

// The device came to wait for changes while this one was under way without a number.
static enum err note_late(const struct core_reach *reach, const struct core_job *changed)
{
    const struct store_change *change = changed->order->change;
    struct slice *keys = arena_take_array(reach->shard->plan.memory, change->count, sizeof(*keys));
    struct core_job *job = keys != NULL ? core_shard_job(reach->shard, CORE_JOB_CHANGE) : NULL;
    if (job == NULL) {
        return ERR_EXHAUSTED;
    }
    job->from = changed->from;
    job->order = changed->order;
    for (uint32_t i = 0; i < change->count; i++) {
        keys[i] = change->items[i].name;
    }
    return commit_notes(reach, keys, change->count, job);
}

void core_delta_end_change(const struct core_reach *reach, uint64_t seq, enum err err)
{
    struct core_downlink *link = reach->link;
    if (err == ERR_OK && link->delta_seq < seq) {
        link->delta_seq = seq;
    } else if (err != ERR_OK && link->change_newest == seq) {
        link->change_newest = link->delta_seq;
    }
}

// `is_first`: nothing waited before it.
static void tell_noted(const struct core_reach *reach, const struct core_job *job, bool is_first)
{
    if (!core_delta_is_noted(reach)) {
        reach->link->covered = job->seq;
    } else if (!is_first || !core_flight_may_start(reach, CORE_RESOURCE_ATTRIBUTES) ||
               !send_order(reach, job->order) || core_outbox_is_heavy(reach)) {
        core_flight_pump(reach);
    }
}

static void end_change(const struct core_reach *reach, const struct core_job *job, enum err err)
{
    const struct core_downlink *link = reach->link;
    if (link != NULL && job->seq > 0) {
        const bool is_first = link->covered == link->delta_seq;
        core_delta_end_change(reach, job->seq, err);
        if (err == ERR_OK) {
            tell_noted(reach, job, is_first);
        }
    }
    if (err == ERR_OK) {
        core_feed_publish(reach->shard->plan.core->feed, reach->shard->plan.party,
                          job->order->device, CORE_FEED_SHARED);
    }
    core_shard_done(reach->shard, job->from, job->order, err, SLICE_EMPTY);
}

void core_delta_changed(const struct core_reach *reach, const struct core_job *job, enum err err)
{
    const size_t mark = arena_mark(reach->shard->plan.memory);
    struct core_reach own = *reach;
    own.tenant = job->order->tenant;
    own.device = job->order->device;
    if (own.link == NULL) {
        // It may have been made meanwhile.
        own.link = core_shard_find(reach->shard, own.device);
    }
    const bool is_late = err == ERR_OK && job->seq == 0 && own.link != NULL && own.link->is_visited;
    const enum err noted = is_late ? note_late(&own, job) : err;
    if (!is_late || noted != ERR_OK) {
        end_change(&own, job, noted);
    }
    arena_rewind(reach->shard->plan.memory, mark);
}

void core_delta_send(const struct core_reach *reach, bool whole)
{
    const uint32_t kinds =
        STORE_STATE_BIT(STORE_STATE_SHARED) | STORE_STATE_BIT(STORE_STATE_OUTBOX);
    reach->link->load_upto = reach->link->delta_seq;
    reach->link->load_seq = reach->link->seq;
    if (core_shard_load(reach, kinds, SLICE_EMPTY, whole ? CORE_LOAD_WHOLE : CORE_LOAD_DELTA) !=
        ERR_OK) {
        core_shard_again(reach);
    }
}

static int compare_seqs(const void *a, const void *b)
{
    const struct core_waiting *left = a;
    const struct core_waiting *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

// The body of the first `count` changes.
static struct slice render_waiting(const struct core_reach *reach, const struct sheet *sheet,
                                   const struct core_gathered *all, uint32_t count)
{
    struct core_delta delta = {.set = sheet->set, .removed = sheet->removed};
    for (uint32_t i = 0; i < count; i++) {
        if (all->waiting[i].is_removed) {
            sheet->removed[delta.removed_count++] = all->waiting[i].attribute.key;
        } else {
            sheet->set[delta.set_count++] = all->waiting[i].attribute;
        }
    }
    return render(reach, sheet, &delta);
}

// The end of the last whole change among the first `count` rows.
static uint32_t whole_changes(const struct core_gathered *all, uint32_t count)
{
    while (count > 0 && count < all->waiting_count &&
           all->waiting[count - 1].seq == all->waiting[count].seq) {
        count--;
    }
    return count;
}

// Half of the attributes of a change get a number of their own.
static enum err split(const struct core_reach *reach, const struct core_gathered *all, uint64_t seq,
                      uint32_t count)
{
    struct slice *keys = arena_take_array(reach->shard->plan.memory, count, sizeof(*keys));
    struct core_job *job = keys != NULL ? core_shard_job(reach->shard, CORE_JOB_SPLIT) : NULL;
    if (job == NULL) {
        return ERR_EXHAUSTED;
    }
    uint32_t seen = 0;
    uint32_t moved = 0;
    for (uint32_t i = 0; i < all->waiting_count; i++) {
        if (all->waiting[i].seq == seq && seen++ >= count / 2) {
            keys[moved++] = all->waiting[i].attribute.key;
        }
    }
    return commit_notes(reach, keys, moved, job);
}

bool core_delta_split(const struct core_reach *reach, const struct core_gathered *all, uint64_t seq)
{
    struct core_downlink *link = reach->link;
    uint32_t count = 0;
    for (uint32_t i = 0; i < all->waiting_count; i++) {
        count += all->waiting[i].seq == seq ? 1 : 0;
    }
    if (count < 2) {
        return false;
    }
    if (!link->is_splitting && split(reach, all, seq, count) == ERR_OK) {
        link->is_splitting = true;
    } else {
        core_shard_again(reach);
    }
    return true;
}

void core_delta_was_split(const struct core_reach *reach, const struct core_job *job, enum err err)
{
    struct core_downlink *link = reach->link;
    if (link == NULL) {
        return;
    }
    link->is_splitting = false;
    core_delta_end_change(reach, job->seq, err);
    core_flight_pump(reach);
}

// The oldest change does not fit into a notification: it is split. A single attribute that is so
// large is left out; the device gets it when it registers.
static void send_no_more(const struct core_reach *reach, const struct core_gathered *all)
{
    const uint64_t seq = all->waiting[0].seq;
    if (core_delta_split(reach, all, seq)) {
        return;
    }
    LOG(LOG_WARN, "delta.too-large", LOG_INT("device", reach->device.number));
    reach->link->covered = seq;
    core_flight_pump(reach);
}

// As many changes as one notification takes, oldest first.
static void send_waiting(const struct core_reach *reach, struct core_gathered *all)
{
    struct core_downlink *link = reach->link;
    uint32_t count = all->waiting_count;
    struct sheet sheet;
    if (!take_sheet(reach, count, &sheet)) {
        core_shard_again(reach);
        return;
    }
    qsort(all->waiting, count, sizeof(all->waiting[0]), compare_seqs);
    struct slice body = render_waiting(reach, &sheet, all, count);
    while (body.len == 0 && count > 1) {
        count = whole_changes(all, count / 2);
        body = count > 0 ? render_waiting(reach, &sheet, all, count) : SLICE_EMPTY;
    }
    const bool is_all = count == all->waiting_count;
    if (body.len == 0) {
        send_no_more(reach, all);
        return;
    }
    const uint64_t upto = is_all ? link->load_upto : all->waiting[count - 1].seq;
    if (core_flight_start(reach, CORE_RESOURCE_ATTRIBUTES, CORE_FLIGHT_DELTA, CORE_NOTICE_CONTENT,
                          body)) {
        link->flight.upto = upto;
    }
}

static void send_whole(const struct core_reach *reach, const struct core_gathered *all)
{
    struct sheet sheet;
    if (!take_sheet(reach, all->shared_count, &sheet)) {
        core_shard_again(reach);
        return;
    }
    struct core_delta delta = {.set = sheet.set};
    for (uint32_t i = 0; i < all->shared_count; i++) {
        delta.set_count +=
            store_attribute_get(&all->shared[i], &sheet.set[delta.set_count]) ? 1 : 0;
    }
    // One that is too large for a notification is a probe all the same.
    const struct slice body = render(reach, &sheet, &delta);
    (void)!core_flight_start(reach, CORE_RESOURCE_ATTRIBUTES, CORE_FLIGHT_PROBE,
                             CORE_NOTICE_CONTENT, body.len > 0 ? body : SLICE("{}"));
}

static void read_again(const struct core_reach *reach, struct core_gathered *all, enum err err)
{
    if (core_outbox_may_pass(reach, all, err)) {
        core_shard_again(reach);
        return;
    }
    LOG(LOG_WARN, "delta.unreadable", LOG_INT("device", reach->device.number),
        LOG_TEXT("error", err_text(err)));
    core_shard_wake_at(reach, mono_add(reach->now.mono, span_s(UNREADABLE_S)));
}

void core_delta_loaded(const struct core_reach *reach, struct store_load *load)
{
    struct core_downlink *link = reach->link;
    struct core_gathered all = {0};
    const bool whole = store_load_note(load).ptr[0] == CORE_LOAD_WHOLE;
    const enum err err = core_outbox_gather(reach, load, &all);
    if (err != ERR_OK) {
        read_again(reach, &all, err);
        return;
    }
    (void)core_outbox_clean(reach, &all);
    if (link->flight.kind != CORE_FLIGHT_NONE || core_outbox_is_heavy(reach) ||
        core_flight_is_lapse_due(reach) ||
        !core_flight_may_start(reach, CORE_RESOURCE_ATTRIBUTES)) {
        core_flight_pump(reach);
    } else if (all.waiting_count > 0) {
        send_waiting(reach, &all);
    } else if (whole && core_flight_is_free(reach, CORE_RESOURCE_ATTRIBUTES)) {
        send_whole(reach, &all);
    } else {
        link->covered = link->load_upto > link->covered ? link->load_upto : link->covered;
        core_flight_pump(reach);
    }
}

void core_delta_delivered(const struct core_reach *reach, uint64_t upto)
{
    struct core_downlink *link = reach->link;
    struct store_state_change change;
    if (upto > link->covered) {
        link->covered = upto;
    }
    // Should it fail, a restart sends the same once more.
    if (core_shard_put_counters(reach, &change) == ERR_OK) {
        core_shard_note(reach, &change, 1);
    }
}
