// Digests against the vectors of FIPS 180-2, FIPS 202 and RFC 4231; comparison; random text.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hash.h"

static void assert_hex(struct slice bytes, const char *hex)
{
    char text[2 * CRYPTO_SHA512_SIZE + 1];
    struct buf out = buf_over(text, sizeof(text) - 1);

    crypto_hex(&out, bytes);
    text[out.len] = 0;
    assert_string_equal(text, hex);
}

static void sha256_has_the_known_answers(void **state)
{
    uint8_t digest[32];

    (void)state;
    crypto_hash_sha256(SLICE("abc"), digest);
    assert_hex(slice_of(digest, 32),
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_hash_sha256(SLICE_EMPTY, digest);
    assert_hex(slice_of(digest, 32),
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void sha3_256_has_the_known_answers(void **state)
{
    uint8_t digest[32];

    (void)state;
    crypto_hash_sha3_256(SLICE("abc"), digest);
    assert_hex(slice_of(digest, 32),
               "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
    crypto_hash_sha3_256(SLICE_EMPTY, digest);
    assert_hex(slice_of(digest, 32),
               "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
}

static void hmac_sha512_has_the_answers_of_rfc_4231(void **state)
{
    uint8_t digest[CRYPTO_SHA512_SIZE];
    uint8_t key[131];

    (void)state;
    memset(key, 0x0b, 20);
    crypto_hash_hmac_sha512(slice_of(key, 20), SLICE("Hi There"), digest);
    assert_hex(slice_of(digest, sizeof(digest)),
               "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
               "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854");
    crypto_hash_hmac_sha512(SLICE("Jefe"), SLICE("what do ya want for nothing?"), digest);
    assert_hex(slice_of(digest, sizeof(digest)),
               "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
               "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    memset(key, 0xaa, sizeof(key));
    crypto_hash_hmac_sha512(slice_of(key, sizeof(key)),
                            SLICE("Test Using Larger Than Block-Size Key - Hash Key First"),
                            digest);
    assert_hex(slice_of(digest, sizeof(digest)),
               "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
               "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");
    // An empty key is a key.
    crypto_hash_hmac_sha512(SLICE_EMPTY, SLICE_EMPTY, digest);
    assert_hex(slice_of(digest, 8), "b936cee86c9f87aa");
}

static void equality_looks_at_length_and_bytes(void **state)
{
    (void)state;
    assert_true(crypto_hash_equal(SLICE("abc"), SLICE("abc")));
    assert_true(crypto_hash_equal(SLICE_EMPTY, SLICE("")));
    assert_false(crypto_hash_equal(SLICE("abc"), SLICE("abd")));
    assert_false(crypto_hash_equal(SLICE("abc"), SLICE("ab")));
    assert_false(crypto_hash_equal(SLICE("abc"), SLICE_EMPTY));
}

static void random_bytes_differ(void **state)
{
    uint8_t a[32];
    uint8_t b[32];

    (void)state;
    crypto_random(a, sizeof(a));
    crypto_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

static void random_text_uses_each_letter_evenly(void **state)
{
    static char text[62000 + 1];
    unsigned counts[256] = {0};
    unsigned letters = 0;

    (void)state;
    text[sizeof(text) - 1] = '#';
    crypto_random_text(text, sizeof(text) - 1);
    assert_int_equal(text[sizeof(text) - 1], '#');
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        counts[(uint8_t)text[i]]++;
    }
    for (unsigned c = 0; c < 256; c++) {
        const bool letter =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        // 1,000 expected, standard deviation 31: without the rejection the first letters would
        // stand at 1,210.
        assert_in_range(counts[c], letter ? 800 : 0, letter ? 1200 : 0);
        letters += letter ? 1 : 0;
    }
    assert_int_equal(letters, 62);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_has_the_known_answers),
        cmocka_unit_test(sha3_256_has_the_known_answers),
        cmocka_unit_test(hmac_sha512_has_the_answers_of_rfc_4231),
        cmocka_unit_test(equality_looks_at_length_and_bytes),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(random_text_uses_each_letter_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
