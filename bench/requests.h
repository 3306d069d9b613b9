// bench/requests.h: what a device asks by CoAP, and what it does with what comes.
#pragma once

#include "bench/load.h"

void bench_requests_init(struct bench_load *load);
// An idle device asks; the request stands in `waiting` until it is answered.
void bench_requests_begin(struct bench_load *load, uint32_t device, enum bench_kind kind);
// A call came: answers it, now or when the request under way is over; a repeat is counted only.
void bench_requests_reply(struct bench_load *load, uint32_t device, uint32_t call);
void bench_requests_repeat_late(struct bench_load *load);
bench_peers_take_fn bench_requests_take; // context: struct bench_load
