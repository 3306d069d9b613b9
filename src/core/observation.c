// The observations of a device (protocol-rules.md sections 1 and 3).
#include "base/buf.h"
#include "core/flight_priv.h"
#include "core/plan.h"
#include "core/power_priv.h"
#include "core/presence.h"

static struct core_observation *observation_of(const struct core_reach *reach, unsigned resource)
{
    ASSERT(resource < CORE_RESOURCES);
    return &reach->link->observations[resource];
}

static void enter(const struct core_reach *reach, struct core_observation *observation,
                  enum core_observation_state state)
{
    struct core_shard_stats *stats = &reach->shard->stats;
    stats->observations -= observation->state != CORE_OBSERVATION_NONE ? 1 : 0;
    stats->suspended -= observation->state == CORE_OBSERVATION_SUSPENDED ? 1 : 0;
    observation->state = (uint8_t)state;
    stats->observations += observation->state != CORE_OBSERVATION_NONE ? 1 : 0;
    stats->suspended += observation->state == CORE_OBSERVATION_SUSPENDED ? 1 : 0;
}

static bool is_same(const struct core_registration *a, const struct core_registration *b)
{
    return core_route_equal(&a->route, &b->route) && core_registration_same_token(a, b) &&
           a->confirmable == b->confirmable && a->content_format == b->content_format &&
           a->uri_hash == b->uri_hash;
}

static void raise_session(const struct core_reach *reach, bool is_connected)
{
    const struct core_event event = {.kind =
                                         is_connected ? CORE_EVENT_CONNECT : CORE_EVENT_DISCONNECT,
                                     .tenant = reach->tenant,
                                     .device = reach->device,
                                     .at = reach->now.wall};
    core_plan_raise(reach->shard->plan.core->plan, &event);
}

// A device is connected while one of its observations is not suspended; when that changes, people
// see it as a server attribute, rule chains as an event.
static void note_session(const struct core_reach *reach)
{
    bool is_connected = false;
    for (unsigned i = 0; i < CORE_RESOURCES; i++) {
        const enum core_observation_state state = reach->link->observations[i].state;
        is_connected |= state == CORE_OBSERVATION_STARTING || state == CORE_OBSERVATION_LIVE;
    }
    if (is_connected == reach->link->is_connected) {
        return;
    }
    reach->link->is_connected = is_connected;
    uint8_t row[32];
    const struct model_value at = {.type = MODEL_VALUE_LONG, .number = reach->now.wall.ms};
    const uint8_t *end = store_attribute_put(row, reach->now.wall.ms, &at);
    const struct store_state_change change = {
        STORE_STATE_SERVER, is_connected ? SLICE("lastConnectTime") : SLICE("lastDisconnectTime"),
        false, slice_of(row, (size_t)(end - row))};
    // Nobody waits for it, and the next change writes it again.
    core_shard_note(reach, &change, 1);
    raise_session(reach, is_connected);
}

static enum err put_registration(const struct core_reach *reach, enum core_resource resource,
                                 const struct core_registration *registration,
                                 struct store_state_change *change)
{
    void *memory = arena_take(reach->shard->plan.memory, CORE_ROW_MAX);
    if (memory == NULL) {
        return ERR_EXHAUSTED;
    }
    struct buf row = buf_over(memory, CORE_ROW_MAX);
    core_row_put_registration(&row, registration);
    ASSERT(!row.overflow);
    *change = (struct store_state_change){
        STORE_STATE_OBSERVATION, core_row_observation_name(resource), false, buf_view(&row)};
    return ERR_OK;
}

// The first number, and those of the notifications to come.
static void reserve_numbers(struct core_observation *observation)
{
    if (observation->reserved < observation->next + CORE_NUMBERS_RESERVED / 2) {
        observation->reserved = observation->next + CORE_NUMBERS_RESERVED;
    }
}

static enum err commit_registration(const struct core_reach *reach, unsigned from,
                                    const struct core_mail *mail)
{
    const enum core_resource resource = (enum core_resource)mail->resource;
    struct core_observation *observation = observation_of(reach, resource);
    struct store_state_change items[2];
    reserve_numbers(observation);
    enum err err = put_registration(reach, resource, &mail->registration, &items[0]);
    err = err == ERR_OK ? core_shard_put_counters(reach, &items[1]) : err;
    err = observation->registering < UINT16_MAX ? err : ERR_EXHAUSTED;
    struct core_job *job = err == ERR_OK ? core_shard_job(reach->shard, CORE_JOB_SUBSCRIBE) : NULL;
    if (job == NULL) {
        return ERR_EXHAUSTED;
    }
    job->from = from;
    job->question = *mail;
    err = core_shard_commit(reach, items, 2, job);
    if (err == ERR_OK) {
        observation->registering++;
    }
    return err;
}

// What is under way to the observation; what a visit was given is none of its business.
static void cancel_own(const struct core_reach *reach, enum core_resource resource)
{
    const struct core_flight *flight = &reach->link->flight;
    if (flight->kind != CORE_FLIGHT_NONE && flight->resource == resource && !flight->is_visit) {
        core_flight_cancel(reach);
    }
}

// Should the note fail, a device that registered has to do so once more after a restart.
static void end_lapse(const struct core_reach *reach)
{
    struct store_state_change change;
    if (!reach->link->is_lapsed) {
        return;
    }
    reach->link->is_lapsed = false;
    if (core_shard_put_counters(reach, &change) == ERR_OK) {
        core_shard_note(reach, &change, 1);
    }
}

static void begin(const struct core_reach *reach, enum core_resource resource,
                  const struct core_registration *registration)
{
    struct core_observation *observation = observation_of(reach, resource);
    cancel_own(reach, resource);
    core_fetch_cancel(reach, resource);
    observation->registration = *registration;
    enter(reach, observation, CORE_OBSERVATION_STARTING);
    observation->has_candidate = false;
    observation->barred = 0;
    observation->is_unconfirmed = true;
    observation->has_mid = false;
    observation->is_restored = false;
    observation->since_con = 0;
    observation->heard = reach->now.mono;
    observation->con_due = mono_add(reach->now.mono, reach->shard->plan.settings.probe_every);
    observation->probe_wait = (struct span){0};
    note_session(reach);
    // The answer shows everything.
    if (resource == CORE_RESOURCE_ATTRIBUTES) {
        reach->link->covered = reach->link->delta_seq;
        end_lapse(reach);
    }
}

// A device's two observations have different tokens where they have one route.
static void settle_token(const struct core_reach *reach, const struct core_mail *mail)
{
    const enum core_resource other =
        mail->resource == CORE_RESOURCE_RPC ? CORE_RESOURCE_ATTRIBUTES : CORE_RESOURCE_RPC;
    const struct core_observation *observation = observation_of(reach, other);
    if (observation->state == CORE_OBSERVATION_NONE ||
        !core_registration_same_token(&observation->registration, &mail->registration)) {
        return;
    }
    if (core_route_equal(&observation->registration.route, &mail->registration.route)) {
        core_observation_end(reach, other);
    } else if (observation->has_candidate &&
               core_route_equal(&observation->candidate, &mail->registration.route)) {
        core_flight_discard_candidate(reach, other);
    }
}

// Unless it is the row of a registration that takes its place.
static void remove_row(const struct core_reach *reach, enum core_resource resource)
{
    const struct store_state_change change = {
        STORE_STATE_OBSERVATION, core_row_observation_name(resource), true, SLICE_EMPTY};
    // Should it fail, a restart finds the observation again, and its first message ends it again.
    if (observation_of(reach, resource)->registering == 0) {
        core_shard_note(reach, &change, 1);
    }
}

// The registration is on disk, or could not be written.
static void accept(const struct core_reach *reach, unsigned from, const struct core_mail *mail,
                   enum err err)
{
    const enum core_resource resource = (enum core_resource)mail->resource;
    struct core_mail question = *mail;
    uint32_t number = 0;
    if (err == ERR_OK) {
        begin(reach, resource, &mail->registration);
        err = core_observation_number(reach, resource, &number) ? ERR_OK : ERR_EXHAUSTED;
    }
    question.handle = err == ERR_OK ? core_flight_ticket(reach) : 0;
    core_shard_answer(reach->shard, from, &question, err, number);
}

void core_observation_subscribe(const struct core_reach *reach, unsigned from,
                                const struct core_mail *mail)
{
    struct core_reach own = *reach;
    own.link = core_shard_open(reach->shard, mail->tenant, mail->device);
    if (own.link == NULL) {
        core_shard_answer(reach->shard, from, mail, ERR_EXHAUSTED, 0);
        return;
    }
    own.link->tenant = mail->tenant;
    core_power_heard(&own, mail);
    settle_token(&own, mail);
    const struct core_observation *observation = observation_of(&own, mail->resource);
    const bool is_refresh = observation->state != CORE_OBSERVATION_NONE &&
                            is_same(&observation->registration, &mail->registration);
    if (is_refresh && own.link->jobs == 0) {
        // On disk already.
        accept(&own, from, mail, ERR_OK);
        return;
    }
    const enum err err = commit_registration(&own, from, mail);
    if (err != ERR_OK) {
        core_shard_answer(reach->shard, from, mail, err, 0);
    }
}

void core_observation_subscribed(const struct core_reach *reach, const struct core_job *job,
                                 enum err err)
{
    if (reach->link == NULL) {
        core_shard_answer(reach->shard, job->from, &job->question, ERR_NOT_FOUND, 0);
        return;
    }
    struct core_observation *observation = observation_of(reach, job->question.resource);
    observation->registering--;
    if (observation->voided > 0) {
        observation->voided--;
        err = ERR_UNAUTHORIZED;
    }
    accept(reach, job->from, &job->question, err);
    if (observation->state == CORE_OBSERVATION_NONE) {
        // Its own, or that of one that ended while this was written.
        remove_row(reach, (enum core_resource)job->question.resource);
    }
    if (!core_delta_is_noted(reach)) {
        reach->link->covered = reach->link->delta_seq;
    }
}

void core_observation_started(const struct core_reach *reach, const struct core_mail *mail)
{
    if (reach->link == NULL) {
        return;
    }
    const enum core_resource resource = (enum core_resource)mail->resource;
    struct core_observation *observation = observation_of(reach, resource);
    if (observation->state != CORE_OBSERVATION_STARTING ||
        !is_same(&observation->registration, &mail->registration)) {
        return;
    }
    if (mail->err != ERR_OK) {
        core_observation_end(reach, resource);
        return;
    }
    enter(reach, observation, CORE_OBSERVATION_LIVE);
    if (mail->number > CORE_NOTICE_WHOLE) {
        core_fetch_first(reach, resource, (uint32_t)(mail->handle >> 32));
    }
    core_flight_pump(reach);
}

static bool is_reachable_at(const struct core_observation *observation,
                            const struct core_route *route)
{
    return core_route_equal(&observation->registration.route, route) ||
           (observation->has_candidate && core_route_equal(&observation->candidate, route));
}

void core_observation_unsubscribe(const struct core_reach *reach, unsigned from,
                                  const struct core_mail *mail)
{
    const enum core_resource resource = (enum core_resource)mail->resource;
    const struct core_observation *observation =
        reach->link != NULL ? observation_of(reach, resource) : NULL;
    if (observation == NULL || observation->state == CORE_OBSERVATION_NONE ||
        !core_registration_same_token(&observation->registration, &mail->registration) ||
        !is_reachable_at(observation, &mail->registration.route)) {
        core_shard_answer(reach->shard, from, mail, ERR_OK, 0);
        return;
    }
    if (observation->registering > 0) {
        // Which of them is meant is known when that is on disk: the device asks again.
        core_shard_answer(reach->shard, from, mail, ERR_EXHAUSTED, 0);
        return;
    }
    const struct store_state_change change = {
        STORE_STATE_OBSERVATION, core_row_observation_name(resource), true, SLICE_EMPTY};
    struct core_job *job = core_shard_job(reach->shard, CORE_JOB_UNSUBSCRIBE);
    enum err err = ERR_EXHAUSTED;
    if (job != NULL) {
        job->from = from;
        job->question = *mail;
        err = core_shard_commit(reach, &change, 1, job);
    }
    if (err != ERR_OK) {
        core_shard_answer(reach->shard, from, mail, err, 0);
    }
}

// Without its row, which somebody else removes.
static void leave(const struct core_reach *reach, enum core_resource resource)
{
    struct core_observation *observation = observation_of(reach, resource);
    if (observation->state == CORE_OBSERVATION_NONE) {
        return;
    }
    enter(reach, observation, CORE_OBSERVATION_NONE);
    observation->has_candidate = false;
    core_fetch_cancel(reach, resource);
    note_session(reach);
    cancel_own(reach, resource);
    // Nobody waits for changes any more, unless they are asked for; the next registration starts
    // with all of them.
    if (resource == CORE_RESOURCE_ATTRIBUTES) {
        end_lapse(reach);
    }
    if (resource == CORE_RESOURCE_ATTRIBUTES && !core_delta_is_noted(reach)) {
        reach->link->covered = reach->link->delta_seq;
    }
}

void core_observation_unsubscribed(const struct core_reach *reach, const struct core_job *job,
                                   enum err err)
{
    if (reach->link != NULL && err == ERR_OK) {
        leave(reach, (enum core_resource)job->question.resource);
        core_flight_pump(reach);
    }
    core_shard_answer(reach->shard, job->from, &job->question, err, 0);
}

static void drop(const struct core_reach *reach, enum core_resource resource)
{
    leave(reach, resource);
    remove_row(reach, resource);
}

void core_observation_end(const struct core_reach *reach, enum core_resource resource)
{
    drop(reach, resource);
    core_flight_pump(reach);
}

void core_observation_end_all(const struct core_reach *reach, enum core_notice notice)
{
    for (unsigned i = 0; i < CORE_RESOURCES; i++) {
        struct core_observation *observation = observation_of(reach, i);
        observation->voided = observation->registering;
        if (observation->state == CORE_OBSERVATION_NONE) {
            continue;
        }
        core_flight_cancel(reach);
        if (observation->state != CORE_OBSERVATION_SUSPENDED) {
            core_flight_last(reach, (enum core_resource)i, notice);
        }
        // Nothing else leaves meanwhile: who is there has no right to it any more.
        drop(reach, (enum core_resource)i);
    }
}

void core_observation_suspend(const struct core_reach *reach, enum core_resource resource)
{
    const struct core_shard_settings *settings = &reach->shard->plan.settings;
    struct core_observation *observation = observation_of(reach, resource);
    if (observation->state == CORE_OBSERVATION_NONE ||
        observation->state == CORE_OBSERVATION_SUSPENDED) {
        return;
    }
    const bool was_probe = observation->state == CORE_OBSERVATION_PROBING;
    enter(reach, observation, CORE_OBSERVATION_SUSPENDED);
    note_session(reach);
    // The first probe follows the device's next message, each later one waits twice as long.
    if (was_probe) {
        const uint64_t twice = 2 * observation->probe_wait.ns;
        observation->probe_wait.ns = twice < settings->probe_again.ns  ? settings->probe_again.ns
                                     : twice > settings->probe_most.ns ? settings->probe_most.ns
                                                                       : twice;
    }
    observation->probe_due = mono_add(reach->now.mono, observation->probe_wait);
    core_shard_wake_at(reach, mono_add(reach->link->uplink, settings->silence_most));
}

void core_observation_expire(const struct core_reach *reach)
{
    for (unsigned i = 0; i < CORE_RESOURCES; i++) {
        const struct core_observation *observation = observation_of(reach, i);
        const struct mono end =
            mono_add(reach->link->uplink, reach->shard->plan.settings.silence_most);
        if (observation->state != CORE_OBSERVATION_SUSPENDED) {
            continue;
        }
        if (mono_reached(reach->now.mono, end)) {
            core_observation_end(reach, (enum core_resource)i);
        } else {
            core_shard_wake_at(reach, end);
        }
    }
}

void core_observation_confirm(const struct core_reach *reach, enum core_resource resource,
                              bool at_candidate)
{
    struct core_observation *observation = observation_of(reach, resource);
    core_presence_heard(reach->shard->plan.core->presence, reach->device, reach->now.mono);
    core_power_heard(reach, NULL);
    enter(reach, observation, CORE_OBSERVATION_LIVE);
    note_session(reach);
    observation->is_unconfirmed = false;
    observation->probe_wait = (struct span){0};
    observation->since_con = 0;
    observation->heard = reach->now.mono;
    observation->con_due = mono_add(reach->now.mono, reach->shard->plan.settings.probe_every);
    if (!at_candidate) {
        // What workers say of two addresses comes in any order: of an acknowledgement it is certain
        // only that the message that it is for had left.
        observation->candidate_is_newer &= reach->link->flight.is_heard_elsewhere;
        return;
    }
    observation->registration.route = observation->candidate;
    observation->has_candidate = false;
    observation->has_mid = true;
    observation->is_restored = false;
    struct store_state_change change;
    if (observation->registering == 0 &&
        put_registration(reach, resource, &observation->registration, &change) == ERR_OK) {
        // Should it fail, a restart begins at the old route and finds the way again.
        (void)!core_shard_commit(reach, &change, 1, NULL);
    }
}

static uint64_t route_name(const struct core_route *route)
{
    return hash_bytes(slice_of(route->peer, sizeof(route->peer))) | 1U;
}

// The observation's token, but not its GET: there it means something else by now.
static bool means_other(const struct core_observation *observation, enum core_resource resource,
                        const struct core_mail *mail)
{
    return mail->resource != resource &&
           core_registration_same_token(&observation->registration, &mail->registration) &&
           observation->registration.uri_hash != mail->registration.uri_hash;
}

// The device's other observation has this token there.
static bool is_token_taken(const struct core_reach *reach, enum core_resource resource,
                           const struct core_route *route)
{
    const struct core_observation *observation = observation_of(reach, resource);
    const struct core_observation *other = observation_of(reach, CORE_RESOURCES - 1U - resource);
    return other->state != CORE_OBSERVATION_NONE &&
           core_route_equal(&other->registration.route, route) &&
           core_registration_same_token(&other->registration, &observation->registration);
}

static void hear_elsewhere(const struct core_reach *reach, enum core_resource resource,
                           const struct core_mail *mail)
{
    struct core_observation *observation = observation_of(reach, resource);
    const struct core_route *route = &mail->registration.route;
    const bool is_known =
        observation->has_candidate && core_route_equal(&observation->candidate, route);
    if (means_other(observation, resource, mail)) {
        observation->barred = route_name(route);
        if (is_known) {
            core_flight_discard_candidate(reach, resource);
        }
        return;
    }
    if (observation->barred == route_name(route) || is_token_taken(reach, resource, route) ||
        (!is_known && !core_flight_let_go(reach, resource))) {
        return;
    }
    observation->candidate = *route;
    observation->candidate_is_newer = true;
    observation->has_candidate = true;
    core_flight_try_candidate(reach, resource);
}

static void hear(const struct core_reach *reach, enum core_resource resource,
                 const struct core_mail *mail)
{
    struct core_observation *observation = observation_of(reach, resource);
    if (observation->state == CORE_OBSERVATION_NONE) {
        return;
    }
    if (!core_route_equal(&observation->registration.route, &mail->registration.route)) {
        hear_elsewhere(reach, resource, mail);
    } else if (means_other(observation, resource, mail)) {
        core_observation_end(reach, resource);
        return;
    } else {
        observation->heard = reach->now.mono;
        observation->candidate_is_newer = false;
    }
    if (observation->state == CORE_OBSERVATION_SUSPENDED &&
        mono_reached(reach->now.mono, observation->probe_due)) {
        enter(reach, observation, CORE_OBSERVATION_PROBING);
    }
}

void core_observation_heard(const struct core_reach *reach, const struct core_mail *mail)
{
    if (reach->link == NULL) {
        return;
    }
    core_power_heard(reach, mail);
    for (unsigned i = 0; i < CORE_RESOURCES; i++) {
        hear(reach, (enum core_resource)i, mail);
    }
    core_flight_pump(reach);
}

// Half a block ahead of its use, so that it is on disk by then.
static void reserve_more(const struct core_reach *reach, struct core_observation *observation)
{
    const uint32_t half = CORE_NUMBERS_RESERVED / 2;
    struct store_state_change change;
    if (observation->next + half < observation->reserved) {
        return;
    }
    observation->reserved += half;
    if (core_shard_put_counters(reach, &change) != ERR_OK ||
        core_shard_commit(reach, &change, 1, NULL) != ERR_OK) {
        observation->reserved -= half;
    }
}

bool core_observation_number(const struct core_reach *reach, enum core_resource resource,
                             uint32_t *number)
{
    struct core_observation *observation = observation_of(reach, resource);
    reserve_more(reach, observation);
    if (observation->next >= observation->reserved) {
        return false;
    }
    *number = observation->next++ & 0xffffffU;
    return true;
}
