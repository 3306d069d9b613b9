// The standard error stream, turned into a pipe for the time of the test.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "plat/process.h"

static void a_line_is_written_as_it_is(void **state)
{
    (void)state;
    int ends[2];
    char read_back[32] = "";
    assert_int_equal(pipe(ends), 0);
    const int kept = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    plat_process_error(SLICE("one line\n"));
    const bool is_terminal = plat_process_error_is_terminal();
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(read(ends[0], read_back, sizeof(read_back)), 9);
    assert_string_equal(read_back, "one line\n");
    assert_false(is_terminal);
    close(ends[0]);
    close(ends[1]);
    close(kept);
}

static void a_closed_stream_does_no_harm(void **state)
{
    (void)state;
    const int kept = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    plat_process_error(SLICE("lost\n"));
    const bool is_terminal = plat_process_error_is_terminal();
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    assert_false(is_terminal);
    close(kept);
}

static void the_environment_is_there(void **state)
{
    (void)state;
    bool is_found = false;
    assert_int_equal(setenv("PLAT_PROCESS_TEST", "here", 1), 0);
    for (char **variable = plat_process_environment(); *variable != NULL; variable++) {
        is_found = is_found || strcmp(*variable, "PLAT_PROCESS_TEST=here") == 0;
    }
    assert_true(is_found);
}

static void resident_memory_grows_when_it_is_touched(void **state)
{
    (void)state;
    const size_t size = 64U << 20;
    const uint64_t before = plat_process_resident();
    uint8_t *const memory = malloc(size);
    assert_non_null(memory);
    memset(memory, 1, size);
    assert_int_equal(memory[size - 1], 1);
    assert_true(plat_process_resident() >= before + size / 2);
    free(memory);
}

static void the_limit_of_descriptors_is_raised_as_far_as_it_goes(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit low = {64, before.rlim_max < 200 ? before.rlim_max : 200};
    // In a child, since a hard limit cannot be raised again.
    const pid_t child = fork();
    if (child == 0) {
        const bool is_good = setrlimit(RLIMIT_NOFILE, &low) == 0 &&
                             plat_process_descriptors(50) == 64 &&
                             plat_process_descriptors(100) == 100 &&
                             plat_process_descriptors(100000) == low.rlim_max;
        _exit(is_good ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_of_descriptors_is_raised_as_far_as_it_goes),
        cmocka_unit_test(a_line_is_written_as_it_is),
        cmocka_unit_test(a_closed_stream_does_no_harm),
        cmocka_unit_test(the_environment_is_there),
        cmocka_unit_test(resident_memory_grows_when_it_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
