// Error numbers of the kernel and what they are called in the program.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "plat/os_error.h"

static void each_number_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        int number;
        enum err err;
    } rows[] = {
        {ENOENT, ERR_NOT_FOUND},
        {ENOTDIR, ERR_NOT_FOUND},
        {EEXIST, ERR_ALREADY_EXISTS},
        {EACCES, ERR_FORBIDDEN},
        {EPERM, ERR_FORBIDDEN},
        {EROFS, ERR_FORBIDDEN},
        {EADDRINUSE, ERR_IN_USE},
        {EWOULDBLOCK, ERR_IN_USE},
        {EADDRNOTAVAIL, ERR_INVALID},
        {EAFNOSUPPORT, ERR_INVALID},
        {EBADF, ERR_INVALID},
        {EINVAL, ERR_INVALID},
        {EMFILE, ERR_EXHAUSTED},
        {ENFILE, ERR_EXHAUSTED},
        {ENOMEM, ERR_EXHAUSTED},
        {ENOSPC, ERR_NO_SPACE},
        {EDQUOT, ERR_NO_SPACE},
        {EIO, ERR_IO},
        {EISDIR, ERR_IO},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(plat_os_error(rows[i].number), rows[i].err);
    }
}

static void unknown_number_is_never_success(void **state)
{
    (void)state;
    assert_int_equal(plat_os_error(0), ERR_IO);
    assert_int_equal(plat_os_error(-1), ERR_IO);
    assert_int_equal(plat_os_error(100000), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_has_its_meaning),
        cmocka_unit_test(unknown_number_is_never_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
