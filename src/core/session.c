#include "core/session.h"

#include "crypto/password.h"
#include "store/entities_user.h"

struct user_search {
    struct arena *memory;
    struct slice email;
    struct model_user *user;
};

static enum err find_by_email(struct store_tx *tx, void *context)
{
    const struct user_search *search = context;
    return store_user_by_email(tx, search->memory, search->email, search->user);
}

static const char *c_text(struct arena *memory, struct slice s)
{
    char *text = arena_take(memory, s.len + 1);
    if (text != NULL) {
        memcpy(text, s.ptr, s.len);
        text[s.len] = 0;
    }
    return text;
}

static bool password_matches(struct arena *memory, const struct model_user *user,
                             struct slice password)
{
    const char *hash = user->password_hash.ptr != NULL ? c_text(memory, user->password_hash) : NULL;
    if (hash == NULL) {
        crypto_password_pretend(password);
        return false;
    }
    return crypto_password_matches(password, hash);
}

// Folded as the entities compare e-mails, so that another spelling is no further attempt.
static uint64_t attempt_key(struct slice email, uint64_t source)
{
    uint64_t hash = source;
    for (size_t i = 0; i < email.len; i++) {
        const uint8_t c = email.ptr[i];
        hash = hash_word(hash ^ (c >= 'A' && c <= 'Z' ? c | 0x20U : c));
    }
    return hash;
}

static enum err attempt_begin(struct core *core, struct mono now, uint64_t key,
                              struct core_problem *problem)
{
    if (store_attempts_allowed(core->attempts, now, key)) {
        return ERR_OK;
    }
    core_problem_set(problem, "Too many wrong log-in attempts, try again later");
    return ERR_LIMITED;
}

enum err core_session_log_in(struct core *core, struct arena *memory,
                             const struct core_login *login, struct model_user *user,
                             struct core_problem *problem)
{
    const uint64_t key = attempt_key(login->email, login->source);
    enum err err = attempt_begin(core, login->now, key, problem);
    if (err != ERR_OK) {
        return err;
    }
    struct user_search search = {memory, login->email, user};
    err = store_entities_read(core->entities, &search, find_by_email);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        return err;
    }
    bool right = false;
    if (err == ERR_OK) {
        right = password_matches(memory, user, login->password);
    } else {
        crypto_password_pretend(login->password);
    }
    if (!right) {
        store_attempts_failed(core->attempts, login->now, key);
        core_problem_set(problem, "Invalid username or password");
        return ERR_UNAUTHORIZED;
    }
    if (!user->enabled) {
        core_problem_set(problem, "User account is not active");
        return ERR_UNAUTHORIZED;
    }
    return ERR_OK;
}

struct session_search {
    struct arena *memory;
    const struct core_claims *claims;
    struct model_user *user;
    bool ended;
};

static enum err find_session(struct store_tx *tx, void *context)
{
    struct session_search *search = context;
    const struct core_claims *claims = search->claims;
    const enum err err = store_session_ended(tx, &claims->session, &search->ended);
    if (err != ERR_OK) {
        return err;
    }
    return claims->is_public ? store_user_public(tx, search->memory, &claims->user, search->user)
                             : store_user_get(tx, search->memory, &claims->user, search->user);
}

enum err core_session_user(struct core *core, struct arena *memory,
                           const struct core_claims *claims, struct model_user *user)
{
    struct session_search search = {memory, claims, user, false};
    const enum err err = store_entities_read(core->entities, &search, find_session);
    if (err == ERR_NOT_FOUND) {
        return ERR_EXPIRED;
    }
    if (err != ERR_OK) {
        return err;
    }
    // Claims count seconds; the id of the session has the milliseconds.
    const bool stale = claims->issued_s < user->changed_ms / 1000 ||
                       uuid_time(&claims->session).ms < user->changed_ms;
    return search.ended || stale || !user->enabled ? ERR_EXPIRED : ERR_OK;
}

static enum err find_public(struct store_tx *tx, void *context)
{
    const struct session_search *search = context;
    return store_user_public(tx, search->memory, &search->claims->user, search->user);
}

enum err core_session_public(struct core *core, struct arena *memory, const struct uuid *customer,
                             struct model_user *user, struct core_problem *problem)
{
    const struct core_claims claims = {.user = *customer, .is_public = true};
    struct session_search search = {memory, &claims, user, false};
    const enum err err = store_entities_read(core->entities, &search, find_public);
    if (err == ERR_NOT_FOUND) {
        core_problem_set(problem, "Public Id is not valid");
        return ERR_UNAUTHORIZED;
    }
    return err;
}

struct core_caller core_session_caller(const struct model_user *user, struct wall now)
{
    return (struct core_caller){.user = user->id,
                                .authority = user->authority,
                                .tenant = user->tenant,
                                .tenant_uuid = user->tenant_uuid,
                                .customer = user->customer,
                                .is_public = user->is_public,
                                .now = now};
}

struct session_end {
    const struct uuid *session;
    struct wall now;
    struct wall until;
};

static enum err end_session(struct store_tx *tx, void *context)
{
    const struct session_end *end = context;
    return store_session_end(tx, end->session, end->until.ms, end->now.ms);
}

enum err core_session_log_out(struct core *core, const struct uuid *session, struct wall now,
                              struct wall until)
{
    struct session_end end = {session, now, until};
    return store_entities_write(core->entities, &end, end_session, NULL);
}

struct password_set {
    const struct uuid *user;
    const char *hash;
    struct wall (*wall)(void);
    struct wall at;
};

// The time is that of the change, not of the wish: hashing comes between, and whoever logged in
// meanwhile did so with the old password.
static enum err set_password(struct store_tx *tx, void *context)
{
    struct password_set *set = context;
    set->at = set->wall();
    return store_user_set_password(tx, set->user, slice_text(set->hash), set->at.ms);
}

struct own_search {
    struct arena *memory;
    const struct uuid *id;
    struct model_user *user;
};

static enum err find_own(struct store_tx *tx, void *context)
{
    const struct own_search *search = context;
    return store_user_get(tx, search->memory, search->id, search->user);
}

static enum err new_password_hash(struct slice next, char hash[CRYPTO_PASSWORD_HASH_SIZE],
                                  struct core_problem *problem)
{
    if (slice_utf16_units(next) < CORE_PASSWORD_UNITS_MIN) {
        core_problem_set(problem, "Password must be %u or more characters in length.",
                         CORE_PASSWORD_UNITS_MIN);
        return ERR_INVALID;
    }
    const enum err err = crypto_password_hash(next, hash);
    if (err != ERR_OK) {
        core_problem_set(problem, "Validation error: new password: %s", err_text(err));
        return ERR_INVALID;
    }
    return ERR_OK;
}

enum err core_session_change_password(struct core *core, struct arena *memory,
                                      const struct core_caller *caller,
                                      const struct core_password_change *change,
                                      struct wall *changed, struct core_problem *problem)
{
    struct model_user user;
    struct own_search search = {memory, &caller->user, &user};
    if (caller->is_public) {
        core_problem_set(problem, "You don't have permission to perform this operation!");
        return ERR_FORBIDDEN;
    }
    enum err err = store_entities_read(core->entities, &search, find_own);
    const uint64_t key = err == ERR_OK ? attempt_key(user.email, change->source) : 0;
    err = err == ERR_OK ? attempt_begin(core, change->now, key, problem) : err;
    if (err != ERR_OK) {
        return err;
    }
    if (!password_matches(memory, &user, change->current)) {
        store_attempts_failed(core->attempts, change->now, key);
        core_problem_set(problem, "Current password doesn't match!");
        return ERR_INVALID;
    }
    char hash[CRYPTO_PASSWORD_HASH_SIZE];
    err = new_password_hash(change->next, hash, problem);
    if (err != ERR_OK) {
        return err;
    }
    struct password_set set = {.user = &caller->user, .hash = hash, .wall = change->wall};
    err = store_entities_write(core->entities, &set, set_password, NULL);
    *changed = set.at;
    return err;
}

struct activation {
    struct arena *memory;
    struct slice token;
    const char *hash;
    struct wall now;
    struct uuid id;
    struct model_user *user;
};

static enum err find_activation(struct store_tx *tx, void *context)
{
    struct activation *activation = context;
    return store_activation_find(tx, activation->token, activation->now.ms, &activation->id);
}

enum err core_session_activation(struct core *core, struct slice token, struct wall now)
{
    struct activation activation = {.token = token, .now = now};
    return store_entities_read(core->entities, &activation, find_activation);
}

static enum err activate(struct store_tx *tx, void *context)
{
    struct activation *activation = context;
    const int64_t now_ms = activation->now.ms;
    enum err err = find_activation(tx, activation);
    const struct uuid *id = &activation->id;
    err =
        err == ERR_OK ? store_user_set_password(tx, id, slice_text(activation->hash), now_ms) : err;
    err = err == ERR_OK ? store_user_enable(tx, id, true, now_ms) : err;
    err = err == ERR_OK ? store_activation_remove(tx, id) : err;
    return err == ERR_OK ? store_user_get(tx, activation->memory, id, activation->user) : err;
}

enum err core_session_activate(struct core *core, struct arena *memory, struct slice token,
                               struct slice password, struct wall now, struct model_user *user,
                               struct core_problem *problem)
{
    char hash[CRYPTO_PASSWORD_HASH_SIZE];
    struct activation activation = {
        .memory = memory, .token = token, .hash = hash, .now = now, .user = user};
    // Without a secret nobody makes the server hash.
    enum err err = core_session_activation(core, token, now);
    err = err == ERR_OK ? new_password_hash(password, hash, problem) : err;
    err = err == ERR_OK ? store_entities_write(core->entities, &activation, activate, NULL) : err;
    if (err == ERR_NOT_FOUND) {
        core_problem_set(problem, "The activation token is not known, used up or over");
        return ERR_INVALID;
    }
    return err;
}
