// coap/noted.h: message ids of NON notifications that went out, so that an RST that comes back is
// matched (RFC 7641 3.6; protocol-rules.md section 2).
//
// Bounds: the last COAP_NOTED_MAX of all peers; an older one is forgotten and its RST ignored. One
// worker owns it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define COAP_NOTED_MAX 16384U

struct coap_noted;

size_t coap_noted_footprint(void);
// `memory` is zeroed, aligned to 64, and outlives it.
struct coap_noted *coap_noted_init(void *memory);
// `hash` names peer and message id; `ticket` is not 0.
void coap_noted_put(struct coap_noted *noted, uint64_t hash, uint64_t ticket);
// How many are kept.
uint32_t coap_noted_count(const struct coap_noted *noted);
// The ticket, once; 0 if it is not there.
uint64_t coap_noted_take(struct coap_noted *noted, uint64_t hash);
