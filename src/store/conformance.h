// store/conformance.h: what every back end must do, as tests. A test program names its back end and
// runs the suite: a table of scenarios with stated outcomes, then a random walk that is compared
// step by step with the reference (memory.c). Built for tests only.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/fixture.h"

#define STORE_CONFORMANCE_MORE_MAX 64U

// Runs the suite and `more` tests of the back end's own, as one group; the number of failed tests.
int store_conformance_run(const char *name, const struct store_fixture_backend *backend,
                          const struct CMUnitTest *more, size_t more_count);
