// base/assert.h: bugs stop the process. ASSERT stays on in release; ASSERT_SLOW only in builds with
// MOTEHUB_SLOW_CHECKS; NEVER says that outside data brought us somewhere it should not: it stops
// such builds and takes the safe branch in production.
#pragma once

#include <stdbool.h>

#define MUST_USE __attribute__((warn_unused_result))

// Prints the place and aborts.
_Noreturn void assert_failed(const char *file, int line, const char *condition);

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            assert_failed(__FILE__, __LINE__, #condition);                                         \
        }                                                                                          \
    } while (false)

#ifdef MOTEHUB_SLOW_CHECKS
#define ASSERT_SLOW(condition) ASSERT(condition)
#define NEVER(condition)                                                                           \
    ((condition) ? (assert_failed(__FILE__, __LINE__, #condition), true) : false)
#else
#define ASSERT_SLOW(condition) ((void)sizeof(condition))
#define NEVER(condition) __builtin_expect((condition), 0)
#endif
