#include "core/shard.h"

#include "base/buf.h"
#include "base/log.h"
#include "core/outbox_priv.h"
#include "core/visit_priv.h"

// All shared attributes and their numbers, and more calls than fit into an answer to a poll.
#define LOAD_BYTES (1U << 20)
// A full table or ring is tried again after this.
#define AGAIN_MS 20U

static size_t round64(size_t size)
{
    return (size + 63U) & ~(size_t)63U;
}

size_t core_shard_footprint(const struct core_shard_settings *settings)
{
    return round64(sizeof(struct core_shard)) +
           round64(pool_footprint(settings->devices_max, sizeof(struct core_downlink))) +
           round64(map_footprint(settings->devices_max)) +
           round64(pool_footprint(settings->calls_max, sizeof(struct core_call))) +
           round64(pool_footprint(settings->jobs_max, sizeof(struct core_job))) +
           round64(pool_footprint(settings->parcels_max, sizeof(struct core_parcel))) +
           round64(pool_footprint(settings->fetches_max, sizeof(struct core_fetch)));
}

static void *part(uint8_t **at, size_t size)
{
    void *memory = *at;
    *at += round64(size);
    return memory;
}

static struct pool *pool_part(uint8_t **at, uint32_t count, size_t size)
{
    return pool_init(part(at, pool_footprint(count, size)), count, size);
}

struct core_shard *core_shard_init(void *memory, const struct core_shard_plan *plan,
                                   struct mono now)
{
    const struct core_shard_settings *settings = &plan->settings;
    uint8_t *at = memory;
    ASSERT(settings->devices_max <= CORE_PLACES_MAX);
    struct core_shard *shard = part(&at, sizeof(*shard));
    shard->plan = *plan;
    shard->notes_due = MONO_NEVER;
    wheel_init(&shard->wheel, now);
    shard->downlinks = pool_part(&at, settings->devices_max, sizeof(struct core_downlink));
    shard->by_device =
        map_init(part(&at, map_footprint(settings->devices_max)), settings->devices_max);
    shard->calls = pool_part(&at, settings->calls_max, sizeof(struct core_call));
    shard->jobs = pool_part(&at, settings->jobs_max, sizeof(struct core_job));
    shard->parcels = pool_part(&at, settings->parcels_max, sizeof(struct core_parcel));
    shard->fetches = pool_part(&at, settings->fetches_max, sizeof(struct core_fetch));
    return shard;
}

// Devices by number: the hash is spread, since numbers are dense.
static uint64_t key_of(struct device_id device)
{
    return hash_word(device.number);
}

struct search {
    const struct core_shard *shard;
    struct device_id device;
};

static struct core_downlink *link_at(const struct core_shard *shard, uint32_t position)
{
    bool taken = false;
    struct core_downlink *link = pool_at(shard->downlinks, position, &taken);
    return taken ? link : NULL;
}

static bool is_device(void *context, uint32_t position)
{
    const struct search *search = context;
    const struct core_downlink *link = link_at(search->shard, position);
    return link != NULL && link->device.number == search->device.number;
}

struct core_downlink *core_shard_find(const struct core_shard *shard, struct device_id device)
{
    struct search search = {shard, device};
    const uint32_t position = map_find(shard->by_device, key_of(device), &search, is_device);
    return position == MAP_NONE ? NULL : link_at(shard, position);
}

struct core_downlink *core_shard_open(struct core_shard *shard, struct tenant_id tenant,
                                      struct device_id device)
{
    struct core_downlink *link = core_shard_find(shard, device);
    if (link != NULL) {
        return link;
    }
    struct pool_handle handle;
    link = pool_take(shard->downlinks, &handle);
    if (link == NULL) {
        shard->stats.refused_full++;
        return NULL;
    }
    link->device = device;
    link->tenant = tenant;
    link->call_next = 1;
    link->calls_reserved = 1;
    link->timer_at = MONO_NEVER;
    const bool put = map_put(shard->by_device, key_of(device), handle.index);
    ASSERT(put);
    filter_put(shard->plan.core->reached, key_of(device));
    return link;
}

void core_shard_forget(struct core_shard *shard, struct core_downlink *link)
{
    const struct pool_handle handle = pool_handle_of(shard->downlinks, link);
    wheel_cancel(&shard->wheel, &link->timer);
    map_remove(shard->by_device, key_of(link->device), handle.index);
    pool_give(shard->downlinks, handle);
}

void core_shard_wake_at(const struct core_reach *reach, struct mono at)
{
    struct core_downlink *link = reach->link;
    if (!wheel_timer_runs(&link->timer) || at.ns < link->timer_at.ns) {
        link->timer_at = at;
        wheel_set(&reach->shard->wheel, &link->timer, at);
    }
}

void core_shard_again(const struct core_reach *reach)
{
    core_shard_wake_at(reach, mono_add(reach->now.mono, span_ms(AGAIN_MS)));
}

struct core_job *core_shard_job(struct core_shard *shard, enum core_job_kind kind)
{
    struct pool_handle handle;
    struct core_job *job = pool_take(shard->jobs, &handle);
    if (job != NULL) {
        job->kind = kind;
    }
    return job;
}

static struct core_reach reach_of(struct core_shard *shard, struct core_downlink *link,
                                  struct core_shard_time now)
{
    struct core_reach reach = {.shard = shard, .link = link, .now = now};
    if (link != NULL) {
        reach.tenant = link->tenant;
        reach.device = link->device;
    }
    return reach;
}

static uint64_t ticket_of(struct pool_handle handle)
{
    return (uint64_t)handle.generation << 32 | handle.index;
}

static struct pool_handle handle_in(uint64_t ticket)
{
    return (struct pool_handle){(uint32_t)ticket, (uint32_t)(ticket >> 32)};
}

enum err core_shard_commit(const struct core_reach *reach, const struct store_state_change *items,
                           uint32_t count, struct core_job *job)
{
    struct core_shard *shard = reach->shard;
    struct core_downlink *link = reach->link;
    struct store_record record = {.verb = STORE_CHANGE,
                                  .tenant = reach->tenant,
                                  .device = reach->device,
                                  .change = {items, count}};
    if (job != NULL) {
        job->downlink = link != NULL ? pool_handle_of(shard->downlinks, link) : POOL_HANDLE_NONE;
        record.ticket = ticket_of(pool_handle_of(shard->jobs, job));
    }
    const enum err err = store_submit(shard->plan.lane, &record);
    shard->has_commits = true;
    if (job != NULL && err == ERR_OK) {
        if (link != NULL) {
            link->jobs++;
        }
    } else if (job != NULL) {
        pool_give(shard->jobs, pool_handle_of(shard->jobs, job));
    }
    return err;
}

bool core_shard_note(const struct core_reach *reach, const struct store_state_change *items,
                     uint32_t count)
{
    struct core_shard *shard = reach->shard;
    const struct store_record record = {.verb = STORE_CHANGE,
                                        .tenant = reach->tenant,
                                        .device = reach->device,
                                        .change = {items, count}};
    if (store_submit(shard->plan.lane, &record) != ERR_OK) {
        // The lane is full of notes, perhaps.
        shard->has_commits = true;
        return false;
    }
    const struct mono due = mono_add(reach->now.mono, span_ms(CORE_NOTES_MS));
    shard->notes_due = mono_earlier(shard->notes_due, due);
    return true;
}

static void flush(struct core_shard *shard, struct mono now)
{
    if (shard->has_commits || shard->is_stopping || mono_reached(now, shard->notes_due)) {
        store_flush(shard->plan.lane);
        shard->has_commits = false;
        shard->notes_due = MONO_NEVER;
    }
}

enum err core_shard_put_counters(const struct core_reach *reach, struct store_state_change *change)
{
    void *memory = arena_take(reach->shard->plan.memory, CORE_ROW_MAX);
    if (memory == NULL) {
        return ERR_EXHAUSTED;
    }
    struct buf row = buf_over(memory, CORE_ROW_MAX);
    core_row_put_counters(&row, reach->link);
    ASSERT(!row.overflow);
    *change = (struct store_state_change){STORE_STATE_COUNTER, SLICE("n"), false, buf_view(&row)};
    return ERR_OK;
}

void core_shard_answer(struct core_shard *shard, unsigned to, const struct core_mail *question,
                       enum err err, uint32_t number)
{
    struct core_mail *mail = core_mail_begin(shard->plan.party, to, 0);
    // Questions are bounded, and notices leave room for their answers.
    ASSERT(mail != NULL);
    *mail = *question;
    mail->kind = CORE_MAIL_ANSWER;
    mail->question = question->kind;
    mail->body_len = 0;
    mail->err = err;
    mail->number = number;
    core_mail_end(shard->plan.party, to, mail);
}

void core_shard_answer_body(struct core_shard *shard, unsigned to, const struct core_mail *question,
                            struct slice body)
{
    struct core_mail *mail = bus_has_room(shard->plan.party, to)
                                 ? core_mail_begin(shard->plan.party, to, body.len)
                                 : NULL;
    if (mail == NULL) {
        core_shard_answer(shard, to, question, ERR_EXHAUSTED, 0);
        return;
    }
    *mail = *question;
    mail->kind = CORE_MAIL_ANSWER;
    mail->question = question->kind;
    mail->err = ERR_OK;
    mail->body_len = (uint32_t)body.len;
    core_mail_put_body(mail, body);
    core_mail_end(shard->plan.party, to, mail);
}

void core_shard_done(struct core_shard *shard, unsigned to, struct core_order *order, enum err err,
                     struct slice response)
{
    if (order->done != NULL) {
        order->done(order, err, response);
        return;
    }
    struct core_mail *mail = core_mail_begin(shard->plan.party, to, response.len);
    // A desk waits for one order at a time.
    ASSERT(mail != NULL);
    mail->kind = CORE_MAIL_DONE;
    mail->order = order;
    mail->err = err;
    core_mail_put_body(mail, response);
    core_mail_end(shard->plan.party, to, mail);
}

// The device is gone or may not speak to us any more in the way it did.
static void end_device(const struct core_reach *reach, bool is_gone)
{
    core_visit_end_all(reach, ERR_UNAUTHORIZED);
    core_observation_end_all(reach, is_gone ? CORE_NOTICE_GONE : CORE_NOTICE_UNAUTHORIZED);
    if (is_gone) {
        core_call_end_all(reach, ERR_NOT_FOUND);
        core_poll_end(reach, ERR_NOT_FOUND);
        core_shard_forget(reach->shard, reach->link);
    }
}

// Behind the answer comes the purge of a device that is gone: nothing may come after that.
static void confirm(const struct core_reach *reach, unsigned from, struct core_order *order)
{
    const struct core_reach gone = {
        .shard = reach->shard, .now = reach->now, .tenant = order->tenant, .device = order->device};
    struct core_job *job = core_shard_job(reach->shard, CORE_JOB_GONE);
    enum err err = ERR_EXHAUSTED;
    if (job != NULL) {
        job->from = from;
        job->order = order;
        err = core_shard_commit(&gone, NULL, 0, job);
    }
    if (err != ERR_OK) {
        // A store that takes no more has nothing that could come behind.
        core_shard_done(reach->shard, from, order, err == ERR_EXHAUSTED ? err : ERR_OK,
                        SLICE_EMPTY);
    }
}

static void take_order(const struct core_reach *reach, unsigned from, struct core_order *order)
{
    switch (order->kind) {
    case CORE_ORDER_CHANGE:
        core_delta_change(reach, from, order);
        return;
    case CORE_ORDER_CALL:
        core_call_order(reach, from, order);
        return;
    case CORE_ORDER_CALL_DROP:
        core_call_drop(reach, from, order);
        return;
    case CORE_ORDER_GONE:
    case CORE_ORDER_REFUSED:
        if (reach->link != NULL) {
            end_device(reach, order->kind == CORE_ORDER_GONE);
        }
        if (order->confirms) {
            confirm(reach, from, order);
        } else {
            core_shard_done(reach->shard, from, order, ERR_OK, SLICE_EMPTY);
        }
        return;
    case CORE_ORDER_VISIT:
        core_visit_order(reach, order);
        return;
    case CORE_ORDER_REPLY:
        core_call_reply(reach, &(struct core_answer){.from = from,
                                                     .order = order,
                                                     .call = order->reply.call,
                                                     .text = order->reply.text});
        return;
    }
}

void core_shard_take(struct core_shard *shard, struct core_shard_time now, unsigned from,
                     const struct core_mail *mail)
{
    const enum core_mail_kind kind = (enum core_mail_kind)mail->kind;
    if (kind == CORE_MAIL_OUTCOME) {
        const struct core_reach to = reach_of(shard, core_flight_find(shard, mail->ticket), now);
        if (to.link != NULL) {
            core_flight_outcome(&to, mail);
        }
        return;
    }
    struct core_reach reach = {.shard = shard, .now = now};
    reach.device = kind == CORE_MAIL_ORDER ? mail->order->device : mail->device;
    reach.tenant = kind == CORE_MAIL_ORDER ? mail->order->tenant : mail->tenant;
    reach.link = core_shard_find(shard, reach.device);
    switch (kind) {
    case CORE_MAIL_SUBSCRIBE:
        core_observation_subscribe(&reach, from, mail);
        return;
    case CORE_MAIL_UNSUBSCRIBE:
        core_observation_unsubscribe(&reach, from, mail);
        return;
    case CORE_MAIL_REPLY:
        core_call_reply(&reach, &(struct core_answer){.from = from,
                                                      .question = mail,
                                                      .call = mail->number,
                                                      .text = core_mail_body(mail)});
        return;
    case CORE_MAIL_LEFT:
        core_visit_gone(&reach, mail->ticket);
        return;
    case CORE_MAIL_POLL:
        core_poll_take(&reach, from, mail);
        return;
    case CORE_MAIL_STARTED:
        core_observation_started(&reach, mail);
        return;
    case CORE_MAIL_HEARD:
        core_observation_heard(&reach, mail);
        return;
    case CORE_MAIL_ORDER:
        take_order(&reach, from, mail->order);
        return;
    case CORE_MAIL_OUTCOME:
    case CORE_MAIL_ANSWER:
    case CORE_MAIL_NOTICE:
    case CORE_MAIL_CANCEL:
    case CORE_MAIL_DONE:
    case CORE_MAIL_CHANGED:
    case CORE_MAIL_UNREACHABLE:
        // Those are for others.
        ASSERT(false);
    }
}

static void finish_job(const struct core_reach *reach, const struct core_job *job, enum err err)
{
    switch (job->kind) {
    case CORE_JOB_SUBSCRIBE:
        core_observation_subscribed(reach, job, err);
        return;
    case CORE_JOB_UNSUBSCRIBE:
        core_observation_unsubscribed(reach, job, err);
        return;
    case CORE_JOB_CHANGE:
        core_delta_changed(reach, job, err);
        return;
    case CORE_JOB_CALL:
    case CORE_JOB_NUMBER:
        core_call_stored(reach, job, err);
        return;
    case CORE_JOB_REPLY:
        core_call_replied(reach, job, err);
        return;
    case CORE_JOB_DROP:
        core_call_dropped(reach, job, err);
        return;
    case CORE_JOB_FENCE:
        core_poll_fenced(reach, err);
        return;
    case CORE_JOB_NOTE:
        core_poll_noted(reach, job, err);
        return;
    case CORE_JOB_SPLIT:
        core_delta_was_split(reach, job, err);
        return;
    case CORE_JOB_GONE:
        // Written or not, all before it were taken.
        core_shard_done(reach->shard, job->from, job->order, ERR_OK, SLICE_EMPTY);
        return;
    case CORE_JOB_POLL:
        // Nothing is committed under it.
        ASSERT(false);
    }
}

static void collect(struct core_shard *shard, struct core_shard_time now)
{
    struct store_completion completion;
    while (store_collect(shard->plan.lane, &completion)) {
        struct core_job *slot = pool_get(shard->jobs, handle_in(completion.ticket));
        ASSERT(slot != NULL);
        const struct core_job job = *slot;
        const struct core_reach reach =
            reach_of(shard, pool_get(shard->downlinks, job.downlink), now);
        pool_give(shard->jobs, handle_in(completion.ticket));
        if (reach.link != NULL) {
            reach.link->jobs--;
        }
        finish_job(&reach, &job, completion.err);
    }
}

enum err core_shard_load(const struct core_reach *reach, uint32_t kinds, struct slice only,
                         enum core_load what)
{
    const uint8_t note[1] = {(uint8_t)what};
    const struct store_load_query query = {
        .device = reach->link->device,
        .kinds = kinds,
        .only = only,
        .note = slice_of(note, sizeof(note)),
        .enough = what == CORE_LOAD_CALL ? 0 : LOAD_BYTES,
        .ticket = ticket_of(pool_handle_of(reach->shard->downlinks, reach->link)),
    };
    const enum err err = store_load_submit(reach->shard->plan.lane, &query);
    reach->link->is_loading = err == ERR_OK;
    return err;
}

static void collect_loads(struct core_shard *shard, struct core_shard_time now)
{
    struct store_load *load = store_load_collect(shard->plan.lane);
    for (; load != NULL; load = store_load_collect(shard->plan.lane)) {
        const size_t mark = arena_mark(shard->plan.memory);
        const struct core_reach reach =
            reach_of(shard, pool_get(shard->downlinks, handle_in(store_load_ticket(load))), now);
        if (reach.link != NULL) {
            reach.link->is_loading = false;
            const uint8_t what = store_load_note(load).ptr[0];
            if (what == CORE_LOAD_CALL) {
                core_call_loaded(&reach, load);
            } else if (what == CORE_LOAD_POLL) {
                core_poll_loaded(&reach, load);
            } else {
                core_delta_loaded(&reach, load);
            }
            core_poll_read(&reach);
        }
        store_load_release(load);
        arena_rewind(shard->plan.memory, mark);
    }
}

void core_shard_turn(struct core_shard *shard, struct core_shard_time now)
{
    collect(shard, now);
    collect_loads(shard, now);
    for (;;) {
        struct wheel_timer *timer = wheel_expire(&shard->wheel, now.mono);
        if (timer == NULL) {
            break;
        }
        const struct core_reach reach = reach_of(shard, (struct core_downlink *)(void *)timer, now);
        reach.link->timer_at = MONO_NEVER;
        core_call_expire(&reach);
        core_visit_expire(&reach);
        core_observation_expire(&reach);
        core_flight_pump(&reach);
    }
    flush(shard, now.mono);
}

void core_shard_end_calls(struct core_shard *shard, struct core_shard_time now)
{
    shard->is_stopping = true;
    for (uint32_t i = 0; i < pool_count(shard->downlinks); i++) {
        if (pool_taken(shard->calls) == 0 && shard->stats.visits == 0) {
            return;
        }
        const struct core_reach reach = reach_of(shard, link_at(shard, i), now);
        if (reach.link != NULL) {
            core_call_end_awaited(&reach, ERR_STOPPING);
            core_visit_end_all(&reach, ERR_STOPPING);
        }
    }
}

struct mono core_shard_deadline(const struct core_shard *shard)
{
    return mono_earlier(wheel_deadline(&shard->wheel), shard->notes_due);
}

struct core_shard_stats core_shard_stats(const struct core_shard *shard)
{
    struct core_shard_stats stats = shard->stats;
    stats.devices = pool_taken(shard->downlinks);
    stats.devices_max = pool_count(shard->downlinks);
    stats.calls = pool_taken(shard->calls);
    stats.calls_max = pool_count(shard->calls);
    stats.jobs = pool_taken(shard->jobs);
    stats.parcels = pool_taken(shard->parcels);
    return stats;
}

void core_shard_check(const struct core_shard *shard)
{
    uint32_t calls = 0;
    uint32_t visits = 0;
    uint32_t fetches = 0;
    for (uint32_t i = 0; i < pool_count(shard->downlinks); i++) {
        const struct core_downlink *link = link_at(shard, i);
        if (link == NULL) {
            continue;
        }
        uint32_t count = 0;
        uint32_t id = 0;
        for (const struct core_call *call = link->calls; call != NULL; call = call->next) {
            ASSERT(call->id > id);
            id = call->id;
            count++;
        }
        ASSERT(count == link->call_count);
        ASSERT(link->visits != NULL || link->visit_count == 0);
        ASSERT(link->visit_count <= CORE_VISITS_MAX);
        visits += link->visit_count;
        ASSERT(link->covered <= link->delta_seq && link->delta_seq <= link->seq);
        ASSERT(core_shard_find(shard, link->device) == link);
        calls += count;
        for (unsigned k = 0; k < CORE_RESOURCES; k++) {
            fetches += link->observations[k].fetch != 0 ? 1 : 0;
        }
    }
    ASSERT(fetches == pool_taken(shard->fetches));
    ASSERT(calls == pool_taken(shard->calls));
    ASSERT(visits == shard->stats.visits);
}

// At start.

struct restore {
    struct core_shard *const *shards;
    unsigned count;
    struct core_shard_time now;
    bool is_full;
    uint64_t damaged;
};

static bool restore_counters(struct core_downlink *link, const struct store_state_row *row)
{
    return core_row_get_counters(row->value, link);
}

static bool restore_observation(const struct core_reach *reach, const struct store_state_row *row)
{
    const bool is_rpc = slice_equal(row->name, core_row_observation_name(CORE_RESOURCE_RPC));
    struct core_observation *observation =
        &reach->link->observations[is_rpc ? CORE_RESOURCE_RPC : CORE_RESOURCE_ATTRIBUTES];
    if (!core_row_get_registration(row->value, &observation->registration)) {
        return false;
    }
    // What was under way is not known any more: the first message is a CON.
    observation->state = CORE_OBSERVATION_LIVE;
    reach->link->is_connected = true;
    observation->is_unconfirmed = true;
    observation->heard = reach->now.mono;
    reach->link->uplink = reach->now.mono;
    observation->con_due = mono_add(reach->now.mono, reach->shard->plan.settings.probe_every);
    reach->shard->stats.observations++;
    return true;
}

static bool restore_outbox(struct restore *restore, const struct core_reach *reach,
                           const struct store_state_row *row)
{
    struct core_call read = {0};
    if (row->name.len > 0 && row->name.ptr[0] == 'a') {
        return core_outbox_restore(reach, row);
    }
    if (row->name.len != CORE_CALL_NAME_SIZE || !core_row_get_call(row->value, &read)) {
        return false;
    }
    struct buf_reader name = buf_reader_over(slice_sub(row->name, 1, 4));
    read.id = buf_read_u32(&name);
    restore->is_full |= !core_call_restore(reach, &read);
    return true;
}

static bool restore_row(void *context, const struct store_state_row *row)
{
    struct restore *restore = context;
    struct core_shard *shard = restore->shards[device_shard(row->device) % restore->count];
    const struct core_reach reach =
        reach_of(shard, core_shard_open(shard, (struct tenant_id){0}, row->device), restore->now);
    if (reach.link == NULL) {
        restore->is_full = true;
        return false;
    }
    const bool is_good = row->kind == STORE_STATE_COUNTER ? restore_counters(reach.link, row)
                         : row->kind == STORE_STATE_OBSERVATION
                             ? restore_observation(&reach, row)
                             : restore_outbox(restore, &reach, row);
    restore->damaged += is_good ? 0 : 1;
    core_shard_wake_at(&reach, restore->now.mono);
    return !restore->is_full;
}

enum err core_shard_restore(struct core_shard *const *shards, unsigned count, struct store *store,
                            struct core_shard_time now)
{
    static const enum store_state_kind kinds[] = {STORE_STATE_COUNTER, STORE_STATE_OBSERVATION,
                                                  STORE_STATE_OUTBOX};
    struct restore restore = {shards, count, now, false, 0};
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < 3; i++) {
        const struct store_state_query query = {.kind = kinds[i]};
        err = store_state_scan(store, &query, &restore, restore_row);
    }
    if (restore.damaged > 0) {
        LOG(LOG_WARN, "shard.rows-damaged", LOG_INT("rows", restore.damaged));
    }
    return err == ERR_OK && restore.is_full ? ERR_EXHAUSTED : err;
}
