// server/beside.h: a part of the start that runs on a thread of its own, beside another that the
// main thread does meanwhile.
#pragma once

#include "plat/thread.h"

struct server_beside {
    // Given by the caller: the part.
    enum err (*run)(void *context);
    void *context;
    // Its own.
    enum err err;
    struct plat_thread thread;
};

// `beside` stays where it is until it was joined. ERR_EXHAUSTED: nothing runs.
MUST_USE enum err server_beside_start(struct server_beside *beside, const char *name);
// Waits for it: what became of it.
MUST_USE enum err server_beside_join(struct server_beside *beside);
