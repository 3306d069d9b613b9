#include "core/core.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/feed.h"
#include "core/lives.h"
#include "core/order.h"
#include "core/presence.h"
#include "core/quota.h"
#include "crypto/hash.h"

void core_problem_set(struct core_problem *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof(problem->text), format, args);
    va_end(args);
}

static enum err key_take(struct store_tx *tx, const char *name, void *bytes, size_t len)
{
    const enum err err = store_setting_get(tx, name, bytes, len);
    if (err != ERR_NOT_FOUND) {
        return err;
    }
    crypto_random(bytes, len);
    return store_setting_put(tx, name, slice_of(bytes, len));
}

struct opening {
    struct core *core;
    struct wall now;
};

static enum err open_all(struct store_tx *tx, void *context)
{
    const struct opening *opening = context;
    struct core *core = opening->core;
    enum err err = key_take(tx, "token-key", core->token_key, sizeof(core->token_key));
    err =
        err == ERR_OK ? key_take(tx, "dedup-key", &core->dedup_key, sizeof(core->dedup_key)) : err;
    return err == ERR_OK ? core_quota_take_default(tx, opening->now) : err;
}

enum err core_open(struct core *core, struct wall now)
{
    struct opening opening = {core, now};
    return store_entities_write(core->entities, &opening, open_all, NULL);
}

static enum err index_one(void *context, const struct model_index_entry *entry)
{
    struct core *core = context;
    return model_index_put(core->index, entry);
}

static enum err index_all(struct store_tx *tx, void *context)
{
    return store_index_load(tx, context, index_one);
}

enum err core_index_fill(struct core *core)
{
    const enum err err = core_quota_fill(core);
    return err == ERR_OK ? store_entities_read(core->entities, core, index_all) : err;
}

struct uuid core_new_id(struct wall now)
{
    uint64_t random[2];
    crypto_random(random, sizeof(random));
    return uuid_make(now, (uint32_t)(random[1] % 10000U), random[0]);
}

enum err core_name_check(struct slice name, const char *what, struct core_problem *problem)
{
    const char *fault = NULL;
    if (name.ptr == NULL || name.len == 0) {
        core_problem_set(problem, "Validation error: %s should be specified!", what);
        return ERR_INVALID;
    }
    if (model_name_check(name, &fault) != ERR_OK) {
        core_problem_set(problem, "Validation error: %s %s", what, fault);
        return ERR_INVALID;
    }
    return ERR_OK;
}

enum err core_auth_token(const struct core_worker *worker, struct slice token,
                         struct core_principal *principal)
{
    const struct model_index_entry *entry =
        model_index_find(worker->index, MODEL_CREDENTIAL_TOKEN, token);
    if (entry == NULL) {
        return ERR_UNAUTHORIZED;
    }
    if (entry->transport != MODEL_TRANSPORT_DEFAULT && entry->transport != MODEL_TRANSPORT_COAP) {
        return ERR_WRONG_TRANSPORT;
    }
    principal->device = entry;
    return ERR_OK;
}

struct purge {
    struct tenant_id tenant;
    struct device_id device;
};

static enum err purge_next(struct store_tx *tx, void *context)
{
    struct purge *purge = context;
    return store_purge_next(tx, &purge->tenant, &purge->device);
}

static enum err purge_done(struct store_tx *tx, void *context)
{
    const struct purge *purge = context;
    return store_purge_done(tx, purge->device);
}

enum err core_desk_commit(struct core_desk *desk, const struct store_record *record)
{
    struct store_completion completion;
    struct store_record numbered = *record;
    numbered.ticket = ++desk->ticket;
    enum err err = store_submit(desk->lane, &numbered);
    if (err != ERR_OK) {
        return err;
    }
    store_flush(desk->lane);
    err = store_await(desk->lane, numbered.ticket, &completion);
    return err == ERR_OK ? completion.err : err;
}

void core_desk_publish(const struct core *core, struct core_desk *desk, struct device_id device,
                       unsigned what)
{
    if (core_feed_is_watched(core->feed, device)) {
        core_feed_publish(core->feed, desk->party, device, what);
        bus_flush(desk->party);
    }
}

enum err core_purge_one(struct core *core, struct core_desk *desk)
{
    struct purge purge;
    enum err err = store_entities_read(core->entities, &purge, purge_next);
    if (err != ERR_OK) {
        return err;
    }
    // First nobody speaks for it any more, then its rows go.
    core_desk_end(core, desk, purge.tenant, purge.device, true);
    const struct store_record record = {
        .verb = STORE_PURGE, .tenant = purge.tenant, .device = purge.device};
    core_presence_forget(core->presence, purge.device);
    core_lives_set(core->lives, purge.device, NULL);
    err = core_desk_commit(desk, &record);
    return err != ERR_OK ? err : store_entities_write(core->entities, &purge, purge_done, NULL);
}
