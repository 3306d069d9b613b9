// A peer to compare with: a bare libcoap server that answers GET / with the text that ours answers.
// It neither remembers message ids (a repeated request runs its handler again) nor stores anything.
// Usage: bench_libcoap PORT
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <coap3/coap.h>

// libcoap does not hand its socket out; it is among the first descriptors of the process.
#define DESCRIPTORS_MAX 64
#define RECEIVE_BYTES (8 << 20)

static void answer(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
                   const coap_string_t *query, coap_pdu_t *response)
{
    static const uint8_t text[] = "Motehub CoAP server";
    (void)resource;
    (void)session;
    (void)request;
    (void)query;
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
    (void)coap_add_data(response, sizeof(text) - 1, text);
}

// The same room for datagrams as the echo and our server have.
static void widen_sockets(void)
{
    const int size = RECEIVE_BYTES;
    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    }
}

int main(int count, char **words)
{
    if (count != 2) {
        fprintf(stderr, "usage: bench_libcoap PORT\n");
        return 2;
    }
    coap_address_t here;
    coap_address_init(&here);
    here.size = sizeof(here.addr.sin);
    here.addr.sin = (struct sockaddr_in){.sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)atoi(words[1])),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    coap_startup();
    coap_context_t *context = coap_new_context(NULL);
    coap_resource_t *root = coap_resource_init(NULL, 0);
    if (context == NULL || root == NULL ||
        coap_new_endpoint(context, &here, COAP_PROTO_UDP) == NULL) {
        fprintf(stderr, "bench_libcoap: cannot listen\n");
        return 1;
    }
    coap_register_handler(root, COAP_REQUEST_GET, answer);
    coap_add_resource(context, root);
    widen_sockets();
    while (coap_io_process(context, COAP_IO_WAIT) >= 0) {
    }
    return 1;
}
