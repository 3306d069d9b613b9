#include "api/record.h"

static uint16_t format_of(uint32_t content_format)
{
    return content_format < CORE_RECORD_FORMAT_NONE ? (uint16_t)content_format
                                                    : CORE_RECORD_FORMAT_NONE;
}

static void put_reply(struct core_record *record, const struct coap_reply *reply)
{
    record->verdict = CORE_VERDICT_ANSWERED;
    record->code = reply->code;
    // Of a refusal it is the diagnostic.
    if (coap_code_class(reply->code) > 2) {
        core_record_put_reason(record, reply->payload);
    }
}

// The device of a request. What was refused before its credential was looked at, or since the
// device speaks another transport, has one all the same.
static struct device_id device_of(const struct api_call *call, enum api_outcome outcome,
                                  const struct coap_reply *reply)
{
    const struct model_index_entry *device = call->principal.device;
    const bool is_refused = outcome == API_REPLIED && reply->code != COAP_UNAUTHORIZED;
    if (device == NULL && is_refused && call->route.has_token) {
        device = model_index_find(call->api->core.index, MODEL_CREDENTIAL_TOKEN, call->route.token);
    }
    return device != NULL ? device->device : (struct device_id){0};
}

static void put_request(struct core_record *record, const struct api_call *call)
{
    const struct coap_request *request = call->request;
    const struct coap_options *options = request->options;
    const struct address peer = coap_peer_remote(request->peer);
    record->link = api_ticket(request->exchange);
    record->message = request->dedup.peer_and_mid;
    record->method = request->method;
    record->content_format = format_of(options->content_format);
    record->observe = options->observe;
    record->flags = (request->confirmable ? CORE_RECORD_CONFIRMABLE : 0) |
                    (options->has_observe ? CORE_RECORD_HAS_OBSERVE : 0) |
                    (options->has_block1 ? CORE_RECORD_BLOCKS : 0);
    core_record_put_peer(record, &peer);
    core_record_put_path(record, options->path, options->path_count, call->route.token);
    core_record_put_query(record, options->query, options->query_count);
    core_record_put_body(record, request->body);
}

void api_record_request(const struct api_call *call, enum api_outcome outcome,
                        const struct coap_reply *reply)
{
    struct core_recorder *recorder = call->api->recorder;
    const struct device_id device =
        recorder != NULL ? device_of(call, outcome, reply) : (struct device_id){0};
    if (device.number == 0) {
        return;
    }
    struct core_record *record = core_recorder_begin(recorder, CORE_RECORD_REQUEST);
    record->device = device;
    put_request(record, call);
    if (outcome == API_REPLIED) {
        put_reply(record, reply);
    } else {
        record->verdict = outcome == API_DROPPED ? CORE_VERDICT_DROPPED : CORE_VERDICT_WAITING;
    }
    core_recorder_end(recorder);
}

void api_record_answer(struct api *api, struct coap_handle exchange, const struct coap_reply *reply)
{
    struct core_record *record = core_recorder_begin(api->recorder, CORE_RECORD_ANSWER);
    if (record != NULL) {
        record->link = api_ticket(exchange);
        put_reply(record, reply);
        core_recorder_end(api->recorder);
    }
}

void api_repeated(struct api *api, const struct coap_request *request)
{
    struct core_record *record = core_recorder_begin(api->recorder, CORE_RECORD_REPEAT);
    if (record != NULL) {
        record->message = request->dedup.peer_and_mid;
        core_recorder_end(api->recorder);
    }
}

void api_record_notice(struct api *api, struct device_id device, const struct coap_notice *notice)
{
    const struct address peer = coap_peer_remote(&notice->peer);
    struct core_record *record = core_recorder_begin(api->recorder, CORE_RECORD_NOTICE);
    if (record == NULL) {
        return;
    }
    record->device = device;
    record->link = notice->ticket;
    record->code = notice->code;
    record->content_format = format_of(notice->content_format);
    record->observe = notice->observe;
    record->flags = (notice->confirmable ? CORE_RECORD_CONFIRMABLE : 0) |
                    (notice->has_observe ? CORE_RECORD_HAS_OBSERVE : 0);
    core_record_put_peer(record, &peer);
    core_record_put_body(record, notice->payload);
    core_recorder_end(api->recorder);
}

void api_record_outcome(struct api *api, uint64_t ticket, enum core_record_verdict verdict)
{
    struct core_record *record = core_recorder_begin(api->recorder, CORE_RECORD_OUTCOME);
    if (record != NULL) {
        record->link = ticket;
        record->verdict = (uint8_t)verdict;
        core_recorder_end(api->recorder);
    }
}
