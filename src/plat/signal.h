// plat/signal.h: SIGTERM, SIGINT and SIGHUP as flags that the main thread waits for. SIGPIPE is
// ignored.
#pragma once

enum plat_signal { PLAT_SIGNAL_STOP, PLAT_SIGNAL_RELOAD };

// Before any thread is started.
void plat_signal_init(void);
// From any thread: as if the process had been told to stop.
void plat_signal_stop(void);
// Blocks until the next one.
enum plat_signal plat_signal_wait(void);
