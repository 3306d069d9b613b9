// Calls (RPC) to a device: they wait, are sent by id, delivered, answered, or end at their deadline
// (protocol-rules.md section 5; states of persistent ones: server-api.md 4.3).
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "core/flight_priv.h"

// Rows of a change in a persistent call: its outbox row, its texts, its status, the counters, the
// request.
#define ROWS_MAX 5U

struct rows {
    struct store_state_change items[ROWS_MAX];
    uint32_t count;
    bool is_full;
    uint8_t call_name[CORE_CALL_NAME_SIZE];
    uint8_t request_name[CORE_CALL_UUID_NAME];
    uint8_t status_name[CORE_CALL_UUID_NAME];
};

static void *row_memory(const struct core_reach *reach, struct rows *rows, size_t size)
{
    void *memory = arena_take(reach->shard->plan.memory, size);
    rows->is_full |= memory == NULL;
    return memory;
}

static void add_row(struct rows *rows, enum store_state_kind kind, struct slice name,
                    struct slice value, bool is_removed)
{
    ASSERT(rows->count < ROWS_MAX);
    rows->items[rows->count++] = (struct store_state_change){kind, name, is_removed, value};
}

static void add_call(const struct core_reach *reach, const struct core_call *call,
                     struct rows *rows)
{
    void *memory = row_memory(reach, rows, CORE_ROW_MAX);
    if (memory != NULL) {
        struct buf row = buf_over(memory, CORE_ROW_MAX);
        core_row_put_call(&row, call);
        add_row(rows, STORE_STATE_OUTBOX, core_row_call_name(call->id, rows->call_name),
                buf_view(&row), false);
    }
}

static void add_end(const struct core_call *call, struct rows *rows)
{
    add_row(rows, STORE_STATE_OUTBOX, core_row_call_name(call->id, rows->call_name), SLICE_EMPTY,
            true);
    add_row(rows, STORE_STATE_CALL, core_row_call_name(call->id, rows->call_name), SLICE_EMPTY,
            true);
}

static void add_texts(const struct core_reach *reach, const struct core_call *call,
                      struct rows *rows)
{
    const size_t room = core_row_texts_room(&call->order->call);
    void *memory = row_memory(reach, rows, room);
    if (memory != NULL) {
        struct buf row = buf_over(memory, room);
        core_row_put_texts(&row, &call->order->call);
        add_row(rows, STORE_STATE_CALL, core_row_call_name(call->id, rows->call_name),
                buf_view(&row), false);
    }
}

static void add_status(const struct core_reach *reach, const struct core_call *call,
                       enum core_call_status status, struct slice response, struct rows *rows)
{
    const size_t room = CORE_ROW_MAX + response.len;
    void *memory = row_memory(reach, rows, room);
    if (memory != NULL) {
        struct buf row = buf_over(memory, room);
        core_row_put_status(&row, status, response);
        add_row(rows, STORE_STATE_RPC, core_row_uuid_name(&call->uuid, true, rows->status_name),
                buf_view(&row), false);
    }
}

static void add_request(const struct core_reach *reach, const struct core_call *call,
                        struct rows *rows)
{
    const struct core_call_request *request = &call->order->call;
    const size_t room = core_row_request_room(request);
    void *memory = row_memory(reach, rows, room);
    if (memory != NULL) {
        struct buf row = buf_over(memory, room);
        core_row_put_request(&row, call->id, request);
        add_row(rows, STORE_STATE_RPC, core_row_uuid_name(&call->uuid, false, rows->request_name),
                buf_view(&row), false);
    }
}

static void add_counters(const struct core_reach *reach, struct rows *rows)
{
    struct store_state_change change;
    if (core_shard_put_counters(reach, &change) != ERR_OK) {
        rows->is_full = true;
        return;
    }
    rows->items[rows->count++] = change;
}

// Takes the job back if it cannot be done.
static enum err commit(const struct core_reach *reach, const struct rows *rows,
                       struct core_job *job)
{
    if (rows->is_full) {
        if (job != NULL) {
            pool_give(reach->shard->jobs, pool_handle_of(reach->shard->jobs, job));
        }
        return ERR_EXHAUSTED;
    }
    return core_shard_commit(reach, rows->items, rows->count, job);
}

// How a persistent call stands, told to the store; nothing waits for it, and what is lost by a full
// lane is told again by the next change or found out after a restart.
static void note_status(const struct core_reach *reach, const struct core_call *call,
                        enum core_call_status status, struct slice response, bool is_end)
{
    const size_t mark = arena_mark(reach->shard->plan.memory);
    struct rows rows = {.count = 0};
    if (is_end) {
        add_end(call, &rows);
    } else {
        add_call(reach, call, &rows);
    }
    add_status(reach, call, status, response, &rows);
    if (commit(reach, &rows, NULL) != ERR_OK) {
        LOG(LOG_WARN, "call.status-lost", LOG_INT("device", reach->device.number),
            LOG_INT("call", call->id));
    }
    arena_rewind(reach->shard->plan.memory, mark);
}

static void append(struct core_downlink *link, struct core_call *call)
{
    struct core_call **at = &link->calls;
    while (*at != NULL && (*at)->id < call->id) {
        at = &(*at)->next;
    }
    call->next = *at;
    *at = call;
    link->call_count++;
}

static void take_out(const struct core_reach *reach, struct core_call *call)
{
    struct core_call **at = &reach->link->calls;
    while (*at != call) {
        ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = call->next;
    reach->link->call_count--;
    pool_give(reach->shard->calls, pool_handle_of(reach->shard->calls, call));
}

// Whoever waits is told, and the call is forgotten.
static void end(const struct core_reach *reach, struct core_call *call, enum err err,
                struct slice response)
{
    struct core_order *order = call->order;
    const unsigned from = call->from;
    take_out(reach, call);
    if (order != NULL) {
        core_shard_done(reach->shard, from, order, err, response);
    }
}

static struct core_call *flying(const struct core_reach *reach)
{
    struct core_call *call = pool_get(reach->shard->calls, reach->link->flight.call);
    return call != NULL && call->state == CORE_CALL_FLYING ? call : NULL;
}

// Ordering.

static enum err admit(const struct core_reach *reach, const struct core_order *order)
{
    if (reach->link == NULL) {
        return ERR_EXHAUSTED;
    }
    if (reach->shard->is_stopping && !order->call.is_persistent) {
        return ERR_STOPPING;
    }
    if (reach->link->call_count >= reach->shard->plan.settings.calls_per_device) {
        return ERR_LIMITED;
    }
    return order->call.expires.ms <= reach->now.wall.ms && !order->call.is_persistent
               ? ERR_UNAVAILABLE
               : ERR_OK;
}

static struct mono deadline_of(const struct core_reach *reach, struct wall expires)
{
    const int64_t left = expires.ms - reach->now.wall.ms;
    return mono_add(reach->now.mono, span_ms(left > 0 ? (uint64_t)left : 0));
}

static struct core_call *make(const struct core_reach *reach, unsigned from,
                              struct core_order *order)
{
    const struct core_call_request *request = &order->call;
    struct core_downlink *link = reach->link;
    struct pool_handle handle;
    struct core_call *call = pool_take(reach->shard->calls, &handle);
    if (call == NULL) {
        reach->shard->stats.refused_full++;
        return NULL;
    }
    const uint32_t most = reach->shard->plan.settings.retries_max;
    *call = (struct core_call){.id = link->call_next++,
                               .state = CORE_CALL_NUMBERING,
                               .is_oneway = request->is_oneway,
                               .is_persistent = request->is_persistent,
                               .retries = request->retries < most ? request->retries : most,
                               .seq = ++link->seq,
                               .uuid = request->id,
                               .created = request->created,
                               .expires = request->expires,
                               .deadline = deadline_of(reach, request->expires),
                               .from = from,
                               .order = order};
    append(link, call);
    return call;
}

// Ids are on disk before they are used; a persistent call itself as well.
static enum err store_call(const struct core_reach *reach, struct core_call *call)
{
    struct core_downlink *link = reach->link;
    const bool numbers = call->id >= link->calls_reserved;
    struct rows rows = {.count = 0};
    if (!numbers && !call->is_persistent) {
        call->state = CORE_CALL_WAITING;
        return ERR_OK;
    }
    struct core_job *job =
        core_shard_job(reach->shard, call->is_persistent ? CORE_JOB_CALL : CORE_JOB_NUMBER);
    if (job == NULL) {
        return ERR_EXHAUSTED;
    }
    job->call = pool_handle_of(reach->shard->calls, call);
    const uint32_t reserved = link->calls_reserved;
    link->calls_reserved = numbers ? call->id + CORE_CALLS_RESERVED : reserved;
    if (call->is_persistent) {
        call->state = CORE_CALL_WAITING;
        add_call(reach, call, &rows);
        call->state = CORE_CALL_NUMBERING;
        add_texts(reach, call, &rows);
        add_request(reach, call, &rows);
        add_status(reach, call, CORE_CALL_QUEUED, SLICE_EMPTY, &rows);
    }
    add_counters(reach, &rows);
    const enum err err = commit(reach, &rows, job);
    link->calls_reserved = err == ERR_OK ? link->calls_reserved : reserved;
    return err;
}

void core_call_order(const struct core_reach *reach, unsigned from, struct core_order *order)
{
    struct core_reach own = *reach;
    const size_t mark = arena_mark(reach->shard->plan.memory);
    own.link = core_shard_open(reach->shard, order->tenant, order->device);
    enum err err = admit(&own, order);
    struct core_call *call = err == ERR_OK ? make(&own, from, order) : NULL;
    if (call == NULL) {
        core_shard_done(reach->shard, from, order, err != ERR_OK ? err : ERR_EXHAUSTED,
                        SLICE_EMPTY);
        return;
    }
    own.link->tenant = order->tenant;
    err = store_call(&own, call);
    arena_rewind(reach->shard->plan.memory, mark);
    if (err != ERR_OK) {
        end(&own, call, err, SLICE_EMPTY);
        return;
    }
    core_shard_wake_at(&own, call->deadline);
    core_flight_pump(&own);
}

void core_call_stored(const struct core_reach *reach, const struct core_job *job, enum err err)
{
    struct core_call *call = pool_get(reach->shard->calls, job->call);
    if (call == NULL) {
        return;
    }
    if (err != ERR_OK) {
        // Ids that are not on disk are reserved again with the next call.
        struct core_downlink *link = reach->link;
        link->calls_reserved =
            link->calls_reserved < link->call_next ? link->calls_reserved : link->call_next;
        end(reach, call, err, SLICE_EMPTY);
        core_flight_pump(reach);
        return;
    }
    call->state = CORE_CALL_WAITING;
    if (call->is_persistent) {
        struct core_order *order = call->order;
        call->order = NULL;
        core_shard_done(reach->shard, call->from, order, ERR_OK, SLICE_EMPTY);
    }
    core_call_expire(reach);
    core_flight_pump(reach);
}

bool core_call_restore(const struct core_reach *reach, const struct core_call *read)
{
    struct pool_handle handle;
    struct core_call *call = pool_take(reach->shard->calls, &handle);
    if (call == NULL) {
        return false;
    }
    *call = *read;
    call->deadline = deadline_of(reach, call->expires);
    call->answer_due = mono_add(reach->now.mono, reach->shard->plan.settings.response_wait);
    append(reach->link, call);
    return true;
}

// Sending.

struct core_call *core_call_next(const struct core_reach *reach)
{
    const bool one_by_one = reach->shard->plan.settings.strategy == CORE_CALLS_ON_RESPONSE;
    for (struct core_call *call = reach->link->calls; call != NULL; call = call->next) {
        if (call->state == CORE_CALL_WAITING) {
            return mono_reached(reach->now.mono, call->deadline) ? NULL : call;
        }
        if (call->state == CORE_CALL_NUMBERING) {
            // They leave by id, and ids behind this one may not be on disk either.
            return NULL;
        }
        if (one_by_one && call->state == CORE_CALL_DELIVERED) {
            core_shard_wake_at(reach, call->answer_due);
            return NULL;
        }
    }
    return NULL;
}

static bool fly(const struct core_reach *reach, struct core_call *call, struct slice method,
                struct slice params)
{
    void *memory = arena_take(reach->shard->plan.memory, CORE_MAIL_BODY_MAX);
    if (memory == NULL) {
        core_shard_again(reach);
        return true;
    }
    struct buf body = buf_over(memory, CORE_MAIL_BODY_MAX);
    reach->shard->plan.ops->call(&body, call->id, method, params);
    if (body.overflow) {
        return false;
    }
    if (core_flight_start(reach, CORE_RESOURCE_RPC, CORE_FLIGHT_CALL, CORE_NOTICE_CONTENT,
                          buf_view(&body))) {
        call->state = CORE_CALL_FLYING;
        reach->link->flight.call = pool_handle_of(reach->shard->calls, call);
    }
    return true;
}

void core_call_send(const struct core_reach *reach, struct core_call *call)
{
    if (call->is_persistent) {
        uint8_t name[CORE_CALL_NAME_SIZE];
        reach->link->call_loading = call->id;
        if (core_shard_load(reach, STORE_STATE_BIT(STORE_STATE_CALL),
                            core_row_call_name(call->id, name), CORE_LOAD_CALL) != ERR_OK) {
            core_shard_again(reach);
        }
        return;
    }
    const size_t mark = arena_mark(reach->shard->plan.memory);
    const struct core_call_request *request = &call->order->call;
    if (!fly(reach, call, request->method, request->params)) {
        end(reach, call, ERR_TOO_LARGE, SLICE_EMPTY);
    }
    arena_rewind(reach->shard->plan.memory, mark);
}

static void fail(const struct core_reach *reach, struct core_call *call, const char *text)
{
    note_status(reach, call, CORE_CALL_FAILED, slice_text(text), true);
    end(reach, call, ERR_TIMEOUT, SLICE_EMPTY);
}

void core_call_loaded(const struct core_reach *reach, struct store_load *load)
{
    struct core_call *call = core_call_next(reach);
    struct slice method;
    struct slice params;
    struct store_state_row row;
    if (store_load_err(load) != ERR_OK) {
        core_shard_again(reach);
        return;
    }
    // It may have ended meanwhile, and its rows with it; then the one that is next is read.
    if (call == NULL || call->id != reach->link->call_loading ||
        !core_flight_may_start(reach, CORE_RESOURCE_RPC)) {
        core_flight_pump(reach);
        return;
    }
    if (!store_load_next(load, &row) || !core_row_get_texts(row.value, &method, &params)) {
        fail(reach, call, "{\"error\":\"the stored request cannot be read\"}");
        core_flight_pump(reach);
    } else if (!fly(reach, call, method, params)) {
        fail(reach, call, "{\"error\":\"the request does not fit into one message\"}");
        core_flight_pump(reach);
    }
}

void core_call_transmitted(const struct core_reach *reach)
{
    struct core_call *call = flying(reach);
    if (call == NULL) {
        return;
    }
    call->was_sent = true;
    if (call->is_persistent && reach->link->flight.confirmable) {
        note_status(reach, call, CORE_CALL_SENT, SLICE_EMPTY, false);
    }
    if (call->is_oneway && !call->is_persistent) {
        // Handed over; the message itself goes on.
        end(reach, call, ERR_OK, SLICE_EMPTY);
    }
}

static void stop_flying(const struct core_reach *reach, struct core_call *call)
{
    if (call->state == CORE_CALL_FLYING) {
        call->state = CORE_CALL_DELIVERED;
        core_flight_cancel(reach);
    } else if (call->state == CORE_CALL_FETCHING) {
        call->state = CORE_CALL_DELIVERED;
        core_fetch_stop(reach, CORE_RESOURCE_RPC);
    }
}

bool core_call_is_open(const struct core_call *call)
{
    return call->state == CORE_CALL_WAITING || call->state == CORE_CALL_FLYING ||
           call->state == CORE_CALL_FETCHING;
}

// The device has it.
static void take(const struct core_reach *reach, struct core_call *call)
{
    call->state = CORE_CALL_DELIVERED;
    call->was_sent = true;
    call->answer_due = mono_add(reach->now.mono, reach->shard->plan.settings.response_wait);
    if (call->is_persistent) {
        note_status(reach, call, CORE_CALL_STATUS_DELIVERED, SLICE_EMPTY, call->is_oneway);
    }
    if (call->is_oneway) {
        end(reach, call, ERR_OK, SLICE_EMPTY);
    }
}

void core_call_delivered(const struct core_reach *reach)
{
    struct core_call *call = flying(reach);
    if (call != NULL) {
        take(reach, call);
    }
}

void core_call_given(const struct core_reach *reach, struct core_call *call)
{
    if (call->is_persistent && !call->was_sent) {
        note_status(reach, call, CORE_CALL_SENT, SLICE_EMPTY, false);
    }
    call->was_sent = true;
    if (call->is_oneway && !call->is_persistent) {
        stop_flying(reach, call);
        end(reach, call, ERR_OK, SLICE_EMPTY);
    }
}

void core_call_taken_upto(const struct core_reach *reach, uint64_t sequence)
{
    struct core_call *call = reach->link->calls;
    while (call != NULL) {
        struct core_call *next = call->next;
        if (core_call_is_open(call) && call->seq > 0 && call->seq <= sequence) {
            stop_flying(reach, call);
            take(reach, call);
        }
        call = next;
    }
}

void core_call_taken_back(const struct core_reach *reach)
{
    struct core_call *call = flying(reach);
    if (call != NULL) {
        call->state = CORE_CALL_WAITING;
    }
}

static void undelivered(const struct core_reach *reach, struct core_call *call)
{
    call->state = CORE_CALL_WAITING;
    if (!call->is_persistent) {
        return;
    }
    if (call->used < call->retries) {
        call->used++;
        note_status(reach, call, CORE_CALL_TIMEOUT, SLICE_EMPTY, false);
        note_status(reach, call, CORE_CALL_QUEUED, SLICE_EMPTY, false);
        return;
    }
    char text[160];
    snprintf(text, sizeof(text),
             "{\"error\":\"There was a Timeout and all retry attempts have been exhausted. Retry "
             "attempts set: %u\"}",
             (unsigned)call->retries);
    fail(reach, call, text);
}

void core_call_undelivered(const struct core_reach *reach)
{
    struct core_call *call = flying(reach);
    if (call != NULL) {
        undelivered(reach, call);
    }
}

void core_call_fetching(const struct core_reach *reach)
{
    struct core_call *call = flying(reach);
    if (call != NULL) {
        call->state = CORE_CALL_FETCHING;
    }
}

static struct core_call *fetching(const struct core_reach *reach, struct pool_handle handle)
{
    struct core_call *call = pool_get(reach->shard->calls, handle);
    return call != NULL && call->state == CORE_CALL_FETCHING ? call : NULL;
}

void core_call_fetched(const struct core_reach *reach, struct pool_handle handle)
{
    struct core_call *call = fetching(reach, handle);
    if (call != NULL) {
        take(reach, call);
    }
}

void core_call_unfetched(const struct core_reach *reach, struct pool_handle handle, bool is_late)
{
    struct core_call *call = fetching(reach, handle);
    if (call != NULL && is_late) {
        undelivered(reach, call);
    } else if (call != NULL) {
        call->state = CORE_CALL_WAITING;
    }
}

// Ends.

static void expire(const struct core_reach *reach, struct core_call *call)
{
    const bool was_sent = call->was_sent;
    // Never repeated after its deadline.
    stop_flying(reach, call);
    if (call->is_persistent) {
        note_status(reach, call, CORE_CALL_EXPIRED, SLICE_EMPTY, true);
    }
    end(reach, call, was_sent ? ERR_TIMEOUT : ERR_UNAVAILABLE, SLICE_EMPTY);
}

// True if it ended.
static bool expire_one(const struct core_reach *reach, struct core_call *call)
{
    if (call->state == CORE_CALL_NUMBERING || call->state == CORE_CALL_ENDING) {
        return false;
    }
    if (mono_reached(reach->now.mono, call->deadline)) {
        expire(reach, call);
        return true;
    }
    core_shard_wake_at(reach, call->deadline);
    if (reach->shard->plan.settings.strategy == CORE_CALLS_ON_RESPONSE &&
        call->state == CORE_CALL_DELIVERED && mono_reached(reach->now.mono, call->answer_due)) {
        if (call->is_persistent) {
            fail(reach, call,
                 "{\"error\":\"There was a timeout awaiting for RPC response from device.\"}");
        } else {
            end(reach, call, ERR_TIMEOUT, SLICE_EMPTY);
        }
        return true;
    }
    return false;
}

void core_call_expire(const struct core_reach *reach)
{
    struct core_call *call = reach->link->calls;
    while (call != NULL) {
        struct core_call *next = call->next;
        (void)expire_one(reach, call);
        call = next;
    }
}

void core_call_end_awaited(const struct core_reach *reach, enum err err)
{
    struct core_call *call = reach->link->calls;
    while (call != NULL) {
        struct core_call *next = call->next;
        if (call->order != NULL && !call->is_persistent) {
            stop_flying(reach, call);
            end(reach, call, err, SLICE_EMPTY);
        }
        call = next;
    }
}

void core_call_end_all(const struct core_reach *reach, enum err err)
{
    core_flight_cancel(reach);
    while (reach->link->calls != NULL) {
        end(reach, reach->link->calls, err, SLICE_EMPTY);
    }
}

static struct core_call *find(const struct core_reach *reach, uint32_t id)
{
    struct core_call *call = reach->link != NULL ? reach->link->calls : NULL;
    while (call != NULL && call->id != id) {
        call = call->next;
    }
    return call;
}

static void tell_taken(struct core_shard *shard, const struct core_answer *answer, enum err err)
{
    if (answer->order != NULL) {
        core_shard_done(shard, answer->from, answer->order, err, SLICE_EMPTY);
    } else {
        core_shard_answer(shard, answer->from, answer->question, err, 0);
    }
}

static enum err store_reply(const struct core_reach *reach, struct core_call *call,
                            const struct core_answer *answer)
{
    struct rows rows = {.count = 0};
    struct core_job *job = core_shard_job(reach->shard, CORE_JOB_REPLY);
    if (job == NULL) {
        return ERR_EXHAUSTED;
    }
    job->from = answer->from;
    job->order = answer->order;
    if (answer->question != NULL) {
        job->question = *answer->question;
    }
    job->call = pool_handle_of(reach->shard->calls, call);
    add_end(call, &rows);
    add_status(reach, call, CORE_CALL_SUCCESSFUL, answer->text, &rows);
    return commit(reach, &rows, job);
}

void core_call_reply(const struct core_reach *reach, const struct core_answer *answer)
{
    struct core_call *call = find(reach, answer->call);
    // That it was sent may be told after the device has answered already, and a crash may have
    // taken the note of it: the id of a stored call is proof enough.
    const bool is_open =
        call != NULL && call->state != CORE_CALL_NUMBERING && call->state != CORE_CALL_ENDING;
    const bool is_awaited =
        is_open && !call->is_oneway &&
        (call->was_sent || call->is_persistent || call->state == CORE_CALL_FLYING);
    enum err err = ERR_OK;
    if (is_awaited && call->is_persistent) {
        const size_t mark = arena_mark(reach->shard->plan.memory);
        stop_flying(reach, call);
        const enum core_call_state state = call->state;
        call->state = CORE_CALL_ENDING;
        err = store_reply(reach, call, answer);
        arena_rewind(reach->shard->plan.memory, mark);
        if (err == ERR_OK) {
            return;
        }
        call->state = state;
    } else if (is_awaited) {
        stop_flying(reach, call);
        end(reach, call, ERR_OK, answer->text);
    }
    // One that nobody waits for is taken as well, so that the device does not repeat it.
    tell_taken(reach->shard, answer, err);
    if (reach->link != NULL) {
        core_flight_pump(reach);
    }
}

void core_call_replied(const struct core_reach *reach, const struct core_job *job, enum err err)
{
    const struct core_answer answer = {
        .from = job->from, .question = &job->question, .order = job->order};
    struct core_call *call = pool_get(reach->shard->calls, job->call);
    if (call != NULL && err == ERR_OK) {
        end(reach, call, ERR_OK, SLICE_EMPTY);
    } else if (call != NULL) {
        call->state = CORE_CALL_DELIVERED;
    }
    tell_taken(reach->shard, &answer, err);
    if (reach->link != NULL) {
        core_call_expire(reach);
        core_flight_pump(reach);
    }
}

// Deleting a persistent one, whether it has ended or not.

void core_call_drop(const struct core_reach *reach, unsigned from, struct core_order *order)
{
    struct core_call *call = reach->link != NULL ? reach->link->calls : NULL;
    struct rows rows = {.count = 0};
    while (call != NULL && !(call->is_persistent && uuid_equal(&call->uuid, &order->call.id))) {
        call = call->next;
    }
    struct core_job *job = core_shard_job(reach->shard, CORE_JOB_DROP);
    enum err err = ERR_EXHAUSTED;
    if (job != NULL) {
        job->from = from;
        job->order = order;
        job->call = call != NULL ? pool_handle_of(reach->shard->calls, call) : POOL_HANDLE_NONE;
        if (call != NULL) {
            add_end(call, &rows);
        }
        add_row(&rows, STORE_STATE_RPC,
                core_row_uuid_name(&order->call.id, false, rows.request_name), SLICE_EMPTY, true);
        add_row(&rows, STORE_STATE_RPC, core_row_uuid_name(&order->call.id, true, rows.status_name),
                SLICE_EMPTY, true);
        err = commit(reach, &rows, job);
    }
    if (err != ERR_OK) {
        core_shard_done(reach->shard, from, order, err, SLICE_EMPTY);
        return;
    }
    // Nothing is written about it any more: that would bring it back.
    if (call != NULL) {
        stop_flying(reach, call);
        end(reach, call, ERR_OK, SLICE_EMPTY);
        core_flight_pump(reach);
    }
}

void core_call_dropped(const struct core_reach *reach, const struct core_job *job, enum err err)
{
    core_shard_done(reach->shard, job->from, job->order, err, SLICE_EMPTY);
}
