#include <stdio.h>

#include "coap/echo.h"
#include "coap/endpoint_priv.h"

#define LEISURE_MS 5000U

// A gate lets a request pass, or has dealt with it: answered, refused or dropped. What is refused
// has no effect and is not remembered.
enum gate { GATE_PASS, GATE_DONE, GATE_REPEATED };

static enum gate refuse(struct coap_endpoint *endpoint, struct mono now, struct coap_dedup_key key,
                        uint8_t code, const char *diagnostic)
{
    coap_dedup_forget(endpoint->dedup, key);
    coap_reply_refuse(endpoint, now, code, diagnostic);
    return GATE_DONE;
}

static enum gate gate_duplicate(struct coap_endpoint *endpoint, struct mono now,
                                struct coap_dedup_key key)
{
    const struct coap_dedup_hit hit = coap_dedup_seen(endpoint->dedup, now, key);
    switch (hit.verdict) {
    case COAP_DEDUP_NEW:
        return GATE_PASS;
    case COAP_DEDUP_FULL:
        endpoint->stats.refused_full++;
        coap_reply_refuse(endpoint, now, COAP_SERVICE_UNAVAILABLE, NULL);
        return GATE_DONE;
    case COAP_DEDUP_ANSWERED:
    case COAP_DEDUP_IN_HAND:
        endpoint->stats.duplicates++;
        coap_reply_repeat(endpoint, &hit);
        return GATE_REPEATED;
    }
    return GATE_DONE;
}

static void tell_repeated(const struct coap_endpoint *endpoint, struct coap_dedup_key key,
                          struct coap_event *event)
{
    event->kind = COAP_EVENT_REPEATED;
    event->request = (struct coap_request){
        .exchange = {POOL_HANDLE_NONE},
        .peer = &endpoint->datagram.peer,
        .dedup = key,
        .method = endpoint->message.code,
        .confirmable = endpoint->message.type == COAP_CON,
        .datagram_bytes = (uint32_t)endpoint->datagram.bytes.len,
    };
}

static enum gate gate_bad_option(struct coap_endpoint *endpoint, struct mono now,
                                 struct coap_dedup_key key)
{
    const uint32_t number = endpoint->options.bad_option;
    if (number == 0) {
        return GATE_PASS;
    }
    // A NON with a critical option that is not understood is rejected, that is ignored (5.4.1).
    if (endpoint->message.type == COAP_NON) {
        coap_dedup_forget(endpoint->dedup, key);
        return GATE_DONE;
    }
    char text[64];
    const char *name = coap_option_name(number);
    if (name != NULL) {
        snprintf(text, sizeof(text), "bad option %s (%u)", name, (unsigned)number);
    } else {
        snprintf(text, sizeof(text), "unknown critical option %u", (unsigned)number);
    }
    // A reserved block size is a bad request (RFC 7959 2.2).
    const bool block = number == COAP_OPTION_BLOCK1 || number == COAP_OPTION_BLOCK2;
    return refuse(endpoint, now, key, block ? COAP_BAD_REQUEST : COAP_BAD_OPTION, text);
}

static enum gate gate_options(struct coap_endpoint *endpoint, struct mono now,
                              struct coap_dedup_key key)
{
    const struct coap_options *options = &endpoint->options;
    if (gate_bad_option(endpoint, now, key) == GATE_DONE) {
        return GATE_DONE;
    }
    if (options->has_proxy) {
        return refuse(endpoint, now, key, COAP_PROXYING_NOT_SUPPORTED, NULL);
    }
    if (options->has_hop_limit && options->hop_limit == 0) {
        return refuse(endpoint, now, key, COAP_BAD_REQUEST, "Hop-Limit is 0");
    }
    // What we serve exists and has no ETag to be matched: both conditions are unmet.
    if (options->has_if_match || options->has_if_none_match) {
        return refuse(endpoint, now, key, COAP_PRECONDITION_FAILED, NULL);
    }
    if (endpoint->message.code > COAP_IPATCH) {
        return refuse(endpoint, now, key, COAP_METHOD_NOT_ALLOWED, NULL);
    }
    return GATE_PASS;
}

static bool is_well_known_core(const struct coap_options *options)
{
    return options->path_count == 2 && slice_equal(options->path[0], SLICE(".well-known")) &&
           slice_equal(options->path[1], SLICE("core"));
}

static struct slice filter_of(const struct coap_options *options)
{
    return options->query_count == 1 ? options->query[0] : SLICE_EMPTY;
}

static void write_links(const struct coap_endpoint *endpoint, struct buf *out)
{
    coap_link_write(out, endpoint->settings.links, endpoint->settings.link_count,
                    filter_of(&endpoint->options));
}

// A request to a group is served only if it is a NON GET of /.well-known/core with a filter that
// matches something, after a random leisure (RFC 7252 8.2); everything else is ignored.
static void take_multicast(struct coap_endpoint *endpoint, struct mono now)
{
    const struct coap_message *message = &endpoint->message;
    if (message->type != COAP_NON || message->code != COAP_GET ||
        !is_well_known_core(&endpoint->options) || endpoint->options.query_count != 1 ||
        endpoint->options.bad_option != 0) {
        return;
    }
    uint8_t memory[512];
    struct buf links = buf_over(memory, sizeof(memory));
    write_links(endpoint, &links);
    if (links.len == 0 || links.overflow) {
        return;
    }
    const struct coap_sent_terms terms = {
        .peer = endpoint->datagram.peer,
        .token = message->token,
        .mid = (uint16_t)random_next(&endpoint->random),
        .start = mono_add(now, span_ms(random_below(&endpoint->random, LEISURE_MS) + 1)),
        .allowance = (uint32_t)endpoint->datagram.bytes.len * COAP_ALLOWANCE_FACTOR,
    };
    struct pool_handle handle;
    struct buf *out = coap_sent_begin(endpoint->sent, &terms, &handle);
    if (out == NULL) {
        return;
    }
    struct coap_message_writer writer =
        coap_message_begin(out, COAP_NON, COAP_CONTENT, terms.mid, &terms.token);
    coap_message_option_uint(&writer, COAP_OPTION_CONTENT_FORMAT, COAP_FORMAT_LINK);
    coap_message_payload(&writer, buf_view(&links));
    coap_sent_start(endpoint->sent, now, handle);
}

static void answer_well_known_core(struct coap_endpoint *endpoint, struct mono now,
                                   struct coap_exchange *exchange)
{
    const struct coap_options *options = &endpoint->options;
    struct coap_reply reply = {
        .code = COAP_CONTENT, .content_format = COAP_FORMAT_LINK, .max_age_s = COAP_MAX_AGE_NONE};
    uint8_t memory[1024];
    struct buf links = buf_over(memory, sizeof(memory));
    if (endpoint->message.code != COAP_GET) {
        reply.code = COAP_METHOD_NOT_ALLOWED;
    } else if (options->query_count > 1) {
        reply.code = COAP_BAD_REQUEST;
    } else if (options->accept != COAP_FORMAT_NONE && options->accept != COAP_FORMAT_LINK) {
        reply.code = COAP_NOT_ACCEPTABLE;
    } else {
        write_links(endpoint, &links);
        ASSERT(!links.overflow);
        reply.payload = buf_view(&links);
    }
    coap_reply_send(endpoint, now, exchange, &reply);
}

static struct coap_exchange *begin_exchange(struct coap_endpoint *endpoint, struct mono now,
                                            struct coap_dedup_key key)
{
    const struct coap_message *message = &endpoint->message;
    const struct coap_options *options = &endpoint->options;
    struct coap_exchange *exchange = pool_take(endpoint->exchanges, &endpoint->current.slot);
    if (exchange == NULL) {
        return NULL;
    }
    exchange->timer.kind = COAP_TIMER_EXCHANGE;
    exchange->dedup = key;
    exchange->peer = endpoint->datagram.peer;
    exchange->paid_bytes = (uint32_t)endpoint->datagram.bytes.len * COAP_ALLOWANCE_FACTOR;
    exchange->taken_us = (uint32_t)(now.ns / 1000);
    exchange->token = message->token;
    exchange->mid = message->mid;
    exchange->method = message->code;
    exchange->no_response = options->no_response;
    exchange->confirmable = message->type == COAP_CON;
    exchange->has_block1 = options->has_block1;
    exchange->block1_number = options->block1.number;
    exchange->block1_szx = options->block1.szx;
    exchange->has_block2 = options->has_block2;
    exchange->block2_number = options->block2.number;
    exchange->block2_szx = options->has_block2 ? options->block2.szx : endpoint->settings.szx_max;
    return exchange;
}

// A returned Echo value proves the path of this peer (RFC 9175 2.3).
static void take_echo(struct coap_endpoint *endpoint, struct mono now,
                      struct coap_exchange *exchange)
{
    if (!endpoint->options.has_echo ||
        !coap_echo_holds(endpoint->settings.key, &exchange->peer, now, endpoint->options.echo)) {
        return;
    }
    exchange->echoed = true;
    struct coap_peer_state *state = coap_peers_take(endpoint->peers, now, &exchange->peer);
    if (state != NULL) {
        state->path_proven = true;
    }
}

// A further block of an answer or a notification that was kept (protocol-rules.md sections 3, 4).
// False when a GET finds nothing: then it is for the owner.
static bool serve_kept(struct coap_endpoint *endpoint, struct mono now,
                       struct coap_exchange *exchange, struct coap_event *event)
{
    const struct slice kept = coap_answers_find(endpoint->answers, exchange->request_hash);
    const bool is_get = exchange->method == COAP_GET;
    struct buf_reader reader = buf_reader_over(kept);
    struct coap_reply reply = {.code = buf_read_u8(&reader),
                               .content_format = buf_read_u32(&reader),
                               .max_age_s = COAP_MAX_AGE_NONE,
                               .authenticated = true};
    const uint64_t until = buf_read_u64(&reader);
    reply.ticket = buf_read_u64(&reader);
    reply.payload = reader.rest;
    const bool is_gone = reader.overflow || now.ns >= until;
    const uint64_t etag = coap_reply_etag(reply.payload);
    if (is_gone && is_get) {
        return false;
    }
    reply.etag = is_get ? slice_of(&etag, sizeof(etag)) : SLICE_EMPTY;
    if (is_gone) {
        // Nothing to go on from: the sender has to start over.
        reply = (struct coap_reply){.code = COAP_REQUEST_ENTITY_INCOMPLETE,
                                    .content_format = COAP_FORMAT_NONE,
                                    .max_age_s = COAP_MAX_AGE_NONE,
                                    .no_effect = true};
    }
    endpoint->fetched = 0;
    coap_reply_send(endpoint, now, exchange, &reply);
    if (endpoint->fetched != 0) {
        event->kind = COAP_EVENT_FETCHED;
        event->sent = (struct coap_handle){POOL_HANDLE_NONE};
        event->ticket = endpoint->fetched;
    }
    return true;
}

static void fill_event(struct coap_endpoint *endpoint, struct coap_exchange *exchange,
                       enum coap_event_kind kind, struct slice body, struct coap_event *event)
{
    event->kind = kind;
    event->request = (struct coap_request){
        .exchange = endpoint->current,
        .peer = &endpoint->datagram.peer,
        .options = &endpoint->options,
        .body = body,
        .token = exchange->token,
        .dedup = exchange->dedup,
        .method = exchange->method,
        .confirmable = exchange->confirmable,
        .datagram_bytes = (uint32_t)endpoint->datagram.bytes.len,
    };
    if (endpoint->options.has_observe || exchange->method == COAP_GET) {
        event->request.uri_hash =
            coap_options_request_hash(&endpoint->options, exchange->method, endpoint->settings.key);
        exchange->request_hash = coap_reply_key(endpoint, &exchange->peer, event->request.uri_hash);
    }
}

static bool offer(struct coap_endpoint *endpoint, struct mono now, struct coap_exchange *exchange,
                  struct slice body, struct coap_event *event)
{
    // With No-Response the empty ACK is all that the device sees, so it waits for the answer.
    if (exchange->confirmable && exchange->no_response == 0) {
        wheel_set(&endpoint->wheel, &exchange->timer.wheel,
                  mono_add(now, endpoint->settings.ack_wait));
    }
    fill_event(endpoint, exchange, COAP_EVENT_REQUEST, body, event);
    return true;
}

static void answer_block(struct coap_endpoint *endpoint, struct mono now,
                         struct coap_exchange *exchange, uint8_t code, uint32_t size1)
{
    const struct coap_reply reply = {.code = code,
                                     .content_format = COAP_FORMAT_NONE,
                                     .max_age_s =
                                         code == COAP_SERVICE_UNAVAILABLE ? 2U : COAP_MAX_AGE_NONE,
                                     .size1 = size1,
                                     .no_effect = code != COAP_CONTINUE};
    exchange->block1_more = code == COAP_CONTINUE;
    coap_reply_send(endpoint, now, exchange, &reply);
}

// Any block but the first. True if the body is whole.
static bool take_block(struct coap_endpoint *endpoint, struct mono now,
                       struct coap_exchange *exchange, uint64_t uri_key, struct coap_event *event)
{
    const struct coap_options *options = &endpoint->options;
    const bool by_uri = coap_bodies_known(endpoint->bodies, uri_key);
    struct slice whole = SLICE_EMPTY;
    uint32_t limit = 0;
    switch (coap_bodies_take(endpoint->bodies, now, by_uri ? uri_key : exchange->request_hash,
                             options->block1, options->content_format, endpoint->message.payload,
                             &whole, &limit)) {
    case COAP_BODY_COMPLETE:
        return offer(endpoint, now, exchange, whole, event);
    case COAP_BODY_CONTINUE:
        answer_block(endpoint, now, exchange, COAP_CONTINUE, 0);
        return false;
    case COAP_BODY_GAP:
        answer_block(endpoint, now, exchange, COAP_REQUEST_ENTITY_INCOMPLETE, 0);
        return false;
    case COAP_BODY_TOO_LARGE:
        answer_block(endpoint, now, exchange, COAP_REQUEST_ENTITY_TOO_LARGE, limit);
        return false;
    case COAP_BODY_EXHAUSTED:
        answer_block(endpoint, now, exchange, COAP_SERVICE_UNAVAILABLE, 0);
        return false;
    }
    return false;
}

static bool take_exchange(struct coap_endpoint *endpoint, struct mono now,
                          struct coap_exchange *exchange, struct coap_event *event)
{
    const struct coap_options *options = &endpoint->options;
    take_echo(endpoint, now, exchange);
    if (is_well_known_core(options)) {
        answer_well_known_core(endpoint, now, exchange);
        return false;
    }
    if (!options->has_block1 && !options->has_block2 && !options->has_observe) {
        return offer(endpoint, now, exchange, endpoint->message.payload, event);
    }
    const uint64_t uri_key =
        coap_options_request_hash(options, endpoint->message.code, endpoint->settings.key);
    exchange->request_hash = coap_reply_key(endpoint, &exchange->peer, uri_key);
    if (options->has_block2 && options->block2.number > 0 && !options->has_block1 &&
        serve_kept(endpoint, now, exchange, event)) {
        return event->kind != COAP_EVENT_NONE;
    }
    if (!options->has_block1 || (options->block1.number == 0 && !options->block1.more)) {
        return offer(endpoint, now, exchange, endpoint->message.payload, event);
    }
    if (options->block1.number > 0) {
        return take_block(endpoint, now, exchange, uri_key, event);
    }
    fill_event(endpoint, exchange, COAP_EVENT_BODY_BEGINS, endpoint->message.payload, event);
    return true;
}

bool coap_request_take(struct coap_endpoint *endpoint, struct mono now, struct coap_event *event)
{
    coap_options_read(endpoint->message.options, &endpoint->options);
    if (endpoint->datagram.multicast) {
        take_multicast(endpoint, now);
        return false;
    }
    if (endpoint->datagram.truncated) {
        coap_reply_refuse(endpoint, now, COAP_REQUEST_ENTITY_TOO_LARGE, NULL);
        return false;
    }
    const uint64_t peer_hash =
        endpoint->datagram.peer_hash != 0
            ? endpoint->datagram.peer_hash
            : coap_peer_hash(&endpoint->datagram.peer, endpoint->settings.key);
    const struct coap_dedup_key key = coap_dedup_key(peer_hash, &endpoint->message);
    const enum gate gate = gate_duplicate(endpoint, now, key);
    if (gate == GATE_REPEATED) {
        tell_repeated(endpoint, key, event);
        return true;
    }
    if (gate == GATE_DONE || gate_options(endpoint, now, key) == GATE_DONE) {
        return false;
    }
    struct coap_exchange *exchange = begin_exchange(endpoint, now, key);
    if (exchange == NULL) {
        endpoint->stats.refused_full++;
        (void)refuse(endpoint, now, key, COAP_SERVICE_UNAVAILABLE, NULL);
        return false;
    }
    return take_exchange(endpoint, now, exchange, event);
}
