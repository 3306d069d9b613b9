#include "coap/opened.h"

#include <string.h>

#include "base/hash.h"

static uint32_t chain_of(const struct coap_peer *peer, const struct coap_token *token)
{
    uint64_t word = 0;
    memcpy(&word, token->bytes, token->len);
    return (uint32_t)hash_word(word ^ (uint64_t)peer->remote_port << 48) % COAP_OPENED_CHAINS;
}

static struct coap_exchange *exchange_at(const struct pool *exchanges, uint32_t link)
{
    bool taken = false;
    struct coap_exchange *exchange = pool_at(exchanges, link - 1, &taken);
    ASSERT(taken);
    return exchange;
}

void coap_opened_add(struct coap_opened *opened, struct pool *exchanges,
                     struct coap_exchange *exchange)
{
    uint32_t *head = &opened->chains[chain_of(&exchange->peer, &exchange->token)];
    if (exchange->is_open_listed) {
        return;
    }
    exchange->is_open_listed = true;
    exchange->opened_next = *head;
    *head = pool_handle_of(exchanges, exchange).index + 1;
}

void coap_opened_remove(struct coap_opened *opened, struct pool *exchanges,
                        struct coap_exchange *exchange)
{
    if (!exchange->is_open_listed) {
        return;
    }
    const uint32_t link = pool_handle_of(exchanges, exchange).index + 1;
    uint32_t *at = &opened->chains[chain_of(&exchange->peer, &exchange->token)];
    while (*at != link) {
        at = &exchange_at(exchanges, *at)->opened_next;
    }
    *at = exchange->opened_next;
    exchange->is_open_listed = false;
}

bool coap_opened_has(const struct coap_opened *opened, const struct pool *exchanges,
                     const struct coap_peer *peer, const struct coap_token *token)
{
    uint32_t link = opened->chains[chain_of(peer, token)];
    while (link != 0) {
        const struct coap_exchange *exchange = exchange_at(exchanges, link);
        if (coap_token_equal(&exchange->token, token) && coap_peer_equal(&exchange->peer, peer)) {
            return true;
        }
        link = exchange->opened_next;
    }
    return false;
}
