#include "coap/echo.h"

#include <string.h>

#include "base/buf.h"

static void write(struct hash_key key, const struct coap_peer *peer, uint32_t second,
                  uint8_t value[COAP_ECHO_SIZE])
{
    uint8_t signed_bytes[sizeof(*peer) + sizeof(second)];
    memcpy(signed_bytes, peer, sizeof(*peer));
    memcpy(signed_bytes + sizeof(*peer), &second, sizeof(second));
    struct buf out = buf_over(value, COAP_ECHO_SIZE);
    buf_put_u32(&out, second);
    // All of it under the key: from one value nobody can tell the next.
    buf_put_u64(&out, hash_keyed(key, slice_of(signed_bytes, sizeof(signed_bytes))));
}

void coap_echo_make(struct hash_key key, const struct coap_peer *peer, struct mono now,
                    uint8_t value[COAP_ECHO_SIZE])
{
    write(key, peer, (uint32_t)(now.ns / 1000000000U), value);
}

bool coap_echo_holds(struct hash_key key, const struct coap_peer *peer, struct mono now,
                     struct slice value)
{
    if (value.len != COAP_ECHO_SIZE) {
        return false;
    }
    struct buf_reader reader = buf_reader_over(value);
    const uint32_t second = buf_read_u32(&reader);
    const uint32_t age = (uint32_t)(now.ns / 1000000000U) - second;
    uint8_t expected[COAP_ECHO_SIZE];
    write(key, peer, second, expected);
    return age <= COAP_ECHO_LIFE_S && slice_equal(value, slice_of(expected, COAP_ECHO_SIZE));
}
