#include <string.h>

#include "base/buf.h"
#include "coap/echo.h"
#include "coap/endpoint_priv.h"

// An answer about to be written: what of the payload goes out, and in which options.
struct outline {
    const struct coap_reply *reply;
    struct slice payload;
    uint8_t code;
    bool has_block2;
    struct coap_block block2;
    uint32_t size2; // 0: none
    bool has_echo;
    uint8_t echo[COAP_ECHO_SIZE];
};

// Header, token and options around a payload; a generous bound for what an answer carries.
#define OVERHEAD 48U

void coap_reply_empty(struct coap_endpoint *endpoint, const struct coap_peer *peer,
                      enum coap_type type, uint16_t mid)
{
    struct buf *out = coap_transmit_begin(endpoint->transmit, peer);
    if (out != NULL) {
        coap_message_write_empty(out, type, mid);
        coap_transmit_end(endpoint->transmit);
    }
}

// A message id of ours for a NON. Without a place in the peers' table a random one has to do.
static uint16_t own_mid(struct coap_endpoint *endpoint, struct mono now,
                        const struct coap_peer *peer)
{
    struct coap_peer_state *state = coap_peers_take(endpoint->peers, now, peer);
    return state != NULL ? coap_peers_mid(state) : (uint16_t)random_next(&endpoint->random);
}

void coap_reply_refuse(struct coap_endpoint *endpoint, struct mono now, uint8_t code,
                       const char *diagnostic)
{
    const struct coap_message *request = &endpoint->message;
    const struct coap_peer *peer = &endpoint->datagram.peer;
    if (endpoint->datagram.multicast) {
        return;
    }
    const bool confirmable = request->type == COAP_CON;
    const uint16_t mid = confirmable ? request->mid : own_mid(endpoint, now, peer);
    struct buf *out = coap_transmit_begin(endpoint->transmit, peer);
    if (out == NULL) {
        return;
    }
    struct coap_message_writer writer =
        coap_message_begin(out, confirmable ? COAP_ACK : COAP_NON, code, mid, &request->token);
    if (code == COAP_SERVICE_UNAVAILABLE) {
        const uint32_t spread = (uint32_t)(coap_peer_hash(peer, endpoint->settings.key) % 9U);
        coap_message_option_uint(&writer, COAP_OPTION_MAX_AGE, 2U + spread);
    }
    if (code == COAP_REQUEST_ENTITY_TOO_LARGE) {
        const uint32_t hint = endpoint->settings.szx_max;
        coap_message_option_uint(&writer, COAP_OPTION_BLOCK1, hint);
        coap_message_option_uint(&writer, COAP_OPTION_SIZE1, COAP_BODY_MAX);
    }
    // Three bytes for one is what an unproven peer may get; a text that does not fit is left out.
    const size_t most = endpoint->datagram.bytes.len * COAP_ALLOWANCE_FACTOR;
    if (diagnostic != NULL && out->len + 1 + strlen(diagnostic) <= most) {
        coap_message_payload(&writer, slice_text(diagnostic));
    }
    coap_transmit_end(endpoint->transmit);
}

void coap_reply_repeat(struct coap_endpoint *endpoint, const struct coap_dedup_hit *hit)
{
    const struct coap_message *request = &endpoint->message;
    const struct coap_peer *peer = &endpoint->datagram.peer;
    // A NON is not answered twice (RFC 7252 4.5).
    if (request->type != COAP_CON) {
        return;
    }
    if (hit->ack_sent) {
        coap_reply_empty(endpoint, peer, COAP_ACK, request->mid);
        return;
    }
    if (hit->verdict == COAP_DEDUP_IN_HAND) {
        return;
    }
    struct buf *out = coap_transmit_begin(endpoint->transmit, peer);
    if (out != NULL) {
        (void)coap_message_begin(out, COAP_ACK, hit->code, request->mid, &request->token);
        buf_put_slice(out, hit->answer);
        coap_transmit_end(endpoint->transmit);
    }
}

// Suppressed by the sender (RFC 7967 2.1): bit 2 for class 2, 8 for class 4, 16 for class 5.
static bool suppressed(const struct coap_exchange *exchange, uint8_t code)
{
    return (exchange->no_response & (1U << (coap_code_class(code) - 1))) != 0;
}

// Nothing bounds the bytes of this answer.
static bool is_free(const struct coap_endpoint *endpoint, const struct coap_exchange *exchange,
                    const struct coap_reply *reply)
{
    const enum coap_path_check check = endpoint->settings.path_check;
    // Whatever the size of the whole, a datagram carries 1,024 bytes at most.
    return check == COAP_PATH_CHECK_OFF || exchange->echoed ||
           (check == COAP_PATH_CHECK_BLOCKS && reply->authenticated);
}

// Bytes of an answer that may leave for this peer now.
static uint32_t allowance(struct coap_endpoint *endpoint, struct mono now,
                          const struct coap_exchange *exchange, const struct coap_reply *reply)
{
    if (is_free(endpoint, exchange, reply)) {
        return UINT32_MAX;
    }
    const struct coap_peer_state *state = coap_peers_find(endpoint->peers, &exchange->peer);
    const uint32_t earned = state != NULL ? coap_peers_allowance(state, now) : 0;
    return earned > UINT32_MAX - exchange->paid_bytes ? UINT32_MAX : earned + exchange->paid_bytes;
}

static void set_error(struct outline *outline, uint8_t code)
{
    outline->code = code;
    outline->payload = SLICE_EMPTY;
    outline->has_block2 = false;
}

static bool etag_matches(const struct coap_endpoint *endpoint, const struct coap_exchange *exchange,
                         const struct coap_reply *reply)
{
    const struct coap_exchange *current = pool_get(endpoint->exchanges, endpoint->current.slot);
    if (current != exchange || reply->etag.len == 0 || reply->code != COAP_CONTENT) {
        return false;
    }
    for (unsigned i = 0; i < endpoint->options.etag_count; i++) {
        if (slice_equal(endpoint->options.etag[i], reply->etag)) {
            return true;
        }
    }
    return false;
}

// The largest block that the sender asked for, we offer and the allowance admits.
static uint8_t block_szx(const struct coap_endpoint *endpoint, const struct coap_exchange *exchange,
                         uint32_t allowed)
{
    uint8_t szx = endpoint->settings.szx_max;
    if (exchange->has_block2 && exchange->block2_szx < szx) {
        szx = exchange->block2_szx;
    }
    while (szx > 0 && (16U << szx) + OVERHEAD > allowed) {
        szx--;
    }
    return szx;
}

// Cuts the block that was asked for out of the representation (RFC 7959 2.4). Stateless: the owner
// gave the whole of it.
static void cut_block(const struct coap_endpoint *endpoint, const struct coap_exchange *exchange,
                      uint32_t allowed, struct outline *outline)
{
    const struct slice whole = outline->payload;
    const uint8_t szx = block_szx(endpoint, exchange, allowed);
    const uint32_t size = 16U << szx;
    if (!exchange->has_block2 && whole.len <= size) {
        return;
    }
    // A smaller size than asked for counts from the same byte.
    const uint64_t asked_size = 16U << exchange->block2_szx;
    const uint64_t offset = exchange->has_block2 ? exchange->block2_number * asked_size : 0;
    if (offset > 0 && offset >= whole.len) {
        set_error(outline, COAP_BAD_REQUEST);
        return;
    }
    outline->payload = slice_sub(whole, offset, size);
    outline->has_block2 = true;
    outline->block2 =
        (struct coap_block){(uint32_t)(offset / size), offset + size < whole.len, szx};
    if (offset == 0 && outline->block2.more) {
        outline->size2 = (uint32_t)whole.len;
    }
}

uint64_t coap_reply_key(const struct coap_endpoint *endpoint, const struct coap_peer *peer,
                        uint64_t uri_hash)
{
    return hash_word(uri_hash ^ coap_peer_hash(peer, endpoint->settings.key));
}

uint64_t coap_reply_etag(struct slice payload)
{
    return hash_bytes(payload);
}

void coap_reply_keep(struct coap_endpoint *endpoint, struct mono now, uint64_t key,
                     const struct coap_reply *reply)
{
    uint8_t memory[COAP_KEPT_HEAD];
    struct buf kept = buf_over(memory, sizeof(memory));
    buf_put_u8(&kept, reply->code);
    buf_put_u32(&kept, reply->content_format);
    buf_put_u64(&kept, mono_add(now, span_ms(COAP_EXCHANGE_LIFETIME_MS)).ns);
    buf_put_u64(&kept, reply->ticket);
    ASSERT(!kept.overflow);
    if (!coap_answers_keep(endpoint->answers, key, buf_view(&kept), reply->payload)) {
        coap_answers_forget(endpoint->answers, key);
    }
}

static void plan_payload(struct coap_endpoint *endpoint, struct mono now,
                         const struct coap_exchange *exchange, struct outline *outline)
{
    const struct coap_reply *reply = outline->reply;
    if (etag_matches(endpoint, exchange, reply)) {
        set_error(outline, COAP_VALID);
        return;
    }
    const uint32_t allowed = allowance(endpoint, now, exchange, reply);
    if (coap_code_class(reply->code) != 2) {
        if (outline->payload.len > COAP_DIAGNOSTIC_MAX ||
            outline->payload.len + OVERHEAD / 2 > allowed) {
            outline->payload = SLICE_EMPTY;
        }
        return;
    }
    const bool fits = reply->payload.len + OVERHEAD <= allowed;
    if (!fits && endpoint->settings.path_check == COAP_PATH_CHECK_STRICT && !reply->authenticated) {
        set_error(outline, COAP_UNAUTHORIZED);
        outline->has_echo = true;
        coap_echo_make(endpoint->settings.key, &exchange->peer, now, outline->echo);
        return;
    }
    cut_block(endpoint, exchange, allowed, outline);
    if (outline->code == reply->code && outline->has_block2 && !outline->block2.more) {
        endpoint->fetched = reply->ticket;
    }
    if (!outline->has_block2 || !outline->block2.more || outline->block2.number > 0) {
        return;
    }
    // The rest of an answer to anything but a plain GET is served without running the handler
    // again. A plain GET begins anew: what was notified is not what it goes on with.
    if (exchange->method != COAP_GET || reply->has_observe) {
        coap_reply_keep(endpoint, now, exchange->request_hash, reply);
    } else {
        coap_answers_forget(endpoint->answers, exchange->request_hash);
    }
}

static void option_block(struct coap_message_writer *writer, uint32_t number,
                         struct coap_block block)
{
    coap_message_option_uint(writer, number,
                             block.number << 4 | (block.more ? 8U : 0U) | block.szx);
}

static void write_rest(struct coap_message_writer *writer, const struct coap_exchange *exchange,
                       const struct outline *outline)
{
    const struct coap_reply *reply = outline->reply;
    if (reply->etag.len > 0 && coap_code_class(outline->code) == 2) {
        coap_message_option(writer, COAP_OPTION_ETAG, reply->etag);
    }
    if (reply->has_observe && coap_code_class(outline->code) == 2) {
        coap_message_option_uint(writer, COAP_OPTION_OBSERVE, reply->observe);
    }
    if (reply->content_format != COAP_FORMAT_NONE && outline->payload.len > 0) {
        coap_message_option_uint(writer, COAP_OPTION_CONTENT_FORMAT, reply->content_format);
    }
    if (reply->max_age_s != COAP_MAX_AGE_NONE) {
        coap_message_option_uint(writer, COAP_OPTION_MAX_AGE, reply->max_age_s);
    }
    if (outline->has_block2) {
        option_block(writer, COAP_OPTION_BLOCK2, outline->block2);
    }
    if (exchange->has_block1) {
        option_block(writer, COAP_OPTION_BLOCK1,
                     (struct coap_block){exchange->block1_number, exchange->block1_more,
                                         exchange->block1_szx});
    }
    if (outline->size2 > 0) {
        coap_message_option_uint(writer, COAP_OPTION_SIZE2, outline->size2);
    }
    if (reply->size1 > 0) {
        coap_message_option_uint(writer, COAP_OPTION_SIZE1, reply->size1);
    }
    if (outline->has_echo) {
        coap_message_option(writer, COAP_OPTION_ECHO, slice_of(outline->echo, COAP_ECHO_SIZE));
    }
    coap_message_payload(writer, outline->payload);
}

static size_t write(struct buf *out, enum coap_type type, uint16_t mid,
                    const struct coap_exchange *exchange, const struct outline *outline)
{
    struct coap_message_writer writer =
        coap_message_begin(out, type, outline->code, mid, &exchange->token);
    const size_t head = out->len;
    write_rest(&writer, exchange, outline);
    return head;
}

// What goes beyond the sender's own payment is taken from the peer's allowance.
static void charge(struct coap_endpoint *endpoint, struct mono now,
                   const struct coap_exchange *exchange, size_t len)
{
    if (len <= exchange->paid_bytes) {
        struct coap_peer_state *state =
            exchange->keeps_credit ? coap_peers_take(endpoint->peers, now, &exchange->peer) : NULL;
        if (state != NULL) {
            coap_peers_received(state, now,
                                (exchange->paid_bytes - (uint32_t)len) / COAP_ALLOWANCE_FACTOR);
        }
        return;
    }
    struct coap_peer_state *state = coap_peers_find(endpoint->peers, &exchange->peer);
    if (state != NULL) {
        (void)!coap_peers_allow(state, now, (uint32_t)len - exchange->paid_bytes);
    }
}

// A confirmable message of its own. False when no slot is free; then it goes out as a NON.
static bool send_separate(struct coap_endpoint *endpoint, struct mono now,
                          const struct coap_exchange *exchange, const struct outline *outline)
{
    const struct coap_sent_terms terms = {
        .peer = exchange->peer,
        .token = exchange->token,
        .mid = own_mid(endpoint, now, &exchange->peer),
        .confirmable = true,
        .allowance =
            is_free(endpoint, exchange, outline->reply) ? UINT32_MAX : exchange->paid_bytes,
    };
    struct pool_handle handle;
    struct buf *out = coap_sent_begin(endpoint->sent, &terms, &handle);
    if (out == NULL) {
        return false;
    }
    (void)write(out, COAP_CON, terms.mid, exchange, outline);
    coap_sent_start(endpoint->sent, now, handle);
    return true;
}

static void note_answer(struct coap_endpoint *endpoint, const struct coap_exchange *exchange,
                        const struct coap_reply *reply, uint8_t code, struct slice rest)
{
    if (reply->no_effect) {
        coap_dedup_forget(endpoint->dedup, exchange->dedup);
    } else {
        coap_dedup_answered(endpoint->dedup, exchange->dedup, code, rest);
    }
}

static void send_in_place(struct coap_endpoint *endpoint, struct mono now,
                          const struct coap_exchange *exchange, const struct outline *outline)
{
    const bool piggyback = exchange->confirmable && !exchange->ack_sent;
    const uint16_t mid = piggyback ? exchange->mid : own_mid(endpoint, now, &exchange->peer);
    struct buf *out = coap_transmit_begin(endpoint->transmit, &exchange->peer);
    if (out == NULL) {
        // No room: a repeat of the request will get the answer.
        note_answer(endpoint, exchange, outline->reply, outline->code, SLICE_EMPTY);
        return;
    }
    const size_t head = write(out, piggyback ? COAP_ACK : COAP_NON, mid, exchange, outline);
    charge(endpoint, now, exchange, out->len);
    const struct slice rest =
        exchange->confirmable ? slice_sub(buf_view(out), head, out->len) : SLICE_EMPTY;
    note_answer(endpoint, exchange, outline->reply, outline->code, rest);
    coap_transmit_end(endpoint->transmit);
}

static void send_nothing(struct coap_endpoint *endpoint, const struct coap_exchange *exchange)
{
    if (exchange->confirmable && !exchange->ack_sent) {
        coap_reply_empty(endpoint, &exchange->peer, COAP_ACK, exchange->mid);
        coap_dedup_ack_sent(endpoint->dedup, exchange->dedup);
    }
}

void coap_reply_end(struct coap_endpoint *endpoint, struct coap_exchange *exchange)
{
    coap_opened_remove(&endpoint->opened, endpoint->exchanges, exchange);
    wheel_cancel(&endpoint->wheel, &exchange->timer.wheel);
    pool_give(endpoint->exchanges, pool_handle_of(endpoint->exchanges, exchange));
}

void coap_reply_send(struct coap_endpoint *endpoint, struct mono now,
                     struct coap_exchange *exchange, const struct coap_reply *reply)
{
    if (suppressed(exchange, reply->code)) {
        send_nothing(endpoint, exchange);
        coap_reply_end(endpoint, exchange);
        return;
    }
    struct outline outline = {.reply = reply, .payload = reply->payload, .code = reply->code};
    exchange->keeps_credit |= reply->has_observe;
    plan_payload(endpoint, now, exchange, &outline);
    const bool success = coap_code_class(outline.code) == 2;
    const bool separate =
        exchange->confirmable &&
        (exchange->ack_sent || (endpoint->settings.separate_responses && success));
    if (separate && send_separate(endpoint, now, exchange, &outline)) {
        // Its repeats are answered with the empty ACK; without one the separate message is the ACK.
        if (exchange->ack_sent || !reply->no_effect) {
            coap_dedup_ack_sent(endpoint->dedup, exchange->dedup);
            coap_dedup_answered(endpoint->dedup, exchange->dedup, outline.code, SLICE_EMPTY);
        }
    } else {
        send_in_place(endpoint, now, exchange, &outline);
    }
    coap_reply_end(endpoint, exchange);
}
