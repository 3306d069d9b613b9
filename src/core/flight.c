// The one notification that is under way to a device: where it goes, and what became of it
// (protocol-rules.md sections 1 and 2).
#include "base/buf.h"
#include "core/outbox_priv.h"
#include "core/power_priv.h"
#include "core/visit_priv.h"
#include "model/index.h"

#define LEG_ROUTE 0U
#define LEG_CANDIDATE 1U
// A NON after so many is a CON.
#define NON_IN_A_ROW 7U
// `since_con` when a NON could not leave: the path has to be proven anew.
#define PATH_LOST UINT8_MAX
#define NUMBER_MASK 0xffffffU
// Without a message of the device for so long, a CON.
#define QUIET_S 60U
// Longer than all retransmissions with the usual time-out (RFC 7252 4.8.2, MAX_TRANSMIT_WAIT); to a
// peer that was measured slow fewer of them are made.
#define GIVE_UP_S 120U

#define LEG_BIT (CORE_TICKET_PLACE_BITS + CORE_TICKET_WORKER_BITS)

static uint64_t ticket_of(const struct core_reach *reach, uint32_t serial, unsigned leg)
{
    const uint32_t place = pool_handle_of(reach->shard->downlinks, reach->link).index;
    return (uint64_t)serial << 32 | (uint64_t)leg << LEG_BIT |
           (uint64_t)reach->shard->plan.number << CORE_TICKET_PLACE_BITS | place;
}

static uint32_t next_serial(struct core_shard *shard)
{
    shard->serial_last = shard->serial_last == UINT32_MAX ? 1 : shard->serial_last + 1;
    return shard->serial_last;
}

uint64_t core_flight_ticket(const struct core_reach *reach)
{
    return ticket_of(reach, next_serial(reach->shard), LEG_ROUTE);
}

struct core_downlink *core_flight_find(const struct core_shard *shard, uint64_t ticket)
{
    const uint32_t position = (uint32_t)ticket & (CORE_PLACES_MAX - 1);
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
    struct bus_party *party = reach->shard->plan.party;
    const unsigned worker = flight->legs[leg].worker;
    struct core_mail *mail = flight->legs[leg].has_handle && bus_has_room(party, worker)
                                 ? core_mail_begin(party, worker, 0)
                                 : NULL;
    // Without it the message is repeated a few times more, and what comes of it is ignored.
    if (mail != NULL) {
        mail->kind = CORE_MAIL_CANCEL;
        mail->handle = flight->legs[leg].handle;
        mail->ticket = ticket_of(reach, flight->legs[leg].serial, leg);
        core_mail_end(party, worker, mail);
    }
}

static void finish(const struct core_reach *reach)
{
    stop_leg(reach, LEG_ROUTE);
    stop_leg(reach, LEG_CANDIDATE);
    drop_parcel(reach);
    reach->link->flight.kind = CORE_FLIGHT_NONE;
}

void core_flight_cancel(const struct core_reach *reach)
{
    if (reach->link->flight.kind == CORE_FLIGHT_CALL) {
        core_call_taken_back(reach);
    }
    finish(reach);
}

// Hands the notification to the worker of a route. False when its ring is full.
static bool send_leg(const struct core_reach *reach, unsigned leg, struct slice body)
{
    struct bus_party *party = reach->shard->plan.party;
    struct core_flight *flight = &reach->link->flight;
    const struct core_observation *observation = observation_in(reach);
    const struct core_route *route =
        leg == LEG_ROUTE ? &observation->registration.route : &observation->candidate;
    const unsigned worker = route->steer % bus_workers(reach->shard->plan.core->bus);
    if (!bus_has_room(party, worker)) {
        return false;
    }
    struct core_mail *mail = core_mail_begin(party, worker, body.len);
    if (mail == NULL) {
        return false;
    }
    flight->legs[leg].serial = next_serial(reach->shard);
    mail->kind = CORE_MAIL_NOTICE;
    mail->resource = (uint8_t)flight->resource;
    mail->notice = (uint8_t)flight->notice;
    mail->confirmable = flight->confirmable;
    mail->device = reach->link->device;
    mail->skips_mids = observation->is_restored && leg == LEG_ROUTE;
    mail->mid = observation->mid;
    mail->number = flight->number;
    mail->ticket = ticket_of(reach, flight->legs[leg].serial, leg);
    mail->registration = observation->registration;
    mail->registration.route = *route;
    core_mail_put_body(mail, body);
    core_mail_end(party, worker, mail);
    flight->legs[leg].is_open = true;
    flight->legs[leg].has_handle = false;
    flight->legs[leg].worker = worker;
    if (flight->sends < UINT8_MAX) {
        flight->sends++;
    }
    return true;
}

// The device is at one of two places: the newer one, if it waits to be probed, or if it sleeps so
// long that the way to the older one is likely to be gone.
static unsigned first_leg(const struct core_reach *reach,
                          const struct core_observation *observation)
{
    const bool is_doubtful =
        observation->state == CORE_OBSERVATION_PROBING || reach->link->power != MODEL_POWER_NONE;
    return is_doubtful && observation->has_candidate && observation->candidate_is_newer
               ? LEG_CANDIDATE
               : LEG_ROUTE;
}

static bool wants_con(const struct core_reach *reach, const struct core_observation *observation)
{
    if (observation->registration.confirmable || observation->state == CORE_OBSERVATION_PROBING ||
        first_leg(reach, observation) == LEG_CANDIDATE || observation->since_con == PATH_LOST ||
        mono_reached(reach->now.mono, observation->con_due)) {
        return true;
    }
    if (reach->shard->plan.settings.keeps_type) {
        return false;
    }
    const struct span quiet = mono_since(reach->now.mono, observation->heard);
    return observation->is_unconfirmed || observation->since_con >= NON_IN_A_ROW ||
           quiet.ns > span_s(QUIET_S).ns;
}

// A number that nothing was sent with is used again.
static void give_number_back(const struct core_reach *reach)
{
    struct core_observation *observation = observation_in(reach);
    if (((observation->next - 1) & NUMBER_MASK) == reach->link->flight.number) {
        observation->next--;
    }
}

// No worker has it: its first leg is the answer that the thread of the sockets writes.
static void start_visit(const struct core_reach *reach, enum core_resource resource,
                        enum core_flight_kind kind, struct slice body)
{
    struct core_flight *flight = &reach->link->flight;
    *flight = (struct core_flight){.kind = (uint8_t)kind,
                                   .resource = (uint8_t)resource,
                                   .is_visit = true,
                                   .parcel = POOL_HANDLE_NONE,
                                   .give_up = mono_add(reach->now.mono, span_s(GIVE_UP_S))};
    flight->legs[LEG_ROUTE].is_open = true;
    flight->legs[LEG_ROUTE].serial = next_serial(reach->shard);
    core_shard_wake_at(reach, flight->give_up);
    reach->shard->stats.notices++;
    core_visit_give(reach, resource, ticket_of(reach, flight->legs[LEG_ROUTE].serial, LEG_ROUTE),
                    body);
}

bool core_flight_start(const struct core_reach *reach, enum core_resource resource,
                       enum core_flight_kind kind, enum core_notice notice, struct slice body)
{
    const bool is_for_visits = kind == CORE_FLIGHT_DELTA || kind == CORE_FLIGHT_CALL;
    if (is_for_visits && core_visit_waits(reach, resource)) {
        ASSERT(reach->link->flight.kind == CORE_FLIGHT_NONE);
        start_visit(reach, resource, kind, body);
        return true;
    }
    struct core_observation *observation = &reach->link->observations[resource];
    struct core_flight *flight = &reach->link->flight;
    const unsigned leg = first_leg(reach, observation);
    const bool is_cut = body.len > CORE_NOTICE_WHOLE;
    const bool is_acknowledged_call =
        kind == CORE_FLIGHT_CALL && reach->shard->plan.settings.strategy == CORE_CALLS_ON_ACK;
    uint32_t number = 0;
    ASSERT(flight->kind == CORE_FLIGHT_NONE);
    if (!core_observation_number(reach, resource, &number)) {
        core_shard_again(reach);
        return false;
    }
    *flight = (struct core_flight){.kind = (uint8_t)kind,
                                   .resource = (uint8_t)resource,
                                   .notice = (uint8_t)notice,
                                   .confirmable = is_cut || is_acknowledged_call ||
                                                  kind == CORE_FLIGHT_LAPSE ||
                                                  wants_con(reach, observation),
                                   .is_cut = is_cut,
                                   .number = number,
                                   .give_up = mono_add(reach->now.mono, span_s(GIVE_UP_S))};
    if (!send_leg(reach, leg, body)) {
        give_number_back(reach);
        flight->kind = CORE_FLIGHT_NONE;
        core_shard_again(reach);
        return false;
    }
    keep_parcel(reach, body);
    core_power_sent(reach);
    core_shard_wake_at(reach, flight->give_up);
    reach->shard->stats.notices++;
    return true;
}

void core_flight_last(const struct core_reach *reach, enum core_resource resource,
                      enum core_notice notice)
{
    struct core_flight *flight = &reach->link->flight;
    *flight = (struct core_flight){.kind = CORE_FLIGHT_END,
                                   .resource = (uint8_t)resource,
                                   .notice = (uint8_t)notice,
                                   .confirmable = true};
    // Should the ring be full the device learns it by its next request.
    (void)!send_leg(reach, LEG_ROUTE, SLICE_EMPTY);
    *flight = (struct core_flight){.kind = CORE_FLIGHT_NONE};
}

// What is not acknowledged at one place goes to the other one too, as far as its body is kept.
static void try_other(const struct core_reach *reach)
{
    struct core_flight *flight = &reach->link->flight;
    const struct core_observation *observation = observation_in(reach);
    const struct core_parcel *parcel = pool_get(reach->shard->parcels, flight->parcel);
    if (parcel == NULL) {
        return;
    }
    const struct slice body = slice_of(parcel->bytes, parcel->len);
    if (flight->legs[LEG_ROUTE].serial == 0) {
        (void)!send_leg(reach, LEG_ROUTE, body);
    } else if (!flight->legs[LEG_CANDIDATE].is_open && observation->has_candidate &&
               observation->candidate_is_newer && send_leg(reach, LEG_CANDIDATE, body)) {
        reach->shard->stats.repeated_at_candidate++;
    }
}

static bool has_leg(const struct core_flight *flight)
{
    return flight->legs[LEG_ROUTE].is_open || flight->legs[LEG_CANDIDATE].is_open;
}

static bool is_flying(const struct core_reach *reach, enum core_resource resource)
{
    const struct core_flight *flight = &reach->link->flight;
    return flight->kind != CORE_FLIGHT_NONE && flight->resource == resource;
}

void core_flight_try_candidate(const struct core_reach *reach, enum core_resource resource)
{
    struct core_flight *flight = &reach->link->flight;
    if (!is_flying(reach, resource)) {
        return;
    }
    flight->is_heard_elsewhere = true;
    if (flight->is_unanswered) {
        try_other(reach);
    } else if (!has_leg(flight)) {
        // The candidate before it was let go.
        const struct core_parcel *parcel = pool_get(reach->shard->parcels, flight->parcel);
        ASSERT(parcel != NULL);
        (void)!send_leg(reach, LEG_CANDIDATE, slice_of(parcel->bytes, parcel->len));
    }
    if (!has_leg(flight)) {
        // There was no room: nothing would tell what became of it.
        core_flight_cancel(reach);
        core_shard_again(reach);
    }
}

bool core_flight_let_go(const struct core_reach *reach, enum core_resource resource)
{
    const struct core_flight *flight = &reach->link->flight;
    if (!is_flying(reach, resource) || !flight->legs[LEG_CANDIDATE].is_open) {
        return true;
    }
    if (pool_get(reach->shard->parcels, flight->parcel) == NULL) {
        return false;
    }
    stop_leg(reach, LEG_CANDIDATE);
    return true;
}

static void tell_delivered(const struct core_reach *reach)
{
    const struct core_flight *flight = &reach->link->flight;
    reach->shard->stats.delivered++;
    if (flight->kind == CORE_FLIGHT_DELTA) {
        core_delta_delivered(reach, flight->upto);
    } else if (flight->kind == CORE_FLIGHT_CALL) {
        core_call_delivered(reach);
    }
}

// It was acknowledged, or with `is_fetched` all of its blocks were asked for.
static void deliver(const struct core_reach *reach, unsigned leg, bool is_fetched)
{
    struct core_flight *flight = &reach->link->flight;
    struct core_observation *observation = observation_in(reach);
    const struct span probe_wait = observation->probe_wait;
    const enum core_resource resource = flight->resource;
    const bool is_lapse = flight->kind == CORE_FLIGHT_LAPSE;
    // Only the first acknowledgement decides; the other leg is stopped.
    flight->legs[leg].is_open = false;
    if (!flight->is_visit) {
        observation->mid = flight->legs[leg].mid;
        core_observation_confirm(reach, flight->resource, leg == LEG_CANDIDATE);
    }
    if (flight->is_cut && !is_fetched && core_fetch_begin(reach, flight->legs[leg].serial)) {
        // A device that never fetches the rest is probed ever more seldom.
        observation->probe_wait = probe_wait;
    } else {
        tell_delivered(reach);
    }
    finish(reach);
    if (is_lapse) {
        core_observation_end(reach, resource);
    }
}

// The next may follow after a round trip, if one was measured (RFC 7641 4.5.1).
static void deliver_non(const struct core_reach *reach, uint32_t round_trip_ms)
{
    struct core_observation *observation = observation_in(reach);
    struct core_flight *flight = &reach->link->flight;
    const struct span pace =
        round_trip_ms > 0 ? span_ms(round_trip_ms) : reach->shard->plan.settings.pace;
    if (observation->since_con < PATH_LOST - 1) {
        observation->since_con++;
    }
    observation->recent[observation->recent_at] = flight->legs[LEG_ROUTE].serial;
    observation->recent_at = (uint8_t)((observation->recent_at + 1) % CORE_RECENT_NON);
    reach->link->pace = mono_add(reach->now.mono, pace);
    flight->legs[LEG_ROUTE].is_open = false;
    tell_delivered(reach);
    finish(reach);
}

static void transmitted(const struct core_reach *reach, unsigned leg, const struct core_mail *mail)
{
    struct core_flight *flight = &reach->link->flight;
    struct core_observation *observation = observation_in(reach);
    flight->legs[leg].handle = mail->handle;
    flight->legs[leg].has_handle = true;
    flight->legs[leg].mid = mail->mid;
    if (leg == LEG_ROUTE) {
        observation->mid = mail->mid;
        observation->has_mid = true;
        observation->is_restored = false;
    }
    if (flight->kind == CORE_FLIGHT_CALL) {
        core_call_transmitted(reach);
    }
    if (!flight->confirmable) {
        deliver_non(reach, mail->number);
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
    flight->is_unanswered = true;
    if (leg == LEG_CANDIDATE) {
        // It says nothing about the observation.
        observation->has_candidate = false;
        is_rejected = false;
    }
    try_other(reach);
    if (has_leg(flight)) {
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
        observation->since_con = PATH_LOST;
    } else {
        core_observation_suspend(reach, resource);
    }
}

void core_flight_discard_candidate(const struct core_reach *reach, enum core_resource resource)
{
    if (is_flying(reach, resource) && reach->link->flight.legs[LEG_CANDIDATE].is_open) {
        stop_leg(reach, LEG_CANDIDATE);
        fail_leg(reach, LEG_CANDIDATE, false);
    }
    reach->link->observations[resource].has_candidate = false;
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
    if (has_leg(flight)) {
        return;
    }
    // A leg whose place another took may have reached the device: under the same number it would
    // take something new for a repeat.
    if (flight->sends == 1) {
        give_number_back(reach);
    }
    if (flight->kind == CORE_FLIGHT_CALL) {
        core_call_taken_back(reach);
    }
    finish(reach);
    core_shard_again(reach);
}

// Of a leg that is over.
static void take_late(const struct core_reach *reach, enum core_outcome outcome, uint32_t serial)
{
    if (outcome == CORE_OUTCOME_REJECTED) {
        reject_late(reach, serial);
    } else if (outcome == CORE_OUTCOME_FETCHED) {
        core_fetch_done(reach, serial);
    }
}

void core_flight_outcome(const struct core_reach *reach, const struct core_mail *mail)
{
    const uint32_t serial = (uint32_t)(mail->ticket >> 32);
    const unsigned leg = (mail->ticket >> LEG_BIT & 1U) != 0 ? LEG_CANDIDATE : LEG_ROUTE;
    struct core_flight *flight = &reach->link->flight;
    const enum core_outcome outcome = (enum core_outcome)mail->outcome;
    if (flight->kind == CORE_FLIGHT_NONE || flight->legs[leg].serial != serial ||
        !flight->legs[leg].is_open) {
        take_late(reach, outcome, serial);
        return;
    }
    switch (outcome) {
    case CORE_OUTCOME_TRANSMITTED:
        transmitted(reach, leg, mail);
        break;
    case CORE_OUTCOME_UNANSWERED:
        // It may wait for its turn still, and then has to be stopped all the same.
        flight->legs[leg].handle = mail->handle;
        flight->legs[leg].has_handle = true;
        flight->is_unanswered = true;
        try_other(reach);
        break;
    case CORE_OUTCOME_DELIVERED:
    case CORE_OUTCOME_FETCHED:
        // Who asks for the last block has the notification, though its ACK was lost.
        deliver(reach, leg, outcome == CORE_OUTCOME_FETCHED);
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
    if (!core_power_is_awake(reach)) {
        return false;
    }
    if (observation->fetch != 0) {
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

bool core_flight_is_lapse_due(const struct core_reach *reach)
{
    return reach->link->is_lapsed && core_flight_is_free(reach, CORE_RESOURCE_ATTRIBUTES);
}

static bool wants_probe(const struct core_reach *reach, enum core_resource resource)
{
    const struct core_observation *observation = &reach->link->observations[resource];
    if (observation->state == CORE_OBSERVATION_PROBING) {
        return true;
    }
    if (observation->state != CORE_OBSERVATION_LIVE || observation->fetch != 0) {
        return false;
    }
    if (mono_reached(reach->now.mono, observation->con_due)) {
        return core_power_is_awake(reach);
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
    core_fetch_expire(reach);
    if (!link->is_loading && core_outbox_is_heavy(reach)) {
        core_delta_send(reach, false);
    }
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
    if (core_flight_is_lapse_due(reach)) {
        (void)!core_flight_start(reach, CORE_RESOURCE_ATTRIBUTES, CORE_FLIGHT_LAPSE,
                                 CORE_NOTICE_LAPSED, SLICE_EMPTY);
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
