#include "core/flown.h"
#include "rest/handlers.h"

#define LIMIT_DEFAULT 100
// A byte that is no text is shown by four characters.
#define SHOWN_MAX (4U * TAPE_RECORD_MAX)

static const char *method_name(uint8_t method)
{
    static const char *const names[] = {NULL,     "GET",   "POST",  "PUT",
                                        "DELETE", "FETCH", "PATCH", "IPATCH"};
    return method < sizeof(names) / sizeof(names[0]) ? names[method] : NULL;
}

// What a person calls it: by the class of the answer, or by what became of a notification.
static const char *verdict_name(const struct core_record *record)
{
    switch ((enum core_record_verdict)record->verdict) {
    case CORE_VERDICT_WAITING:
        return "WAITING";
    case CORE_VERDICT_ANSWERED:
        return record->code >> 5 == 2 ? "ACCEPTED" : record->code >> 5 == 4 ? "REFUSED" : "FAILED";
    case CORE_VERDICT_DROPPED:
        return "DROPPED";
    case CORE_VERDICT_SENT:
        return "SENT";
    case CORE_VERDICT_UNANSWERED:
        return "UNANSWERED";
    case CORE_VERDICT_DELIVERED:
        return "DELIVERED";
    case CORE_VERDICT_REJECTED:
        return "REJECTED";
    case CORE_VERDICT_LOST:
        return "LOST";
    case CORE_VERDICT_BUSY:
        return "NO_ROOM";
    case CORE_VERDICT_WITHDRAWN:
        return "WITHDRAWN";
    }
    return "WAITING";
}

static void put_number(struct codec_json_writer *writer, const char *name, bool is_given,
                       int64_t value)
{
    if (is_given) {
        codec_json_field_int64(writer, name, value);
    } else {
        codec_json_field_null(writer, name);
    }
}

// Devices send any bytes; what is no text is shown as \xNN.
static void put_bytes(struct codec_json_writer *writer, const char *name, struct slice bytes)
{
    uint8_t memory[SHOWN_MAX + 1];
    struct buf text = buf_over(memory, sizeof(memory));
    while (bytes.len > 0) {
        const size_t step = slice_utf8_step(bytes);
        if (step == 0 || bytes.ptr[0] == 0) {
            buf_put_format(&text, "\\x%02x", bytes.ptr[0]);
        } else {
            buf_put_slice(&text, slice_sub(bytes, 0, step));
        }
        bytes = slice_sub(bytes, step > 0 ? step : 1, bytes.len);
    }
    codec_json_field_string(writer, name, buf_view(&text));
}

static void put_optional(struct codec_json_writer *writer, const char *name, struct slice bytes)
{
    if (bytes.len > 0) {
        put_bytes(writer, name, bytes);
    } else {
        codec_json_field_null(writer, name);
    }
}

static void put_code(struct codec_json_writer *writer, uint8_t code)
{
    char memory[8];
    struct buf text = buf_over(memory, sizeof(memory));
    if (code == 0) {
        codec_json_field_null(writer, "code");
        return;
    }
    buf_put_format(&text, "%u.%02u", code >> 5U, code & 31U);
    codec_json_field_string(writer, "code", buf_view(&text));
}

static void write_message(struct codec_json_writer *writer, const struct core_record *record)
{
    const bool is_request = record->kind == CORE_RECORD_REQUEST;
    const char *method = is_request ? method_name(record->method) : NULL;
    if (method != NULL) {
        codec_json_field_string(writer, "method", slice_text(method));
    } else {
        codec_json_field_null(writer, "method");
    }
    put_optional(writer, "path", core_record_path(record));
    codec_json_field_boolean(writer, "confirmable", (record->flags & CORE_RECORD_CONFIRMABLE) != 0);
    put_number(writer, "observe", (record->flags & CORE_RECORD_HAS_OBSERVE) != 0, record->observe);
    put_number(writer, "contentFormat", record->content_format != CORE_RECORD_FORMAT_NONE,
               record->content_format);
    codec_json_field_boolean(writer, "blocks", (record->flags & CORE_RECORD_BLOCKS) != 0);
    codec_json_field_int64(writer, "size", record->size);
    put_bytes(writer, "payload", core_record_body(record));
}

static void write_exchange(struct codec_json_writer *writer, const struct core_flown *flown)
{
    const struct core_record *record = &flown->record;
    struct address peer;
    char text[ADDRESS_TEXT_SIZE];
    (void)core_record_peer(record, &peer);
    codec_json_begin_object(writer);
    codec_json_field_int64(writer, "time", record->at_us / 1000);
    codec_json_field_string(writer, "type",
                            record->kind == CORE_RECORD_REQUEST ? SLICE("REQUEST")
                                                                : SLICE("NOTIFICATION"));
    codec_json_field_string(writer, "peer", slice_text(address_format(&peer, text)));
    codec_json_field_boolean(writer, "moved", flown->has_moved);
    write_message(writer, record);
    put_code(writer, record->code);
    codec_json_field_string(writer, "verdict", slice_text(verdict_name(record)));
    put_optional(writer, "reason", core_record_reason(record));
    put_number(writer, "ended", flown->ended_us != 0, flown->ended_us / 1000);
    codec_json_field_int64(writer, "duplicates", flown->repeats);
    codec_json_field_boolean(writer, "retransmitted", flown->is_retransmitted);
    codec_json_end_object(writer);
}

static void write_list(struct codec_json_writer *writer, const struct core_flown_list *list)
{
    codec_json_begin_object(writer);
    put_number(writer, "since", list->since_us != 0, list->since_us / 1000);
    codec_json_field_int64(writer, "overwritten", (int64_t)list->overwritten);
    codec_json_field_int64(writer, "leftOut", (int64_t)list->left_out);
    codec_json_name(writer, SLICE("exchanges"));
    codec_json_begin_array(writer);
    for (unsigned i = 0; i < list->count; i++) {
        write_exchange(writer, &list->items[i]);
    }
    codec_json_end_array(writer);
    codec_json_end_object(writer);
}

enum err rest_recorder_read(struct rest_call *call)
{
    const struct core *core = call->rest->core;
    struct uuid id;
    struct model_device device;
    int64_t limit = 0;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? rest_call_int(call, "limit", false, LIMIT_DEFAULT, &limit) : err;
    if (err == ERR_OK && (limit < 1 || limit > CORE_FLOWN_MAX)) {
        err = rest_call_refuse(call, ERR_INVALID, "limit must be 1 to %u", CORE_FLOWN_MAX);
    }
    err = err == ERR_OK ? core_device_get(&call->admin, &id, &device) : err;
    if (err != ERR_OK) {
        return err;
    }
    struct core_flown_list list = {.max = (unsigned)limit};
    list.items = arena_take_array(call->request->memory, 2 * (size_t)list.max, sizeof(*list.items));
    if (list.items == NULL) {
        return ERR_EXHAUSTED;
    }
    core_flown_read(core->recorders, core->recorder_count, device.number, &list);
    struct codec_json_writer writer = rest_call_writer(call);
    write_list(&writer, &list);
    return ERR_OK;
}
