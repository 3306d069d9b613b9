// coap/opened.h: requests that are open and whose sender observes something, found by peer and
// token: a notification with the same token would be taken for the answer (RFC 7252 5.3.1).
//
// Bound: the exchanges that are open; they are chained through themselves. Requests of senders that
// observe nothing are not in it, so the plain path pays nothing for it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "coap/exchange.h"

#define COAP_OPENED_CHAINS 1024U

struct coap_opened {
    uint32_t chains[COAP_OPENED_CHAINS]; // position of an exchange + 1; 0: empty
};

// Nothing if it is there already.
void coap_opened_add(struct coap_opened *opened, struct pool *exchanges,
                     struct coap_exchange *exchange);
// Nothing if it is not there.
void coap_opened_remove(struct coap_opened *opened, struct pool *exchanges,
                        struct coap_exchange *exchange);
bool coap_opened_has(const struct coap_opened *opened, const struct pool *exchanges,
                     const struct coap_peer *peer, const struct coap_token *token);
