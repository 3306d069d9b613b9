#include "http/connection.h"

#include <stdlib.h>

#include "plat/port.h"

struct http_connection *http_connection_open(struct lws *wsi)
{
    struct http_connection *connection = calloc(1, sizeof(*connection));
    if (connection != NULL) {
        connection->wsi = wsi;
        lws_set_opaque_user_data(wsi, connection);
    }
    return connection;
}

struct http_connection *http_connection_of(struct lws *wsi)
{
    return lws_get_opaque_user_data(wsi);
}

void http_connection_close(struct http_idle *idle, struct http_connection *owned_connection)
{
    http_connection_work(idle, owned_connection);
    lws_set_opaque_user_data(owned_connection->wsi, NULL);
    free(owned_connection);
}

void http_connection_rest(struct http_idle *idle, struct http_connection *connection,
                          struct mono due)
{
    ASSERT(!connection->is_idle);
    lws_set_timeout(connection->wsi, NO_PENDING_TIMEOUT, 0);
    connection->is_idle = true;
    connection->due = due;
    connection->next = NULL;
    connection->previous = idle->last;
    if (idle->last != NULL) {
        idle->last->next = connection;
    } else {
        idle->first = connection;
    }
    idle->last = connection;
}

void http_connection_work(struct http_idle *idle, struct http_connection *connection)
{
    if (!connection->is_idle) {
        return;
    }
    connection->is_idle = false;
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        idle->first = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    } else {
        idle->last = connection->previous;
    }
}

void http_connection_expire(struct http_idle *idle, struct mono now, struct mono again)
{
    while (idle->first != NULL && mono_reached(now, idle->first->due)) {
        struct http_connection *connection = idle->first;
        http_connection_work(idle, connection);
        if (plat_port_has_input(lws_get_socket_fd(connection->wsi))) {
            http_connection_rest(idle, connection, again);
        } else {
            lws_set_timeout(connection->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
        }
    }
}
