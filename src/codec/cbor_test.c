// CBOR against the examples of RFC 8949 appendix A, as far as JSON can say them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/cbor.h"

static uint8_t memory[1U << 20];

static bool write_text(const char *text, char *hex, size_t room)
{
    struct arena arena;
    struct codec_json value;
    struct err_place place;
    uint8_t bytes[256];
    struct buf out = buf_over(bytes, room);
    arena_init(&arena, memory, sizeof(memory));
    assert_int_equal(codec_json_parse(&arena, slice_text(text), false, &value, &place), ERR_OK);
    const bool is_good = codec_cbor_write(&arena, value, &out);
    for (size_t i = 0; i < out.len; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", (unsigned)bytes[i]);
    }
    return is_good && !out.overflow;
}

static void values_are_written_as_the_rfc_shows(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *hex;
    } rows[] = {
        {"0", "00"},
        {"23", "17"},
        {"24", "1818"},
        {"1000", "1903e8"},
        {"1000000", "1a000f4240"},
        {"1000000000000", "1b000000e8d4a51000"},
        {"-1", "20"},
        {"-100", "3863"},
        {"-1000", "3903e7"},
        {"-9223372036854775808", "3b7fffffffffffffff"},
        {"1.1", "fb3ff199999999999a"},
        {"1.0", "fb3ff0000000000000"},
        {"18446744073709551616", "743138343436373434303733373039353531363136"},
        {"false", "f4"},
        {"true", "f5"},
        {"null", "f6"},
        {"\"\"", "60"},
        {"\"IETF\"", "6449455446"},
        {"[]", "80"},
        {"[1,[2,3],[4,5]]", "8301820203820405"},
        {"{}", "a0"},
        {"{\"a\":1,\"b\":[2,3]}", "a26161016162820203"},
        {"[\"a\",{\"b\":\"c\"}]", "826161a161626163"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char hex[512] = "";
        assert_true(write_text(rows[i].json, hex, 256));
        assert_string_equal(hex, rows[i].hex);
    }
}

static void what_is_nested_too_deep_is_refused(void **state)
{
    (void)state;
    char text[2 * (CODEC_CBOR_DEPTH_MAX + 1) + 1] = "";
    char hex[512];
    memset(text, '[', CODEC_CBOR_DEPTH_MAX);
    memset(text + CODEC_CBOR_DEPTH_MAX, ']', CODEC_CBOR_DEPTH_MAX);
    assert_true(write_text(text, hex, 256));
    memset(text, '[', CODEC_CBOR_DEPTH_MAX + 1);
    memset(text + CODEC_CBOR_DEPTH_MAX + 1, ']', CODEC_CBOR_DEPTH_MAX + 1);
    assert_false(write_text(text, hex, 256));
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    char hex[512];
    assert_false(write_text("[1,2,3]", hex, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_as_the_rfc_shows),
        cmocka_unit_test(what_is_nested_too_deep_is_refused),
        cmocka_unit_test(a_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
