// What all verbs share: keys, names, authentication of devices, the index at start, and purges.
#include "core/shard_fixture.h"
#include "core/verbs_test.h"

static struct model_device made(const char *name, const char *token)
{
    struct core_device_save save = {.device = {.id = uuid_null,
                                               .customer = uuid_null,
                                               .profile = uuid_null,
                                               .name = slice_text(name)},
                                    .token = slice_text(token)};
    assert_int_equal(core_device_save(&test.admin, &save), ERR_OK);
    return save.device;
}

static void keys_are_made_once_for_a_data_directory(void **state)
{
    (void)state;
    static const uint8_t zeros[CORE_TOKEN_KEY_SIZE];
    struct core again = {.entities = test.core.entities};
    assert_int_equal(core_open(&again, CORE_TEST_NOW), ERR_OK);
    assert_memory_equal(again.token_key, test.core.token_key, CORE_TOKEN_KEY_SIZE);
    assert_memory_equal(&again.dedup_key, &test.core.dedup_key, sizeof(again.dedup_key));
    assert_memory_not_equal(again.token_key, zeros, CORE_TOKEN_KEY_SIZE);
}

static void names_are_checked_with_a_reason(void **state)
{
    (void)state;
    char text[260];
    memset(text, 'x', sizeof(text));
    struct core_problem problem = {.text = ""};
    assert_int_equal(core_name_check(slice_of(text, 255), "Name", &problem), ERR_OK);
    assert_int_equal(core_name_check(SLICE("a < b & c"), "Name", &problem), ERR_OK);
    assert_string_equal(problem.text, "");
    const struct {
        struct slice name;
        const char *problem;
    } bad[] = {
        {SLICE_EMPTY, "Validation error: Name should be specified!"},
        {SLICE(""), "Validation error: Name should be specified!"},
        {SLICE(" "), "Validation error: Name is blank"},
        {slice_of(text, 256), "Validation error: Name is longer than 255 characters"},
        {SLICE("<img>"), "Validation error: Name looks like markup"},
        {SLICE("a\x01"), "Validation error: Name holds a control character"},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(core_name_check(bad[i].name, "Name", &problem), ERR_INVALID);
        assert_string_equal(problem.text, bad[i].problem);
    }
}

static void new_ids_differ_and_hold_their_time(void **state)
{
    (void)state;
    const struct uuid one = core_new_id(CORE_TEST_NOW);
    const struct uuid two = core_new_id(CORE_TEST_NOW);
    assert_false(uuid_equal(&one, &two));
    assert_int_equal(uuid_time(&one).ms, CORE_TEST_NOW.ms);
}

static struct model_index_entry entry_of(uint64_t device, enum model_credential_kind kind,
                                         enum model_transport transport, const char *credential)
{
    struct model_index_entry entry = {.device = {device},
                                      .kind = kind,
                                      .transport = transport,
                                      .credential_len = (uint8_t)strlen(credential)};
    memcpy(entry.credential, credential, entry.credential_len);
    return entry;
}

static enum err auth(const char *token, uint64_t *device)
{
    const struct core_worker worker = {.index = test.core.index};
    struct core_principal principal = {NULL};
    const enum err err = core_auth_token(&worker, slice_text(token), &principal);
    *device = err == ERR_OK ? principal.device->device.number : 0;
    return err;
}

static void token_names_its_device(void **state)
{
    (void)state;
    const struct model_index_entry coap =
        entry_of(2, MODEL_CREDENTIAL_TOKEN, MODEL_TRANSPORT_COAP, "coap");
    uint64_t device = 0;
    const uint64_t number = made("meter", "TOKEN").number.number;
    assert_int_equal(model_index_put(test.core.index, &coap), ERR_OK);
    assert_int_equal(auth("TOKEN", &device), ERR_OK);
    assert_int_equal(device, number);
    assert_int_equal(auth("coap", &device), ERR_OK);
    assert_int_equal(device, 2);
}

static void unknown_token_and_other_kinds_are_refused(void **state)
{
    (void)state;
    const struct model_index_entry x509 =
        entry_of(2, MODEL_CREDENTIAL_X509, MODEL_TRANSPORT_DEFAULT, "digest");
    uint64_t device = 0;
    assert_int_equal(model_index_put(test.core.index, &x509), ERR_OK);
    assert_int_equal(auth("digest", &device), ERR_UNAUTHORIZED);
    assert_int_equal(auth("nobody", &device), ERR_UNAUTHORIZED);
    assert_int_equal(auth("", &device), ERR_UNAUTHORIZED);
}

static void profile_for_another_transport_is_refused(void **state)
{
    (void)state;
    static const enum model_transport others[] = {MODEL_TRANSPORT_MQTT, MODEL_TRANSPORT_LWM2M,
                                                  MODEL_TRANSPORT_SNMP};
    for (unsigned i = 0; i < 3; i++) {
        const struct model_index_entry entry =
            entry_of(1, MODEL_CREDENTIAL_TOKEN, others[i], "token");
        uint64_t device = 0;
        assert_int_equal(model_index_put(test.core.index, &entry), ERR_OK);
        assert_int_equal(auth("token", &device), ERR_WRONG_TRANSPORT);
    }
}

static void index_is_filled_from_the_entities(void **state)
{
    (void)state;
    const uint64_t number = made("meter", "TOKEN").number.number;
    (void)made("other", "OTHER");
    struct model_index *full = test.core.index;
    struct model_index *empty = NULL;
    assert_int_equal(model_index_create(&empty, &test.epoch, 3), ERR_OK);
    test.core.index = empty;
    assert_int_equal(core_index_fill(&test.core), ERR_OK);
    assert_int_equal(model_index_count(empty), 2);
    assert_int_equal(core_test_find(&test, "TOKEN"), number);
    model_index_destroy(empty);
    // Where there is no room for all, the server does not start.
    assert_int_equal(model_index_create(&empty, &test.epoch, 1), ERR_OK);
    test.core.index = empty;
    assert_int_equal(core_index_fill(&test.core), ERR_EXHAUSTED);
    model_index_destroy(empty);
    test.core.index = full;
}

static const struct store_limits limits = {
    .head_bytes_max = 4U << 20,
    .journal_bytes_max = 1U << 20,
    .journal_age_max = {300000000000U},
    .commit_delay_max = {200000},
    .commit_records_max = 64,
    .keys_per_device_max = 10,
    .keys_per_tenant_max = 20,
};

static bool count_point(void *context, const struct store_point *point)
{
    unsigned *count = context;
    *count += point->key.len > 0;
    return true;
}

static void save_point(struct store_lane *lane, const struct model_device *device)
{
    const struct model_point point = {SLICE("a"), {.type = MODEL_VALUE_LONG, .number = 1}};
    const struct model_reading item = {.points = &point, .point_count = 1};
    const struct model_readings readings = {&item, 1, 1};
    const struct model_index_entry entry = {.device = device->number,
                                            .tenant = test.entities.tenant.number};
    const struct core_worker worker = {.lane = lane};
    const struct core_principal principal = {&entry};
    const struct store_trace trace = {{0}};
    enum core_step step = CORE_DONE;
    struct store_completion completion;
    assert_int_equal(
        core_telemetry_save(&worker, &principal, &readings, CORE_TEST_NOW, &trace, 1, &step),
        ERR_OK);
    store_flush(lane);
    assert_int_equal(store_await(lane, 1, &completion), ERR_OK);
    assert_int_equal(completion.err, ERR_OK);
}

static unsigned points_of(struct store *store, const struct model_device *device)
{
    unsigned count = 0;
    const enum err err = store_latest(store, test.entities.tenant.number, device->number, NULL, 0,
                                      &count, count_point);
    return err == ERR_OK || err == ERR_NOT_FOUND ? count : 99;
}

// With a shard, since the purge tells it first.
static struct core_shard_fixture shard;

static void open_store(struct store **store, struct core_desk *desk)
{
    assert_int_equal(store_memory_open(&limits, store), ERR_OK);
    assert_int_equal(store_lane_open(*store, 1U << 16, NULL, NULL, &desk->lane), ERR_OK);
    memset(&shard, 0, sizeof(shard));
    shard.core.store = *store;
    core_shard_fixture_open(&shard);
    desk->bus = shard.core.bus;
    desk->party = shard.desk;
    assert_int_equal(store_start(*store), ERR_OK);
    core_shard_fixture_start(&shard);
}

static void close_store(struct store *store)
{
    core_shard_fixture_stop(&shard);
    store_stop(store);
    core_shard_fixture_close(&shard);
    store_close(store);
}

static void data_of_a_deleted_device_are_purged(void **state)
{
    (void)state;
    struct store *store = NULL;
    struct core_desk desk = {0};
    open_store(&store, &desk);
    const struct model_device gone = made("gone", "1");
    const struct model_device stays = made("stays", "2");
    save_point(desk.lane, &gone);
    save_point(desk.lane, &stays);
    assert_int_equal(core_purge_one(&test.core, &desk), ERR_NOT_FOUND);
    assert_int_equal(core_device_delete(&test.admin, &gone.id), ERR_OK);
    assert_int_equal(points_of(store, &gone), 1);
    assert_int_equal(core_purge_one(&test.core, &desk), ERR_OK);
    assert_int_equal(points_of(store, &gone), 0);
    assert_int_equal(points_of(store, &stays), 1);
    assert_int_equal(core_purge_one(&test.core, &desk), ERR_NOT_FOUND);
    close_store(store);
}

static void purge_that_failed_stays_to_be_done(void **state)
{
    (void)state;
    struct store *store = NULL;
    struct core_desk desk = {0};
    open_store(&store, &desk);
    const struct model_device gone = made("gone", "1");
    assert_int_equal(core_device_delete(&test.admin, &gone.id), ERR_OK);
    store_stop(store);
    assert_int_equal(core_purge_one(&test.core, &desk), ERR_STOPPING);
    core_shard_fixture_stop(&shard);
    core_shard_fixture_close(&shard);
    store_close(store);

    open_store(&store, &desk);
    assert_int_equal(core_purge_one(&test.core, &desk), ERR_OK);
    close_store(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_are_made_once_for_a_data_directory),
        TEST(names_are_checked_with_a_reason),
        TEST(new_ids_differ_and_hold_their_time),
        TEST(token_names_its_device),
        TEST(unknown_token_and_other_kinds_are_refused),
        TEST(profile_for_another_transport_is_refused),
        TEST(index_is_filled_from_the_entities),
        TEST(data_of_a_deleted_device_are_purged),
        TEST(purge_that_failed_stays_to_be_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
