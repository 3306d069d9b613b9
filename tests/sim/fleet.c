#include "sim/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "coap/endpoint.h"

#define CLIENTS_MAX 64U
#define OPEN_MAX 4U   // requests a client has open at once
#define LATE_MAX 256U // answers that the owner still owes
#define HANDLED_MAX 262144U
#define ADDRESSES_MAX 4096U
#define BLOCK_SIZE 1024U
#define REST_S 700U // longer than any life-time
#define PAYLOAD_SMALL 16U

// What a request carries: its number, so that the owner can tell repeats from new ones.
struct open_request {
    struct coap_handle sent;
    bool used;
    uint64_t number;
    uint32_t block;  // of a body in blocks, the one in flight
    uint32_t blocks; // 0: no body in blocks
};

struct client {
    struct coap_endpoint *endpoint;
    void *memory;
    struct address address;
    struct open_request open[OPEN_MAX];
    uint64_t next_token;
};

struct late_answer {
    struct coap_handle exchange;
    struct mono due;
    bool used;
};

// Bytes to and from one address, for the allowance.
struct account {
    struct address address;
    uint64_t received;
    uint64_t sent;
    bool proven; // it acknowledged something
};

struct fleet {
    const struct sim_plan *plan;
    struct random random;
    struct sim_network *network;
    struct mono now;
    struct coap_endpoint *server;
    void *server_memory;
    struct address server_address;
    struct client clients[CLIENTS_MAX];
    struct late_answer late[LATE_MAX];
    struct account accounts[ADDRESSES_MAX];
    unsigned account_count;
    struct map *handled; // (address, number) of what had an effect, by place in `handled_keys`
    uint64_t handled_keys[HANDLED_MAX];
    uint64_t next_number;
    uint16_t next_port;
    struct sim_outcome outcome;
};

static const struct coap_endpoint_limits limits = {
    .dedup = {65536, 262144},
    .exchanges_max = 512,
    .sent_max = 512,
    .peers_max = 4096,
    .bodies_max = 64,
    .bodies_unproven_max = 64,
    .body_bytes_max = 1U << 20,
    .answer_bytes_max = 1U << 18,
    .transmit_max = 256,
};

static void *zeroed(size_t size)
{
    void *memory = aligned_alloc(64, (size + 63U) & ~(size_t)63U);
    ASSERT(memory != NULL);
    memset(memory, 0, size);
    return memory;
}

static struct coap_endpoint *endpoint_make(struct fleet *fleet, bool client, void **memory)
{
    const struct coap_endpoint_settings settings = {
        .ack_wait = {500000000},
        .path_check = client ? COAP_PATH_CHECK_OFF : COAP_PATH_CHECK_BLOCKS,
        .szx_max = 6,
        .nstart = client ? 4 : 1,
        .key = {{random_next(&fleet->random), 7}},
        .seed = random_next(&fleet->random),
    };
    *memory = zeroed(coap_endpoint_footprint(&limits));
    return coap_endpoint_init(*memory, &limits, &settings, fleet->now);
}

static struct address new_address(struct fleet *fleet, unsigned client)
{
    struct address address = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [14] = (uint8_t)client}};
    address.port = fleet->next_port++;
    return address;
}

static struct account *account_of(struct fleet *fleet, const struct address *address)
{
    for (unsigned i = fleet->account_count; i > 0; i--) {
        if (address_equal(&fleet->accounts[i - 1].address, address)) {
            return &fleet->accounts[i - 1];
        }
    }
    ASSERT(fleet->account_count < ADDRESSES_MAX);
    fleet->accounts[fleet->account_count] = (struct account){.address = *address};
    return &fleet->accounts[fleet->account_count++];
}

// The owner: answers at once, later, or refuses; sometimes with much to say.
static struct coap_reply make_reply(struct fleet *fleet)
{
    static const uint8_t large[2500];
    const uint64_t kind = random_below(&fleet->random, 10);
    struct coap_reply reply = {
        .code = COAP_CREATED, .content_format = COAP_FORMAT_NONE, .max_age_s = COAP_MAX_AGE_NONE};
    if (kind < 2) {
        reply.code = COAP_BAD_REQUEST;
        reply.no_effect = true;
        reply.payload = SLICE("byte 0: refused by chance");
    } else if (kind == 2) {
        reply.code = COAP_CONTENT;
        reply.payload = slice_of(large, random_below(&fleet->random, sizeof(large)));
    }
    return reply;
}

struct handled {
    const struct fleet *fleet;
    uint64_t key;
};

static bool was_handled(void *context, uint32_t place)
{
    const struct handled *handled = context;
    return handled->fleet->handled_keys[place] == handled->key;
}

static void note_handled(struct fleet *fleet, const struct coap_request *request)
{
    struct buf_reader reader = buf_reader_over(request->body);
    const uint64_t number = buf_read_u64(&reader);
    const struct address remote = coap_peer_remote(request->peer);
    const uint64_t key = hash_word(number * 0x9e3779b97f4a7c15U + remote.port);
    ASSERT(!reader.overflow);
    struct handled handled = {fleet, key};
    const uint32_t place = map_count(fleet->handled);
    ASSERT(map_find(fleet->handled, key, &handled, was_handled) == MAP_NONE);
    const bool put = map_put(fleet->handled, key, place);
    ASSERT(put);
    fleet->handled_keys[place] = key;
    fleet->outcome.handled++;
    fleet->outcome.bodies += request->body.len > BLOCK_SIZE ? 1 : 0;
}

static bool answer_later(struct fleet *fleet, const struct coap_request *request)
{
    for (unsigned i = 0; i < LATE_MAX; i++) {
        if (!fleet->late[i].used) {
            const struct span wait = span_ms(random_below(&fleet->random, 3000));
            fleet->late[i] =
                (struct late_answer){request->exchange, mono_add(fleet->now, wait), true};
            return true;
        }
    }
    return false;
}

static void own(struct fleet *fleet, const struct coap_event *event)
{
    if (event->kind == COAP_EVENT_BODY_BEGINS) {
        const struct address remote = coap_peer_remote(event->request.peer);
        const uint64_t owner = 1U + remote.ip[14]; // the number of the client
        const struct coap_admission admission = {65536, owner, false};
        coap_endpoint_admit(fleet->server, fleet->now, event->request.exchange, &admission);
        return;
    }
    if (event->kind != COAP_EVENT_REQUEST) {
        return;
    }
    const bool later = random_chance(&fleet->random, 1, 3);
    const struct coap_reply reply = make_reply(fleet);
    if (later && answer_later(fleet, &event->request)) {
        note_handled(fleet, &event->request);
        return;
    }
    if (!reply.no_effect) {
        note_handled(fleet, &event->request);
    }
    coap_endpoint_reply(fleet->server, fleet->now, event->request.exchange, &reply);
}

static void answer_late(struct fleet *fleet)
{
    for (unsigned i = 0; i < LATE_MAX; i++) {
        struct late_answer *late = &fleet->late[i];
        if (late->used && mono_reached(fleet->now, late->due)) {
            const struct coap_reply reply = {.code = COAP_CREATED,
                                             .content_format = COAP_FORMAT_NONE,
                                             .max_age_s = COAP_MAX_AGE_NONE};
            late->used = false;
            coap_endpoint_reply(fleet->server, fleet->now, late->exchange, &reply);
        }
    }
}

static void send_part(struct fleet *fleet, struct client *client, struct open_request *open)
{
    uint8_t payload[BLOCK_SIZE] = {0};
    struct buf out = buf_over(payload, sizeof(payload));
    buf_put_u64(&out, open->number);
    const struct slice path[] = {SLICE("t"), SLICE("x")};
    const bool in_blocks = open->blocks > 0;
    const bool more = in_blocks && open->block + 1 < open->blocks;
    struct coap_outgoing outgoing = {
        .peer = coap_peer_plain(&fleet->server_address, &client->address, 0),
        .confirmable = in_blocks || random_chance(&fleet->random, 3, 4),
        .code = COAP_POST,
        .path = path,
        .path_count = 2,
        .content_format = COAP_FORMAT_OCTETS,
        .has_block1 = in_blocks,
        .block1 = {open->block, more, 6},
        .payload = slice_of(payload, more ? BLOCK_SIZE : PAYLOAD_SMALL),
    };
    outgoing.token.len = 8;
    memcpy(outgoing.token.bytes, &client->next_token, 8);
    client->next_token++;
    // The peer of the server is the same whatever address the client has.
    memset(outgoing.peer.local_ip, 0, sizeof(outgoing.peer.local_ip));
    open->used =
        coap_endpoint_request(client->endpoint, fleet->now, &outgoing, &open->sent) == ERR_OK;
}

static void start_request(struct fleet *fleet, struct client *client)
{
    bool body_open = false;
    struct open_request *place = NULL;
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        body_open = body_open || (client->open[i].used && client->open[i].blocks > 0);
        place = client->open[i].used ? place : &client->open[i];
    }
    if (place == NULL) {
        return;
    }
    // One body at a time: without Request-Tag a second one would start the first over.
    const bool in_blocks = !body_open && random_chance(&fleet->random, 1, 8);
    *place = (struct open_request){
        .number = fleet->next_number++,
        .blocks = in_blocks ? 2 + (uint32_t)random_below(&fleet->random, 5) : 0};
    send_part(fleet, client, place);
    fleet->outcome.started += place->used ? 1 : 0;
}

static struct open_request *open_of(struct client *client, struct coap_handle sent)
{
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        if (client->open[i].used && memcmp(&client->open[i].sent, &sent, sizeof(sent)) == 0) {
            return &client->open[i];
        }
    }
    return NULL;
}

static void client_event(struct fleet *fleet, struct client *client, const struct coap_event *event)
{
    struct open_request *open = open_of(client, event->sent);
    ASSERT(open != NULL);
    open->used = false;
    switch (event->kind) {
    case COAP_EVENT_RESPONSE:
        if (event->response.code == COAP_CONTINUE && open->block + 1 < open->blocks) {
            open->block++;
            send_part(fleet, client, open);
            return;
        }
        fleet->outcome.answered++;
        return;
    case COAP_EVENT_LOST:
    case COAP_EVENT_TRANSMITTED:
    case COAP_EVENT_UNANSWERED:
        fleet->outcome.lost++;
        return;
    case COAP_EVENT_REJECTED:
        fleet->outcome.rejected++;
        return;
    case COAP_EVENT_NONE:
    case COAP_EVENT_REQUEST:
    case COAP_EVENT_BODY_BEGINS:
    case COAP_EVENT_REPEATED:
    case COAP_EVENT_DELIVERED:
    case COAP_EVENT_FETCHED:
        ASSERT(false);
    }
}

static void server_output(struct fleet *fleet)
{
    struct coap_datagram out;
    while (coap_endpoint_output(fleet->server, fleet->now, &out)) {
        const struct sim_datagram datagram = {fleet->server_address, coap_peer_remote(&out.peer),
                                              out.bytes};
        struct account *account = account_of(fleet, &datagram.to);
        account->sent += out.bytes.len;
        ASSERT(account->proven || account->sent <= 3 * account->received);
        sim_network_send(fleet->network, fleet->now, &datagram);
    }
}

static void client_output(struct fleet *fleet, struct client *client)
{
    struct coap_datagram out;
    while (coap_endpoint_output(client->endpoint, fleet->now, &out)) {
        const struct sim_datagram datagram = {client->address, fleet->server_address, out.bytes};
        sim_network_send(fleet->network, fleet->now, &datagram);
    }
}

static void server_input(struct fleet *fleet, const struct sim_datagram *in)
{
    struct account *account = account_of(fleet, &in->from);
    struct coap_event event;
    account->received += in->bytes.len;
    // An ACK or RST: types 2 and 3.
    account->proven = account->proven || (in->bytes.ptr[0] & 0x20) != 0;
    const struct coap_datagram datagram = {
        .peer = coap_peer_plain(&in->from, &fleet->server_address, 0), .bytes = in->bytes};
    if (coap_endpoint_input(fleet->server, fleet->now, &datagram, &event)) {
        own(fleet, &event);
    }
    server_output(fleet);
}

static void client_input(struct fleet *fleet, struct client *client, const struct sim_datagram *in)
{
    struct coap_event event;
    struct address nowhere = {.port = 0};
    const struct coap_datagram datagram = {.peer = coap_peer_plain(&in->from, &nowhere, 0),
                                           .bytes = in->bytes};
    if (coap_endpoint_input(client->endpoint, fleet->now, &datagram, &event)) {
        client_event(fleet, client, &event);
    }
    client_output(fleet, client);
}

static void deliver(struct fleet *fleet)
{
    struct sim_datagram in;
    while (sim_network_receive(fleet->network, fleet->now, &in)) {
        if (address_equal(&in.to, &fleet->server_address)) {
            server_input(fleet, &in);
            continue;
        }
        for (unsigned i = 0; i < fleet->plan->clients; i++) {
            // What goes to an address that a client has left is lost.
            if (address_equal(&in.to, &fleet->clients[i].address)) {
                client_input(fleet, &fleet->clients[i], &in);
            }
        }
    }
}

static void pass_time(struct fleet *fleet, uint64_t us)
{
    struct coap_event event;
    fleet->now = mono_add(fleet->now, span_us(us));
    deliver(fleet);
    answer_late(fleet);
    while (coap_endpoint_tick(fleet->server, fleet->now, &event)) {
        own(fleet, &event);
        server_output(fleet);
    }
    server_output(fleet);
    for (unsigned i = 0; i < fleet->plan->clients; i++) {
        struct client *client = &fleet->clients[i];
        while (coap_endpoint_tick(client->endpoint, fleet->now, &event)) {
            client_event(fleet, client, &event);
        }
        client_output(fleet, client);
    }
}

static void stir(struct fleet *fleet)
{
    struct client *client = &fleet->clients[random_below(&fleet->random, fleet->plan->clients)];
    start_request(fleet, client);
    client_output(fleet, client);
    if (fleet->plan->addresses_change && random_chance(&fleet->random, 1, 200) &&
        fleet->account_count + 2 * CLIENTS_MAX < ADDRESSES_MAX) {
        client->address = new_address(fleet, (unsigned)(client - fleet->clients));
    }
}

static void come_to_rest(struct fleet *fleet)
{
    for (unsigned i = 0; i < REST_S * 10; i++) {
        pass_time(fleet, 100000);
    }
    coap_endpoint_check(fleet->server, true);
    for (unsigned i = 0; i < fleet->plan->clients; i++) {
        coap_endpoint_check(fleet->clients[i].endpoint, true);
        for (unsigned j = 0; j < OPEN_MAX; j++) {
            ASSERT(!fleet->clients[i].open[j].used);
        }
    }
}

static struct fleet *fleet_make(const struct sim_plan *plan)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));
    ASSERT(fleet != NULL && plan->clients <= CLIENTS_MAX);
    fleet->plan = plan;
    fleet->now = (struct mono){span_s(1000).ns};
    fleet->next_port = 1024;
    random_init(&fleet->random, plan->seed);
    fleet->network = sim_network_create(&fleet->random, plan->weather);
    fleet->handled = map_init(zeroed(map_footprint(HANDLED_MAX)), HANDLED_MAX);
    fleet->server_address =
        (struct address){.ip = {[10] = 0xff, [11] = 0xff, [12] = 192}, .port = 5683};
    fleet->server = endpoint_make(fleet, false, &fleet->server_memory);
    for (unsigned i = 0; i < plan->clients; i++) {
        fleet->clients[i].endpoint = endpoint_make(fleet, true, &fleet->clients[i].memory);
        fleet->clients[i].address = new_address(fleet, i);
    }
    return fleet;
}

static void fleet_drop(struct fleet *fleet)
{
    for (unsigned i = 0; i < fleet->plan->clients; i++) {
        free(fleet->clients[i].memory);
    }
    free(fleet->server_memory);
    free(fleet->handled);
    sim_network_destroy(fleet->network);
    free(fleet);
}

struct sim_outcome sim_fleet_run(const struct sim_plan *plan)
{
    struct fleet *fleet = fleet_make(plan);
    const struct mono end = mono_add(fleet->now, span_s(plan->seconds));
    for (uint64_t step = 0; !mono_reached(fleet->now, end); step++) {
        stir(fleet);
        pass_time(fleet, 1 + random_below(&fleet->random, 20000));
        if (step % 1000 == 0) {
            coap_endpoint_check(fleet->server, false);
        }
    }
    come_to_rest(fleet);
    struct sim_outcome outcome = fleet->outcome;
    ASSERT(outcome.started == outcome.answered + outcome.lost + outcome.rejected);
    outcome.duplicates = coap_endpoint_stats(fleet->server).duplicates;
    outcome.trace = sim_network_trace(fleet->network);
    fleet_drop(fleet);
    return outcome;
}
