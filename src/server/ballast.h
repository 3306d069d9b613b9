// server/ballast.h: a file that keeps some of the disk for the day on which it is full. It goes
// when half of what `store.free-space-min` wants is left, so that the databases can finish what
// they have begun, rows can be deleted and a restart finds room; it comes back once there is
// plenty.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

#define SERVER_BALLAST_PATH_SIZE 1100U

// Belongs to one thread at a time.
struct server_ballast {
    char path[SERVER_BALLAST_PATH_SIZE];
    const char *data; // the directory
    uint64_t bytes;   // 0: none is kept
    uint64_t low;     // free bytes below which it goes
    uint64_t plenty;  // and from which it comes back
    bool is_there;
    struct mono due; // when to look again
};

// `data` exists and outlives it. One of an earlier run is taken over.
void server_ballast_open(struct server_ballast *ballast, const char *data, uint64_t bytes,
                         uint64_t free_space_min);
// Looks at the disk, at most once a second.
void server_ballast_look(struct server_ballast *ballast, struct mono now);
