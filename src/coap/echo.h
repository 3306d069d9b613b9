// coap/echo.h: the value of the Echo option (RFC 9175 2): made and checked without state. A peer
// that returns a fresh one has received what we sent to its address, which proves its return path.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/slice.h"
#include "base/time.h"
#include "coap/peer.h"

#define COAP_ECHO_SIZE 12U
#define COAP_ECHO_LIFE_S 60U

void coap_echo_make(struct hash_key key, const struct coap_peer *peer, struct mono now,
                    uint8_t value[COAP_ECHO_SIZE]);
bool coap_echo_holds(struct hash_key key, const struct coap_peer *peer, struct mono now,
                     struct slice value);
