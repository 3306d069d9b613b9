#include "coap/notify.h"

#include "base/buf.h"
#include "coap/endpoint_priv.h"

// Header, token and options around the payload of a notification.
#define OVERHEAD 40U

// The largest block that we offer and that the peer may be sent. A path that is not proven yet gets
// what its bytes paid for; at worst the smallest block, which then waits for more to arrive.
static uint8_t block_szx(struct coap_endpoint *endpoint, struct mono now,
                         const struct coap_peer *peer)
{
    const struct coap_peer_state *state = coap_peers_find(endpoint->peers, peer);
    const uint32_t earned = state != NULL ? coap_peers_allowance(state, now) : 0;
    // Who registered showed a credential, so one datagram to it may be whole (docs/adr/0004).
    const bool is_free = endpoint->settings.path_check != COAP_PATH_CHECK_STRICT;
    uint8_t szx = endpoint->settings.szx_max;
    while (!is_free && szx > 0 && (16U << szx) + OVERHEAD > earned) {
        szx--;
    }
    return szx;
}

static void write(struct coap_message_writer *writer, const struct coap_notice *notice, uint8_t szx)
{
    const uint32_t size = 16U << szx;
    const bool is_cut = notice->payload.len > size;
    if (is_cut) {
        const uint64_t etag = coap_reply_etag(notice->payload);
        coap_message_option(writer, COAP_OPTION_ETAG, slice_of(&etag, sizeof(etag)));
    }
    if (notice->has_observe) {
        coap_message_option_uint(writer, COAP_OPTION_OBSERVE, notice->observe);
    }
    if (notice->content_format != COAP_FORMAT_NONE && notice->payload.len > 0) {
        coap_message_option_uint(writer, COAP_OPTION_CONTENT_FORMAT, notice->content_format);
    }
    if (notice->max_age_s != COAP_MAX_AGE_NONE) {
        coap_message_option_uint(writer, COAP_OPTION_MAX_AGE, notice->max_age_s);
    }
    if (is_cut) {
        coap_message_option_uint(writer, COAP_OPTION_BLOCK2, 8U | szx);
        coap_message_option_uint(writer, COAP_OPTION_SIZE2, (uint32_t)notice->payload.len);
    }
    coap_message_payload(writer, slice_sub(notice->payload, 0, size));
}

enum err coap_endpoint_notify(struct coap_endpoint *endpoint, struct mono now,
                              const struct coap_notice *notice, struct coap_handle *sent)
{
    ASSERT(notice->ticket != 0 && notice->payload.len <= COAP_BODY_MAX);
    struct coap_peer_state *state = coap_peers_take(endpoint->peers, now, &notice->peer);
    if (state == NULL) {
        return ERR_EXHAUSTED;
    }
    if (coap_opened_has(&endpoint->opened, endpoint->exchanges, &notice->peer, &notice->token)) {
        return ERR_UNAVAILABLE;
    }
    if (notice->skips_mids) {
        coap_peers_skip_mids(state, &endpoint->random, notice->mid_last);
    }
    const struct coap_sent_terms terms = {
        .peer = notice->peer,
        .token = notice->token,
        .mid = coap_peers_mid(state),
        .confirmable = notice->confirmable,
        .allowance = endpoint->settings.path_check == COAP_PATH_CHECK_OFF ? UINT32_MAX : 0,
        .ticket = notice->ticket,
    };
    struct buf *out = coap_sent_begin(endpoint->sent, &terms, &sent->slot);
    if (out == NULL) {
        return ERR_EXHAUSTED;
    }
    const uint8_t szx = block_szx(endpoint, now, &notice->peer);
    if (notice->payload.len > 16U << szx) {
        coap_reply_keep(endpoint, now, coap_reply_key(endpoint, &notice->peer, notice->uri_hash),
                        &(struct coap_reply){.code = notice->code,
                                             .content_format = notice->content_format,
                                             .ticket = notice->ticket,
                                             .payload = notice->payload});
    }
    struct coap_message_writer writer = coap_message_begin(
        out, notice->confirmable ? COAP_CON : COAP_NON, notice->code, terms.mid, &terms.token);
    write(&writer, notice, szx);
    if (endpoint->settings.path_check == COAP_PATH_CHECK_BLOCKS && notice->confirmable) {
        // Its acknowledgement proves the path; until then only what the peer paid for is repeated.
        coap_sent_grant(endpoint->sent, sent->slot);
    }
    coap_sent_start(endpoint->sent, now, sent->slot);
    return ERR_OK;
}

void coap_endpoint_cancel(struct coap_endpoint *endpoint, struct mono now, struct coap_handle sent)
{
    coap_sent_cancel(endpoint->sent, now, sent.slot);
}
