#include "core/downlink.h"

#include "base/buf.h"

// What a row begins with. Another layout gets another number.
#define ROW_VERSION 1U

enum {
    FLAG_CONFIRMABLE = 1,
    FLAG_ONEWAY = 1,
    FLAG_POLLED = 1,
    FLAG_VISITED = 2,
    FLAG_LAPSED = 4,
};

static bool read_version(struct buf_reader *reader)
{
    return buf_read_u8(reader) == ROW_VERSION;
}

static bool is_read(const struct buf_reader *reader)
{
    return !reader->overflow && reader->rest.len == 0;
}

static void read_bytes(struct buf_reader *reader, void *out, size_t len)
{
    const struct slice bytes = buf_read_slice(reader, len);
    if (!reader->overflow && len > 0) {
        memcpy(out, bytes.ptr, len);
    }
}

void core_row_put_registration(struct buf *out, const struct core_registration *registration)
{
    buf_put_u8(out, ROW_VERSION);
    buf_put_slice(out, slice_of(registration->route.peer, CORE_PEER_SIZE));
    buf_put_u32(out, registration->route.steer);
    buf_put_u8(out, registration->token_len);
    buf_put_slice(out, slice_of(registration->token, registration->token_len));
    buf_put_u8(out, registration->confirmable ? FLAG_CONFIRMABLE : 0);
    buf_put_varint(out, registration->content_format);
    buf_put_u64(out, registration->uri_hash);
}

bool core_row_get_registration(struct slice row, struct core_registration *registration)
{
    struct buf_reader reader = buf_reader_over(row);
    memset(registration, 0, sizeof(*registration));
    if (!read_version(&reader)) {
        return false;
    }
    read_bytes(&reader, registration->route.peer, CORE_PEER_SIZE);
    registration->route.steer = buf_read_u32(&reader);
    registration->token_len = buf_read_u8(&reader);
    if (registration->token_len > CORE_OBSERVE_TOKEN_MAX) {
        return false;
    }
    read_bytes(&reader, registration->token, registration->token_len);
    registration->confirmable = (buf_read_u8(&reader) & FLAG_CONFIRMABLE) != 0;
    const uint64_t content_format = buf_read_varint(&reader);
    registration->content_format =
        content_format < CORE_FORMAT_NONE ? (uint16_t)content_format : CORE_FORMAT_NONE;
    registration->uri_hash = buf_read_u64(&reader);
    return is_read(&reader);
}

void core_row_put_counters(struct buf *out, const struct core_downlink *link)
{
    buf_put_u8(out, ROW_VERSION);
    buf_put_varint(out, link->tenant.number);
    // Calls that nobody stores take numbers as well, one for each id that is reserved.
    buf_put_varint(out, link->seq + CORE_CALLS_RESERVED);
    buf_put_varint(out, link->delta_seq);
    buf_put_varint(out, link->covered);
    buf_put_varint(out, link->calls_reserved);
    for (unsigned i = 0; i < CORE_RESOURCES; i++) {
        buf_put_varint(out, link->observations[i].reserved);
    }
    buf_put_u8(out, (link->poll_state == CORE_POLL_NOTED ? FLAG_POLLED : 0) |
                        (link->is_visited ? FLAG_VISITED : 0) |
                        (link->is_lapsed ? FLAG_LAPSED : 0));
    for (unsigned i = 0; i < CORE_RESOURCES; i++) {
        const struct core_observation *observation = &link->observations[i];
        buf_put_varint(out, observation->has_mid ? observation->mid + UINT64_C(1) : 0);
    }
}

static void read_mid(struct buf_reader *reader, struct core_observation *observation)
{
    const uint64_t mid = buf_read_varint(reader);
    observation->has_mid = mid > 0 && mid <= UINT16_MAX + UINT64_C(1);
    observation->mid = observation->has_mid ? (uint16_t)(mid - 1) : 0;
    observation->is_restored = observation->has_mid;
}

bool core_row_get_counters(struct slice row, struct core_downlink *link)
{
    struct buf_reader reader = buf_reader_over(row);
    if (!read_version(&reader)) {
        return false;
    }
    link->tenant.number = buf_read_varint(&reader);
    link->seq = buf_read_varint(&reader);
    link->delta_seq = buf_read_varint(&reader);
    link->covered = buf_read_varint(&reader);
    link->calls_reserved = (uint32_t)buf_read_varint(&reader);
    link->call_next = link->calls_reserved;
    for (unsigned i = 0; i < CORE_RESOURCES; i++) {
        struct core_observation *observation = &link->observations[i];
        observation->reserved = (uint32_t)buf_read_varint(&reader);
        observation->next = observation->reserved;
    }
    // Rows of before polls end here.
    const uint8_t flags = reader.rest.len > 0 ? buf_read_u8(&reader) : 0;
    link->poll_state = (flags & FLAG_POLLED) != 0 ? CORE_POLL_NOTED : CORE_POLL_NEVER;
    link->is_visited = (flags & FLAG_VISITED) != 0;
    link->is_lapsed = (flags & FLAG_LAPSED) != 0;
    // And those of before message ids were kept, here.
    for (unsigned i = 0; i < CORE_RESOURCES && reader.rest.len > 0; i++) {
        read_mid(&reader, &link->observations[i]);
    }
    return is_read(&reader);
}

void core_row_put_call(struct buf *out, const struct core_call *call)
{
    buf_put_u8(out, ROW_VERSION);
    buf_put_slice(out, slice_of(call->uuid.bytes, sizeof(call->uuid.bytes)));
    buf_put_varint(out, call->seq);
    buf_put_varint_signed(out, call->created.ms);
    buf_put_varint_signed(out, call->expires.ms);
    buf_put_u8(out, call->is_oneway ? FLAG_ONEWAY : 0);
    buf_put_varint(out, call->retries);
    buf_put_varint(out, call->used);
    buf_put_u8(out, call->state == CORE_CALL_DELIVERED ? 1 : 0);
}

bool core_row_get_call(struct slice row, struct core_call *call)
{
    struct buf_reader reader = buf_reader_over(row);
    if (!read_version(&reader)) {
        return false;
    }
    read_bytes(&reader, call->uuid.bytes, sizeof(call->uuid.bytes));
    call->seq = buf_read_varint(&reader);
    call->created.ms = buf_read_varint_signed(&reader);
    call->expires.ms = buf_read_varint_signed(&reader);
    call->is_oneway = (buf_read_u8(&reader) & FLAG_ONEWAY) != 0;
    call->retries = (uint32_t)buf_read_varint(&reader);
    call->used = (uint32_t)buf_read_varint(&reader);
    call->state = buf_read_u8(&reader) == 1 ? CORE_CALL_DELIVERED : CORE_CALL_WAITING;
    call->is_persistent = true;
    call->was_sent = call->state == CORE_CALL_DELIVERED;
    return is_read(&reader);
}

struct slice core_row_observation_name(enum core_resource resource)
{
    return resource == CORE_RESOURCE_ATTRIBUTES ? SLICE("a") : SLICE("r");
}

struct slice core_row_call_name(uint32_t id, uint8_t memory[CORE_CALL_NAME_SIZE])
{
    struct buf name = buf_over(memory, CORE_CALL_NAME_SIZE);
    buf_put_u8(&name, 'r');
    buf_put_u32(&name, id);
    return buf_view(&name);
}

struct slice core_row_uuid_name(const struct uuid *uuid, bool is_status,
                                uint8_t memory[CORE_CALL_UUID_NAME])
{
    struct buf name = buf_over(memory, CORE_CALL_UUID_NAME);
    buf_put_slice(&name, slice_of(uuid->bytes, sizeof(uuid->bytes)));
    if (is_status) {
        buf_put_u8(&name, 's');
    }
    return buf_view(&name);
}

size_t core_row_request_room(const struct core_call_request *request)
{
    return CORE_ROW_MAX + request->method.len + request->params.len + request->info.len;
}

static void put_text(struct buf *out, struct slice text)
{
    buf_put_varint(out, text.len);
    buf_put_slice(out, text);
}

static struct slice read_text(struct buf_reader *reader)
{
    return buf_read_slice(reader, (size_t)buf_read_varint(reader));
}

void core_row_put_request(struct buf *out, uint32_t id, const struct core_call_request *request)
{
    buf_put_u8(out, ROW_VERSION);
    buf_put_varint(out, id);
    buf_put_varint_signed(out, request->created.ms);
    buf_put_varint_signed(out, request->expires.ms);
    buf_put_u8(out, request->is_oneway ? FLAG_ONEWAY : 0);
    buf_put_varint(out, request->retries);
    buf_put_slice(out, slice_of(request->device.bytes, sizeof(request->device.bytes)));
    put_text(out, request->method);
    put_text(out, request->params);
    put_text(out, request->info);
}

bool core_row_get_request(struct slice row, uint32_t *id, struct core_call_request *request)
{
    struct buf_reader reader = buf_reader_over(row);
    memset(request, 0, sizeof(*request));
    if (!read_version(&reader)) {
        return false;
    }
    *id = (uint32_t)buf_read_varint(&reader);
    request->created.ms = buf_read_varint_signed(&reader);
    request->expires.ms = buf_read_varint_signed(&reader);
    request->is_oneway = (buf_read_u8(&reader) & FLAG_ONEWAY) != 0;
    request->is_persistent = true;
    request->retries = (uint32_t)buf_read_varint(&reader);
    read_bytes(&reader, request->device.bytes, sizeof(request->device.bytes));
    request->method = read_text(&reader);
    request->params = read_text(&reader);
    request->info = read_text(&reader);
    return is_read(&reader);
}

size_t core_row_texts_room(const struct core_call_request *request)
{
    return CORE_ROW_MAX + request->method.len + request->params.len;
}

void core_row_put_texts(struct buf *out, const struct core_call_request *request)
{
    buf_put_u8(out, ROW_VERSION);
    put_text(out, request->method);
    put_text(out, request->params);
}

bool core_row_get_texts(struct slice row, struct slice *method, struct slice *params)
{
    struct buf_reader reader = buf_reader_over(row);
    if (!read_version(&reader)) {
        return false;
    }
    *method = read_text(&reader);
    *params = read_text(&reader);
    return is_read(&reader);
}

void core_row_put_status(struct buf *out, enum core_call_status status, struct slice response)
{
    buf_put_u8(out, ROW_VERSION);
    buf_put_u8(out, (uint8_t)status);
    put_text(out, response);
}

bool core_row_get_status(struct slice row, enum core_call_status *status, struct slice *response)
{
    struct buf_reader reader = buf_reader_over(row);
    if (!read_version(&reader)) {
        return false;
    }
    *status = (enum core_call_status)buf_read_u8(&reader);
    *response = read_text(&reader);
    return is_read(&reader) && *status >= CORE_CALL_QUEUED && *status <= CORE_CALL_FAILED;
}
