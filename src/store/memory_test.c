// The reference against the scenarios: what the suite says is what memory.c does. The random walk
// compares it with itself here, which shows that a walk is the same for the same seed.
#include "store/conformance.h"

static struct store *open_memory(void *context, const struct store_limits *limits)
{
    (void)context;
    struct store *store = NULL;
    return store_memory_open(limits, &store) == ERR_OK ? store : NULL;
}

static void reset(void *context)
{
    (void)context;
}

int main(void)
{
    const struct store_fixture_backend backend = {.reset = reset, .open = open_memory};
    return store_conformance_run("memory", &backend, NULL, 0);
}
