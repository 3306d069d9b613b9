#include "plat/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plat/os_error.h"

#define NAME_LEN_MAX 15U

struct start {
    char name[NAME_LEN_MAX + 1];
    void *context;
    void (*run)(void *context);
};

static void *begin(void *owned_start)
{
    const struct start start = *(struct start *)owned_start;

    free(owned_start);
    (void)pthread_setname_np(pthread_self(), start.name);
    start.run(start.context);
    return NULL;
}

static int pin(pthread_attr_t *attributes, int cpu)
{
    cpu_set_t set;

    if (cpu < 0) {
        return 0;
    }
    if (cpu >= CPU_SETSIZE) {
        return EINVAL;
    }
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return pthread_attr_setaffinity_np(attributes, sizeof(set), &set);
}

// Signals go to the main thread only; the mask is inherited, so it is set around the creation.
static int create_masked(pthread_t *id, const pthread_attr_t *attributes, struct start *start)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(id, attributes, begin, start);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

enum err plat_thread_start(struct plat_thread *thread, const char *name, int cpu, void *context,
                           void (*run)(void *context))
{
    pthread_attr_t attributes;
    struct start *start = calloc(1, sizeof(*start));

    ASSERT(strlen(name) <= NAME_LEN_MAX);
    if (start == NULL) {
        return ERR_EXHAUSTED;
    }
    memcpy(start->name, name, strlen(name));
    start->context = context;
    start->run = run;

    int failed = pthread_attr_init(&attributes);
    ASSERT(failed == 0);
    failed = pin(&attributes, cpu);
    if (failed == 0) {
        failed = create_masked(&thread->id, &attributes, start);
    }
    (void)pthread_attr_destroy(&attributes);
    if (failed != 0) {
        free(start);
        return failed == EAGAIN ? ERR_EXHAUSTED : plat_os_error(failed);
    }
    return ERR_OK;
}

void plat_thread_join(struct plat_thread *thread)
{
    const int failed = pthread_join(thread->id, NULL);
    ASSERT(failed == 0);
}

void plat_thread_sleep(struct span span)
{
    const struct timespec time = {(time_t)(span.ns / 1000000000U), (long)(span.ns % 1000000000U)};
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

unsigned plat_thread_cpu_count(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        return (unsigned)CPU_COUNT(&set);
    }
    // More processors than the set has bits.
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}
