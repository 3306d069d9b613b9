// coap/timer.h: a timer that says whose it is, so that one wheel serves the whole endpoint. It
// stands first in what it times.
#pragma once

#include <stdint.h>

#include "base/wheel.h"

enum coap_timer_kind {
    COAP_TIMER_EXCHANGE, // the empty ACK of a request in hand
    COAP_TIMER_SENT,     // retransmission or end of a message of ours
};

struct coap_timer {
    struct wheel_timer wheel;
    uint8_t kind;
};
