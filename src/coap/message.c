#include "coap/message.h"

#include <string.h>

#include "base/assert.h"

#define PAYLOAD_MARKER 0xFFU

bool coap_token_equal(const struct coap_token *a, const struct coap_token *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

// One option header (RFC 7252 3.1): 4 bits of delta and 4 of length, each extended by one byte from
// 13 or two bytes from 14; 15 is reserved. False if it is malformed or cut.
static bool read_extended(struct slice *rest, unsigned nibble, uint32_t *value)
{
    if (nibble < 13) {
        *value = nibble;
        return true;
    }
    if (nibble == 13 && rest->len >= 1) {
        *value = rest->ptr[0] + 13U;
        *rest = slice_of(rest->ptr + 1, rest->len - 1);
        return true;
    }
    if (nibble == 14 && rest->len >= 2) {
        *value = ((uint32_t)rest->ptr[0] << 8 | rest->ptr[1]) + 269U;
        *rest = slice_of(rest->ptr + 2, rest->len - 2);
        return true;
    }
    return false;
}

static bool read_option(struct slice *rest, uint32_t *number, struct slice *value)
{
    const uint8_t head = rest->ptr[0];
    uint32_t delta = 0;
    uint32_t len = 0;
    *rest = slice_of(rest->ptr + 1, rest->len - 1);
    if (!read_extended(rest, head >> 4, &delta) || !read_extended(rest, head & 0x0F, &len) ||
        len > rest->len || *number + delta > UINT16_MAX) {
        return false;
    }
    *number += delta;
    *value = slice_of(rest->ptr, len);
    *rest = slice_of(rest->ptr + len, rest->len - len);
    return true;
}

// Finds where the options end and the payload starts.
static bool split_options(struct slice rest, struct coap_message *message)
{
    const uint8_t *start = rest.ptr;
    uint32_t number = 0;
    struct slice value;
    while (rest.len > 0 && rest.ptr[0] != PAYLOAD_MARKER) {
        if (!read_option(&rest, &number, &value)) {
            return false;
        }
    }
    message->options = slice_of(start, (size_t)(rest.ptr - start));
    message->payload = SLICE_EMPTY;
    if (rest.len > 0) {
        // A marker without payload is a format error (RFC 7252 3).
        if (rest.len == 1) {
            return false;
        }
        message->payload = slice_of(rest.ptr + 1, rest.len - 1);
    }
    return true;
}

static bool code_fits_type(enum coap_type type, uint8_t code)
{
    const unsigned class = coap_code_class(code);
    if (class == 1 || class >= 6) {
        return false;
    }
    switch (type) {
    case COAP_CON:
        return true;
    case COAP_NON:
        return code != COAP_EMPTY;
    case COAP_ACK:
        return !coap_code_is_request(code);
    case COAP_RST:
        return code == COAP_EMPTY;
    }
    return false;
}

enum coap_message_verdict coap_message_parse(struct slice datagram, struct coap_message *message)
{
    if (datagram.len < COAP_HEADER_SIZE || datagram.ptr[0] >> 6 != 1) {
        return COAP_MESSAGE_DROP;
    }
    const uint8_t *p = datagram.ptr;
    const unsigned token_len = p[0] & 0x0F;
    message->type = (enum coap_type)((p[0] >> 4) & 3);
    message->code = p[1];
    message->mid = (uint16_t)(p[2] << 8 | p[3]);
    const enum coap_message_verdict malformed =
        message->type == COAP_CON ? COAP_MESSAGE_REJECT : COAP_MESSAGE_DROP;

    if (token_len > COAP_TOKEN_MAX || datagram.len < COAP_HEADER_SIZE + token_len ||
        !code_fits_type(message->type, message->code)) {
        return malformed;
    }
    // An empty message is exactly its header (RFC 7252 4.1).
    if (message->code == COAP_EMPTY && datagram.len != COAP_HEADER_SIZE) {
        return malformed;
    }
    memset(message->token.bytes, 0, sizeof(message->token.bytes));
    memcpy(message->token.bytes, p + COAP_HEADER_SIZE, token_len);
    message->token.len = (uint8_t)token_len;
    const struct slice rest =
        slice_of(p + COAP_HEADER_SIZE + token_len, datagram.len - COAP_HEADER_SIZE - token_len);
    return split_options(rest, message) ? COAP_MESSAGE_OK : malformed;
}

bool coap_option_next(struct coap_option_reader *reader, struct coap_option *option)
{
    if (reader->rest.len == 0 || !read_option(&reader->rest, &reader->number, &option->value)) {
        reader->rest = SLICE_EMPTY;
        return false;
    }
    option->number = reader->number;
    return true;
}

uint32_t coap_option_uint(struct slice value)
{
    if (value.len > 4) {
        return UINT32_MAX;
    }
    uint32_t number = 0;
    for (size_t i = 0; i < value.len; i++) {
        number = number << 8 | value.ptr[i];
    }
    return number;
}

struct coap_message_writer coap_message_begin(struct buf *out, enum coap_type type, uint8_t code,
                                              uint16_t mid, const struct coap_token *token)
{
    ASSERT(token->len <= COAP_TOKEN_MAX);
    buf_put_u8(out, (uint8_t)(0x40U | (unsigned)type << 4 | token->len));
    buf_put_u8(out, code);
    buf_put_u16(out, mid);
    buf_put(out, token->bytes, token->len);
    return (struct coap_message_writer){out, 0};
}

static unsigned nibble_of(uint32_t value)
{
    return value < 13 ? value : value < 269 ? 13 : 14;
}

static void put_extended(struct buf *out, uint32_t value)
{
    if (value >= 269) {
        buf_put_u16(out, (uint16_t)(value - 269));
    } else if (value >= 13) {
        buf_put_u8(out, (uint8_t)(value - 13));
    }
}

void coap_message_option(struct coap_message_writer *writer, uint32_t number, struct slice value)
{
    ASSERT(number >= writer->number && number <= UINT16_MAX && value.len < 65536 + 269);
    const uint32_t delta = number - writer->number;
    const uint32_t len = (uint32_t)value.len;
    buf_put_u8(writer->out, (uint8_t)(nibble_of(delta) << 4 | nibble_of(len)));
    put_extended(writer->out, delta);
    put_extended(writer->out, len);
    buf_put_slice(writer->out, value);
    writer->number = number;
}

void coap_message_option_uint(struct coap_message_writer *writer, uint32_t number, uint32_t value)
{
    uint8_t bytes[4];
    size_t len = 0;
    for (unsigned shift = 32; shift > 0; shift -= 8) {
        const uint8_t byte = (uint8_t)(value >> (shift - 8));
        if (len > 0 || byte != 0) {
            bytes[len++] = byte;
        }
    }
    coap_message_option(writer, number, slice_of(bytes, len));
}

void coap_message_payload(struct coap_message_writer *writer, struct slice payload)
{
    if (payload.len > 0) {
        buf_put_u8(writer->out, PAYLOAD_MARKER);
        buf_put_slice(writer->out, payload);
    }
}

void coap_message_write_empty(struct buf *out, enum coap_type type, uint16_t mid)
{
    const struct coap_token none = {.len = 0};
    (void)coap_message_begin(out, type, COAP_EMPTY, mid, &none);
}
