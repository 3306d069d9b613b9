#include "api/attributes.h"

#include "api/ask.h"
#include "api/limit.h"
#include "api/observe.h"
#include "api/payload.h"
#include "api/status.h"
#include "codec/json.h"
#include "codec/scratch.h"
#include "core/attributes.h"
#include "core/feed.h"

enum api_outcome api_attributes_post(const struct api_call *call, struct coap_reply *reply)
{
    struct err_place place = {NULL, 0};
    struct model_readings readings;
    enum err err = api_payload_read(call, API_PAYLOAD_ATTRIBUTES, &readings, &place);
    if (err != ERR_OK) {
        return api_refuse_at(call, err, &place, reply);
    }
    if (!api_limit_admit(call, api_limit_publish(readings.items[0].point_count), reply)) {
        return API_REPLIED;
    }
    enum core_step step = CORE_DONE;
    err = core_attributes_publish(&call->api->core, call->api->memory, &call->principal,
                                  &readings.items[0], call->now.wall, &call->origin->trace,
                                  api_ticket(call->request->exchange), &step);
    if (step == CORE_PENDING) {
        api_watch_completion(call, CORE_FEED_CLIENT);
    }
    return api_stored(call, err, step, reply);
}

// What a GET asks for, kept with its load: a byte of flags, then the names of the client scope (a
// byte 0 behind them) and those of the shared scope, as they stood in the query; or the shard's
// answer to a registration.
enum {
    ASKS_CLIENT = 1,
    ASKS_SHARED = 2,
    ASKS_FLAT = 4, // shared attributes as one object, `{}` if there is none: for an observation
};

struct question {
    bool client;
    bool shared;
    bool flat;
    struct slice client_keys; // empty: all
    struct slice shared_keys;
};

// Exactly one '=' and something behind it, else the option does not count; the last one counts.
static struct slice list_of(const struct coap_options *options, struct slice name)
{
    struct slice list = SLICE_EMPTY;
    for (unsigned i = 0; i < options->query_count; i++) {
        struct slice value = options->query[i];
        const struct slice left = slice_cut(&value, '=');
        if (slice_equal(left, name) && value.len > 0 && memchr(value.ptr, '=', value.len) == NULL &&
            memchr(value.ptr, 0, value.len) == NULL) {
            list = value;
        }
    }
    return list;
}

static struct question question_of(const struct coap_options *options)
{
    struct question question = {0};
    question.client_keys = list_of(options, SLICE("clientKeys"));
    question.shared_keys = list_of(options, SLICE("sharedKeys"));
    const bool all = question.client_keys.len == 0 && question.shared_keys.len == 0;
    question.client = all || question.client_keys.len > 0;
    question.shared = all || question.shared_keys.len > 0;
    return question;
}

static struct slice note_of(const struct question *question, struct buf *note)
{
    buf_put_u8(note, (uint8_t)((question->client ? ASKS_CLIENT : 0) |
                               (question->shared ? ASKS_SHARED : 0)));
    buf_put_slice(note, question->client_keys);
    buf_put_u8(note, 0);
    buf_put_slice(note, question->shared_keys);
    // Both lists stood in one datagram.
    ASSERT(!note->overflow);
    return buf_view(note);
}

static struct question question_in(struct slice note)
{
    struct slice rest = slice_sub(note, 1, note.len);
    struct question question = {.client = (note.ptr[0] & ASKS_CLIENT) != 0,
                                .shared = (note.ptr[0] & ASKS_SHARED) != 0,
                                .flat = (note.ptr[0] & ASKS_FLAT) != 0};
    if (!question.flat) {
        question.client_keys = slice_cut(&rest, 0);
        question.shared_keys = rest;
    }
    return question;
}

enum api_outcome api_attributes_get(const struct api_call *call, struct coap_reply *reply)
{
    const struct coap_options *options = call->request->options;
    const uint32_t accept = options->accept;
    uint8_t bytes[STORE_LOAD_NOTE_MAX];
    struct buf note = buf_over(bytes, sizeof(bytes));
    if (accept != COAP_FORMAT_NONE && accept != COAP_FORMAT_JSON && accept != COAP_FORMAT_TEXT) {
        return api_refuse(call, ERR_NOT_ACCEPTABLE, "attributes come as JSON (50)", reply);
    }
    if (api_observe_is_asked(call)) {
        return api_observe(call, CORE_RESOURCE_ATTRIBUTES, reply);
    }
    if (!api_limit_admit(call, API_LIMIT_MESSAGE, reply)) {
        return API_REPLIED;
    }
    const struct question question = question_of(options);
    struct store_load *load = NULL;
    const enum err err =
        core_attributes_load(&call->api->core, call->principal.device->device,
                             note_of(&question, &note), api_ticket(call->request->exchange), &load);
    if (err != ERR_OK) {
        return api_refuse(call, err, NULL, reply);
    }
    return load == NULL ? API_PENDING : api_attributes_loaded(call->api, load, reply);
}

enum err api_attributes_read_all(struct api *api, const struct core_mail *answer,
                                 struct store_load **load)
{
    uint8_t bytes[1 + sizeof(*answer)];
    struct buf note = buf_over(bytes, sizeof(bytes));
    buf_put_u8(&note, ASKS_SHARED | ASKS_FLAT);
    buf_put_slice(&note, slice_of(answer, sizeof(*answer)));
    return core_attributes_load(&api->core, answer->device, buf_view(&note), answer->ticket, load);
}

static bool is_listed(struct slice list, struct slice key)
{
    if (list.len == 0) {
        return true;
    }
    while (list.ptr != NULL) {
        const struct slice name = slice_cut(&list, ',');
        if (name.len > 0 && slice_equal(name, key)) {
            return true;
        }
    }
    return false;
}

struct answer {
    struct codec_json_writer writer;
    enum store_state_kind open; // the scope whose object is open; 0: none
    bool is_bad;
};

static void open_scope(struct answer *answer, enum store_state_kind kind)
{
    if (answer->open == kind) {
        return;
    }
    if (answer->open != 0) {
        codec_json_end_object(&answer->writer);
    }
    answer->open = kind;
    codec_json_name(&answer->writer,
                    kind == STORE_STATE_CLIENT ? SLICE("client") : SLICE("shared"));
    codec_json_begin_object(&answer->writer);
}

static void put_row(struct answer *answer, const struct question *question,
                    const struct store_state_row *row)
{
    struct store_attribute attribute;
    const bool is_client = row->kind == STORE_STATE_CLIENT;
    if (is_client ? !question->client : !question->shared) {
        return;
    }
    if (!is_listed(is_client ? question->client_keys : question->shared_keys, row->name)) {
        return;
    }
    if (!store_attribute_get(row, &attribute)) {
        answer->is_bad = true;
        return;
    }
    if (!question->flat) {
        open_scope(answer, row->kind);
    }
    codec_json_name(&answer->writer, attribute.key);
    codec_json_put_value(&answer->writer, &attribute.value);
}

static enum err write_answer(struct store_load *load, const struct question *question,
                             struct buf *out)
{
    struct answer answer = {.writer = codec_json_writer_over(out)};
    struct store_state_row row;
    codec_json_begin_object(&answer.writer);
    const size_t empty_len = out->len;
    while (store_load_next(load, &row)) {
        put_row(&answer, question, &row);
    }
    const bool is_empty = out->len == empty_len;
    if (answer.open != 0) {
        codec_json_end_object(&answer.writer);
    }
    codec_json_end_object(&answer.writer);
    if (answer.is_bad) {
        return ERR_CORRUPT;
    }
    if (out->overflow) {
        return ERR_EXHAUSTED;
    }
    return is_empty && !question->flat ? ERR_NOT_FOUND : ERR_OK;
}

// The first answer of an observation shows its number, and lets the notifications begin.
static void start_observation(struct api *api, struct slice note, enum err err, size_t size,
                              struct coap_reply *reply)
{
    struct core_mail answer;
    memcpy(&answer, note.ptr + 1, sizeof(answer));
    if (answer.question != CORE_MAIL_SUBSCRIBE) {
        return;
    }
    api_ask_started(api, &answer, err, size);
    reply->has_observe = err == ERR_OK;
    reply->observe = answer.number;
    reply->ticket = answer.handle;
    // A repeat must not be answered with another number.
    reply->no_effect = err != ERR_OK;
}

enum api_outcome api_attributes_loaded(struct api *api, struct store_load *load,
                                       struct coap_reply *reply)
{
    api_reply_code(reply, COAP_CONTENT);
    reply->authenticated = true;
    const struct question question = question_in(store_load_note(load));
    struct buf out = codec_scratch_open(api->memory);
    enum err err = store_load_err(load);
    if (err == ERR_OK) {
        err = write_answer(load, &question, &out);
    }
    // Safe and free: a repeat may read again (RFC 7252 4.5).
    reply->no_effect = true;
    if (question.flat) {
        start_observation(api, store_load_note(load), err, out.len, reply);
    }
    if (err != ERR_OK) {
        reply->code = api_status_code(err, api->settings.upstream_codes);
        reply->max_age_s = api_status_max_age_of_ticket(reply->code, store_load_ticket(load));
        reply->payload = slice_text(err == ERR_NOT_FOUND ? "no such attribute" : err_text(err));
        return API_REPLIED;
    }
    reply->content_format = COAP_FORMAT_JSON;
    reply->payload = codec_scratch_close(api->memory, &out);
    const uint64_t digest = hash_bytes(reply->payload);
    void *etag = arena_take(api->memory, sizeof(digest));
    if (etag != NULL) {
        memcpy(etag, &digest, sizeof(digest));
        reply->etag = slice_of(etag, sizeof(digest));
    }
    return API_REPLIED;
}
