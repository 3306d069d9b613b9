// Tokens: one made elsewhere is written and read the same; every change of one is refused, and so
// are other algorithms, even when their signature is right.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/jwt.h"

// Made with Python's hmac module.
static const char payload[] = "{\"sub\":\"tenant@thingsboard.org\",\"exp\":1782986400}";
static const char token[] =
    "eyJhbGciOiJIUzUxMiJ9."
    "eyJzdWIiOiJ0ZW5hbnRAdGhpbmdzYm9hcmQub3JnIiwiZXhwIjoxNzgyOTg2NDAwfQ."
    "Qix3LtkXa_1fM5mJO6nSbQADhja-FWioGb_JtIW8QVus44q-47C18J8vc-v-_w9arNEOPBlD4jCQHaMJnm7Blw";

static uint8_t key_bytes[CRYPTO_JWT_KEY_SIZE];

static struct slice key(void)
{
    for (unsigned i = 0; i < sizeof(key_bytes); i++) {
        key_bytes[i] = (uint8_t)i;
    }
    return slice_of(key_bytes, sizeof(key_bytes));
}

static enum err verify(struct slice text, size_t room, struct buf *out)
{
    static char memory[512];

    *out = buf_over(memory, room);
    return crypto_jwt_verify(out, key(), text);
}

static void a_token_made_elsewhere_is_written_and_read_the_same(void **state)
{
    char text[512];
    struct buf out = buf_over(text, sizeof(text));

    (void)state;
    buf_put_text(&out, "Bearer ");
    crypto_jwt_sign(&out, key(), slice_text(payload));
    assert_true(slice_equal(slice_sub(buf_view(&out), 7, SIZE_MAX), slice_text(token)));
    assert_int_equal(verify(slice_text(token), 512, &out), ERR_OK);
    assert_true(slice_equal(buf_view(&out), slice_text(payload)));
}

static void every_changed_character_is_noticed(void **state)
{
    char text[sizeof(token)];
    struct buf out;

    (void)state;
    for (size_t i = 0; i < sizeof(token) - 1; i++) {
        memcpy(text, token, sizeof(token));
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_int_equal(verify(slice_text(text), 512, &out), ERR_UNAUTHORIZED);
        assert_int_equal(out.len, 0);
    }
    for (size_t len = 0; len < sizeof(token) - 1; len++) {
        assert_int_equal(verify(slice_of(token, len), 512, &out), ERR_UNAUTHORIZED);
    }
}

static void other_forms_and_algorithms_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "...",
        // alg none, without and with the HS512 signature of its text
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.lyRBX-rObK0B_BFB-3LTTgZfTB0_eLHZl6d998j0GvsQn-"
         "JcuqDpXMYg-lrSle_pHY4nBw9lrEUI9RE43azTfg"),
        // HS256 with its right signature
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.j36yDNMFpCvuHK8fIsk9DPq39Hyyb6zUey3ZUfTCBj0",
    };
    char text[sizeof(token) + 4];
    struct buf out;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(verify(slice_text(bad[i]), 512, &out), ERR_UNAUTHORIZED);
    }
    strcpy(text, token);
    strcat(text, ".x");
    assert_int_equal(verify(slice_text(text), 512, &out), ERR_UNAUTHORIZED);
    strcpy(text, token);
    strcat(text, "==");
    assert_int_equal(verify(slice_text(text), 512, &out), ERR_UNAUTHORIZED);
}

static void another_key_is_refused(void **state)
{
    char text[512];
    struct buf out = buf_over(text, sizeof(text));

    (void)state;
    crypto_jwt_sign(&out, SLICE("another key"), slice_text(payload));
    struct buf payload_out;
    assert_int_equal(verify(buf_view(&out), 512, &payload_out), ERR_UNAUTHORIZED);
}

static void memory_that_is_too_small_is_told(void **state)
{
    char text[sizeof(token)];
    struct buf out;

    (void)state;
    for (size_t room = 0; room < sizeof(token) - 1; room++) {
        out = buf_over(text, room);
        crypto_jwt_sign(&out, key(), slice_text(payload));
        assert_true(out.overflow);
    }
    assert_int_equal(verify(slice_text(token), sizeof(payload) - 2, &out), ERR_UNAUTHORIZED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_made_elsewhere_is_written_and_read_the_same),
        cmocka_unit_test(every_changed_character_is_noticed),
        cmocka_unit_test(other_forms_and_algorithms_are_refused),
        cmocka_unit_test(another_key_is_refused),
        cmocka_unit_test(memory_that_is_too_small_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
