#include "server/beside.h"

static void run(void *context)
{
    struct server_beside *beside = context;
    beside->err = beside->run(beside->context);
}

enum err server_beside_start(struct server_beside *beside, const char *name)
{
    return plat_thread_start(&beside->thread, name, -1, beside, run);
}

enum err server_beside_join(struct server_beside *beside)
{
    plat_thread_join(&beside->thread);
    return beside->err;
}
