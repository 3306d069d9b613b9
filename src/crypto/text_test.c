// Hexadecimal and base64: the vectors of RFC 4648 section 10, every byte both ways, strictness.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hash.h"

static const struct {
    const char *bytes;
    const char *padded;
    const char *bare;
} vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xFB\xFF\xBF", "+/+/", "-_-_"},
};

static void base64_has_the_answers_of_rfc_4648(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct slice bytes = slice_text(vectors[i].bytes);
        char text[32];
        struct buf out = buf_over(text, sizeof(text));
        crypto_base64(&out, bytes);
        assert_true(slice_equal(buf_view(&out), slice_text(vectors[i].padded)));
        out.len = 0;
        crypto_base64url(&out, bytes);
        assert_true(slice_equal(buf_view(&out), slice_text(vectors[i].bare)));
        out.len = 0;
        assert_int_equal(crypto_base64_decode(&out, slice_text(vectors[i].padded)), ERR_OK);
        assert_true(slice_equal(buf_view(&out), bytes));
        out.len = 0;
        assert_int_equal(crypto_base64url_decode(&out, slice_text(vectors[i].bare)), ERR_OK);
        assert_true(slice_equal(buf_view(&out), bytes));
    }
}

static void all_bytes_survive_the_way(void **state)
{
    uint8_t bytes[256];
    char text[512];
    uint8_t back[256];

    (void)state;
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct buf out = buf_over(text, sizeof(text));
        struct buf again = buf_over(back, sizeof(back));
        crypto_base64url(&out, slice_of(bytes, len));
        assert_int_equal(crypto_base64url_decode(&again, buf_view(&out)), ERR_OK);
        assert_true(slice_equal(buf_view(&again), slice_of(bytes, len)));
    }
}

static void anything_else_is_refused_and_adds_nothing(void **state)
{
    static const char *const bad[] = {"Z",     "Zg",       "Zg=",     "Zh==", "Zm9=",
                                      "Zm9v=", "====",     "Z===",    "Zm 9", "Zm9v\n",
                                      "-_-_",  "Zg==Zg==", "Zm9vZ==="};
    static const char *const bad_url[] = {"Z", "Zh", "Zm9", "Zg==", "+/+/", "Zm9vZ", "Zm9v\n"};
    char text[32] = "x";
    struct buf out = buf_over(text, sizeof(text));

    (void)state;
    out.len = 1;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(crypto_base64_decode(&out, slice_text(bad[i])), ERR_SYNTAX);
        assert_int_equal(out.len, 1);
    }
    for (size_t i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++) {
        assert_int_equal(crypto_base64url_decode(&out, slice_text(bad_url[i])), ERR_SYNTAX);
        assert_int_equal(out.len, 1);
    }
}

static void a_full_buffer_is_told(void **state)
{
    char text[4];
    struct buf out = buf_over(text, 3);

    (void)state;
    assert_int_equal(crypto_base64_decode(&out, SLICE("Zm9v")), ERR_OK);
    assert_int_equal(crypto_base64_decode(&out, SLICE("Zg==")), ERR_TOO_LARGE);
    assert_int_equal(out.len, 3);
    out = buf_over(text, 3);
    crypto_base64(&out, SLICE("f"));
    assert_true(out.overflow);
}

static void hex_is_lower_case(void **state)
{
    char text[8];
    struct buf out = buf_over(text, sizeof(text));

    (void)state;
    crypto_hex(&out, SLICE("\x00\xFF\x1a\xB0"));
    assert_true(slice_equal(buf_view(&out), SLICE("00ff1ab0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_has_the_answers_of_rfc_4648),
        cmocka_unit_test(all_bytes_survive_the_way),
        cmocka_unit_test(anything_else_is_refused_and_adds_nothing),
        cmocka_unit_test(a_full_buffer_is_told),
        cmocka_unit_test(hex_is_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
