// http/socket.h: WebSocket connections (RFC 6455) of the server: texts in, texts out.
//
// What arrives runs on one thread that serves sockets only: `opened`, then `message` for each text,
// then `closed`, after which the connection is gone. Texts may be sent from any
// thread between `opened` and the end of `closed`.
//
// The server pings a silent peer after HTTP_SOCKET_PING_S and drops it after HTTP_SOCKET_DROP_S.
// One that takes nothing of a text for HTTP_SOCKET_SEND_S is dropped too.
//
// Bounds: `sockets_max` connections, beyond which the handshake is refused; HTTP_SOCKET_IN_MAX
// bytes of a text and HTTP_SOCKET_WAITING texts that wait to be looked at, then the peer is closed
// with 1009 or 1008; HTTP_SOCKET_OUT_MAX texts and HTTP_SOCKET_OUT_BYTES that wait to be sent, then
// 1008.
#pragma once

#include "http/server.h"

#define HTTP_SOCKET_PING_S 10U
#define HTTP_SOCKET_DROP_S 30U
#define HTTP_SOCKET_SEND_S 5U
#define HTTP_SOCKET_IN_MAX 32768U
#define HTTP_SOCKET_WAITING 64U
#define HTTP_SOCKET_OUT_MAX 1000U
#define HTTP_SOCKET_OUT_BYTES (16U << 20)

enum http_socket_close {
    HTTP_SOCKET_GOING_AWAY = 1001,
    HTTP_SOCKET_NOT_TEXT = 1007,
    HTTP_SOCKET_POLICY = 1008,
    HTTP_SOCKET_TOO_LARGE = 1009,
};

struct http_socket;

struct http_socket_ops {
    // Service thread: whether a WebSocket is served at this path.
    bool (*serves)(void *context, struct slice path);
    // The sockets' thread. `user` is the owner's, NULL at first.
    void (*opened)(void *context, struct http_socket *socket, void **user);
    void (*message)(void *context, struct http_socket *socket, void **user, struct slice text);
    void (*closed)(void *context, struct http_socket *socket, void **user);
};

// Any thread: runs it where the ops run. False when more than HTTP_SOCKET_POSTS wait to be run.
MUST_USE bool http_socket_post(struct http_server *server, void *context,
                               void (*run)(void *context));
#define HTTP_SOCKET_POSTS 8U

// Of the handshake; decoded, good as long as the socket.
struct slice http_socket_path(const struct http_socket *socket);
// `ptr == NULL` if there is none.
struct slice http_socket_token(const struct http_socket *socket);

// Any thread. Copies the text. What finds no place closes the connection.
void http_socket_send(struct http_socket *socket, struct slice text);
// Any thread: after what waits was sent. `reason` is a static text.
void http_socket_close(struct http_socket *socket, enum http_socket_close code, const char *reason);
// Any thread: closes it unless this was called within so many seconds of its opening.
void http_socket_accept(struct http_socket *socket);
#define HTTP_SOCKET_ACCEPT_S 10U
