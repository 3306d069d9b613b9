// The secret of a new user, and what is left of a user whose tenant is being deleted; the rest of
// the verbs is shown over REST (tests/test_users.py).
#include "core/session.h"
#include "core/user_admin.h"
#include "core/verbs_test.h"

static struct model_user made(const char *email)
{
    struct model_user user = {.id = uuid_null,
                              .tenant_uuid = uuid_null,
                              .customer = test.entities.customers[0].id,
                              .authority = MODEL_CUSTOMER_USER,
                              .email = slice_text(email)};
    assert_int_equal(core_user_save(&test.admin, &user, false), ERR_OK);
    return user;
}

static struct slice token_of(const struct uuid *user, struct store_activation *activation)
{
    assert_int_equal(core_user_activation(&test.admin, user, activation), ERR_OK);
    return slice_of(activation->token, STORE_ACTIVATION_LEN);
}

static enum err activate(struct slice token, int64_t after_ms, struct model_user *user)
{
    test.problem.text[0] = 0;
    return core_session_activate(&test.core, &test.memory, token, SLICE("secret"),
                                 (struct wall){CORE_TEST_NOW.ms + after_ms}, user, &test.problem);
}

static void a_secret_is_good_for_a_day(void **state)
{
    (void)state;
    const struct model_user user = made("new@example.org");
    struct store_activation first;
    struct store_activation again;
    struct model_user read;
    const struct slice token = token_of(&user.id, &first);
    assert_int_equal(first.until_ms, CORE_TEST_NOW.ms + CORE_ACTIVATION_LIFE_MS);
    assert_true(slice_equal(token_of(&user.id, &again), token));
    assert_int_equal(activate(token, CORE_ACTIVATION_LIFE_MS, &read), ERR_INVALID);
    assert_non_null(strstr(test.problem.text, "over"));
    // Whoever asks for it then gets another one, and the old one is none any more.
    test.caller.now.ms += CORE_ACTIVATION_LIFE_MS;
    assert_false(slice_equal(token_of(&user.id, &again), token));
    assert_int_equal(activate(token, CORE_ACTIVATION_LIFE_MS, &read), ERR_INVALID);
    const struct slice new = slice_of(again.token, STORE_ACTIVATION_LEN);
    assert_int_equal(activate(new, CORE_ACTIVATION_LIFE_MS + 1, &read), ERR_OK);
    assert_true(uuid_equal(&read.id, &user.id));
    assert_true(read.enabled);
    assert_int_equal(activate(new, CORE_ACTIVATION_LIFE_MS + 2, &read), ERR_INVALID);
}

static enum err end_tenant(struct store_tx *tx, void *context)
{
    (void)context;
    return store_tenant_end(tx, &test.entities.tenant.id);
}

static void nobody_of_a_tenant_that_ends_is_let_in(void **state)
{
    (void)state;
    const struct model_user waiting = made("waiting@example.org");
    const struct model_user active = made("active@example.org");
    struct store_activation activation;
    struct model_user read;
    assert_int_equal(activate(token_of(&active.id, &activation), 1, &read), ERR_OK);
    const struct slice token = token_of(&waiting.id, &activation);
    const struct core_login login = {
        SLICE("active@example.org"), SLICE("secret"), 1, {1000000000U}};
    assert_int_equal(core_session_log_in(&test.core, &test.memory, &login, &read, &test.problem),
                     ERR_OK);
    assert_int_equal(store_entities_write(test.core.entities, NULL, end_tenant, NULL), ERR_OK);
    assert_int_equal(core_session_log_in(&test.core, &test.memory, &login, &read, &test.problem),
                     ERR_UNAUTHORIZED);
    assert_int_equal(core_session_activation(&test.core, token, CORE_TEST_NOW), ERR_NOT_FOUND);
    assert_int_equal(core_user_get(&test.admin, &active.id, &read), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_secret_is_good_for_a_day),
        TEST(nobody_of_a_tenant_that_ends_is_let_in),
    };
    return cmocka_run_group_tests_name("core_user_admin", tests, NULL, NULL);
}
