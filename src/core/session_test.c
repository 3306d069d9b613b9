// People log in and out: right and wrong passwords, their limit, and which tokens still hold.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/core_test.h"
#include "core/session.h"
#include "crypto/password.h"

static struct core_test test;
static char hash[CRYPTO_PASSWORD_HASH_SIZE];

struct account {
    const char *email;
    bool enabled;
    bool has_password;
};

static enum err insert_users(struct store_tx *tx, void *context)
{
    static const struct account accounts[] = {
        {"user@example.org", true, true},
        {"disabled@example.org", false, true},
        {"invited@example.org", true, false},
    };
    struct uuid *first = context;
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < sizeof(accounts) / sizeof(accounts[0]); i++) {
        const struct model_user user = {.id = entities_test_id(600 + i),
                                        .tenant = test.entities.tenant.number,
                                        .customer = uuid_null,
                                        .authority = MODEL_TENANT_ADMIN,
                                        .email = slice_text(accounts[i].email),
                                        .password_hash = accounts[i].has_password ? slice_text(hash)
                                                                                  : SLICE_EMPTY,
                                        .enabled = accounts[i].enabled,
                                        .changed_ms = CORE_TEST_NOW.ms - 1000000};
        if (i == 0) {
            *first = user.id;
        }
        err = store_user_insert(tx, &user);
    }
    return err;
}

static int set_up(void **state)
{
    (void)state;
    struct uuid user = uuid_null;
    if (core_test_open(&test, 10) != ERR_OK ||
        crypto_password_hash(SLICE("right horse"), hash) != ERR_OK ||
        store_entities_write(test.core.entities, &user, insert_users, NULL) != ERR_OK) {
        return -1;
    }
    test.caller.user = user;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    core_test_close(&test);
    return 0;
}

static struct mono at(uint64_t second)
{
    return (struct mono){(second + 1000) * 1000000000U};
}

static enum err log_in(const char *email, const char *password, uint64_t source, uint64_t second)
{
    const struct core_login login = {slice_text(email), slice_text(password), source, at(second)};
    struct model_user user;
    test.problem.text[0] = 0;
    arena_reset(&test.memory);
    return core_session_log_in(&test.core, &test.memory, &login, &user, &test.problem);
}

static void right_password_opens_whatever_the_case_of_the_address(void **state)
{
    (void)state;
    const struct core_login login = {SLICE("User@Example.ORG"), SLICE("right horse"), 1, at(0)};
    struct model_user user;
    assert_int_equal(core_session_log_in(&test.core, &test.memory, &login, &user, &test.problem),
                     ERR_OK);
    assert_true(uuid_equal(&user.id, &test.caller.user));
    const struct core_caller caller = core_session_caller(&user, CORE_TEST_NOW);
    assert_int_equal(caller.authority, MODEL_TENANT_ADMIN);
    assert_int_equal(caller.tenant.number, test.entities.tenant.number.number);
    assert_true(uuid_equal(&caller.tenant_uuid, &test.entities.tenant.id));
    assert_int_equal(caller.now.ms, CORE_TEST_NOW.ms);
}

static void wrong_ones_are_refused_alike(void **state)
{
    (void)state;
    const struct {
        const char *email, *password;
    } cases[] = {
        {"user@example.org", "wrong"},    {"user@example.org", ""},
        {"nobody@example.org", "wrong"},  {"", ""},
        {"invited@example.org", "wrong"}, {"disabled@example.org", "wrong"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(log_in(cases[i].email, cases[i].password, i, 0), ERR_UNAUTHORIZED);
        assert_string_equal(test.problem.text, "Invalid username or password");
    }
    assert_int_equal(log_in("disabled@example.org", "right horse", 50, 0), ERR_UNAUTHORIZED);
    assert_string_equal(test.problem.text, "User account is not active");
}

static void too_many_wrong_ones_close_the_door_for_a_while(void **state)
{
    (void)state;
    static const char *const spellings[] = {"user@example.org", "USER@example.org",
                                            "user@EXAMPLE.org"};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(log_in(spellings[i], "wrong", 1, 0), ERR_UNAUTHORIZED);
    }
    assert_int_equal(log_in("user@example.org", "right horse", 1, 0), ERR_LIMITED);
    assert_true(test.problem.text[0] != 0);
    // Others are not kept out by it.
    assert_int_equal(log_in("user@example.org", "right horse", 2, 0), ERR_OK);
    assert_int_equal(log_in("user@example.org", "right horse", 1, 11), ERR_OK);
}

static void right_ones_are_not_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(log_in("user@example.org", "right horse", 1, 0), ERR_OK);
    }
}

static struct core_claims claims_at(int64_t ms)
{
    return (struct core_claims){.user = test.caller.user,
                                .session = core_new_id((struct wall){ms}),
                                .issued_s = ms / 1000,
                                .expires_s = ms / 1000 + 9000};
}

static enum err session(const struct core_claims *claims)
{
    struct model_user user;
    arena_reset(&test.memory);
    return core_session_user(&test.core, &test.memory, claims, &user);
}

static void token_of_a_running_session_holds(void **state)
{
    (void)state;
    struct core_claims claims = claims_at(CORE_TEST_NOW.ms);
    assert_int_equal(session(&claims), ERR_OK);
    claims.user = entities_test_id(999);
    assert_int_equal(session(&claims), ERR_EXPIRED);
}

static void logged_out_session_ends_for_all_its_tokens(void **state)
{
    (void)state;
    const struct core_claims claims = claims_at(CORE_TEST_NOW.ms);
    const struct core_claims other = claims_at(CORE_TEST_NOW.ms);
    struct core_claims refreshed = claims;
    refreshed.issued_s += 100;
    const struct wall until = {CORE_TEST_NOW.ms + 604800000};
    assert_int_equal(core_session_log_out(&test.core, &claims.session, CORE_TEST_NOW, until),
                     ERR_OK);
    assert_int_equal(session(&claims), ERR_EXPIRED);
    assert_int_equal(session(&refreshed), ERR_EXPIRED);
    assert_int_equal(session(&other), ERR_OK);
}

#define HASHING_MS 80

// Hashing took its time since the caller asked.
static struct wall wall(void)
{
    return (struct wall){test.caller.now.ms + HASHING_MS};
}

static struct wall changed;

static enum err change(const char *current, const char *next)
{
    const struct core_password_change wanted = {slice_text(current), slice_text(next), 1, at(0),
                                                wall};
    test.problem.text[0] = 0;
    arena_reset(&test.memory);
    return core_session_change_password(&test.core, &test.memory, &test.caller, &wanted, &changed,
                                        &test.problem);
}

static void changed_password_ends_every_earlier_session(void **state)
{
    (void)state;
    // In the same second, but before it.
    test.caller.now.ms = CORE_TEST_NOW.ms + 500;
    const struct core_claims before = claims_at(CORE_TEST_NOW.ms + 499);
    struct core_claims old = claims_at(CORE_TEST_NOW.ms - 60000);
    assert_int_equal(session(&before), ERR_OK);
    assert_int_equal(change("right horse", "another horse"), ERR_OK);
    assert_int_equal(session(&before), ERR_EXPIRED);
    assert_int_equal(session(&old), ERR_EXPIRED);
    const struct core_claims meanwhile = claims_at(test.caller.now.ms + HASHING_MS - 1);
    assert_int_equal(session(&meanwhile), ERR_EXPIRED);
    assert_int_equal(changed.ms, test.caller.now.ms + HASHING_MS);
    const struct core_claims fresh = claims_at(changed.ms);
    assert_int_equal(session(&fresh), ERR_OK);
    assert_int_equal(log_in("user@example.org", "right horse", 1, 0), ERR_UNAUTHORIZED);
    assert_int_equal(log_in("user@example.org", "another horse", 1, 0), ERR_OK);
}

static void bad_changes_of_password_are_refused(void **state)
{
    (void)state;
    static char long_text[CRYPTO_PASSWORD_MAX + 2];
    memset(long_text, 'x', sizeof(long_text) - 1);
    assert_int_equal(change("wrong", "another horse"), ERR_INVALID);
    assert_string_equal(test.problem.text, "Current password doesn't match!");
    assert_int_equal(change("right horse", "short"), ERR_INVALID);
    assert_non_null(strstr(test.problem.text, "6 or more characters"));
    assert_int_equal(change("right horse", long_text), ERR_INVALID);
    assert_non_null(strstr(test.problem.text, "new password"));
    assert_int_equal(change("wrong", "another horse"), ERR_INVALID);
    assert_int_equal(change("wrong", "another horse"), ERR_INVALID);
    assert_int_equal(change("right horse", "another horse"), ERR_LIMITED);
    assert_int_equal(log_in("user@example.org", "right horse", 2, 0), ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(right_password_opens_whatever_the_case_of_the_address),
        TEST(wrong_ones_are_refused_alike),
        TEST(too_many_wrong_ones_close_the_door_for_a_while),
        TEST(right_ones_are_not_counted),
        TEST(token_of_a_running_session_holds),
        TEST(logged_out_session_ends_for_all_its_tokens),
        TEST(changed_password_ends_every_earlier_session),
        TEST(bad_changes_of_password_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
