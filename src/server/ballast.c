#include "server/ballast.h"

#include <stdio.h>

#include "base/log.h"
#include "plat/file.h"

#define LOW_MIN (UINT64_C(16) << 20)
#define LOOK_S 1U

void server_ballast_open(struct server_ballast *ballast, const char *data, uint64_t bytes,
                         uint64_t free_space_min)
{
    *ballast = (struct server_ballast){.data = data, .bytes = bytes};
    ballast->low = free_space_min / 2 > LOW_MIN ? free_space_min / 2 : LOW_MIN;
    ballast->plenty = free_space_min + LOW_MIN + 2 * bytes;
    (void)snprintf(ballast->path, sizeof(ballast->path), "%s/ballast", data);
    ballast->is_there = plat_file_exists(ballast->path);
    if (bytes == 0 && ballast->is_there) {
        ballast->is_there = plat_file_remove(ballast->path) != ERR_OK;
    }
}

static void release(struct server_ballast *ballast)
{
    const enum err err = plat_file_remove(ballast->path);
    ballast->is_there = err != ERR_OK;
    LOG(LOG_WARN, "store.ballast-released", LOG_INT("bytes", ballast->bytes),
        LOG_TEXT("result", err_text(err)));
}

// Not every file system can: then there is none, and nothing is said.
static void keep(struct server_ballast *ballast)
{
    if (plat_file_reserve(ballast->path, ballast->bytes) == ERR_OK) {
        ballast->is_there = true;
    } else {
        ballast->bytes = 0;
    }
}

void server_ballast_look(struct server_ballast *ballast, struct mono now)
{
    uint64_t free_bytes = 0;
    if (ballast->bytes == 0 || !mono_reached(now, ballast->due)) {
        return;
    }
    ballast->due = mono_add(now, span_s(LOOK_S));
    if (plat_file_free_space(ballast->data, &free_bytes) != ERR_OK) {
        return;
    }
    if (ballast->is_there && free_bytes < ballast->low) {
        release(ballast);
    } else if (!ballast->is_there && free_bytes >= ballast->plenty) {
        keep(ballast);
    }
}
