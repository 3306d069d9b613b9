// What shards want devices to be told: their bodies, and their way through the CoAP endpoint.
#include "api/api.h"
#include "api/record.h"
#include "coap/notify.h"
#include "codec/json.h"

// So long a client may take a notification as fresh (protocol-rules.md section 3).
#define MAX_AGE_S 86400U

static_assert(CORE_NOTICE_WHOLE == 16U << 6, "what one block holds");

static void put_set(struct codec_json_writer *writer, const struct core_delta *delta)
{
    for (uint32_t i = 0; i < delta->set_count; i++) {
        codec_json_name(writer, delta->set[i].key);
        codec_json_put_value(writer, &delta->set[i].value);
    }
}

static void put_removed(struct codec_json_writer *writer, const struct core_delta *delta)
{
    codec_json_name(writer, SLICE("deleted"));
    codec_json_begin_array(writer);
    for (uint32_t i = 0; i < delta->removed_count; i++) {
        codec_json_put_string(writer, delta->removed[i]);
    }
    codec_json_end_array(writer);
}

static void write_delta(struct buf *out, const struct core_delta *delta)
{
    struct codec_json_writer writer = codec_json_writer_over(out);
    codec_json_begin_object(&writer);
    put_set(&writer, delta);
    if (delta->removed_count > 0) {
        put_removed(&writer, delta);
    }
    codec_json_end_object(&writer);
}

static void put_call(struct codec_json_writer *writer, uint32_t id, struct slice method,
                     struct slice params)
{
    codec_json_begin_object(writer);
    codec_json_field_int64(writer, "id", id);
    codec_json_field_string(writer, "method", method);
    codec_json_name(writer, SLICE("params"));
    codec_json_put_raw(writer, params);
    codec_json_end_object(writer);
}

static void write_call(struct buf *out, uint32_t id, struct slice method, struct slice params)
{
    struct codec_json_writer writer = codec_json_writer_over(out);
    put_call(&writer, id, method, params);
}

static void write_pending(struct buf *out, const struct core_pending *pending)
{
    struct codec_json_writer writer = codec_json_writer_over(out);
    codec_json_begin_object(&writer);
    codec_json_field_int64(&writer, "seq", (int64_t)pending->sequence);
    codec_json_name(&writer, SLICE("attributes"));
    codec_json_begin_object(&writer);
    put_set(&writer, &pending->delta);
    codec_json_end_object(&writer);
    put_removed(&writer, &pending->delta);
    codec_json_name(&writer, SLICE("rpc"));
    codec_json_begin_array(&writer);
    for (uint32_t i = 0; i < pending->call_count; i++) {
        const struct core_pending_call *call = &pending->calls[i];
        put_call(&writer, call->id, call->method, call->params);
    }
    codec_json_end_array(&writer);
    codec_json_field_boolean(&writer, "more", pending->has_more);
    codec_json_end_object(&writer);
}

const struct core_shard_ops api_notice_ops = {write_delta, write_call, write_pending};

static struct coap_notice notice_of(const struct core_mail *mail)
{
    const struct core_registration *registration = &mail->registration;
    struct coap_notice notice = {
        .token = {.len = registration->token_len},
        .code = COAP_CONTENT,
        .confirmable = mail->confirmable,
        .has_observe = true,
        .observe = mail->number,
        .content_format = COAP_FORMAT_JSON,
        .max_age_s = MAX_AGE_S,
        .uri_hash = registration->uri_hash,
        .ticket = mail->ticket,
        .skips_mids = mail->skips_mids,
        .mid_last = mail->mid,
        .payload = core_mail_body(mail),
    };
    memcpy(&notice.peer, registration->route.peer, sizeof(notice.peer));
    memcpy(notice.token.bytes, registration->token, registration->token_len);
    switch ((enum core_notice)mail->notice) {
    case CORE_NOTICE_CONTENT:
        break;
    case CORE_NOTICE_VALID:
        notice.code = COAP_VALID;
        break;
    case CORE_NOTICE_GONE:
    case CORE_NOTICE_UNAUTHORIZED:
    case CORE_NOTICE_LAPSED:
        notice.code = mail->notice == CORE_NOTICE_GONE           ? COAP_NOT_FOUND
                      : mail->notice == CORE_NOTICE_UNAUTHORIZED ? COAP_UNAUTHORIZED
                                                                 : COAP_SERVICE_UNAVAILABLE;
        notice.has_observe = false;
        notice.max_age_s = COAP_MAX_AGE_NONE;
        break;
    }
    return notice;
}

static void tell(struct api *api, const struct coap_event *event, enum core_outcome outcome)
{
    const unsigned to = core_mail_ticket_worker(event->ticket);
    // Answers need the other half of the ring; what finds no room is made up for when the shard
    // gives the notice up.
    struct core_mail *mail =
        bus_has_room(api->core.party, to) ? core_mail_begin(api->core.party, to, 0) : NULL;
    if (mail != NULL) {
        mail->kind = CORE_MAIL_OUTCOME;
        mail->outcome = (uint8_t)outcome;
        mail->ticket = event->ticket;
        mail->handle = api_ticket(event->sent);
        mail->mid = event->mid;
        mail->number = event->round_trip_ms;
        core_mail_end(api->core.party, to, mail);
    }
}

static struct coap_handle handle_in(uint64_t handle)
{
    return (struct coap_handle){{(uint32_t)handle, (uint32_t)(handle >> 32)}};
}

void api_notice_send(struct api *api, struct coap_endpoint *endpoint, struct mono now,
                     const struct core_mail *mail)
{
    if (mail->kind == CORE_MAIL_CANCEL) {
        api_record_outcome(api, mail->ticket, CORE_VERDICT_WITHDRAWN);
        coap_endpoint_cancel(endpoint, now, handle_in(mail->handle));
        return;
    }
    const struct coap_notice notice = notice_of(mail);
    struct coap_handle sent;
    api_record_notice(api, mail->device, &notice);
    if (coap_endpoint_notify(endpoint, now, &notice, &sent) != ERR_OK) {
        api_record_outcome(api, mail->ticket, CORE_VERDICT_BUSY);
        tell(api, &(struct coap_event){.ticket = mail->ticket}, CORE_OUTCOME_BUSY);
    }
}

void api_notice_outcome(struct api *api, const struct coap_event *event)
{
    static const struct {
        enum core_outcome outcome;
        enum core_record_verdict verdict;
    } news[] = {
        [COAP_EVENT_TRANSMITTED] = {CORE_OUTCOME_TRANSMITTED, CORE_VERDICT_SENT},
        [COAP_EVENT_UNANSWERED] = {CORE_OUTCOME_UNANSWERED, CORE_VERDICT_UNANSWERED},
        [COAP_EVENT_DELIVERED] = {CORE_OUTCOME_DELIVERED, CORE_VERDICT_DELIVERED},
        [COAP_EVENT_REJECTED] = {CORE_OUTCOME_REJECTED, CORE_VERDICT_REJECTED},
        [COAP_EVENT_LOST] = {CORE_OUTCOME_LOST, CORE_VERDICT_LOST},
        [COAP_EVENT_FETCHED] = {CORE_OUTCOME_FETCHED, CORE_VERDICT_WAITING},
    };
    if (event->ticket == 0) {
        return;
    }
    // What was fetched was delivered before, as far as the record goes.
    if (event->kind != COAP_EVENT_FETCHED) {
        api_record_outcome(api, event->ticket, news[event->kind].verdict);
    }
    tell(api, event, news[event->kind].outcome);
}
