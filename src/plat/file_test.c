// Files in a directory of their own: whole or not at all, private, and each error by its name.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat/file.h"

static char scratch[PATH_MAX];

static int make_scratch(void **state)
{
    (void)state;
    const char *root = getenv("TMPDIR");
    (void)snprintf(scratch, sizeof(scratch), "%s/file-test-XXXXXX", root != NULL ? root : "/tmp");
    return mkdtemp(scratch) != NULL ? 0 : -1;
}

static int remove_scratch(void **state)
{
    (void)state;
    char command[PATH_MAX + 16];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
    return system(command);
}

// One path at a time, until the next call.
static const char *in_scratch(const char *name)
{
    static char paths[4][PATH_MAX * 2];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
    return path;
}

static unsigned mode_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return about.st_mode & 07777;
}

static void assert_holds(const char *path, struct slice expected)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    assert_int_equal(plat_file_read(path, 1 << 20, &bytes, &len), ERR_OK);
    assert_true(slice_equal(slice_of(bytes, len), expected));
    plat_file_free(bytes);
}

static void directories_are_made_with_their_parents(void **state)
{
    (void)state;
    const char *path = in_scratch("a/b//c/");
    assert_int_equal(plat_file_make_directory(path), ERR_OK);
    assert_true(plat_file_exists(in_scratch("a/b/c")));
    assert_int_equal(mode_of(in_scratch("a")), 0700);
    assert_int_equal(mode_of(in_scratch("a/b/c")), 0700);
    assert_int_equal(plat_file_make_directory(path), ERR_OK);
    assert_int_equal(plat_file_make_directory("/"), ERR_OK);
    assert_int_equal(plat_file_make_directory("."), ERR_OK);
}

static void directory_by_a_relative_path_is_made(void **state)
{
    (void)state;
    char before[PATH_MAX];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(scratch), 0);
    assert_int_equal(plat_file_make_directory("relative/deep"), ERR_OK);
    assert_int_equal(plat_file_write("relative.txt", SLICE("x"), 0600), ERR_OK);
    assert_int_equal(chdir(before), 0);
    assert_true(plat_file_exists(in_scratch("relative/deep")));
    assert_holds(in_scratch("relative.txt"), SLICE("x"));
}

static void file_in_the_way_of_a_directory_is_said(void **state)
{
    (void)state;
    assert_int_equal(plat_file_write(in_scratch("plain"), SLICE(""), 0600), ERR_OK);
    assert_int_equal(plat_file_make_directory(in_scratch("plain")), ERR_ALREADY_EXISTS);
    assert_int_equal(plat_file_make_directory(in_scratch("plain/deep")), ERR_ALREADY_EXISTS);
    assert_int_equal(plat_file_make_directory(""), ERR_INVALID);
}

static void paths_that_are_too_long_are_refused(void **state)
{
    (void)state;
    char path[PATH_MAX + 10];
    uint8_t *bytes = NULL;
    size_t len = 0;
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = 0;
    assert_int_equal(plat_file_make_directory(path), ERR_TOO_LARGE);
    assert_int_equal(plat_file_write(path, SLICE("x"), 0600), ERR_TOO_LARGE);
    assert_int_equal(plat_file_read(path, 10, &bytes, &len), ERR_IO);
}

static void lock_has_one_holder(void **state)
{
    (void)state;
    const char *path = in_scratch("lock");
    int first = -1;
    int second = -1;
    assert_int_equal(plat_file_lock(path, &first), ERR_OK);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(plat_file_lock(path, &second), ERR_IN_USE);
    assert_int_equal(second, -1);
    plat_file_unlock(first);
    assert_int_equal(plat_file_lock(path, &second), ERR_OK);
    plat_file_unlock(second);
    assert_int_equal(plat_file_lock(in_scratch("none/lock"), &second), ERR_NOT_FOUND);
}

static void lock_ends_with_its_process(void **state)
{
    (void)state;
    const char *path = in_scratch("lock-of-a-child");
    int ends[2];
    int held = -1;
    char byte;

    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        const bool locked = plat_file_lock(path, &held) == ERR_OK;
        (void)!write(ends[1], locked ? "y" : "n", 1);
        (void)pause();
        _exit(0);
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(plat_file_lock(path, &held), ERR_IN_USE);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(plat_file_lock(path, &held), ERR_OK);
    plat_file_unlock(held);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static uint8_t large[100000];
    const char *path = in_scratch("file");
    for (size_t i = 0; i < sizeof(large); i++) {
        large[i] = (uint8_t)(i * 7 + i / 256);
    }
    assert_int_equal(plat_file_write(path, slice_of(large, sizeof(large)), 0640), ERR_OK);
    assert_holds(path, slice_of(large, sizeof(large)));
    assert_int_equal(plat_file_write(path, SLICE_EMPTY, 0640), ERR_OK);
    assert_holds(path, SLICE_EMPTY);
    assert_false(plat_file_exists(in_scratch("file.new")));
}

static void mode_holds_whatever_the_umask(void **state)
{
    (void)state;
    const char *path = in_scratch("mode");
    const mode_t before = umask(0077);
    assert_int_equal(plat_file_write(path, SLICE("x"), 0644), ERR_OK);
    assert_int_equal(mode_of(path), 0644);
    (void)umask(0);
    assert_int_equal(plat_file_write(path, SLICE("x"), 0600), ERR_OK);
    assert_int_equal(mode_of(path), 0600);
    (void)umask(before);
}

static void file_may_have_its_maximum_and_no_more(void **state)
{
    (void)state;
    static uint8_t bytes[9000];
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8192, 9000};
    const char *path = in_scratch("sized");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *read = NULL;
        size_t len = 7;
        assert_int_equal(plat_file_write(path, slice_of(bytes, sizes[i]), 0600), ERR_OK);
        assert_int_equal(plat_file_read(path, sizes[i], &read, &len), ERR_OK);
        assert_int_equal(len, sizes[i]);
        assert_non_null(read);
        plat_file_free(read);
        read = NULL;
        if (sizes[i] > 0) {
            assert_int_equal(plat_file_read(path, sizes[i] - 1, &read, &len), ERR_TOO_LARGE);
            assert_null(read);
        }
    }
}

static void file_without_a_size_is_read_to_its_end(void **state)
{
    (void)state;
    int ends[2];
    char path[64];
    static uint8_t bytes[20000];
    uint8_t *read = NULL;
    size_t len = 0;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
    (void)close(ends[1]);
    (void)snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    assert_int_equal(plat_file_read(path, 100000, &read, &len), ERR_OK);
    assert_int_equal(len, sizeof(bytes));
    plat_file_free(read);
    (void)close(ends[0]);
}

static void what_cannot_be_read_is_said_why(void **state)
{
    (void)state;
    uint8_t *bytes = NULL;
    size_t len = 0;
    assert_int_equal(plat_file_read(in_scratch("none"), 10, &bytes, &len), ERR_NOT_FOUND);
    assert_int_equal(plat_file_read(scratch, 10, &bytes, &len), ERR_IO);
    assert_null(bytes);
}

static void what_cannot_be_written_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_int_equal(plat_file_write(in_scratch("none/file"), SLICE("x"), 0600), ERR_NOT_FOUND);
    // A directory cannot be replaced by a file.
    assert_int_equal(plat_file_make_directory(in_scratch("dir")), ERR_OK);
    assert_int_equal(plat_file_write(in_scratch("dir"), SLICE("x"), 0600), ERR_IO);
    assert_false(plat_file_exists(in_scratch("dir.new")));
    // Nor is a link followed that stands under the temporary name.
    assert_int_equal(symlink("elsewhere", in_scratch("link.new")), 0);
    assert_int_equal(plat_file_write(in_scratch("link"), SLICE("x"), 0600), ERR_IO);
    assert_false(plat_file_exists(in_scratch("elsewhere")));
}

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

static int write_beyond_the_limit(void)
{
    static uint8_t bytes[10000];
    const struct rlimit limit = {4096, 4096};
    const char *path = in_scratch("limited");
    (void)signal(SIGXFSZ, SIG_IGN);
    if (plat_file_write(path, SLICE("old"), 0600) != ERR_OK ||
        setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 1;
    }
    if (plat_file_write(path, slice_of(bytes, sizeof(bytes)), 0600) != ERR_IO) {
        return 2;
    }
    return plat_file_exists(in_scratch("limited.new")) ? 3 : 0;
}

static void failed_write_keeps_the_old_file(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(write_beyond_the_limit), 0);
    assert_holds(in_scratch("limited"), SLICE("old"));
}

static int meet_closed_doors(void)
{
    uint8_t *bytes;
    size_t len;
    int held;
    // The directory belongs to somebody else, or is closed to us too.
    const bool ready =
        geteuid() == 0 ? setresuid(65534, 65534, 65534) == 0 : chmod(in_scratch("closed"), 0) == 0;
    if (!ready) {
        return 1;
    }
    if (plat_file_read(in_scratch("closed/file"), 10, &bytes, &len) != ERR_FORBIDDEN) {
        return 2;
    }
    if (plat_file_write(in_scratch("closed/file"), SLICE("y"), 0600) != ERR_FORBIDDEN) {
        return 3;
    }
    if (plat_file_lock(in_scratch("closed/lock"), &held) != ERR_FORBIDDEN) {
        return 4;
    }
    return plat_file_make_directory(in_scratch("closed/deep")) == ERR_FORBIDDEN ? 0 : 5;
}

static void closed_doors_are_forbidden(void **state)
{
    (void)state;
    assert_int_equal(plat_file_make_directory(in_scratch("closed")), ERR_OK);
    assert_int_equal(plat_file_write(in_scratch("closed/file"), SLICE("x"), 0600), ERR_OK);
    const int code = exit_code_of(meet_closed_doors);
    assert_int_equal(chmod(in_scratch("closed"), 0700), 0);
    assert_int_equal(code, 0);
}

static void free_space_is_told(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    assert_int_equal(plat_file_free_space(scratch, &bytes), ERR_OK);
    assert_true(bytes > 0);
    assert_int_equal(plat_file_free_space(in_scratch("none"), &bytes), ERR_NOT_FOUND);
}

static void a_reserved_file_takes_its_room_and_gives_it_back(void **state)
{
    (void)state;
    struct stat about;
    const char *path = in_scratch("reserved");
    assert_int_equal(plat_file_reserve(path, 1U << 20), ERR_OK);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_size, 1U << 20);
    assert_true(about.st_blocks * 512 >= 1U << 20);
    assert_int_equal(about.st_mode & 0777U, 0600);
    assert_int_equal(plat_file_remove(path), ERR_OK);
    assert_int_equal(plat_file_remove(path), ERR_NOT_FOUND);
    assert_int_equal(plat_file_reserve(in_scratch("nowhere/reserved"), 1), ERR_NOT_FOUND);
    // More than any disk has: nothing is left of it.
    assert_int_not_equal(plat_file_reserve(path, UINT64_C(1) << 60), ERR_OK);
    assert_false(plat_file_exists(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directories_are_made_with_their_parents),
        cmocka_unit_test(directory_by_a_relative_path_is_made),
        cmocka_unit_test(file_in_the_way_of_a_directory_is_said),
        cmocka_unit_test(paths_that_are_too_long_are_refused),
        cmocka_unit_test(lock_has_one_holder),
        cmocka_unit_test(lock_ends_with_its_process),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(mode_holds_whatever_the_umask),
        cmocka_unit_test(file_may_have_its_maximum_and_no_more),
        cmocka_unit_test(file_without_a_size_is_read_to_its_end),
        cmocka_unit_test(what_cannot_be_read_is_said_why),
        cmocka_unit_test(what_cannot_be_written_leaves_nothing_behind),
        cmocka_unit_test(failed_write_keeps_the_old_file),
        cmocka_unit_test(closed_doors_are_forbidden),
        cmocka_unit_test(free_space_is_told),
        cmocka_unit_test(a_reserved_file_takes_its_room_and_gives_it_back),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
