// The index of devices: every rule of the header in one thread, a long seeded run against an array
// that knows the truth, and readers that must always find a device whose credential is being
// changed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/random.h"
#include "model/index.h"

static struct epoch epoch;

static struct model_index *new_index(unsigned readers, uint32_t entries_max)
{
    struct model_index *index = NULL;
    epoch_init(&epoch, readers);
    assert_int_equal(model_index_create(&index, &epoch, entries_max), ERR_OK);
    return index;
}

static struct model_index_entry entry_of(uint64_t device, const char *credential)
{
    struct model_index_entry entry = {.device = {device},
                                      .tenant = {7},
                                      .kind = MODEL_CREDENTIAL_TOKEN,
                                      .transport = MODEL_TRANSPORT_COAP,
                                      .credential_len = (uint8_t)strlen(credential)};
    entry.uuid.bytes[0] = (uint8_t)device;
    memcpy(entry.credential, credential, entry.credential_len);
    return entry;
}

static enum err put(struct model_index *index, uint64_t device, const char *credential)
{
    const struct model_index_entry entry = entry_of(device, credential);
    return model_index_put(index, &entry);
}

static uint64_t device_of(const struct model_index *index, const char *credential)
{
    const struct model_index_entry *entry =
        model_index_find(index, MODEL_CREDENTIAL_TOKEN, slice_text(credential));
    return entry != NULL ? entry->device.number : 0;
}

static void device_is_found_by_its_credential(void **state)
{
    (void)state;
    struct model_index *index = new_index(1, 10);
    assert_int_equal(put(index, 3, "A1_TEST_TOKEN"), ERR_OK);
    const struct model_index_entry *entry =
        model_index_find(index, MODEL_CREDENTIAL_TOKEN, SLICE("A1_TEST_TOKEN"));
    assert_non_null(entry);
    assert_int_equal(entry->device.number, 3);
    assert_int_equal(entry->tenant.number, 7);
    assert_int_equal(entry->uuid.bytes[0], 3);
    assert_int_equal(entry->transport, MODEL_TRANSPORT_COAP);
    assert_int_equal(model_index_count(index), 1);
    model_index_destroy(index);
}

static void nothing_else_is_found(void **state)
{
    (void)state;
    struct model_index *index = new_index(1, 10);
    assert_int_equal(put(index, 3, "token"), ERR_OK);
    char long_text[MODEL_CREDENTIAL_ID_MAX + 1];
    memset(long_text, 'x', sizeof(long_text));
    assert_int_equal(device_of(index, "toke"), 0);
    assert_int_equal(device_of(index, "token1"), 0);
    assert_int_equal(device_of(index, "TOKEN"), 0);
    assert_null(model_index_find(index, MODEL_CREDENTIAL_TOKEN, SLICE_EMPTY));
    assert_null(
        model_index_find(index, MODEL_CREDENTIAL_TOKEN, slice_of(long_text, sizeof(long_text))));
    // The same text as another kind of credential is another credential.
    assert_null(model_index_find(index, MODEL_CREDENTIAL_X509, SLICE("token")));
    model_index_destroy(index);
}

static void credential_of_every_length_is_kept_whole(void **state)
{
    (void)state;
    struct model_index *index = new_index(1, MODEL_CREDENTIAL_ID_MAX);
    char text[MODEL_CREDENTIAL_ID_MAX];
    for (unsigned len = 1; len <= MODEL_CREDENTIAL_ID_MAX; len++) {
        struct model_index_entry entry = entry_of(len, "");
        memset(entry.credential, 'a', len);
        entry.credential[len - 1] = 'z';
        entry.credential_len = (uint8_t)len;
        assert_int_equal(model_index_put(index, &entry), ERR_OK);
    }
    for (unsigned len = 1; len <= MODEL_CREDENTIAL_ID_MAX; len++) {
        memset(text, 'a', len);
        text[len - 1] = 'z';
        const struct model_index_entry *entry =
            model_index_find(index, MODEL_CREDENTIAL_TOKEN, slice_of(text, len));
        assert_non_null(entry);
        assert_int_equal(entry->device.number, len);
        assert_memory_equal(entry->credential, text, len);
    }
    model_index_destroy(index);
}

static void changed_credential_replaces_the_old_one(void **state)
{
    (void)state;
    struct model_index *index = new_index(1, 1);
    assert_int_equal(put(index, 1, "old"), ERR_OK);
    assert_int_equal(put(index, 1, "new"), ERR_OK);
    assert_int_equal(device_of(index, "old"), 0);
    assert_int_equal(device_of(index, "new"), 1);
    assert_int_equal(model_index_count(index), 1);
    // The old one is free for another device, once there is room.
    model_index_remove(index, (struct device_id){1});
    assert_int_equal(put(index, 2, "old"), ERR_OK);
    assert_int_equal(device_of(index, "old"), 2);
    model_index_destroy(index);
}

static void same_credential_put_again_shows_the_new_entry(void **state)
{
    (void)state;
    struct model_index *index = new_index(1, 10);
    struct model_index_entry entry = entry_of(1, "token");
    assert_int_equal(model_index_put(index, &entry), ERR_OK);
    entry.transport = MODEL_TRANSPORT_MQTT;
    assert_int_equal(model_index_put(index, &entry), ERR_OK);
    assert_int_equal(model_index_find(index, MODEL_CREDENTIAL_TOKEN, SLICE("token"))->transport,
                     MODEL_TRANSPORT_MQTT);
    assert_int_equal(model_index_count(index), 1);
    model_index_destroy(index);
}

static void credential_of_another_device_is_refused(void **state)
{
    (void)state;
    struct model_index *index = new_index(1, 10);
    assert_int_equal(put(index, 1, "token"), ERR_OK);
    assert_int_equal(put(index, 2, "token"), ERR_ALREADY_EXISTS);
    assert_int_equal(device_of(index, "token"), 1);
    assert_int_equal(model_index_count(index), 1);
    model_index_destroy(index);
}

static void full_index_refuses_new_devices_only(void **state)
{
    (void)state;
    struct model_index *index = new_index(1, 2);
    assert_true(model_index_has_room(index, 2));
    assert_false(model_index_has_room(index, 3));
    assert_int_equal(put(index, 1, "one"), ERR_OK);
    assert_int_equal(put(index, 2, "two"), ERR_OK);
    assert_false(model_index_has_room(index, 1));
    assert_int_equal(put(index, 3, "three"), ERR_EXHAUSTED);
    assert_int_equal(put(index, 2, "second"), ERR_OK);
    model_index_remove(index, (struct device_id){1});
    assert_int_equal(put(index, 3, "three"), ERR_OK);
    assert_int_equal(model_index_count(index), 2);
    model_index_destroy(index);
}

static void removing_what_is_not_there_does_nothing(void **state)
{
    (void)state;
    struct model_index *index = new_index(1, 2);
    assert_int_equal(put(index, 1, "one"), ERR_OK);
    model_index_remove(index, (struct device_id){2});
    model_index_remove(index, (struct device_id){1});
    model_index_remove(index, (struct device_id){1});
    assert_int_equal(model_index_count(index), 0);
    assert_int_equal(device_of(index, "one"), 0);
    model_index_destroy(index);
}

// A reader inside its epoch may still hold the entry, so its memory is not used again before.
static void removed_entry_stays_readable_until_the_reader_leaves(void **state)
{
    (void)state;
    struct model_index *index = new_index(1, 10);
    assert_int_equal(put(index, 1, "one"), ERR_OK);
    epoch_enter(&epoch, 0);
    const struct model_index_entry *held =
        model_index_find(index, MODEL_CREDENTIAL_TOKEN, SLICE("one"));
    model_index_remove(index, (struct device_id){1});
    const uint64_t number = model_index_reclaim(index);
    assert_false(epoch_passed(&epoch, number));
    assert_int_equal(put(index, 2, "two"), ERR_OK);
    assert_int_equal(held->device.number, 1);
    epoch_leave(&epoch, 0);
    assert_true(epoch_passed(&epoch, number));
    assert_int_equal(model_index_reclaim(index), number);
    assert_int_equal(put(index, 3, "three"), ERR_OK);
    // Now it was: the newcomer stands in its place.
    assert_int_equal(held->device.number, 3);
    model_index_destroy(index);
}

static void changing_for_ever_does_not_grow(void **state)
{
    (void)state;
    struct model_index *index = new_index(1, 100);
    char text[32];
    uint64_t bytes = 0;
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(text, sizeof(text), "token-%u", i);
        assert_int_equal(put(index, 1 + i % 100, text), ERR_OK);
        (void)model_index_reclaim(index);
        bytes = i == 2000 ? model_index_bytes(index) : bytes;
    }
    assert_int_equal(model_index_bytes(index), bytes);
    assert_int_equal(model_index_count(index), 100);
    model_index_destroy(index);
}

#define TRUTH_DEVICES 3000U
#define TRUTH_TOKENS 4000U

// Random puts and removes; after each thousand every token is looked up.
static void long_run_agrees_with_a_plain_array(void **state)
{
    (void)state;
    static uint64_t token_owner[TRUTH_TOKENS];
    static unsigned device_token[TRUTH_DEVICES + 1]; // 0: none, else token + 1
    struct model_index *index = new_index(1, TRUTH_DEVICES);
    struct random random;
    random_init(&random, 42);
    char text[32];
    for (unsigned step = 1; step <= 60000; step++) {
        const uint64_t device = 1 + random_below(&random, TRUTH_DEVICES);
        const unsigned token = (unsigned)random_below(&random, TRUTH_TOKENS);
        const bool removes = random_chance(&random, 1, 4) != 0;
        snprintf(text, sizeof(text), "token-%u", token);
        if (!removes && token_owner[token] != 0 && token_owner[token] != device) {
            assert_int_equal(put(index, device, text), ERR_ALREADY_EXISTS);
            continue;
        }
        if (device_token[device] != 0) {
            token_owner[device_token[device] - 1] = 0;
            device_token[device] = 0;
        }
        if (removes) {
            model_index_remove(index, (struct device_id){device});
        } else {
            assert_int_equal(put(index, device, text), ERR_OK);
            token_owner[token] = device;
            device_token[device] = token + 1;
        }
        if (step % 1000 == 0) {
            (void)model_index_reclaim(index);
            for (unsigned i = 0; i < TRUTH_TOKENS; i++) {
                snprintf(text, sizeof(text), "token-%u", i);
                assert_int_equal(device_of(index, text), token_owner[i]);
            }
        }
    }
    model_index_destroy(index);
}

#define READERS 3U
#define STABLE 64U
#define CHANGES 20000U

struct reader {
    struct model_index *index;
    unsigned number;
    uint64_t turns;
    uint64_t missed;
    uint64_t wrong;
};

static atomic_bool stop;
static _Atomic unsigned started;

// Half of the devices keep their credential while the other half change theirs, which also makes
// the table be built anew: the first half must be found in every turn.
static void *look_up(void *context)
{
    struct reader *reader = context;
    char text[32];
    atomic_fetch_add(&started, 1);
    while (!atomic_load(&stop)) {
        epoch_enter(&epoch, reader->number);
        for (unsigned i = 1; i <= STABLE; i++) {
            snprintf(text, sizeof(text), "stable-%u", i);
            const uint64_t device = device_of(reader->index, text);
            reader->missed += device == 0;
            reader->wrong += device != 0 && device != i;
        }
        // A device that only changes its transport is there all the time too.
        reader->missed += device_of(reader->index, "moving") == 0;
        epoch_leave(&epoch, reader->number);
        reader->turns++;
        sched_yield();
    }
    return NULL;
}

static void change_all(struct model_index *index)
{
    char text[32];
    for (unsigned i = 0; i < CHANGES; i++) {
        snprintf(text, sizeof(text), "changing-%u", i);
        assert_int_equal(put(index, 1000 + i % 3000, text), ERR_OK);
        struct model_index_entry moving = entry_of(999, "moving");
        moving.transport = i % 2 == 0 ? MODEL_TRANSPORT_COAP : MODEL_TRANSPORT_MQTT;
        assert_int_equal(model_index_put(index, &moving), ERR_OK);
        if (i % 7 == 0) {
            model_index_remove(index, (struct device_id){1000 + i % 1500});
        }
        if (i % 16 == 0) {
            (void)model_index_reclaim(index);
            sched_yield();
        }
    }
}

static void readers_always_find_who_was_not_changed(void **state)
{
    (void)state;
    struct model_index *index = new_index(READERS, 10000);
    struct reader readers[READERS];
    pthread_t threads[READERS];
    char text[32];
    for (unsigned i = 1; i <= STABLE; i++) {
        snprintf(text, sizeof(text), "stable-%u", i);
        assert_int_equal(put(index, i, text), ERR_OK);
    }
    assert_int_equal(put(index, 999, "moving"), ERR_OK);
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.index = index, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, look_up, &readers[i]), 0);
    }
    while (atomic_load(&started) < READERS) {
        sched_yield();
    }
    change_all(index);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(readers[i].turns > 0);
        assert_int_equal(readers[i].missed, 0);
        assert_int_equal(readers[i].wrong, 0);
    }
    assert_true(epoch_passed(&epoch, model_index_reclaim(index)));
    model_index_destroy(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_is_found_by_its_credential),
        cmocka_unit_test(nothing_else_is_found),
        cmocka_unit_test(credential_of_every_length_is_kept_whole),
        cmocka_unit_test(changed_credential_replaces_the_old_one),
        cmocka_unit_test(same_credential_put_again_shows_the_new_entry),
        cmocka_unit_test(credential_of_another_device_is_refused),
        cmocka_unit_test(full_index_refuses_new_devices_only),
        cmocka_unit_test(removing_what_is_not_there_does_nothing),
        cmocka_unit_test(removed_entry_stays_readable_until_the_reader_leaves),
        cmocka_unit_test(changing_for_ever_does_not_grow),
        cmocka_unit_test(long_run_agrees_with_a_plain_array),
        cmocka_unit_test(readers_always_find_who_was_not_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
