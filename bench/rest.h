// bench/rest.h: requests over HTTP on many connections that stay open, one under way on each.
#pragma once

#include "bench/load.h"

// Connects; the data of events is BENCH_PEERS_SOCKETS and up. The environment's BENCH_TOKEN goes
// along with each request. Ends the program when the server takes no more connections.
struct bench_rest *bench_rest_open(unsigned port, unsigned connections, int epoll);
// False when each connection is busy. `load->rested` hears of the answer.
bool bench_rest_begin(struct bench_load *load, uint32_t device, const char *method,
                      const char *path, const char *body);
// What came on the connection that an event named.
void bench_rest_receive(struct bench_load *load, uint32_t event);
// Nothing is under way.
bool bench_rest_is_idle(const struct bench_rest *rest);
