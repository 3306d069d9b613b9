#include "server/guard.h"

static void enter(void *context)
{
    plat_mutex_lock(context);
}

static void leave(void *context)
{
    plat_mutex_unlock(context);
}

struct core_guard server_guard_over(struct plat_mutex *mutex)
{
    return (struct core_guard){mutex, enter, leave};
}
