// plat/clock.h: the only place where a clock is read.
#pragma once

#include "base/time.h"

struct mono plat_clock_mono(void);
struct wall plat_clock_wall(void);
// Microseconds since 1970, for what orders events of several threads.
int64_t plat_clock_wall_us(void);
// CPU time of the calling thread, and of the whole process.
struct span plat_clock_thread_cpu(void);
struct span plat_clock_process_cpu(void);
