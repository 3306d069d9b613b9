// coap/transmit.h: datagrams that wait to be sent, in order. The bytes of one that was taken stay
// where they are until the next one is added, so that a batch is sent without a copy.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/buf.h"
#include "coap/peer.h"

struct coap_transmit;

size_t coap_transmit_footprint(uint32_t datagrams_max);
struct coap_transmit *coap_transmit_init(void *memory, uint32_t datagrams_max);

uint32_t coap_transmit_room(const struct coap_transmit *transmit);
// A place for one datagram to `peer`; write into it, then end. NULL when there is no room.
MUST_USE struct buf *coap_transmit_begin(struct coap_transmit *transmit,
                                         const struct coap_peer *peer);
void coap_transmit_end(struct coap_transmit *transmit);

// The next one to send. False when there is none.
MUST_USE bool coap_transmit_next(struct coap_transmit *transmit, struct coap_peer *peer,
                                 struct slice *bytes);
