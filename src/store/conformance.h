// store/conformance.h: what every back end must do, as tests. A test program names its back end and
// runs the suite: a table of scenarios with stated outcomes, then a random walk that is compared
// step by step with the reference (memory.c). Built for tests only.
#pragma once

#include "store/fixture.h"

// Runs the suite; the number of failed tests.
int store_conformance_run(const char *name, const struct store_fixture_backend *backend);
