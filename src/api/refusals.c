#include "api/refusals.h"

bool api_refusals_answer(struct api_refusals *refusals, struct mono now,
                         const struct coap_peer *peer)
{
    const struct address remote = coap_peer_remote(peer);
    const size_t len = address_is_ipv4(&remote) ? 16 : 8;
    return rate_table_take(refusals->table, now,
                           hash_keyed(refusals->key, slice_of(remote.ip, len)));
}
