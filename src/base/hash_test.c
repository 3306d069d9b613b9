// Hashes: fixed values, so that what is placed by a hash stays where it is over versions;
// SipHash-1-3 against values computed by CPython (its `hash` of bytes with key 0).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

static void keyed_hash_is_siphash_1_3(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t hash;
    } rows[] = {
        {1, UINT64_C(0x68a914128e01e473)},  {7, UINT64_C(0x2f098ab0c751325a)},
        {8, UINT64_C(0xead411e67ebe2eea)},  {9, UINT64_C(0x75927f9d95124362)},
        {15, UINT64_C(0xf30eb725bb91c9ea)}, {16, UINT64_C(0x8972188433a5c5b7)},
        {24, UINT64_C(0x31185a47af932f3a)}, {63, UINT64_C(0x385d3e39e5f37359)},
    };
    uint8_t bytes[63];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct slice s = slice_of(bytes, rows[i].len);
        assert_true(hash_keyed((struct hash_key){{0, 0}}, s) == rows[i].hash);
    }
}

static void both_words_of_the_key_matter(void **state)
{
    (void)state;
    const struct slice s = SLICE("same bytes");
    const uint64_t none = hash_keyed((struct hash_key){{0, 0}}, s);
    const uint64_t first = hash_keyed((struct hash_key){{1, 0}}, s);
    const uint64_t second = hash_keyed((struct hash_key){{0, 1}}, s);
    assert_true(none != first && none != second && first != second);
    assert_true(hash_keyed((struct hash_key){{1, 0}}, s) == first);
    assert_true(hash_keyed((struct hash_key){{0, 0}}, SLICE_EMPTY) != none);
}

static void bytes_hash_is_xxh3(void **state)
{
    (void)state;
    // The value of XXH3_64bits for no input, from the specification of xxHash.
    assert_true(hash_bytes(SLICE_EMPTY) == UINT64_C(0x2d06800538d394c2));
    assert_true(hash_bytes(SLICE("a")) != hash_bytes(SLICE("b")));
    assert_true(hash_bytes(SLICE("a")) == hash_bytes(slice_text("a")));
}

static void word_hash_is_splitmix64(void **state)
{
    (void)state;
    // First outputs of the reference generator with seed 0, whose state grows by the golden ratio.
    assert_true(hash_word(0) == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(hash_word(UINT64_C(0x9e3779b97f4a7c15)) == UINT64_C(0x6e789e6aa1b965f4));
}

static void each_bit_of_a_word_moves_half_of_the_hash(void **state)
{
    (void)state;
    unsigned flips = 0;
    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t changed = hash_word(42) ^ hash_word(42 ^ UINT64_C(1) << bit);
        assert_true(changed != 0);
        flips += (unsigned)__builtin_popcountll(changed);
    }
    assert_in_range(flips, 64 * 28, 64 * 36);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keyed_hash_is_siphash_1_3),
        cmocka_unit_test(both_words_of_the_key_matter),
        cmocka_unit_test(bytes_hash_is_xxh3),
        cmocka_unit_test(word_hash_is_splitmix64),
        cmocka_unit_test(each_bit_of_a_word_moves_half_of_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
