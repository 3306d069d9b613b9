// The three signals stay blocked in every thread and are taken one at a time by `sigwait`, so no
// code ever runs inside a handler.
#include "plat/signal.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "base/assert.h"

static sigset_t wanted(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    return set;
}

static void set_action(int number, void (*action)(int))
{
    struct sigaction what = {.sa_handler = action};
    const int failed = sigaction(number, &what, NULL);
    ASSERT(failed == 0);
}

void plat_signal_init(void)
{
    const sigset_t set = wanted();

    // Shells start background commands with SIGINT ignored, nohup with SIGHUP: such a signal would
    // never become pending.
    set_action(SIGTERM, SIG_DFL);
    set_action(SIGINT, SIG_DFL);
    set_action(SIGHUP, SIG_DFL);
    set_action(SIGPIPE, SIG_IGN);
    const int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
    ASSERT(failed == 0);
}

void plat_signal_stop(void)
{
    const int failed = kill(getpid(), SIGTERM);
    ASSERT(failed == 0);
}

enum plat_signal plat_signal_wait(void)
{
    const sigset_t set = wanted();
    int number = 0;
    const int failed = sigwait(&set, &number);

    ASSERT(failed == 0);
    return number == SIGHUP ? PLAT_SIGNAL_RELOAD : PLAT_SIGNAL_STOP;
}
