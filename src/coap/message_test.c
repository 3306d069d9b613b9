// Messages are parsed exactly as RFC 7252 section 3 says, and what is malformed is told apart by
// what the answer has to be. Writing and reading are inverse; no cut or random datagram does harm.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "coap/message.h"
#include "coap/options.h"

static enum coap_message_verdict parse(const char *bytes, size_t len, struct coap_message *message)
{
    return coap_message_parse(slice_of(bytes, len), message);
}

static void a_request_with_options_and_payload_is_read(void **state)
{
    (void)state;
    struct coap_message message;
    const char bytes[] = "\x42\x02\x12\x34\xAB\xCD\xB3"
                         "api\x02v1\xFFhello";
    assert_int_equal(parse(bytes, sizeof(bytes) - 1, &message), COAP_MESSAGE_OK);
    assert_int_equal(message.type, COAP_CON);
    assert_int_equal(message.code, COAP_POST);
    assert_int_equal(message.mid, 0x1234);
    assert_int_equal(message.token.len, 2);
    assert_int_equal(message.token.bytes[1], 0xCD);
    assert_true(slice_equal(message.payload, SLICE("hello")));
    struct coap_option_reader reader = coap_option_reader_over(message.options);
    struct coap_option option;
    assert_true(coap_option_next(&reader, &option));
    assert_int_equal(option.number, COAP_OPTION_URI_PATH);
    assert_true(slice_equal(option.value, SLICE("api")));
    assert_true(coap_option_next(&reader, &option));
    assert_true(slice_equal(option.value, SLICE("v1")));
    assert_false(coap_option_next(&reader, &option));
}

struct verdict_row {
    const char *what;
    const char *bytes;
    size_t len;
    enum coap_message_verdict verdict;
};

#define ROW(what_, bytes_, verdict_)                                                               \
    {                                                                                              \
        (what_), (bytes_), sizeof(bytes_) - 1, (verdict_)                                          \
    }

static void malformed_messages_are_rejected_or_dropped(void **state)
{
    (void)state;
    static const struct verdict_row rows[] = {
        ROW("empty datagram", "", COAP_MESSAGE_DROP),
        ROW("three bytes", "\x40\x01\x00", COAP_MESSAGE_DROP),
        ROW("version 0", "\x00\x01\x00\x01", COAP_MESSAGE_DROP),
        ROW("version 2", "\x80\x01\x00\x01", COAP_MESSAGE_DROP),
        ROW("ping", "\x40\x00\x00\x01", COAP_MESSAGE_OK),
        ROW("empty message with a token", "\x41\x00\x00\x01\x61", COAP_MESSAGE_REJECT),
        ROW("empty NON", "\x50\x00\x00\x01", COAP_MESSAGE_DROP),
        ROW("token of nine bytes", "\x49\x01\x00\x01xxxxxxxxx", COAP_MESSAGE_REJECT),
        ROW("NON token of nine bytes", "\x59\x01\x00\x01xxxxxxxxx", COAP_MESSAGE_DROP),
        ROW("token cut", "\x44\x01\x00\x01xx", COAP_MESSAGE_REJECT),
        ROW("marker without payload", "\x40\x01\x00\x01\xFF", COAP_MESSAGE_REJECT),
        ROW("option delta 15", "\x40\x01\x00\x01\xF1x", COAP_MESSAGE_REJECT),
        ROW("option length 15", "\x40\x01\x00\x01\x1Fx", COAP_MESSAGE_REJECT),
        ROW("option value cut", "\x40\x01\x00\x01\xB5xx", COAP_MESSAGE_REJECT),
        ROW("extended delta cut", "\x40\x01\x00\x01\xE0\x01", COAP_MESSAGE_REJECT),
        ROW("option number over 65535", "\x40\x01\x00\x01\xE0\xFF\xFF\xE0\xFF\xFF",
            COAP_MESSAGE_REJECT),
        ROW("reserved class 1", "\x40\x21\x00\x01", COAP_MESSAGE_REJECT),
        ROW("reserved class 6", "\x40\xC1\x00\x01", COAP_MESSAGE_REJECT),
        ROW("request in an ACK", "\x60\x01\x00\x01", COAP_MESSAGE_DROP),
        ROW("response in an ACK", "\x60\x45\x00\x01", COAP_MESSAGE_OK),
        ROW("code in an RST", "\x70\x45\x00\x01", COAP_MESSAGE_DROP),
        ROW("RST", "\x70\x00\x00\x01", COAP_MESSAGE_OK),
        ROW("empty ACK", "\x60\x00\x00\x01", COAP_MESSAGE_OK),
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct coap_message message;
        const enum coap_message_verdict verdict = parse(rows[i].bytes, rows[i].len, &message);
        if (verdict != rows[i].verdict) {
            fail_msg("%s: %d, expected %d", rows[i].what, (int)verdict, (int)rows[i].verdict);
        }
    }
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 7);
    for (unsigned round = 0; round < 5000; round++) {
        uint8_t memory[4096];
        uint8_t values[2048];
        struct buf out = buf_over(memory, sizeof(memory));
        struct coap_token token = {.len = (uint8_t)random_below(&random, 9)};
        for (unsigned i = 0; i < token.len; i++) {
            token.bytes[i] = (uint8_t)random_next(&random);
        }
        struct coap_message_writer writer =
            coap_message_begin(&out, COAP_CON, COAP_POST, (uint16_t)round, &token);
        uint32_t numbers[8];
        size_t lens[8];
        uint32_t number = 0;
        const unsigned count = (unsigned)random_below(&random, 8);
        for (unsigned i = 0; i < count; i++) {
            number += (uint32_t)random_below(&random, random_chance(&random, 1, 4) ? 2000 : 20);
            numbers[i] = number;
            lens[i] = random_below(&random, random_chance(&random, 1, 4) ? 300 : 12);
            memset(values, (int)i, lens[i]);
            coap_message_option(&writer, number, slice_of(values, lens[i]));
        }
        const size_t payload_len = random_below(&random, 100);
        memset(values, 0x5A, payload_len);
        coap_message_payload(&writer, slice_of(values, payload_len));
        assert_false(out.overflow);

        struct coap_message message;
        assert_int_equal(coap_message_parse(buf_view(&out), &message), COAP_MESSAGE_OK);
        assert_true(coap_token_equal(&message.token, &token));
        assert_int_equal(message.payload.len, payload_len);
        struct coap_option_reader reader = coap_option_reader_over(message.options);
        struct coap_option option;
        for (unsigned i = 0; i < count; i++) {
            assert_true(coap_option_next(&reader, &option));
            assert_int_equal(option.number, numbers[i]);
            assert_int_equal(option.value.len, lens[i]);
        }
        assert_false(coap_option_next(&reader, &option));
        // No cut of it does harm.
        for (size_t len = 0; len < out.len; len++) {
            (void)!coap_message_parse(slice_of(memory, len), &message);
        }
    }
}

static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 11);
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t memory[64];
        const size_t len = random_below(&random, sizeof(memory));
        for (size_t i = 0; i < len; i++) {
            memory[i] = (uint8_t)random_next(&random);
        }
        if (len > 0) {
            memory[0] = (uint8_t)(0x40 | (memory[0] & 0x3F));
        }
        struct coap_message message;
        if (coap_message_parse(slice_of(memory, len), &message) == COAP_MESSAGE_OK) {
            struct coap_options options;
            coap_options_read(message.options, &options);
        }
    }
}

static void integers_are_written_in_their_shortest_form(void **state)
{
    (void)state;
    static const struct {
        uint32_t value;
        size_t len;
    } rows[] = {{0, 0},     {1, 1},     {255, 1},      {256, 2},
                {65535, 2}, {65536, 3}, {16777216, 4}, {UINT32_MAX, 4}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t memory[32];
        struct buf out = buf_over(memory, sizeof(memory));
        const struct coap_token none = {.len = 0};
        struct coap_message_writer writer = coap_message_begin(&out, COAP_CON, COAP_GET, 1, &none);
        coap_message_option_uint(&writer, COAP_OPTION_MAX_AGE, rows[i].value);
        assert_int_equal(out.len, 4 + 1 + (14 >= 13 ? 1 : 0) + rows[i].len);
        struct coap_message message;
        assert_int_equal(coap_message_parse(buf_view(&out), &message), COAP_MESSAGE_OK);
        struct coap_option_reader reader = coap_option_reader_over(message.options);
        struct coap_option option;
        assert_true(coap_option_next(&reader, &option));
        assert_int_equal(coap_option_uint(option.value), rows[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_with_options_and_payload_is_read),
        cmocka_unit_test(malformed_messages_are_rejected_or_dropped),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(integers_are_written_in_their_shortest_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
