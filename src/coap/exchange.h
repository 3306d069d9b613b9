// coap/exchange.h: a request that was taken and is not answered yet: what its answer needs to know,
// after the datagram is gone. Private to the endpoint.
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "coap/dedup.h"
#include "coap/message.h"
#include "coap/options.h"
#include "coap/peer.h"
#include "coap/timer.h"

struct coap_exchange {
    struct coap_timer timer; // of the empty ACK
    struct coap_dedup_key dedup;
    struct coap_peer peer;
    uint64_t request_hash; // names its answer for further blocks
    uint32_t paid_bytes;   // what may be sent for what the sender paid
    uint32_t taken_us;     // when it was taken, modulo 2^32
    struct coap_token token;
    uint16_t mid;
    uint8_t method;
    uint8_t no_response;
    uint8_t block1_szx;
    uint8_t block2_szx;
    bool confirmable : 1;
    bool ack_sent : 1;
    bool has_block1 : 1;
    bool block1_more : 1;
    bool has_block2 : 1;
    bool echoed : 1; // it returned a fresh Echo value
    bool keeps_credit : 1;
    bool is_open_listed : 1; // in coap/opened.h
    uint32_t opened_next;    // position + 1
    uint32_t block1_number;
    uint32_t block2_number;
};

static_assert(sizeof(struct coap_exchange) <= 160, "thousands of these stand in a worker");
