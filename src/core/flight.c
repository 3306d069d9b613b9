// The one notification that is under way to a device: where it goes, and what became of it
// (protocol-rules.md sections 1 and 2).
#include "base/buf.h"
#include "core/visit_priv.h"

#define LEG_ROUTE 0U
#define LEG_CANDIDATE 1U
// A NON after so many is a CON.
#define NON_IN_A_ROW 7U
// Without a message of the device for so long, a CON.
#define QUIET_S 60U
// Longer than any retransmission (RFC 7252 4.8.2, MAX_TRANSMIT_WAIT).
#define GIVE_UP_S 120U

#define LEG_BIT (CORE_TICKET_PLACE_BITS + CORE_TICKET_WORKER_BITS)

static uint64_t ticket_of(const struct core_reach *reach, uint32_t serial, unsigned leg)
{
    const uint32_t place = pool_handle_of(reach->shard->downlinks, reach->link).index;
    return (uint64_t)serial << 32 | (uint64_t)leg << LEG_BIT |
           (uint64_t)reach->shard->plan.number << CORE_TICKET_PLACE_BITS | place;
}

struct core_downlink *core_flight_find(const struct core_shard *shard, uint64_t ticket)
{
    const uint32_t position = (uint32_t)ticket & ((1U << CORE_TICKET_PLACE_BITS) - 1);
    bool taken = false;
    if (position >= pool_count(shard->downlinks)) {
        return NULL;
    }
    struct core_downlink *link = pool_at(shard->downlinks, position, &taken);
    return taken ? link : NULL;
}

static struct core_observation *observation_in(const struct core_reach *reach)
{
    return &reach->link->observations[reach->link->flight.resource];
}

static void drop_parcel(const struct core_reach *reach)
{
    struct core_flight *flight = &reach->link->flight;
    if (pool_get(reach->shard->parcels, flight->parcel) != NULL) {
        pool_give(reach->shard->parcels, flight->parcel);
    }
    flight->parcel = POOL_HANDLE_NONE;
}

static void keep_parcel(const struct core_reach *reach, struct slice body)
{
    struct core_flight *flight = &reach->link->flight;
    struct core_parcel *parcel = NULL;
    flight->parcel = POOL_HANDLE_NONE;
    if (flight->confirmable && body.len <= CORE_PARCEL_SIZE) {
        parcel = pool_take(reach->shard->parcels, &flight->parcel);
    }
    if (parcel != NULL) {
        parcel->len = body.len;
        if (body.len > 0) {
            memcpy(parcel->bytes, body.ptr, body.len);
        }
    }
}

static void stop_leg(const struct core_reach *reach, unsigned leg)
{
    struct core_flight *flight = &reach->link->flight;
    if (!flight->legs[leg].is_open) {
        return;
    }
    flight->legs[leg].is_open = false;
    struct core_mail *mail =
        flight->legs[leg].has_handle
            ? core_mail_begin(reach->shard->plan.party, flight->legs[leg].worker, 0)
            : NULL;
    // Without it the message is repeated a few times more, and what comes of it is ignored.
    if (mail != NULL) {
        mail->kind = CORE_MAIL_CANCEL;
        mail->handle = flight->legs[leg].handle;
        mail->ticket = ticket_of(reach, flight->serial, leg);
        core_mail_end(reach->shard->plan.party, flight->legs[leg].worker, mail);
    }
}

static void finish(const struct core_reach *reach)
{
    stop_leg(reach, LEG_ROUTE);
    stop_leg(reach, LEG_CANDIDATE);
    drop_parcel(reach);
    reach->link->flight.kind = CORE_FLIGHT_NONE;
    reach->link->flight.serial = 0;
}

void core_flight_cancel(const struct core_reach *reach)
{
    const struct core_flight *flight = &reach->link->flight;
    if (flight->kind == CORE_FLIGHT_CALL && flight->is_visit) {
        core_call_taken_back(reach);
    } else if (flight->kind == CORE_FLIGHT_CALL) {
        core_call_undelivered(reach);
    }
    finish(reach);
}

// Hands the notification to the worker of a route. False when its ring is full.
static bool send_leg(const struct core_reach *reach, unsigned leg, const struct core_route *route,
                     struct slice body)
{
    struct bus_party *party = reach->shard->plan.party;
    struct core_flight *flight = &reach->link->flight;
    const unsigned worker = route->steer % bus_workers(reach->shard->plan.core->bus);
    if (!bus_has_room(party, worker)) {
        return false;
    }
    struct core_mail *mail = core_mail_begin(party, worker, body.len);
    if (mail == NULL) {
        return false;
    }
    mail->kind = CORE_MAIL_NOTICE;
    mail->resource = (uint8_t)flight->resource;
    mail->notice = (uint8_t)flight->notice;
    mail->confirmable = flight->confirmable;
    mail->device = reach->link->device;
    mail->number = flight->number;
    mail->ticket = ticket_of(reach, flight->serial, leg);
    mail->registration = observation_in(reach)->registration;
    mail->registration.route = *route;
    core_mail_put_body(mail, body);
    core_mail_end(party, worker, mail);
    flight->legs[leg].is_open = true;
    flight->legs[leg].has_handle = false;
    flight->legs[leg].worker = worker;
    return true;
}

// The device is at one of two places; the newer one, if it waits to be probed.
static unsigned first_leg(const struct core_observation *observation)
{
    return observation->state == CORE_OBSERVATION_PROBING && observation->has_candidate &&
                   observation->candidate_is_newer
               ? LEG_CANDIDATE
               : LEG_ROUTE;
}

static bool wants_con(const struct core_reach *reach, const struct core_observation *observation)
{
    const struct span quiet = mono_since(reach->now.mono, observation->heard);
    return observation->registration.confirmable || observation->is_unconfirmed ||
           observation->since_con >= NON_IN_A_ROW ||
           observation->state == CORE_OBSERVATION_PROBING ||
           mono_reached(reach->now.mono, observation->con_due) || quiet.ns > span_s(QUIET_S).ns;
}

static uint32_t next_serial(struct core_shard *shard)
{
    shard->serial_last = shard->serial_last == UINT32_MAX ? 1 : shard->serial_last + 1;
    return shard->serial_last;
}

// No worker has it: its first leg is the answer that the thread of the sockets writes.
static void start_visit(const struct core_reach *reach, enum core_resource resource,
                        enum core_flight_kind kind, struct slice body)
{
    struct core_flight *flight = &reach->link->flight;
    *flight = (struct core_flight){.kind = kind,
                                   .resource = resource,
                                   .is_visit = true,
                                   .serial = next_serial(reach->shard),
                                   .parcel = POOL_HANDLE_NONE,
                                   .give_up = mono_add(reach->now.mono, span_s(GIVE_UP_S))};
    flight->legs[LEG_ROUTE].is_open = true;
    core_shard_wake_at(reach, flight->give_up);
    reach->shard->stats.notices++;
    core_visit_give(reach, resource, ticket_of(reach, flight->serial, LEG_ROUTE), body);
}

bool core_flight_start(const struct core_reach *reach, enum core_resource resource,
                       enum core_flight_kind kind, enum core_notice notice, struct slice body)
{
    if (kind != CORE_FLIGHT_PROBE && core_visit_waits(reach, resource)) {
        ASSERT(reach->link->flight.kind == CORE_FLIGHT_NONE);
        start_visit(reach, resource, kind, body);
        return true;
    }
    struct core_observation *observation = &reach->link->observations[resource];
    struct core_flight *flight = &reach->link->flight;
    const unsigned leg = first_leg(observation);
    uint32_t number = 0;
    ASSERT(flight->kind == CORE_FLIGHT_NONE);
    if (!core_observation_number(reach, resource, &number)) {
        core_shard_again(reach);
        return false;
    }
    *flight = (struct core_flight){.kind = kind,
                                   .resource = resource,
                                   .notice = notice,
                                   .confirmable = wants_con(reach, observation),
                                   .serial = next_serial(reach->shard),
                                   .number = number,
                                   .give_up = mono_add(reach->now.mono, span_s(GIVE_UP_S))};
    const struct core_route *route =
        leg == LEG_ROUTE ? &observation->registration.route : &observation->candidate;
    if (!send_leg(reach, leg, route, body)) {
        // The number is taken, which the device does not mind.
        flight->kind = CORE_FLIGHT_NONE;
        core_shard_again(reach);
        return false;
    }
    keep_parcel(reach, body);
    core_shard_wake_at(reach, flight->give_up);
    reach->shard->stats.notices++;
    return true;
}

void core_flight_last(const struct core_reach *reach, enum core_resource resource,
                      enum core_notice notice)
{
    struct core_flight *flight = &reach->link->flight;
    *flight = (struct core_flight){.kind = CORE_FLIGHT_END,
                                   .resource = resource,
                                   .notice = notice,
                                   .confirmable = true,
                                   .serial = next_serial(reach->shard)};
    // Should the ring be full the device learns it by its next request.
    (void)!send_leg(reach, LEG_ROUTE, &reach->link->observations[resource].registration.route,
                    SLICE_EMPTY);
    *flight = (struct core_flight){.kind = CORE_FLIGHT_NONE};
}

void core_flight_try_candidate(const struct core_reach *reach, enum core_resource resource)
{
    struct core_flight *flight = &reach->link->flight;
    const struct core_observation *observation = &reach->link->observations[resource];
    if (flight->kind == CORE_FLIGHT_NONE || flight->resource != resource ||
        !flight->is_unanswered || flight->legs[LEG_CANDIDATE].is_open ||
        !observation->has_candidate || !observation->candidate_is_newer) {
        return;
    }
    const struct core_parcel *parcel = pool_get(reach->shard->parcels, flight->parcel);
    if (parcel != NULL && send_leg(reach, LEG_CANDIDATE, &observation->candidate,
                                   slice_of(parcel->bytes, parcel->len))) {
        reach->shard->stats.repeated_at_candidate++;
    }
}

static void tell_delivered(const struct core_reach *reach, enum core_flight_kind kind)
{
    reach->shard->stats.delivered++;
    if (kind == CORE_FLIGHT_DELTA) {
        core_delta_delivered(reach);
    } else if (kind == CORE_FLIGHT_CALL) {
        core_call_delivered(reach);
    }
}

static void deliver(const struct core_reach *reach, unsigned leg)
{
    const enum core_flight_kind kind = reach->link->flight.kind;
    const enum core_resource resource = reach->link->flight.resource;
    // Only the first acknowledgement decides; the other leg is stopped.
    reach->link->flight.legs[leg].is_open = false;
    if (!reach->link->flight.is_visit) {
        core_observation_confirm(reach, resource, leg == LEG_CANDIDATE);
    }
    tell_delivered(reach, kind);
    finish(reach);
}

static void deliver_non(const struct core_reach *reach)
{
    struct core_observation *observation = observation_in(reach);
    const enum core_flight_kind kind = reach->link->flight.kind;
    observation->since_con++;
    observation->recent[observation->recent_at] = reach->link->flight.serial;
    observation->recent_at = (uint8_t)((observation->recent_at + 1) % CORE_RECENT_NON);
    reach->link->pace = mono_add(reach->now.mono, reach->shard->plan.settings.pace);
    reach->link->flight.legs[LEG_ROUTE].is_open = false;
    tell_delivered(reach, kind);
    finish(reach);
}

static void transmitted(const struct core_reach *reach, unsigned leg, uint64_t handle)
{
    struct core_flight *flight = &reach->link->flight;
    flight->legs[leg].handle = handle;
    flight->legs[leg].has_handle = true;
    if (flight->kind == CORE_FLIGHT_CALL) {
        core_call_transmitted(reach);
    }
    if (!flight->confirmable) {
        deliver_non(reach);
    }
}

// One leg ended without success; the flight fails when none is left. What a visit did not take is
// as if it had not been sent.
static void fail_leg(const struct core_reach *reach, unsigned leg, bool is_rejected)
{
    struct core_flight *flight = &reach->link->flight;
    if (flight->is_visit) {
        core_flight_cancel(reach);
        return;
    }
    struct core_observation *observation = observation_in(reach);
    const enum core_resource resource = flight->resource;
    flight->legs[leg].is_open = false;
    if (leg == LEG_CANDIDATE) {
        observation->has_candidate = false;
    }
    if (flight->legs[LEG_ROUTE].is_open || flight->legs[LEG_CANDIDATE].is_open) {
        return;
    }
    const bool was_probe = observation->state == CORE_OBSERVATION_PROBING;
    const bool was_non = !flight->confirmable;
    if (flight->kind == CORE_FLIGHT_CALL) {
        core_call_undelivered(reach);
    }
    finish(reach);
    if (is_rejected && was_probe) {
        core_observation_end(reach, resource);
    } else if (was_non && !is_rejected) {
        // The path has to be proven anew.
        observation->since_con = NON_IN_A_ROW;
    } else {
        core_observation_suspend(reach, resource);
    }
}

// An RST to a NON that counted as delivered when it left.
static void reject_late(const struct core_reach *reach, uint32_t serial)
{
    for (unsigned i = 0; i < CORE_RESOURCES; i++) {
        const struct core_observation *observation = &reach->link->observations[i];
        for (unsigned k = 0; k < CORE_RECENT_NON; k++) {
            if (observation->state != CORE_OBSERVATION_NONE && observation->recent[k] == serial) {
                core_observation_suspend(reach, (enum core_resource)i);
                return;
            }
        }
    }
}

// The worker had no room: as if it had never been sent.
static void take_back(const struct core_reach *reach, unsigned leg)
{
    struct core_flight *flight = &reach->link->flight;
    flight->legs[leg].is_open = false;
    if (flight->legs[LEG_ROUTE].is_open || flight->legs[LEG_CANDIDATE].is_open) {
        return;
    }
    if (flight->kind == CORE_FLIGHT_CALL) {
        core_call_taken_back(reach);
    }
    finish(reach);
    core_shard_again(reach);
}

void core_flight_outcome(const struct core_reach *reach, const struct core_mail *mail)
{
    const uint32_t serial = (uint32_t)(mail->ticket >> 32);
    const unsigned leg = (mail->ticket >> LEG_BIT & 1U) != 0 ? LEG_CANDIDATE : LEG_ROUTE;
    struct core_flight *flight = &reach->link->flight;
    const enum core_outcome outcome = (enum core_outcome)mail->outcome;
    if (flight->serial != serial || !flight->legs[leg].is_open) {
        if (outcome == CORE_OUTCOME_REJECTED) {
            reject_late(reach, serial);
        }
        return;
    }
    switch (outcome) {
    case CORE_OUTCOME_TRANSMITTED:
        transmitted(reach, leg, mail->handle);
        break;
    case CORE_OUTCOME_UNANSWERED:
        flight->is_unanswered = true;
        core_flight_try_candidate(reach, flight->resource);
        break;
    case CORE_OUTCOME_DELIVERED:
        deliver(reach, leg);
        break;
    case CORE_OUTCOME_REJECTED:
        reach->shard->stats.rejected++;
        fail_leg(reach, leg, true);
        break;
    case CORE_OUTCOME_LOST:
        reach->shard->stats.lost++;
        fail_leg(reach, leg, false);
        break;
    case CORE_OUTCOME_BUSY:
        take_back(reach, leg);
        return;
    }
    core_flight_pump(reach);
}

bool core_flight_is_free(const struct core_reach *reach, enum core_resource resource)
{
    const struct core_observation *observation = &reach->link->observations[resource];
    if (reach->link->flight.kind != CORE_FLIGHT_NONE || reach->link->is_loading) {
        return false;
    }
    if (observation->state != CORE_OBSERVATION_LIVE &&
        observation->state != CORE_OBSERVATION_PROBING) {
        return false;
    }
    if (!wants_con(reach, observation) && !mono_reached(reach->now.mono, reach->link->pace)) {
        core_shard_wake_at(reach, reach->link->pace);
        return false;
    }
    return true;
}

bool core_flight_may_start(const struct core_reach *reach, enum core_resource resource)
{
    const bool is_idle = reach->link->flight.kind == CORE_FLIGHT_NONE && !reach->link->is_loading;
    return (is_idle && core_visit_waits(reach, resource)) || core_flight_is_free(reach, resource);
}

static bool wants_probe(const struct core_reach *reach, enum core_resource resource)
{
    const struct core_observation *observation = &reach->link->observations[resource];
    if (observation->state == CORE_OBSERVATION_PROBING) {
        return true;
    }
    if (observation->state != CORE_OBSERVATION_LIVE) {
        return false;
    }
    if (mono_reached(reach->now.mono, observation->con_due)) {
        return true;
    }
    core_shard_wake_at(reach, observation->con_due);
    return false;
}

static void give_up_overdue(const struct core_reach *reach)
{
    struct core_flight *flight = &reach->link->flight;
    if (flight->kind == CORE_FLIGHT_NONE || !mono_reached(reach->now.mono, flight->give_up)) {
        return;
    }
    for (unsigned leg = 0; leg < 2; leg++) {
        if (flight->legs[leg].is_open) {
            fail_leg(reach, leg, false);
        }
    }
}

void core_flight_pump(const struct core_reach *reach)
{
    struct core_downlink *link = reach->link;
    give_up_overdue(reach);
    if (link->flight.kind != CORE_FLIGHT_NONE || link->is_loading) {
        if (link->flight.kind != CORE_FLIGHT_NONE) {
            core_shard_wake_at(reach, link->flight.give_up);
        }
        return;
    }
    struct core_call *call = core_call_next(reach);
    if (call != NULL && core_flight_may_start(reach, CORE_RESOURCE_RPC)) {
        core_call_send(reach, call);
        return;
    }
    const bool has_delta = link->delta_seq > link->covered;
    if (has_delta && core_flight_may_start(reach, CORE_RESOURCE_ATTRIBUTES)) {
        core_delta_send(reach, false);
        return;
    }
    if (wants_probe(reach, CORE_RESOURCE_RPC)) {
        (void)!core_flight_start(reach, CORE_RESOURCE_RPC, CORE_FLIGHT_PROBE, CORE_NOTICE_VALID,
                                 SLICE_EMPTY);
    } else if (wants_probe(reach, CORE_RESOURCE_ATTRIBUTES)) {
        core_delta_send(reach, true);
    }
}
