// core/verbs_test.h: the core of a test program: made anew for each of its tests.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/core_test.h"

#define DEVICES_MAX 20U

static struct core_test test;

static inline int set_up(void **state)
{
    (void)state;
    return core_test_open(&test, DEVICES_MAX) == ERR_OK ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    core_test_close(&test);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
