#include "plat/process.h"

#include <unistd.h>

void plat_process_error(struct slice line)
{
    (void)!write(STDERR_FILENO, line.ptr, line.len);
}

bool plat_process_error_is_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}

char **plat_process_environment(void)
{
    return environ;
}
