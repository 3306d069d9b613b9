// Signals: each of the three becomes its flag, in the waiting thread, also when it came before the
// wait; a closed pipe kills nobody. In child processes, so that the test itself stays as it was.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat/signal.h"
#include "plat/thread.h"

// The exit code of `act` in a child process, or -1 if a signal ended it.
static int exit_code_of(int (*act)(void))
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        _exit(act());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int take_each(void)
{
    static const struct {
        int number;
        enum plat_signal signal;
    } rows[] = {
        {SIGTERM, PLAT_SIGNAL_STOP}, {SIGHUP, PLAT_SIGNAL_RELOAD}, {SIGINT, PLAT_SIGNAL_STOP}};
    plat_signal_init();
    for (int i = 0; i < 3; i++) {
        (void)kill(getpid(), rows[i].number);
        if (plat_signal_wait() != rows[i].signal) {
            return i + 1;
        }
    }
    plat_signal_stop();
    return plat_signal_wait() == PLAT_SIGNAL_STOP ? 0 : 4;
}

static void each_signal_becomes_its_flag(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(take_each), 0);
}

static int take_ignored(void)
{
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    plat_signal_init();
    (void)kill(getpid(), SIGHUP);
    if (plat_signal_wait() != PLAT_SIGNAL_RELOAD) {
        return 1;
    }
    (void)kill(getpid(), SIGINT);
    return plat_signal_wait() == PLAT_SIGNAL_STOP ? 0 : 2;
}

static void signals_that_the_parent_ignored_come_through(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(take_ignored), 0);
}

static void kill_process(void *context)
{
    const struct timespec span = {.tv_sec = 0, .tv_nsec = 20000000};
    (void)context;
    (void)nanosleep(&span, NULL);
    (void)kill(getpid(), SIGTERM);
}

static int wait_beside_a_thread(void)
{
    struct plat_thread thread;
    plat_signal_init();
    if (plat_thread_start(&thread, "killer", -1, NULL, kill_process) != ERR_OK) {
        return 1;
    }
    const enum plat_signal got = plat_signal_wait();
    plat_thread_join(&thread);
    return got == PLAT_SIGNAL_STOP ? 0 : 2;
}

static void waiting_thread_gets_it_beside_others(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(wait_beside_a_thread), 0);
}

static int write_to_nobody(void)
{
    int ends[2];
    plat_signal_init();
    if (pipe(ends) != 0 || close(ends[0]) != 0) {
        return 1;
    }
    return write(ends[1], "x", 1) < 0 && errno == EPIPE ? 0 : 2;
}

static void closed_pipe_is_an_error_and_no_death(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(write_to_nobody), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signal_becomes_its_flag),
        cmocka_unit_test(signals_that_the_parent_ignored_come_through),
        cmocka_unit_test(waiting_thread_gets_it_beside_others),
        cmocka_unit_test(closed_pipe_is_an_error_and_no_death),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
