// bench/downlinks.h: what goes to devices: observations are made, changes and calls come by REST.
#pragma once

#include "bench/load.h"

// Each run warms up, says so, and counts what follows.

// Registers both observations of each device.
void bench_downlinks_observe(struct bench_load *load);
// One change of a shared attribute of each device; with `watched` each observes, and a change is
// answered when its notification is there, else when REST answers.
void bench_downlinks_change(struct bench_load *load, bool watched);
// Two-way calls, as many under way as there are connections, at most one to a device.
void bench_downlinks_call(struct bench_load *load);
// GET /readyz: what a request over HTTP costs by itself.
void bench_downlinks_ask(struct bench_load *load);
