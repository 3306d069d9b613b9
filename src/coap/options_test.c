// Every option that we know is read with its format, length and repeatability; what is not
// understood counts only if it is critical (RFC 7252 5.4).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coap/options.h"

struct written {
    uint8_t memory[2048];
    struct buf out;
    struct coap_message_writer writer;
};

static void begin(struct written *written)
{
    const struct coap_token none = {.len = 0};
    written->out = buf_over(written->memory, sizeof(written->memory));
    written->writer = coap_message_begin(&written->out, COAP_CON, COAP_GET, 1, &none);
}

static struct coap_options read_back(struct written *written)
{
    struct coap_options options;
    coap_options_read(
        slice_of(written->memory + COAP_HEADER_SIZE, written->out.len - COAP_HEADER_SIZE),
        &options);
    return options;
}

struct option_row {
    uint32_t number;
    size_t len;
    unsigned times;
    uint32_t bad; // expected bad_option
};

static void lengths_and_repetition_hold_to_the_table(void **state)
{
    (void)state;
    static const struct option_row rows[] = {
        {COAP_OPTION_IF_MATCH, 0, 2, 0},
        {COAP_OPTION_IF_MATCH, 8, 1, 0},
        {COAP_OPTION_IF_MATCH, 9, 1, 1},
        {COAP_OPTION_URI_HOST, 1, 1, 0},
        {COAP_OPTION_URI_HOST, 0, 1, 3},
        {COAP_OPTION_URI_HOST, 4, 2, 3},
        {COAP_OPTION_ETAG, 8, 3, 0},
        {COAP_OPTION_ETAG, 9, 1, 0},
        {COAP_OPTION_IF_NONE_MATCH, 0, 1, 0},
        {COAP_OPTION_IF_NONE_MATCH, 1, 1, 5},
        {COAP_OPTION_IF_NONE_MATCH, 0, 2, 5},
        {COAP_OPTION_OBSERVE, 3, 1, 0},
        {COAP_OPTION_OBSERVE, 4, 1, 0},
        {COAP_OPTION_URI_PORT, 2, 1, 0},
        {COAP_OPTION_URI_PORT, 3, 1, 7},
        {COAP_OPTION_LOCATION_PATH, 255, 2, 0},
        {COAP_OPTION_URI_PATH, 0, 1, 0},
        {COAP_OPTION_URI_PATH, 255, 2, 0},
        {COAP_OPTION_URI_PATH, 256, 1, 11},
        {COAP_OPTION_URI_PATH, 1, 16, 0},
        {COAP_OPTION_URI_PATH, 1, 17, 11},
        {COAP_OPTION_CONTENT_FORMAT, 2, 1, 0},
        {COAP_OPTION_CONTENT_FORMAT, 3, 1, 0},
        {COAP_OPTION_MAX_AGE, 4, 1, 0},
        {COAP_OPTION_URI_QUERY, 255, 2, 0},
        {COAP_OPTION_URI_QUERY, 1, 17, 15},
        {COAP_OPTION_HOP_LIMIT, 1, 1, 0},
        {COAP_OPTION_ACCEPT, 2, 1, 0},
        {COAP_OPTION_ACCEPT, 3, 1, 17},
        {COAP_OPTION_ACCEPT, 1, 2, 17},
        {COAP_OPTION_BLOCK2, 3, 1, 0},
        {COAP_OPTION_BLOCK2, 4, 1, 23},
        {COAP_OPTION_BLOCK1, 3, 1, 0},
        {COAP_OPTION_BLOCK1, 1, 2, 27},
        {COAP_OPTION_SIZE2, 4, 1, 0},
        {COAP_OPTION_PROXY_URI, 1034, 1, 0},
        {COAP_OPTION_PROXY_URI, 1035, 1, 35},
        {COAP_OPTION_PROXY_SCHEME, 4, 1, 0},
        {COAP_OPTION_SIZE1, 4, 1, 0},
        {COAP_OPTION_ECHO, 40, 1, 0},
        {COAP_OPTION_ECHO, 41, 1, 0},
        {COAP_OPTION_NO_RESPONSE, 1, 1, 0},
        {COAP_OPTION_REQUEST_TAG, 8, 2, 0},
        {9, 1, 1, 9},
        {10, 1, 1, 0},
        {65001, 0, 1, 65001},
        {65000, 0, 1, 0},
    };
    static const uint8_t zeros[2048];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct written written;
        begin(&written);
        for (unsigned t = 0; t < rows[i].times; t++) {
            coap_message_option(&written.writer, rows[i].number, slice_of(zeros, rows[i].len));
        }
        const struct coap_options options = read_back(&written);
        if (options.bad_option != rows[i].bad) {
            fail_msg("option %u of %zu bytes, %u times: bad option %u, expected %u", rows[i].number,
                     rows[i].len, rows[i].times, options.bad_option, rows[i].bad);
        }
    }
}

static void values_of_all_kinds_are_read(void **state)
{
    (void)state;
    struct written written;
    begin(&written);
    coap_message_option(&written.writer, COAP_OPTION_ETAG, SLICE("tag"));
    coap_message_option_uint(&written.writer, COAP_OPTION_OBSERVE, 1);
    coap_message_option(&written.writer, COAP_OPTION_URI_PATH, SLICE("a"));
    coap_message_option(&written.writer, COAP_OPTION_URI_PATH, SLICE(""));
    coap_message_option_uint(&written.writer, COAP_OPTION_CONTENT_FORMAT, 50);
    coap_message_option(&written.writer, COAP_OPTION_URI_QUERY, SLICE("k=1"));
    coap_message_option(&written.writer, COAP_OPTION_URI_QUERY, SLICE("k=2"));
    coap_message_option(&written.writer, COAP_OPTION_URI_QUERY, SLICE("flag"));
    coap_message_option_uint(&written.writer, COAP_OPTION_BLOCK1, 5U << 4 | 8U | 2U);
    coap_message_option_uint(&written.writer, COAP_OPTION_NO_RESPONSE, 26);
    const struct coap_options options = read_back(&written);
    assert_int_equal(options.bad_option, 0);
    assert_int_equal(options.etag_count, 1);
    assert_true(options.has_observe);
    assert_int_equal(options.observe, 1);
    assert_int_equal(options.path_count, 2);
    assert_int_equal(options.path[1].len, 0);
    assert_int_equal(options.content_format, COAP_FORMAT_JSON);
    assert_int_equal(options.accept, COAP_FORMAT_NONE);
    assert_true(options.has_block1 && !options.has_block2);
    assert_int_equal(options.block1.number, 5);
    assert_true(options.block1.more);
    assert_int_equal(coap_block_size(options.block1), 64);
    assert_int_equal(options.no_response, 26);
    assert_true(slice_equal(coap_options_query(&options, SLICE("k")), SLICE("2")));
    assert_null(coap_options_query(&options, SLICE("flag")).ptr);
}

static void the_reserved_block_size_is_a_bad_option(void **state)
{
    (void)state;
    struct written written;
    begin(&written);
    coap_message_option_uint(&written.writer, COAP_OPTION_BLOCK2, 7);
    assert_int_equal(read_back(&written).bad_option, COAP_OPTION_BLOCK2);
}

static void request_hashes_tell_requests_apart(void **state)
{
    (void)state;
    const struct hash_key key = {{1, 2}};
    uint64_t hashes[6];
    for (unsigned i = 0; i < 6; i++) {
        struct written written;
        begin(&written);
        coap_message_option(&written.writer, COAP_OPTION_URI_PATH,
                            i == 1 ? SLICE("ab") : SLICE("a"));
        if (i == 2) {
            coap_message_option(&written.writer, COAP_OPTION_URI_PATH, SLICE("b"));
        }
        if (i == 3) {
            coap_message_option(&written.writer, COAP_OPTION_URI_QUERY, SLICE("b"));
        }
        if (i == 4) {
            coap_message_option(&written.writer, COAP_OPTION_REQUEST_TAG, SLICE("b"));
        }
        const struct coap_options options = read_back(&written);
        hashes[i] = coap_options_request_hash(&options, i == 5 ? COAP_PUT : COAP_POST, key);
        for (unsigned j = 0; j < i; j++) {
            assert_true(hashes[i] != hashes[j]);
        }
    }
}

// The list of values names a body, not one of them.
static void request_hashes_tell_lists_of_tags_apart(void **state)
{
    (void)state;
    static const char *const lists[][4] = {{NULL},           {"", NULL},           {"b", NULL},
                                           {"b", "", NULL},  {"", "b", NULL},      {"b", "b", NULL},
                                           {"a", "b", NULL}, {"b", "a", NULL},     {"ab", NULL},
                                           {"a\001b", NULL}, {"a", "b", "b", NULL}};
    const struct hash_key key = {{1, 2}};
    uint64_t hashes[sizeof(lists) / sizeof(lists[0])];
    for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct written written;
        begin(&written);
        coap_message_option(&written.writer, COAP_OPTION_URI_PATH, SLICE("a"));
        for (unsigned k = 0; lists[i][k] != NULL; k++) {
            coap_message_option(&written.writer, COAP_OPTION_REQUEST_TAG, slice_text(lists[i][k]));
        }
        const struct coap_options options = read_back(&written);
        hashes[i] = coap_options_request_hash(&options, COAP_POST, key);
        for (unsigned j = 0; j < i; j++) {
            assert_true(hashes[i] != hashes[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_and_repetition_hold_to_the_table),
        cmocka_unit_test(values_of_all_kinds_are_read),
        cmocka_unit_test(the_reserved_block_size_is_a_bad_option),
        cmocka_unit_test(request_hashes_tell_requests_apart),
        cmocka_unit_test(request_hashes_tell_lists_of_tags_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
