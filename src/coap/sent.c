#include "coap/sent.h"

#include <string.h>

#include "base/map.h"
#include "coap/endpoint.h"
#include "coap/noted.h"
#include "coap/timer.h"

// News wait from one tick to the next; a slot that a NON left is used again meanwhile.
#define NEWS_FACTOR 4U

enum state {
    STATE_DELAYED,   // waits for its moment
    STATE_QUEUED,    // waits until the peer has fewer in flight
    STATE_IN_FLIGHT, // confirmable, not acknowledged
    STATE_AWAITING,  // a request that waits for its response
};

struct message {
    struct coap_timer timer;
    struct coap_peer peer;
    struct coap_token token;
    uint64_t ticket;
    struct mono started;
    struct span timeout;
    uint32_t allowance;
    uint32_t next_waiting; // position + 1, chain of the peer
    uint32_t next_flying;  // position + 1, those of the peer that are counted
    uint16_t mid;
    uint8_t state;
    uint8_t transmissions;
    bool confirmable;
    bool wants_response;
    bool counted; // among its peer's messages in flight
    bool is_told; // that its first transmission, or one that it waits behind, was not acknowledged
    uint64_t mid_hash;
    uint64_t token_hash;
    struct buf buf;
    uint8_t bytes[COAP_DATAGRAM_MAX];
};

struct news {
    struct coap_sent_name name;
    enum coap_sent_outcome outcome;
};

struct coap_sent {
    struct coap_sent_tools tools;
    struct pool *pool;
    struct news *news; // a queue of `news_max`: each slot may have transmitted a few NON
    uint32_t news_max;
    uint32_t news_first;
    uint32_t news_count;
    struct coap_noted *noted; // NON notifications by message id
    struct map *by_mid;       // confirmable ones in flight
    struct map *by_token;     // requests
    struct coap_sent_stats stats;
};

static size_t round64(size_t size)
{
    return (size + 63U) & ~(size_t)63U;
}

size_t coap_sent_footprint(uint32_t sent_max)
{
    return round64(sizeof(struct coap_sent)) +
           round64(pool_footprint(sent_max, sizeof(struct message))) +
           2 * round64(map_footprint(sent_max)) +
           round64((size_t)NEWS_FACTOR * sent_max * sizeof(struct news)) + coap_noted_footprint();
}

struct coap_sent *coap_sent_init(void *memory, uint32_t sent_max,
                                 const struct coap_sent_tools *tools)
{
    struct coap_sent *sent = memory;
    uint8_t *at = (uint8_t *)memory + round64(sizeof(*sent));
    *sent = (struct coap_sent){.tools = *tools, .stats = {.count_max = sent_max}};
    sent->pool = pool_init(at, sent_max, sizeof(struct message));
    at += round64(pool_footprint(sent_max, sizeof(struct message)));
    sent->by_mid = map_init(at, sent_max);
    at += round64(map_footprint(sent_max));
    sent->by_token = map_init(at, sent_max);
    at += round64(map_footprint(sent_max));
    sent->news = (struct news *)(void *)at;
    sent->news_max = NEWS_FACTOR * sent_max;
    at += round64(sent->news_max * sizeof(struct news));
    sent->noted = coap_noted_init(at);
    return sent;
}

bool coap_sent_full(const struct coap_sent *sent)
{
    // Every slot may still have two things to be told about it.
    return pool_taken(sent->pool) == pool_count(sent->pool) ||
           sent->news_count + 2 * pool_count(sent->pool) > sent->news_max;
}

static uint64_t mid_hash(const struct coap_sent *sent, const struct coap_peer *peer, uint16_t mid)
{
    return hash_word(coap_peer_hash(peer, sent->tools.key) + mid);
}

static uint64_t token_hash(const struct coap_sent *sent, const struct coap_peer *peer,
                           const struct coap_token *token)
{
    const uint64_t hash = hash_keyed(sent->tools.key, slice_of(token->bytes, token->len));
    return hash_word(coap_peer_hash(peer, sent->tools.key) ^ hash ^ token->len);
}

static struct message *message_at(const struct coap_sent *sent, uint32_t position)
{
    bool taken = false;
    struct message *message = pool_at(sent->pool, position, &taken);
    ASSERT(taken);
    return message;
}

static struct pool_handle handle_of(const struct coap_sent *sent, const struct message *message)
{
    return pool_handle_of(sent->pool, message);
}

struct buf *coap_sent_begin(struct coap_sent *sent, const struct coap_sent_terms *terms,
                            struct pool_handle *handle)
{
    struct message *message = coap_sent_full(sent) ? NULL : pool_take(sent->pool, handle);
    if (message == NULL) {
        return NULL;
    }
    message->timer.kind = sent->tools.timer_kind;
    message->peer = terms->peer;
    message->token = terms->token;
    message->ticket = terms->ticket;
    message->mid = terms->mid;
    message->confirmable = terms->confirmable;
    message->wants_response = terms->wants_response;
    message->allowance = terms->allowance;
    message->started = terms->start;
    message->mid_hash = mid_hash(sent, &terms->peer, terms->mid);
    message->token_hash = token_hash(sent, &terms->peer, &terms->token);
    message->buf = buf_over(message->bytes, sizeof(message->bytes));
    return &message->buf;
}

// A message pays with what its request left, then with the peer's allowance. One that may not be
// sent now still runs through its time-outs: the path may be proven meanwhile.
static bool may_send(struct coap_sent *sent, struct mono now, struct message *message)
{
    const uint32_t len = (uint32_t)message->buf.len;
    if (message->allowance == UINT32_MAX) {
        return true;
    }
    const uint32_t own = message->allowance < len ? message->allowance : len;
    struct coap_peer_state *state =
        own < len ? coap_peers_find(sent->tools.peers, &message->peer) : NULL;
    if (own < len && (state == NULL || !coap_peers_allow(state, now, len - own))) {
        sent->stats.withheld++;
        return false;
    }
    message->allowance -= own;
    return true;
}

void coap_sent_grant(struct coap_sent *sent, struct pool_handle handle)
{
    struct message *message = pool_get(sent->pool, handle);
    ASSERT(message != NULL);
    message->allowance = (uint32_t)message->buf.len;
}

enum put { PUT_OUT, PUT_WITHHELD, PUT_NO_ROOM };

static enum put put_out(struct coap_sent *sent, struct mono now, struct message *message)
{
    if (coap_transmit_room(sent->tools.transmit) == 0) {
        return PUT_NO_ROOM;
    }
    if (!may_send(sent, now, message)) {
        return PUT_WITHHELD;
    }
    struct buf *out = coap_transmit_begin(sent->tools.transmit, &message->peer);
    buf_put_slice(out, buf_view(&message->buf));
    coap_transmit_end(sent->tools.transmit);
    return PUT_OUT;
}

static struct coap_sent_name name_of(const struct coap_sent *sent, const struct message *message)
{
    return (struct coap_sent_name){
        .handle = handle_of(sent, message), .ticket = message->ticket, .mid = message->mid};
}

static void add_news(struct coap_sent *sent, const struct message *message,
                     enum coap_sent_outcome outcome)
{
    if (message->ticket == 0) {
        return;
    }
    ASSERT(sent->news_count < sent->news_max);
    const uint32_t at = (sent->news_first + sent->news_count++) % sent->news_max;
    const struct coap_peer_state *state = coap_peers_find(sent->tools.peers, &message->peer);
    sent->news[at] = (struct news){name_of(sent, message), outcome};
    sent->news[at].name.round_trip_ms = state != NULL ? state->round_trip_ms : 0;
}

enum coap_sent_outcome coap_sent_news(struct coap_sent *sent, struct coap_sent_name *name)
{
    if (sent->news_count == 0) {
        return COAP_SENT_NOTHING;
    }
    const struct news *news = &sent->news[sent->news_first];
    *name = news->name;
    sent->news_first = (sent->news_first + 1) % sent->news_max;
    sent->news_count--;
    return news->outcome;
}

static void set_timer(struct coap_sent *sent, struct message *message, struct mono at)
{
    wheel_set(sent->tools.wheel, &message->timer.wheel, at);
}

static void finish(struct coap_sent *sent, struct message *message)
{
    const struct pool_handle handle = handle_of(sent, message);
    wheel_cancel(sent->tools.wheel, &message->timer.wheel);
    if (message->wants_response) {
        map_remove(sent->by_token, message->token_hash, handle.index);
    }
    pool_give(sent->pool, handle);
}

static void transmit_first(struct coap_sent *sent, struct mono now, struct message *message)
{
    const enum put put = put_out(sent, now, message);
    if (put == PUT_NO_ROOM) {
        set_timer(sent, message, now);
        message->state = STATE_DELAYED;
        return;
    }
    message->started = now;
    message->transmissions = 1;
    if (!message->confirmable && !message->wants_response) {
        add_news(sent, message, put == PUT_OUT ? COAP_SENT_TRANSMITTED : COAP_SENT_LOST);
        if (message->ticket != 0 && put == PUT_OUT) {
            coap_noted_put(sent->noted, message->mid_hash, message->ticket);
        }
        finish(sent, message);
        return;
    }
    add_news(sent, message, COAP_SENT_TRANSMITTED);
    if (!message->confirmable) {
        message->state = STATE_AWAITING;
        set_timer(sent, message, mono_add(now, span_ms(COAP_MAX_TRANSMIT_WAIT_MS)));
        return;
    }
    const struct coap_peer_state *state = coap_peers_find(sent->tools.peers, &message->peer);
    const uint64_t timeout =
        state != NULL ? coap_peers_ack_timeout(state).ns : span_ms(COAP_ACK_TIMEOUT_MS).ns;
    // Between 1 and ACK_RANDOM_FACTOR 1.5 times the time-out (RFC 7252 4.2).
    message->timeout.ns = timeout + random_below(sent->tools.random, timeout / 2 + 1);
    message->state = STATE_IN_FLIGHT;
    const bool is_put = map_put(sent->by_mid, message->mid_hash, handle_of(sent, message).index);
    ASSERT(is_put);
    set_timer(sent, message, mono_add(now, message->timeout));
}

static void chain_append(struct coap_sent *sent, struct coap_peer_state *state, uint32_t position)
{
    if (state->waiting_last != 0) {
        message_at(sent, state->waiting_last - 1)->next_waiting = position + 1;
    } else {
        state->waiting_first = position + 1;
    }
    state->waiting_last = position + 1;
}

// The next of the chain that still makes sense: whoever waits for a response has given up by
// MAX_TRANSMIT_WAIT (RFC 7252 4.8.2).
static struct message *chain_take(struct coap_sent *sent, struct mono now,
                                  struct coap_peer_state *state)
{
    while (state->waiting_first != 0) {
        struct message *next = message_at(sent, state->waiting_first - 1);
        state->waiting_first = next->next_waiting;
        if (state->waiting_first == 0) {
            state->waiting_last = 0;
        }
        next->next_waiting = 0;
        const struct span waited = mono_since(now, next->started);
        if (next->wants_response || waited.ns < span_ms(COAP_MAX_TRANSMIT_WAIT_MS).ns) {
            return next;
        }
        sent->stats.lost++;
        add_news(sent, next, COAP_SENT_LOST);
        finish(sent, next);
    }
    return NULL;
}

// A place in flight towards the peer is taken; NSTART bounds the chain.
static void take_place(struct coap_sent *sent, struct coap_peer_state *state,
                       struct message *message)
{
    message->counted = true;
    message->next_flying = state->flying_first;
    state->flying_first = handle_of(sent, message).index + 1;
    state->in_flight++;
}

static void leave_place(struct coap_sent *sent, struct coap_peer_state *state,
                        struct message *message)
{
    const uint32_t position = handle_of(sent, message).index + 1;
    uint32_t *at = &state->flying_first;
    while (*at != position) {
        ASSERT(*at != 0);
        at = &message_at(sent, *at - 1)->next_flying;
    }
    *at = message->next_flying;
    ASSERT(state->in_flight > 0);
    message->counted = false;
    state->in_flight--;
}

// A place in flight towards the peer came free: the next in its chain goes out.
static void give_turn(struct coap_sent *sent, struct mono now, struct message *message)
{
    struct coap_peer_state *state = coap_peers_find(sent->tools.peers, &message->peer);
    if (!message->counted) {
        return;
    }
    ASSERT(state != NULL);
    leave_place(sent, state, message);
    struct message *next = chain_take(sent, now, state);
    if (next != NULL) {
        take_place(sent, state, next);
        transmit_first(sent, now, next);
    }
}

static void landed(struct coap_sent *sent, struct mono now, struct message *message)
{
    map_remove(sent->by_mid, message->mid_hash, handle_of(sent, message).index);
    give_turn(sent, now, message);
}

// Those that wait for a peer that does not answer have as little hope.
static void tell_waiting(struct coap_sent *sent, const struct coap_peer_state *state)
{
    uint32_t position = state != NULL ? state->waiting_first : 0;
    while (position != 0) {
        struct message *message = message_at(sent, position - 1);
        if (!message->is_told) {
            message->is_told = true;
            add_news(sent, message, COAP_SENT_UNANSWERED);
        }
        position = message->next_waiting;
    }
}

static bool is_silent(const struct coap_sent *sent, const struct coap_peer_state *state)
{
    bool is_told = false;
    for (uint32_t position = state->flying_first; position != 0 && !is_told;) {
        const struct message *message = message_at(sent, position - 1);
        is_told = message->is_told;
        position = message->next_flying;
    }
    return is_told;
}

static void start_confirmable(struct coap_sent *sent, struct mono now, struct message *message)
{
    struct coap_peer_state *state = coap_peers_take(sent->tools.peers, now, &message->peer);
    if (state == NULL || message->counted) {
        // Its place is taken already, or every peer that is remembered has a message in flight and
        // this one goes out without NSTART.
        transmit_first(sent, now, message);
        return;
    }
    if (state->in_flight >= sent->tools.nstart) {
        message->state = STATE_QUEUED;
        message->started = now;
        chain_append(sent, state, handle_of(sent, message).index);
        if (is_silent(sent, state)) {
            tell_waiting(sent, state);
        }
        return;
    }
    take_place(sent, state, message);
    transmit_first(sent, now, message);
}

static void start_now(struct coap_sent *sent, struct mono now, struct message *message)
{
    if (message->confirmable) {
        start_confirmable(sent, now, message);
    } else {
        transmit_first(sent, now, message);
    }
}

void coap_sent_start(struct coap_sent *sent, struct mono now, struct pool_handle handle)
{
    struct message *message = pool_get(sent->pool, handle);
    ASSERT(message != NULL && !message->buf.overflow);
    if (message->wants_response) {
        const bool put = map_put(sent->by_token, message->token_hash, handle.index);
        ASSERT(put);
    }
    if (message->started.ns > now.ns) {
        message->state = STATE_DELAYED;
        set_timer(sent, message, message->started);
        return;
    }
    start_now(sent, now, message);
}

struct search {
    const struct coap_sent *sent;
    const struct coap_peer *peer;
    const struct coap_token *token;
    uint16_t mid;
};

static bool has_mid(void *context, uint32_t position)
{
    const struct search *search = context;
    const struct message *message = message_at(search->sent, position);
    return message->mid == search->mid && coap_peer_equal(&message->peer, search->peer);
}

static bool has_token(void *context, uint32_t position)
{
    const struct search *search = context;
    const struct message *message = message_at(search->sent, position);
    return coap_token_equal(&message->token, search->token) &&
           coap_peer_equal(&message->peer, search->peer);
}

// What an ACK teaches: the peer reads what we send to its address, and how long that takes.
static void learn(struct coap_sent *sent, struct mono now, const struct message *message)
{
    struct coap_peer_state *state = coap_peers_find(sent->tools.peers, &message->peer);
    if (state == NULL) {
        return;
    }
    state->path_proven = true;
    if (message->transmissions == 1) {
        coap_peers_measured(state, mono_since(now, message->started));
    }
}

enum coap_sent_outcome coap_sent_acknowledged(struct coap_sent *sent, struct mono now,
                                              const struct coap_peer *peer,
                                              const struct coap_message *message,
                                              struct coap_sent_name *name)
{
    struct search search = {sent, peer, NULL, message->mid};
    const uint64_t hash = mid_hash(sent, peer, message->mid);
    const uint32_t position = map_find(sent->by_mid, hash, &search, has_mid);
    if (position == MAP_NONE) {
        *name = (struct coap_sent_name){.handle = POOL_HANDLE_NONE};
        name->ticket = message->type == COAP_RST ? coap_noted_take(sent->noted, hash) : 0;
        return name->ticket != 0 ? COAP_SENT_REJECTED : COAP_SENT_NOTHING;
    }
    struct message *mine = message_at(sent, position);
    *name = name_of(sent, mine);
    if (message->code != COAP_EMPTY &&
        (!mine->wants_response || !coap_token_equal(&message->token, &mine->token))) {
        return COAP_SENT_NOTHING;
    }
    learn(sent, now, mine);
    landed(sent, now, mine);
    if (message->type == COAP_RST) {
        sent->stats.rejected++;
        finish(sent, mine);
        return COAP_SENT_REJECTED;
    }
    if (mine->wants_response && message->code == COAP_EMPTY) {
        mine->state = STATE_AWAITING;
        set_timer(sent, mine, mono_add(now, span_ms(COAP_MAX_TRANSMIT_WAIT_MS)));
        return COAP_SENT_NOTHING;
    }
    const bool request = mine->wants_response;
    finish(sent, mine);
    return request ? COAP_SENT_RESPONSE : COAP_SENT_DELIVERED;
}

static void chain_remove(struct coap_sent *sent, struct coap_peer_state *state, uint32_t position)
{
    uint32_t previous = 0;
    for (uint32_t at = state->waiting_first; at != 0;) {
        struct message *message = message_at(sent, at - 1);
        if (at == position + 1) {
            if (previous == 0) {
                state->waiting_first = message->next_waiting;
            } else {
                message_at(sent, previous - 1)->next_waiting = message->next_waiting;
            }
            state->waiting_last = state->waiting_last == at ? previous : state->waiting_last;
            return;
        }
        previous = at;
        at = message->next_waiting;
    }
}

// It waits for nothing any more: what it held of its peer comes free.
static void withdraw(struct coap_sent *sent, struct mono now, struct message *message)
{
    if (message->state == STATE_QUEUED) {
        struct coap_peer_state *state = coap_peers_find(sent->tools.peers, &message->peer);
        ASSERT(state != NULL);
        chain_remove(sent, state, handle_of(sent, message).index);
    } else if (message->state == STATE_IN_FLIGHT) {
        landed(sent, now, message);
    } else if (message->counted) {
        // It waits for a place in the transmit queue, in its turn already.
        give_turn(sent, now, message);
    }
    finish(sent, message);
}

enum coap_sent_outcome coap_sent_responded(struct coap_sent *sent, struct mono now,
                                           const struct coap_peer *peer,
                                           const struct coap_token *token,
                                           struct coap_sent_name *name)
{
    struct search search = {sent, peer, token, 0};
    const uint32_t position =
        map_find(sent->by_token, token_hash(sent, peer, token), &search, has_token);
    if (position == MAP_NONE) {
        return COAP_SENT_NOTHING;
    }
    struct message *mine = message_at(sent, position);
    *name = name_of(sent, mine);
    if (mine->state == STATE_IN_FLIGHT) {
        // The response says that the request arrived, though its ACK was lost (RFC 7252 5.2.2).
        learn(sent, now, mine);
    }
    withdraw(sent, now, mine);
    return COAP_SENT_RESPONSE;
}

static enum coap_sent_outcome give_up(struct coap_sent *sent, struct mono now,
                                      struct message *message)
{
    // A delayed multicast answer or a NON response waits for nothing.
    const bool told = message->confirmable || message->wants_response;
    if (message->state == STATE_IN_FLIGHT) {
        landed(sent, now, message);
    }
    finish(sent, message);
    sent->stats.lost += told ? 1 : 0;
    return told ? COAP_SENT_LOST : COAP_SENT_NOTHING;
}

enum coap_sent_outcome coap_sent_fired(struct coap_sent *sent, struct mono now,
                                       struct wheel_timer *timer, struct coap_sent_name *name)
{
    struct message *message = (struct message *)(void *)timer;
    *name = name_of(sent, message);
    if (message->state == STATE_DELAYED) {
        start_now(sent, now, message);
        return COAP_SENT_NOTHING;
    }
    if (message->state == STATE_AWAITING || message->transmissions > COAP_MAX_RETRANSMIT) {
        return give_up(sent, now, message);
    }
    if (put_out(sent, now, message) == PUT_NO_ROOM) {
        set_timer(sent, message, mono_add(now, span_ms(20)));
        return COAP_SENT_NOTHING;
    }
    message->transmissions++;
    message->timeout.ns *= 2;
    sent->stats.retransmitted++;
    set_timer(sent, message, mono_add(now, message->timeout));
    const bool is_news = message->ticket != 0 && !message->is_told;
    message->is_told = true;
    tell_waiting(sent, coap_peers_find(sent->tools.peers, &message->peer));
    return is_news ? COAP_SENT_UNANSWERED : COAP_SENT_NOTHING;
}

void coap_sent_unreachable(struct coap_sent *sent, const struct coap_peer *peer)
{
    const struct coap_peer_state *state = coap_peers_find(sent->tools.peers, peer);
    uint32_t position = state != NULL ? state->flying_first : 0;
    while (position != 0) {
        struct message *message = message_at(sent, position - 1);
        if (message->state == STATE_IN_FLIGHT && !message->is_told) {
            message->is_told = true;
            add_news(sent, message, COAP_SENT_UNANSWERED);
        }
        position = message->next_flying;
    }
    tell_waiting(sent, state);
}

void coap_sent_cancel(struct coap_sent *sent, struct mono now, struct pool_handle handle)
{
    struct message *message = pool_get(sent->pool, handle);
    if (message != NULL) {
        withdraw(sent, now, message);
    }
}

struct coap_sent_stats coap_sent_stats(const struct coap_sent *sent)
{
    struct coap_sent_stats stats = sent->stats;
    stats.count = pool_taken(sent->pool);
    stats.noted = coap_noted_count(sent->noted);
    return stats;
}

void coap_sent_check(const struct coap_sent *sent)
{
    uint32_t in_flight = 0;
    uint32_t requests = 0;
    for (uint32_t i = 0; i < pool_count(sent->pool); i++) {
        bool taken = false;
        const struct message *message = pool_at(sent->pool, i, &taken);
        if (!taken) {
            continue;
        }
        in_flight += message->state == STATE_IN_FLIGHT ? 1 : 0;
        requests += message->wants_response ? 1 : 0;
        ASSERT(wheel_timer_runs(&message->timer.wheel) == (message->state != STATE_QUEUED));
    }
    ASSERT(in_flight == map_count(sent->by_mid));
    ASSERT(requests == map_count(sent->by_token));
}
