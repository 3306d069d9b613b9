// Any bytes as a datagram. What must hold: a message that parses, written again from what was read,
// parses to the same; its options are read without harm and a bad one is really among them.
#include "coap/message.h"
#include "coap/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_option(const struct coap_message *message, uint32_t number)
{
    struct coap_option_reader reader = coap_option_reader_over(message->options);
    struct coap_option option;
    while (coap_option_next(&reader, &option)) {
        if (option.number == number) {
            return true;
        }
    }
    return false;
}

static void check_rewritten(const struct coap_message *message)
{
    static uint8_t memory[70000];
    struct buf out = buf_over(memory, sizeof(memory));
    struct coap_message_writer writer =
        coap_message_begin(&out, message->type, message->code, message->mid, &message->token);
    struct coap_option_reader reader = coap_option_reader_over(message->options);
    struct coap_option option;
    while (coap_option_next(&reader, &option)) {
        coap_message_option(&writer, option.number, option.value);
    }
    coap_message_payload(&writer, message->payload);
    ASSERT(!out.overflow);

    struct coap_message again;
    const enum coap_message_verdict verdict = coap_message_parse(buf_view(&out), &again);
    ASSERT(verdict == COAP_MESSAGE_OK);
    ASSERT(again.type == message->type && again.code == message->code);
    ASSERT(again.mid == message->mid && coap_token_equal(&again.token, &message->token));
    ASSERT(slice_equal(again.payload, message->payload));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct coap_message message;
    struct coap_options options;
    if (size > 65535 || coap_message_parse(slice_of(data, size), &message) != COAP_MESSAGE_OK) {
        return 0;
    }
    coap_options_read(message.options, &options);
    ASSERT(options.bad_option == 0 || has_option(&message, options.bad_option));
    ASSERT(options.path_count <= COAP_PATH_SEGMENTS_MAX);
    ASSERT(options.query_count <= COAP_QUERIES_MAX);
    check_rewritten(&message);
    return 0;
}
