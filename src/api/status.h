// api/status.h: what a device gets for each error of the program.
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "coap/endpoint.h"

// The response code. `upstream_codes` maps 4.29 and 4.03 back to 5.00 for clients that know no
// better (protocol-rules.md section 6).
uint8_t api_status_code(enum err err, bool upstream_codes);

// Seconds after which a refused device may try again: 2 to 10, spread by the peer, so that a fleet
// that was refused at once does not come back at once. COAP_MAX_AGE_NONE for codes that carry none.
uint32_t api_status_max_age(uint8_t code, const struct coap_peer *peer);
// The same where the peer is not at hand: spread by the ticket of its request.
uint32_t api_status_max_age_of_ticket(uint8_t code, uint64_t ticket);
