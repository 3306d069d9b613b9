// coap/message.h: one CoAP message as a view of its bytes (RFC 7252 section 3), and the writer of
// the same. Nothing is copied; the view lives as long as the datagram.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "coap/code.h"

#define COAP_TOKEN_MAX 8
#define COAP_HEADER_SIZE 4

struct coap_token {
    uint8_t bytes[COAP_TOKEN_MAX]; // zero beyond `len`
    uint8_t len;
};

bool coap_token_equal(const struct coap_token *a, const struct coap_token *b);

struct coap_message {
    enum coap_type type;
    uint8_t code;
    uint16_t mid;
    struct coap_token token;
    struct slice options; // the encoded options, without the payload marker
    struct slice payload; // empty if there is none
};

// What a datagram is. The distinction matters for the answer: a confirmable message with a format
// error is rejected with RST, everything else that is malformed is dropped (RFC 7252 4.2, 4.3).
enum coap_message_verdict {
    COAP_MESSAGE_OK,
    COAP_MESSAGE_DROP,   // too short, version other than 1, or malformed and not confirmable
    COAP_MESSAGE_REJECT, // malformed but type, message id are known and it is confirmable: RST
};

// Parses and checks everything that can be checked without knowing option numbers: token length,
// option deltas and lengths, payload marker followed by at least one byte, empty message of exactly
// four bytes, ACK and RST rules, code classes 1, 6, 7 are format errors. On REJECT `type` and
// `mid` are set.
MUST_USE enum coap_message_verdict coap_message_parse(struct slice datagram,
                                                      struct coap_message *message);

// Steps over the options in order. A malformed end cannot occur after a successful parse.
struct coap_option {
    uint32_t number;
    struct slice value;
};

struct coap_option_reader {
    struct slice rest;
    uint32_t number;
};

static inline struct coap_option_reader coap_option_reader_over(struct slice options)
{
    return (struct coap_option_reader){options, 0};
}

// False at the end.
bool coap_option_next(struct coap_option_reader *reader, struct coap_option *option);
// The value as an unsigned integer (RFC 7252 3.2); longer than 4 bytes: UINT32_MAX.
uint32_t coap_option_uint(struct slice value);

// Writes a message in one pass: header, then options in rising order, then the payload. Overflow is
// in the buffer. Writing an option out of order is a bug.
struct coap_message_writer {
    struct buf *out;
    uint32_t number;
};

struct coap_message_writer coap_message_begin(struct buf *out, enum coap_type type, uint8_t code,
                                              uint16_t mid, const struct coap_token *token);
void coap_message_option(struct coap_message_writer *writer, uint32_t number, struct slice value);
// In the shortest form: 0 has no bytes.
void coap_message_option_uint(struct coap_message_writer *writer, uint32_t number, uint32_t value);
void coap_message_payload(struct coap_message_writer *writer, struct slice payload);

// The four-byte messages: empty ACK, RST, ping.
void coap_message_write_empty(struct buf *out, enum coap_type type, uint16_t mid);
