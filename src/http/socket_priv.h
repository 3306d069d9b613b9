// http/socket_priv.h: the state of a WebSocket connection. Private to http.
#pragma once

#include "http/server_priv.h"
#include "http/socket.h"

struct http_socket_text {
    struct http_socket_text *next;
    size_t len;
    uint8_t bytes[]; // LWS_PRE bytes, then the text
};

struct http_socket {
    struct http_server *server;
    struct lws *wsi; // service thread only; NULL when it is gone
    char *path;
    char *token; // NULL: none
    void *user;  // of the ops; the job at work only
    // Service thread only: since when the library has been asked to send, and by when somebody has
    // to have logged in; zero: not.
    struct mono asked_at;
    struct mono accept_due;
    struct mono timer_due; // when the timer fires; zero: it does not
    // Of the text that is arriving; service thread only.
    uint8_t *part;
    size_t part_len;
    struct plat_mutex mutex; // guards all below
    struct http_socket_text *in_first, *in_last;
    struct http_socket_text *out_first, *out_last;
    unsigned in_count;
    unsigned out_count;
    size_t out_bytes;
    bool is_opened; // `opened` was called, or is
    bool is_gone;   // the peer, or we, closed it
    bool is_running;
    bool is_accepted;
    bool wants_close;
    enum http_socket_close close_code;
    const char *close_reason;
    // Guarded by the server's mutex.
    struct http_socket *next;
    struct http_socket *next_ready;
    bool is_ready;
};

// What the service thread does for WebSocket events of the library; -1 closes the connection.
int http_socket_event(struct http_server *server, struct lws *wsi, enum lws_callback_reasons reason,
                      struct http_socket **place, struct slice in);
// Asks for the writable event of those that have something to send.
void http_socket_collect(struct http_server *server);
// The server stops: closes them all.
void http_socket_end_all(struct http_server *server);
