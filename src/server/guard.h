// server/guard.h: the guards of the core (core/core.h) are mutexes.
#pragma once

#include "core/core.h"
#include "plat/thread.h"

// The mutex is ready, and outlives the guard.
struct core_guard server_guard_over(struct plat_mutex *mutex);
