#include "plat/process.h"

#include <stdio.h>
#include <sys/resource.h>
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

uint64_t plat_process_resident(void)
{
    unsigned long long whole = 0;
    unsigned long long resident = 0;
    FILE *const file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "%llu %llu", &whole, &resident) != 2) {
        resident = 0;
    }
    (void)fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t plat_process_descriptors(uint64_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
        const struct rlimit raised = {wanted < limit.rlim_max ? wanted : limit.rlim_max,
                                      limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            limit = raised;
        }
    }
    return limit.rlim_cur;
}
