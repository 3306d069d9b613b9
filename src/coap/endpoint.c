#include "coap/endpoint.h"

#include <string.h>

#include "coap/endpoint_priv.h"

static size_t round64(size_t size)
{
    return (size + 63U) & ~(size_t)63U;
}

static struct coap_bodies_limits bodies_limits(const struct coap_endpoint_limits *limits)
{
    return (struct coap_bodies_limits){limits->bodies_max, limits->bodies_unproven_max,
                                       limits->body_bytes_max};
}

size_t coap_endpoint_footprint(const struct coap_endpoint_limits *limits)
{
    return round64(sizeof(struct coap_endpoint)) + round64(coap_dedup_footprint(limits->dedup)) +
           round64(coap_peers_footprint(limits->peers_max)) +
           round64(coap_bodies_footprint(bodies_limits(limits))) +
           round64(coap_answers_footprint(limits->answer_bytes_max)) +
           round64(coap_transmit_footprint(limits->transmit_max)) +
           round64(coap_sent_footprint(limits->sent_max)) +
           round64(pool_footprint(limits->exchanges_max, sizeof(struct coap_exchange)));
}

// Hands out the parts of the memory in order.
static void *part(uint8_t **at, size_t size)
{
    void *memory = *at;
    *at += round64(size);
    return memory;
}

struct coap_endpoint *coap_endpoint_init(void *memory, const struct coap_endpoint_limits *limits,
                                         const struct coap_endpoint_settings *settings,
                                         struct mono now)
{
    ASSERT(((uintptr_t)memory & 63U) == 0);
    ASSERT(settings->szx_max <= 6 && settings->nstart >= 1);
    uint8_t *at = memory;
    struct coap_endpoint *endpoint = part(&at, sizeof(*endpoint));
    endpoint->settings = *settings;
    endpoint->limits = *limits;
    random_init(&endpoint->random, settings->seed);
    wheel_init(&endpoint->wheel, now);
    endpoint->dedup =
        coap_dedup_init(part(&at, coap_dedup_footprint(limits->dedup)), limits->dedup, now);
    endpoint->peers = coap_peers_init(part(&at, coap_peers_footprint(limits->peers_max)),
                                      limits->peers_max, settings->key, &endpoint->random);
    endpoint->bodies = coap_bodies_init(part(&at, coap_bodies_footprint(bodies_limits(limits))),
                                        bodies_limits(limits));
    endpoint->answers = coap_answers_init(
        part(&at, coap_answers_footprint(limits->answer_bytes_max)), limits->answer_bytes_max);
    endpoint->transmit = coap_transmit_init(
        part(&at, coap_transmit_footprint(limits->transmit_max)), limits->transmit_max);
    const struct coap_sent_tools tools = {
        .wheel = &endpoint->wheel,
        .peers = endpoint->peers,
        .transmit = endpoint->transmit,
        .random = &endpoint->random,
        .key = settings->key,
        .nstart = settings->nstart,
        .timer_kind = COAP_TIMER_SENT,
    };
    endpoint->sent =
        coap_sent_init(part(&at, coap_sent_footprint(limits->sent_max)), limits->sent_max, &tools);
    endpoint->exchanges =
        pool_init(part(&at, pool_footprint(limits->exchanges_max, sizeof(struct coap_exchange))),
                  limits->exchanges_max, sizeof(struct coap_exchange));
    return endpoint;
}

static bool tell(struct coap_event *event, enum coap_sent_outcome outcome,
                 struct coap_sent_name name)
{
    switch (outcome) {
    case COAP_SENT_NOTHING:
        return false;
    case COAP_SENT_DELIVERED:
        event->kind = COAP_EVENT_DELIVERED;
        break;
    case COAP_SENT_REJECTED:
        event->kind = COAP_EVENT_REJECTED;
        break;
    case COAP_SENT_LOST:
        event->kind = COAP_EVENT_LOST;
        break;
    case COAP_SENT_RESPONSE:
        event->kind = COAP_EVENT_RESPONSE;
        break;
    case COAP_SENT_TRANSMITTED:
        event->kind = COAP_EVENT_TRANSMITTED;
        break;
    case COAP_SENT_UNANSWERED:
        event->kind = COAP_EVENT_UNANSWERED;
        break;
    }
    event->sent = (struct coap_handle){name.handle};
    event->ticket = name.ticket;
    event->mid = name.mid;
    event->round_trip_ms = name.round_trip_ms;
    return true;
}

static void fill_response(struct coap_endpoint *endpoint, struct coap_event *event)
{
    coap_options_read(endpoint->message.options, &endpoint->options);
    event->response = (struct coap_response){.peer = &endpoint->datagram.peer,
                                             .options = &endpoint->options,
                                             .payload = endpoint->message.payload,
                                             .code = endpoint->message.code};
}

static bool take_acknowledgement(struct coap_endpoint *endpoint, struct mono now,
                                 struct coap_event *event)
{
    struct coap_sent_name name = {.handle = POOL_HANDLE_NONE};
    const enum coap_sent_outcome outcome = coap_sent_acknowledged(
        endpoint->sent, now, &endpoint->datagram.peer, &endpoint->message, &name);
    if (outcome == COAP_SENT_RESPONSE) {
        fill_response(endpoint, event);
    }
    return tell(event, outcome, name);
}

// A response as a message of its own: CON is acknowledged if we know it, else rejected.
static bool take_response(struct coap_endpoint *endpoint, struct mono now, struct coap_event *event)
{
    const struct coap_message *message = &endpoint->message;
    struct coap_sent_name name = {.handle = POOL_HANDLE_NONE};
    const enum coap_sent_outcome outcome =
        coap_sent_responded(endpoint->sent, now, &endpoint->datagram.peer, &message->token, &name);
    if (message->type == COAP_CON && !endpoint->datagram.multicast) {
        coap_reply_empty(endpoint, &endpoint->datagram.peer,
                         outcome == COAP_SENT_RESPONSE ? COAP_ACK : COAP_RST, message->mid);
    }
    if (outcome == COAP_SENT_RESPONSE) {
        fill_response(endpoint, event);
    }
    return tell(event, outcome, name);
}

void coap_endpoint_prefetch(const struct coap_endpoint *endpoint, struct coap_datagram *datagram)
{
    if (datagram->bytes.len < COAP_HEADER_SIZE) {
        return;
    }
    const uint8_t *bytes = datagram->bytes.ptr;
    datagram->peer_hash = coap_peer_hash(&datagram->peer, endpoint->settings.key);
    coap_dedup_prefetch(endpoint->dedup, datagram->peer_hash, (uint16_t)(bytes[2] << 8 | bytes[3]));
}

bool coap_endpoint_input(struct coap_endpoint *endpoint, struct mono now,
                         const struct coap_datagram *datagram, struct coap_event *event)
{
    struct coap_message *message = &endpoint->message;
    endpoint->stats.received++;
    endpoint->datagram = *datagram;
    endpoint->current = (struct coap_handle){POOL_HANDLE_NONE};
    event->kind = COAP_EVENT_NONE;
    const enum coap_message_verdict verdict = coap_message_parse(datagram->bytes, message);
    if (verdict != COAP_MESSAGE_OK) {
        endpoint->stats.malformed++;
        if (verdict == COAP_MESSAGE_REJECT && !datagram->multicast) {
            coap_reply_empty(endpoint, &datagram->peer, COAP_RST, message->mid);
        }
        return false;
    }
    if (message->type == COAP_ACK || message->type == COAP_RST) {
        return take_acknowledgement(endpoint, now, event);
    }
    if (message->code == COAP_EMPTY) {
        // A ping (RFC 7252 4.3).
        if (!datagram->multicast) {
            coap_reply_empty(endpoint, &datagram->peer, COAP_RST, message->mid);
        }
        return false;
    }
    return coap_code_is_request(message->code) ? coap_request_take(endpoint, now, event)
                                               : take_response(endpoint, now, event);
}

static void send_empty_ack(struct coap_endpoint *endpoint, struct mono now,
                           struct coap_exchange *exchange)
{
    if (coap_transmit_room(endpoint->transmit) == 0) {
        wheel_set(&endpoint->wheel, &exchange->timer.wheel, mono_add(now, span_ms(20)));
        return;
    }
    exchange->ack_sent = true;
    exchange->paid_bytes -= exchange->paid_bytes < COAP_HEADER_SIZE ? 0 : COAP_HEADER_SIZE;
    coap_dedup_ack_sent(endpoint->dedup, exchange->dedup);
    coap_reply_empty(endpoint, &exchange->peer, COAP_ACK, exchange->mid);
}

bool coap_endpoint_tick(struct coap_endpoint *endpoint, struct mono now, struct coap_event *event)
{
    event->kind = COAP_EVENT_NONE;
    (void)coap_bodies_expire(endpoint->bodies, now);
    for (;;) {
        struct coap_sent_name name = {.handle = POOL_HANDLE_NONE};
        if (tell(event, coap_sent_news(endpoint->sent, &name), name)) {
            return true;
        }
        struct wheel_timer *timer = wheel_expire(&endpoint->wheel, now);
        if (timer == NULL) {
            return false;
        }
        const struct coap_timer *whose = (const struct coap_timer *)(const void *)timer;
        if (whose->kind == COAP_TIMER_EXCHANGE) {
            send_empty_ack(endpoint, now, (struct coap_exchange *)(void *)timer);
            continue;
        }
        const enum coap_sent_outcome outcome = coap_sent_fired(endpoint->sent, now, timer, &name);
        if (tell(event, outcome, name)) {
            return true;
        }
    }
}

bool coap_endpoint_output(struct coap_endpoint *endpoint, struct mono now,
                          struct coap_datagram *datagram)
{
    (void)now;
    datagram->truncated = false;
    datagram->multicast = false;
    if (!coap_transmit_next(endpoint->transmit, &datagram->peer, &datagram->bytes)) {
        return false;
    }
    endpoint->stats.sent++;
    return true;
}

struct mono coap_endpoint_deadline(const struct coap_endpoint *endpoint)
{
    return mono_earlier(wheel_deadline(&endpoint->wheel), coap_bodies_deadline(endpoint->bodies));
}

uint32_t coap_endpoint_room(const struct coap_endpoint *endpoint)
{
    return coap_transmit_room(endpoint->transmit);
}

void coap_endpoint_reply(struct coap_endpoint *endpoint, struct mono now, struct coap_handle handle,
                         const struct coap_reply *reply)
{
    struct coap_exchange *exchange = pool_get(endpoint->exchanges, handle.slot);
    if (exchange != NULL) {
        ASSERT(coap_code_class(reply->code) >= 2 && reply->etag.len <= 8);
        coap_reply_send(endpoint, now, exchange, reply);
    }
}

void coap_endpoint_expect_notices(struct coap_endpoint *endpoint, struct coap_handle handle)
{
    struct coap_exchange *exchange = pool_get(endpoint->exchanges, handle.slot);
    if (exchange != NULL) {
        exchange->keeps_credit = true;
        coap_opened_add(&endpoint->opened, endpoint->exchanges, exchange);
    }
}

void coap_endpoint_unreachable(struct coap_endpoint *endpoint, const struct coap_peer *peer)
{
    coap_sent_unreachable(endpoint->sent, peer);
}

void coap_endpoint_drop(struct coap_endpoint *endpoint, struct coap_handle handle)
{
    struct coap_exchange *exchange = pool_get(endpoint->exchanges, handle.slot);
    if (exchange != NULL) {
        coap_dedup_forget(endpoint->dedup, exchange->dedup);
        coap_reply_end(endpoint, exchange);
    }
}

void coap_endpoint_admit(struct coap_endpoint *endpoint, struct mono now, struct coap_handle handle,
                         const struct coap_admission *admission)
{
    struct coap_exchange *exchange = pool_get(endpoint->exchanges, handle.slot);
    ASSERT(exchange != NULL && exchange->has_block1 && exchange->block1_number == 0);
    ASSERT(memcmp(&endpoint->current, &handle, sizeof(handle)) == 0);
    const struct coap_options *options = &endpoint->options;
    const uint64_t uri_key =
        coap_options_request_hash(options, exchange->method, endpoint->settings.key);
    const struct coap_body_terms terms = {
        .key = admission->by_uri ? uri_key : exchange->request_hash,
        .bytes_max = admission->body_max,
        .content_format = options->content_format,
        .owner = admission->owner,
    };
    struct coap_reply reply = {
        .code = COAP_CONTINUE, .content_format = COAP_FORMAT_NONE, .max_age_s = COAP_MAX_AGE_NONE};
    struct slice whole = SLICE_EMPTY;
    uint32_t limit = 0;
    enum coap_body_verdict verdict = COAP_BODY_EXHAUSTED;
    if (coap_bodies_begin(endpoint->bodies, now, &terms) == ERR_OK) {
        verdict = coap_bodies_take(endpoint->bodies, now, terms.key, options->block1,
                                   terms.content_format, endpoint->message.payload, &whole, &limit);
    }
    exchange->block1_more = verdict == COAP_BODY_CONTINUE;
    if (verdict != COAP_BODY_CONTINUE) {
        const bool large = verdict == COAP_BODY_TOO_LARGE;
        reply.code = verdict == COAP_BODY_GAP ? COAP_BAD_REQUEST
                     : large                  ? COAP_REQUEST_ENTITY_TOO_LARGE
                                              : COAP_SERVICE_UNAVAILABLE;
        reply.size1 = large ? limit : 0;
        reply.max_age_s = verdict == COAP_BODY_EXHAUSTED ? 2U : COAP_MAX_AGE_NONE;
        reply.no_effect = true;
    }
    coap_reply_send(endpoint, now, exchange, &reply);
}

enum err coap_endpoint_request(struct coap_endpoint *endpoint, struct mono now,
                               const struct coap_outgoing *outgoing, struct coap_handle *sent)
{
    struct coap_peer_state *state = coap_peers_take(endpoint->peers, now, &outgoing->peer);
    if (state == NULL) {
        return ERR_EXHAUSTED;
    }
    const struct coap_sent_terms terms = {
        .peer = outgoing->peer,
        .token = outgoing->token,
        .mid = coap_peers_mid(state),
        .confirmable = outgoing->confirmable,
        .wants_response = true,
        .allowance = endpoint->settings.path_check == COAP_PATH_CHECK_OFF ? UINT32_MAX : 0,
    };
    struct buf *out = coap_sent_begin(endpoint->sent, &terms, &sent->slot);
    if (out == NULL) {
        return ERR_EXHAUSTED;
    }
    struct coap_message_writer writer =
        coap_message_begin(out, outgoing->confirmable ? COAP_CON : COAP_NON, outgoing->code,
                           terms.mid, &outgoing->token);
    for (unsigned i = 0; i < outgoing->path_count; i++) {
        coap_message_option(&writer, COAP_OPTION_URI_PATH, outgoing->path[i]);
    }
    if (outgoing->content_format != COAP_FORMAT_NONE) {
        coap_message_option_uint(&writer, COAP_OPTION_CONTENT_FORMAT, outgoing->content_format);
    }
    for (unsigned i = 0; i < outgoing->query_count; i++) {
        coap_message_option(&writer, COAP_OPTION_URI_QUERY, outgoing->query[i]);
    }
    if (outgoing->has_block1) {
        const struct coap_block block = outgoing->block1;
        coap_message_option_uint(&writer, COAP_OPTION_BLOCK1,
                                 block.number << 4 | (block.more ? 8U : 0U) | block.szx);
    }
    coap_message_payload(&writer, outgoing->payload);
    coap_sent_start(endpoint->sent, now, sent->slot);
    return ERR_OK;
}

struct coap_dedup *coap_endpoint_dedup(const struct coap_endpoint *endpoint)
{
    return endpoint->dedup;
}

struct span coap_endpoint_age(const struct coap_endpoint *endpoint, struct mono now,
                              struct coap_handle exchange)
{
    const struct coap_exchange *const found = pool_get(endpoint->exchanges, exchange.slot);
    return found == NULL ? (struct span){0} : span_us((uint32_t)(now.ns / 1000) - found->taken_us);
}

struct coap_endpoint_stats coap_endpoint_stats(const struct coap_endpoint *endpoint)
{
    struct coap_endpoint_stats stats = endpoint->stats;
    const struct coap_sent_stats sent = coap_sent_stats(endpoint->sent);
    const struct coap_bodies_stats bodies = coap_bodies_stats(endpoint->bodies);
    stats.retransmitted = sent.retransmitted;
    stats.lost = sent.lost;
    stats.rejected = sent.rejected;
    stats.exchanges = pool_taken(endpoint->exchanges);
    stats.exchanges_max = pool_count(endpoint->exchanges);
    stats.sent_in_flight = sent.count;
    stats.sent_max = sent.count_max;
    stats.noted = sent.noted;
    stats.bodies = bodies.count;
    stats.bodies_unproven = bodies.unproven;
    stats.body_bytes = bodies.bytes;
    stats.bodies_max = endpoint->limits.bodies_max;
    stats.peers = coap_peers_count(endpoint->peers);
    stats.answer_bytes = coap_answers_used(endpoint->answers);
    stats.dedup = coap_dedup_stats(endpoint->dedup);
    return stats;
}

void coap_endpoint_check(const struct coap_endpoint *endpoint, bool at_rest)
{
    coap_dedup_check(endpoint->dedup);
    coap_peers_check(endpoint->peers);
    coap_bodies_check(endpoint->bodies);
    coap_sent_check(endpoint->sent);
    if (at_rest) {
        ASSERT(pool_taken(endpoint->exchanges) == 0);
        ASSERT(coap_sent_stats(endpoint->sent).count == 0);
        ASSERT(coap_bodies_stats(endpoint->bodies).count == 0);
        ASSERT(coap_endpoint_room(endpoint) == endpoint->limits.transmit_max);
    }
}
