// coap/peer.h: the remote endpoint of RFC 7252 (1.2, 9.1): an address, or a DTLS session. Message
// ids, tokens and deduplication belong to it. Outside `coap`, `dtls` and `api` it is an opaque
// route of 40 bytes.
//
// Two proofs are kept apart. Identity: a token, key or certificate shows which device speaks; `api`
// knows it. Return path: something came back that only a reader of our datagrams at that address
// could send; `coap/peers.h` keeps it.
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/hash.h"

enum coap_peer_kind {
    COAP_PEER_PLAIN,  // named by its address
    COAP_PEER_SECURE, // named by its DTLS session, whatever address that has at the moment
};

struct coap_peer {
    uint8_t remote_ip[16]; // plain: v4-mapped or IPv6; secure: zero
    uint8_t local_ip[16];  // the address of ours that it speaks to
    uint32_t scope;        // plain: interface of a link-local address; secure: session number
    uint16_t remote_port;
    uint8_t kind;   // enum coap_peer_kind
    uint8_t socket; // position in the list of bound addresses
};

static_assert(sizeof(struct coap_peer) == 40, "a route is at most 40 bytes wherever it is kept");

struct coap_peer coap_peer_plain(const struct address *remote, const struct address *local,
                                 uint8_t socket);
struct address coap_peer_remote(const struct coap_peer *peer);
struct address coap_peer_local(const struct coap_peer *peer);

bool coap_peer_equal(const struct coap_peer *a, const struct coap_peer *b);
// Keyed hash of what names the peer (kind, remote, scope, local, socket).
uint64_t coap_peer_hash(const struct coap_peer *peer, struct hash_key key);
