// server/beside.h: a part of the start that runs on a thread of its own, beside another that the
// main thread does meanwhile.
#pragma once

#include "plat/thread.h"

#define SERVER_BESIDE_MESSAGE 256U

struct server_beside {
    // Given by the caller: the part. If it fails it may leave one line in `message`.
    enum err (*run)(void *context, char message[SERVER_BESIDE_MESSAGE]);
    void *context;
    // What became of it, once it was joined.
    enum err err;
    char message[SERVER_BESIDE_MESSAGE];
    struct plat_thread thread;
};

// `beside` stays where it is until it was joined. ERR_EXHAUSTED: nothing runs.
MUST_USE enum err server_beside_start(struct server_beside *beside, const char *name);
void server_beside_join(struct server_beside *beside);
