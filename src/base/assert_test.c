// ASSERT stops the process and says where; a true condition does nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/assert_test.h"

static void assert_zero(void *context)
{
    ASSERT(*(int *)context == 0);
}

static void false_condition_stops_the_process(void **state)
{
    (void)state;
    int one = 1;
    assert_true(assert_stops(assert_zero, &one));
}

static void true_condition_goes_on(void **state)
{
    (void)state;
    int zero = 0;
    assert_false(assert_stops(assert_zero, &zero));
}

static void condition_is_evaluated_once(void **state)
{
    (void)state;
    int count = 0;
    ASSERT(++count > 0);
    assert_int_equal(count, 1);
}

static void failure_names_the_place_and_the_condition(void **state)
{
    (void)state;
    int ends[2];
    char text[256] = {0};

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)dup2(ends[1], STDERR_FILENO);
        assert_failed("folder/file.c", 42, "a == b");
    }
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "folder/file.c:42"));
    assert_non_null(strstr(text, "a == b"));
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(false_condition_stops_the_process),
        cmocka_unit_test(true_condition_goes_on),
        cmocka_unit_test(condition_is_evaluated_once),
        cmocka_unit_test(failure_names_the_place_and_the_condition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
