#include "core/visit.h"

#include "core/plan.h"
#include "core/visit_priv.h"

// The thread of the sockets and the desks.

void core_visit_name(struct core_desk *desk, struct core_order *order)
{
    order->kind = CORE_ORDER_VISIT;
    order->visit.number = (uint64_t)bus_number(desk->party) << 48 | ++desk->ticket;
}

static void tell(struct core_desk *desk, unsigned worker, const struct core_mail *said)
{
    struct core_mail *mail =
        bus_has_room(desk->party, worker) ? core_mail_begin(desk->party, worker, 0) : NULL;
    if (mail != NULL) {
        *mail = *said;
        core_mail_end(desk->party, worker, mail);
        bus_flush(desk->party);
    }
}

void core_visit_left(struct core_desk *desk, struct device_id device, uint64_t number)
{
    const struct core_mail said = {.kind = CORE_MAIL_LEFT, .device = device, .ticket = number};
    tell(desk, device_shard(device) % bus_workers(desk->bus), &said);
}

void core_visit_ended(struct core_desk *desk, uint64_t ticket, bool is_written)
{
    const struct core_mail said = {.kind = CORE_MAIL_OUTCOME,
                                   .ticket = ticket,
                                   .outcome =
                                       is_written ? CORE_OUTCOME_DELIVERED : CORE_OUTCOME_LOST};
    tell(desk, core_mail_ticket_worker(ticket), &said);
}

enum err core_visit_reply(struct core_desk *desk, const struct model_index_entry *device,
                          uint32_t call, struct slice text)
{
    struct slice response;
    struct core_order order = {.kind = CORE_ORDER_REPLY,
                               .tenant = device->tenant,
                               .device = device->device,
                               .reply = {call, text}};
    return core_desk_order(desk, &order, NULL, &response);
}

// The shard.

// Where the visit that is first of its wish stands in the list, or the end of the list.
static struct core_order **first(const struct core_reach *reach, enum core_wish wish)
{
    struct core_order **at = &reach->link->visits;
    while (*at != NULL && (*at)->visit.wish != wish) {
        at = &(*at)->visit.next;
    }
    return at;
}

static void raise_call(const struct core_reach *reach, const struct core_visit *visit)
{
    const struct core_event_call call = {
        visit->method, visit->params, {CORE_ASKER_HTTP, reach->device.number, visit->number}};
    const struct core_event event = {.kind = CORE_EVENT_CALL,
                                     .tenant = reach->tenant,
                                     .device = reach->device,
                                     .at = reach->now.wall,
                                     .call = &call};
    core_plan_raise(reach->shard->plan.core->plan, &event);
}

// Takes it out; the order is its giver's again once it was told.
static void end(const struct core_reach *reach, struct core_order **at, enum err err,
                struct slice body)
{
    struct core_order *order = *at;
    *at = order->visit.next;
    reach->link->visit_count--;
    reach->shard->stats.visits--;
    order->done(order, err, body);
}

// A device that waited once is told of all changes from then on.
static void note_changes(const struct core_reach *reach)
{
    struct core_downlink *link = reach->link;
    struct store_state_change change;
    if (link->is_visited) {
        return;
    }
    if (!core_delta_is_noted(reach)) {
        link->covered = link->delta_seq;
    }
    link->is_visited = true;
    // Each change that is noted writes it as well.
    if (core_shard_put_counters(reach, &change) == ERR_OK) {
        core_shard_note(reach, &change, 1);
    }
}

static enum err admit(const struct core_reach *reach, const struct core_visit *visit)
{
    if (reach->shard->is_stopping) {
        return ERR_STOPPING;
    }
    if (reach->link == NULL) {
        return ERR_EXHAUSTED;
    }
    struct core_order **older = first(reach, visit->wish);
    if (visit->wish != CORE_WISH_ANSWER && *older != NULL) {
        end(reach, older, ERR_TIMEOUT, SLICE_EMPTY);
    }
    return reach->link->visit_count < CORE_VISITS_MAX ? ERR_OK : ERR_LIMITED;
}

void core_visit_order(const struct core_reach *reach, struct core_order *order)
{
    struct core_reach own = *reach;
    own.link = core_shard_open(reach->shard, order->tenant, order->device);
    const enum err err = admit(&own, &order->visit);
    if (err != ERR_OK) {
        order->done(order, err, SLICE_EMPTY);
        return;
    }
    const size_t mark = arena_mark(reach->shard->plan.memory);
    own.link->tenant = order->tenant;
    if (order->visit.wish == CORE_WISH_ATTRIBUTES) {
        note_changes(&own);
    }
    order->visit.ticket = 0;
    order->visit.next = own.link->visits;
    own.link->visits = order;
    own.link->visit_count++;
    reach->shard->stats.visits++;
    core_shard_wake_at(&own, order->visit.deadline);
    if (order->visit.wish == CORE_WISH_ANSWER) {
        raise_call(&own, &order->visit);
    }
    core_flight_pump(&own);
    arena_rewind(reach->shard->plan.memory, mark);
}

void core_visit_gone(const struct core_reach *reach, uint64_t number)
{
    if (reach->link == NULL) {
        return;
    }
    struct core_order **at = &reach->link->visits;
    while (*at != NULL && (*at)->visit.number != number) {
        at = &(*at)->visit.next;
    }
    if (*at != NULL) {
        end(reach, at, ERR_TIMEOUT, SLICE_EMPTY);
    }
}

bool core_visit_waits(const struct core_reach *reach, enum core_resource resource)
{
    return *first(reach, (enum core_wish)resource) != NULL;
}

void core_visit_give(const struct core_reach *reach, enum core_resource resource, uint64_t ticket,
                     struct slice body)
{
    struct core_order **at = first(reach, (enum core_wish)resource);
    ASSERT(*at != NULL);
    (*at)->visit.ticket = ticket;
    end(reach, at, ERR_OK, body);
}

void core_visit_expire(const struct core_reach *reach)
{
    struct core_order **at = &reach->link->visits;
    while (*at != NULL) {
        if (mono_reached(reach->now.mono, (*at)->visit.deadline)) {
            end(reach, at, ERR_TIMEOUT, SLICE_EMPTY);
        } else {
            core_shard_wake_at(reach, (*at)->visit.deadline);
            at = &(*at)->visit.next;
        }
    }
}

void core_visit_end_all(const struct core_reach *reach, enum err err)
{
    while (reach->link->visits != NULL) {
        end(reach, &reach->link->visits, err, SLICE_EMPTY);
    }
}
