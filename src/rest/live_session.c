// Who is behind a connection, and for how long: a log-in holds as long as its session and its
// token, and a user of a customer sees a device as long as it is the customer's.
#include "rest/live_priv.h"
#include "rest/token.h"

// So long at most the end of a session stays unseen. That of a token is seen at the next look.
#define CHECK_EVERY span_s(5)
#define LOOK_EVERY span_s(1)

struct core_admin rest_live_admin(struct rest_live *live, const struct live_session *session,
                                  struct core_problem *problem)
{
    return (struct core_admin){live->rest->core, &session->caller, &live->arena, problem};
}

// What one user subscribed to is not the next one's.
static void take_user(struct rest_live *live, struct live_session *session,
                      const struct core_claims *claims, const struct model_user *user)
{
    if (session->is_logged_in && !uuid_equal(&session->caller.user, &user->id)) {
        rest_live_remove_all(live, session);
    }
    session->claims = *claims;
    session->caller = core_session_caller(user, live->rest->wall());
    session->is_logged_in = true;
    session->check_due = mono_add(live->rest->mono(), CHECK_EVERY);
}

enum err rest_live_log_in(struct rest_live *live, struct live_session *session, struct slice token)
{
    const struct http_request request = {.memory = &live->arena};
    const struct rest_call call = {
        .rest = live->rest, .request = &request, .now = live->rest->wall()};
    struct core_claims claims;
    struct model_user user;
    enum err err = rest_token_read(&call, token, &claims);
    err = err == ERR_OK && claims.refresh ? ERR_UNAUTHORIZED : err;
    err = err == ERR_OK ? core_session_user(live->rest->core, &live->arena, &claims, &user) : err;
    if (err == ERR_OK) {
        take_user(live, session, &claims, &user);
        http_socket_accept(session->socket);
    }
    return err;
}

static enum err check_user(struct rest_live *live, struct live_session *session)
{
    struct model_user user;
    const size_t mark = arena_mark(&live->arena);
    const enum err err = core_session_user(live->rest->core, &live->arena, &session->claims, &user);
    arena_rewind(&live->arena, mark);
    session->check_due = mono_add(live->rest->mono(), CHECK_EVERY);
    return err;
}

bool rest_live_check(struct rest_live *live, struct live_session *session, bool is_now)
{
    session->caller.now = live->rest->wall();
    bool is_over = session->claims.expires_s <= session->caller.now.ms / 1000;
    if (!is_over && (is_now || mono_reached(live->rest->mono(), session->check_due))) {
        // What cannot be told now is looked at again.
        is_over = check_user(live, session) == ERR_EXPIRED;
    }
    if (is_over) {
        session->is_logged_in = false;
        session->is_over = true;
        rest_live_remove_all(live, session);
        http_socket_close(session->socket, HTTP_SOCKET_POLICY, "The session is over");
    }
    return !is_over;
}

void rest_live_check_all(struct rest_live *live)
{
    const struct mono now = live->rest->mono();
    if (!mono_reached(now, live->check_due)) {
        return;
    }
    live->check_due = mono_add(now, LOOK_EVERY);
    for (struct live_session *session = live->sessions; session != NULL; session = session->next) {
        if (session->is_logged_in) {
            (void)!rest_live_check(live, session, false);
        }
    }
}

enum err rest_live_may_see(struct rest_live *live, const struct live_session *session,
                           const struct uuid *device)
{
    struct core_problem problem = {.text = ""};
    struct model_device found;
    if (session->caller.authority != MODEL_CUSTOMER_USER) {
        return ERR_OK;
    }
    const struct core_admin admin = rest_live_admin(live, session, &problem);
    const size_t mark = arena_mark(&live->arena);
    const enum err err = core_device_get(&admin, device, &found);
    arena_rewind(&live->arena, mark);
    return err == ERR_NOT_FOUND ? ERR_FORBIDDEN : err;
}
