// Password hashes: new ones are yescrypt with a salt each, imported bcrypt ones are accepted, and
// anything that is no such hash matches nothing.
#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "crypto/password.h"

static void a_new_hash_matches_its_password_only(void **state)
{
    char first[CRYPTO_PASSWORD_HASH_SIZE];
    char second[CRYPTO_PASSWORD_HASH_SIZE];

    (void)state;
    assert_int_equal(crypto_password_hash(SLICE("sysadmin"), first), ERR_OK);
    assert_int_equal(crypto_password_hash(SLICE("sysadmin"), second), ERR_OK);
    assert_memory_equal(first, "$y$", 3);
    assert_string_not_equal(first, second);
    assert_true(crypto_password_matches(SLICE("sysadmin"), first));
    assert_true(crypto_password_matches(SLICE("sysadmin"), second));
    assert_false(crypto_password_matches(SLICE("sysadmi"), first));
    assert_false(crypto_password_matches(SLICE("sysadmin "), first));
    assert_false(crypto_password_matches(SLICE_EMPTY, first));
}

static void an_imported_hash_of_spring_matches(void **state)
{
    struct crypt_data data = {0};
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    (void)state;
    // As Spring's BCryptPasswordEncoder writes them: $2a$, cost 10.
    assert_non_null(crypt_gensalt_rn("$2a$", 10, "0123456789abcdef", 16, setting, sizeof(setting)));
    const char *hash = crypt_r("tenant", setting, &data);
    assert_memory_equal(hash, "$2a$10$", 7);
    assert_true(crypto_password_matches(SLICE("tenant"), hash));
    assert_false(crypto_password_matches(SLICE("Tenant"), hash));
}

static void bcrypt_has_the_known_answers(void **state)
{
    // From the test vectors of OpenBSD's and jBCrypt's implementations.
    static const struct {
        struct slice password;
        const char *hash;
    } vectors[] = {
        {SLICE(""), "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."},
        {SLICE("a"), "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"},
        {SLICE("abc"), "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        assert_true(crypto_password_matches(vectors[i].password, vectors[i].hash));
        assert_false(crypto_password_matches(SLICE("b"), vectors[i].hash));
    }
}

static void the_longest_password_counts_whole(void **state)
{
    char hash[CRYPTO_PASSWORD_HASH_SIZE];
    char password[CRYPTO_PASSWORD_MAX + 1];

    (void)state;
    memset(password, 'p', sizeof(password));
    const struct slice longest = slice_of(password, CRYPTO_PASSWORD_MAX);
    const struct slice longer = slice_of(password, CRYPTO_PASSWORD_MAX + 1);
    assert_int_equal(crypto_password_hash(longest, hash), ERR_OK);
    assert_true(crypto_password_matches(longest, hash));
    assert_false(crypto_password_matches(slice_sub(longest, 1, SIZE_MAX), hash));
    assert_int_equal(crypto_password_hash(longer, hash), ERR_TOO_LARGE);
    assert_false(crypto_password_matches(longer, hash));
    crypto_password_pretend(longer);
}

static void a_zero_byte_is_refused(void **state)
{
    char hash[CRYPTO_PASSWORD_HASH_SIZE];

    (void)state;
    assert_int_equal(crypto_password_hash(SLICE("a"), hash), ERR_OK);
    // What C would take for the end must not make two passwords one.
    assert_false(crypto_password_matches(SLICE("a\0b"), hash));
    assert_int_equal(crypto_password_hash(SLICE("a\0b"), hash), ERR_INVALID);
}

static void what_is_no_known_hash_matches_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        "*0",
        "*1",
        "secret",
        "$y$",
        "$y$j9T$",
        "$2a$10",
        "$2a$10$short",
        // DES, MD5 and SHA-512 of "secret": too weak, or never written by us
        "abFZSxKKdq5s2",
        "$1$abcdefgh$",
        "$6$abcdefgh$",
        // bcrypt that would take an hour
        "$2a$31$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
        "$2a$xx$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(crypto_password_matches(SLICE("secret"), bad[i]));
        assert_false(crypto_password_matches(slice_text(bad[i]), bad[i]));
    }
}

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void pretending_takes_as_long_as_checking(void **state)
{
    char hash[CRYPTO_PASSWORD_HASH_SIZE];
    double check = 0;
    double pretend = 0;

    (void)state;
    assert_int_equal(crypto_password_hash(SLICE("tenant"), hash), ERR_OK);
    for (unsigned i = 0; i < 5; i++) {
        const double start = cpu_seconds();
        assert_false(crypto_password_matches(SLICE("wrong"), hash));
        const double middle = cpu_seconds();
        crypto_password_pretend(SLICE("wrong"));
        check += middle - start;
        pretend += cpu_seconds() - middle;
    }
    assert_true(pretend > check / 2);
    assert_true(pretend < check * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_hash_matches_its_password_only),
        cmocka_unit_test(an_imported_hash_of_spring_matches),
        cmocka_unit_test(bcrypt_has_the_known_answers),
        cmocka_unit_test(the_longest_password_counts_whole),
        cmocka_unit_test(a_zero_byte_is_refused),
        cmocka_unit_test(what_is_no_known_hash_matches_nothing),
        cmocka_unit_test(pretending_takes_as_long_as_checking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
