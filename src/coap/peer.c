#include "coap/peer.h"

#include <string.h>

struct coap_peer coap_peer_plain(const struct address *remote, const struct address *local,
                                 uint8_t socket)
{
    struct coap_peer peer = {.scope = remote->scope,
                             .remote_port = remote->port,
                             .kind = COAP_PEER_PLAIN,
                             .socket = socket};
    memcpy(peer.remote_ip, remote->ip, sizeof(peer.remote_ip));
    memcpy(peer.local_ip, local->ip, sizeof(peer.local_ip));
    return peer;
}

struct address coap_peer_remote(const struct coap_peer *peer)
{
    struct address address = {.scope = peer->scope, .port = peer->remote_port};
    memcpy(address.ip, peer->remote_ip, sizeof(address.ip));
    return address;
}

struct address coap_peer_local(const struct coap_peer *peer)
{
    struct address address = {.scope = peer->scope};
    memcpy(address.ip, peer->local_ip, sizeof(address.ip));
    return address;
}

bool coap_peer_equal(const struct coap_peer *a, const struct coap_peer *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

uint64_t coap_peer_hash(const struct coap_peer *peer, struct hash_key key)
{
    return hash_keyed(key, slice_of(peer, sizeof(*peer)));
}
