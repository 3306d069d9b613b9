#include "coap/transmit.h"

#include "coap/endpoint.h"

struct slot {
    struct coap_peer peer;
    struct buf buf;
    uint8_t bytes[COAP_DATAGRAM_MAX];
};

struct coap_transmit {
    uint32_t slots_max;
    uint32_t head; // next to be taken
    uint32_t tail; // next to be written
    struct slot slots[];
};

size_t coap_transmit_footprint(uint32_t datagrams_max)
{
    return sizeof(struct coap_transmit) + datagrams_max * sizeof(struct slot);
}

struct coap_transmit *coap_transmit_init(void *memory, uint32_t datagrams_max)
{
    struct coap_transmit *transmit = memory;
    transmit->slots_max = datagrams_max;
    transmit->head = transmit->tail = 0;
    return transmit;
}

uint32_t coap_transmit_room(const struct coap_transmit *transmit)
{
    // An emptied queue starts over at the front, which also keeps the same few slots warm.
    return transmit->head == transmit->tail ? transmit->slots_max
                                            : transmit->slots_max - transmit->tail;
}

struct buf *coap_transmit_begin(struct coap_transmit *transmit, const struct coap_peer *peer)
{
    if (transmit->head == transmit->tail) {
        transmit->head = transmit->tail = 0;
    }
    if (transmit->tail == transmit->slots_max) {
        return NULL;
    }
    struct slot *slot = &transmit->slots[transmit->tail];
    slot->peer = *peer;
    slot->buf = buf_over(slot->bytes, sizeof(slot->bytes));
    return &slot->buf;
}

void coap_transmit_end(struct coap_transmit *transmit)
{
    ASSERT(!transmit->slots[transmit->tail].buf.overflow);
    transmit->tail++;
}

bool coap_transmit_next(struct coap_transmit *transmit, struct coap_peer *peer, struct slice *bytes)
{
    if (transmit->head == transmit->tail) {
        return false;
    }
    const struct slot *slot = &transmit->slots[transmit->head++];
    *peer = slot->peer;
    *bytes = buf_view(&slot->buf);
    return true;
}
