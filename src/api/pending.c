#include "api/pending.h"

#include <inttypes.h>

#include "api/ask.h"
#include "codec/cbor.h"
#include "codec/scratch.h"

// One block (RFC 7959 2.2).
#define ROOM_MAX 1024U

static bool has_answer(const struct api_call *call)
{
    switch (call->route.feature) {
    case API_FEATURE_TELEMETRY:
    case API_FEATURE_ATTRIBUTES:
    case API_FEATURE_CLAIM:
        return call->request->method == COAP_POST;
    case API_FEATURE_RPC:
        return call->request->method == COAP_POST && call->route.has_call;
    case API_FEATURE_PROVISION:
    case API_FEATURE_NONE:
        break;
    }
    return false;
}

// A decimal number of 64 bits.
static bool read_number(struct slice text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned digit = text.ptr[i] - (unsigned)'0';
        if (digit > 9 || *number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *number = *number * 10 + digit;
    }
    return text.len > 0;
}

static uint16_t room_of(const struct coap_options *options)
{
    const uint32_t block = options->has_block2 ? coap_block_size(options->block2) : ROOM_MAX;
    return (uint16_t)(block < ROOM_MAX ? block : ROOM_MAX);
}

enum api_outcome api_pending_read(struct api_call *call, struct coap_reply *reply)
{
    const struct coap_options *options = call->request->options;
    struct api_pending *pending = &call->pending;
    for (unsigned i = 0; has_answer(call) && i < options->query_count; i++) {
        struct slice value = options->query[i];
        if (!slice_equal(slice_cut(&value, '='), SLICE("pending"))) {
            continue;
        }
        pending->is_asked = true;
        if (!read_number(value, &pending->sequence)) {
            return api_refuse_form(COAP_BAD_REQUEST, "?pending= is not a number of 64 bits", reply);
        }
    }
    if (!pending->is_asked) {
        return API_PENDING;
    }
    const uint32_t accept = options->accept;
    pending->as_cbor = accept == COAP_FORMAT_CBOR;
    pending->room = room_of(options);
    if (!pending->as_cbor && accept != COAP_FORMAT_NONE && accept != COAP_FORMAT_JSON &&
        accept != COAP_FORMAT_TEXT) {
        return api_refuse(call, ERR_NOT_ACCEPTABLE, "what waits comes as JSON (50) or CBOR (60)",
                          reply);
    }
    return API_PENDING;
}

bool api_pending_ask(struct api *api, const struct api_follow *follow, struct coap_handle exchange)
{
    struct core_mail *mail = api_ask_begin(api, follow->device, SLICE_EMPTY);
    if (mail == NULL) {
        return false;
    }
    mail->kind = CORE_MAIL_POLL;
    mail->number = follow->pending.room;
    mail->sequence = follow->pending.sequence;
    mail->ticket = api_ticket(exchange);
    mail->tenant = follow->tenant;
    mail->device = follow->device;
    api_ask_end(api, mail);
    return true;
}

enum api_outcome api_pending_follow(const struct api_call *call, enum api_outcome outcome,
                                    struct coap_reply *reply)
{
    if (!call->pending.is_asked || outcome == API_DROPPED) {
        return outcome;
    }
    if (outcome == API_PENDING) {
        api_follow(call)->pending = call->pending;
        return API_PENDING;
    }
    if (reply->code != COAP_CREATED) {
        return outcome;
    }
    // There was nothing to store.
    struct api_follow *follow = api_follow(call);
    follow->pending = call->pending;
    if (api_pending_ask(call->api, follow, call->request->exchange)) {
        return API_PENDING;
    }
    follow->generation = 0;
    call->api->followed--;
    api_pending_put(call->api, &call->pending, SLICE_EMPTY, reply);
    return API_REPLIED;
}

// Nothing can be said now: ask again.
static struct slice say_more(struct api *api, uint64_t sequence)
{
    struct buf text = codec_scratch_open(api->memory);
    buf_put_format(
        &text, "{\"seq\":%" PRIu64 ",\"attributes\":{},\"deleted\":[],\"rpc\":[],\"more\":true}",
        sequence);
    return codec_scratch_close(api->memory, &text);
}

static struct slice to_cbor(struct api *api, struct slice json)
{
    struct codec_json object;
    struct err_place place;
    // A number of three digits may take nine bytes.
    const size_t room = 4 * json.len;
    void *memory = arena_take(api->memory, room);
    struct buf out = buf_over(memory, memory != NULL ? room : 0);
    const bool is_good = codec_json_parse(api->memory, json, false, &object, &place) == ERR_OK &&
                         codec_cbor_write(api->memory, object, &out) && !out.overflow;
    return is_good ? buf_view(&out) : SLICE_EMPTY;
}

void api_pending_put(struct api *api, const struct api_pending *pending, struct slice body,
                     struct coap_reply *reply)
{
    const struct slice json = body.len > 0 ? body : say_more(api, pending->sequence);
    reply->payload = pending->as_cbor ? to_cbor(api, json) : json;
    reply->content_format = pending->as_cbor ? COAP_FORMAT_CBOR : COAP_FORMAT_JSON;
}
