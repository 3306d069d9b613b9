// store/fixture.h: a store in a test: opening, doing, reading into text. Built for tests only.
#pragma once

#include "base/metric.h"
#include "store/store.h"

#define STORE_FIXTURE_LIVES 64U
#define STORE_FIXTURE_TENANT ((struct tenant_id){7})

// How to get at the back end under test. `open` is called again after a clean close when a scenario
// restarts the store; a back end that does not last says so and such steps are skipped.
struct store_fixture_backend {
    void *context;
    bool is_lasting;
    // Starts a scenario with nothing stored.
    void (*reset)(void *context);
    struct store *(*open)(void *context, const struct store_limits *limits);
};

// A store with one lane, and the verbs in short. Every verb asserts on what must not fail.
struct store_fixture {
    const struct store_fixture_backend *backend;
    struct store_limits limits;
    struct store *store;
    struct store_lane *lane;
    uint64_t ticket;
    // Seconds that points of a device stay, by its number modulo the size; 0: for ever.
    struct metric lives_s[STORE_FIXTURE_LIVES];
    struct store_lives lives;
};

extern const struct store_limits store_fixture_limits;
// memory.c, which nothing lasts in.
extern const struct store_fixture_backend store_fixture_reference;

// What was opened without error is replayed; if that fails it is closed, as if it had not opened.
enum err store_fixture_replay(enum err opened, struct store **store, char message[256]);
void store_fixture_open(struct store_fixture *fixture, const struct store_fixture_backend *backend,
                        const struct store_limits *limits);
void store_fixture_close(struct store_fixture *fixture);
// Closes and opens again, if the back end lasts.
void store_fixture_restart(struct store_fixture *fixture);
// Submits, flushes, waits.
struct store_completion store_fixture_do(struct store_fixture *fixture,
                                         const struct store_record *record);

// Text that grows: "time=value " for each point, "key@time=value " if `with_keys`. Start from
// zeros; free `text`.
struct store_fixture_text {
    char *text;
    size_t len;
    size_t cap;
    bool with_keys;
};

void store_fixture_append(struct store_fixture_text *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// A store_point_fn that appends to a store_fixture_text.
bool store_fixture_point(void *context, const struct store_point *point);

// What a read gives, as text for the caller to free.
char *store_fixture_range(struct store *store, const struct store_range *range);
char *store_fixture_latest(struct store *store, struct device_id device);
char *store_fixture_keys(struct store *store, struct device_id device);
