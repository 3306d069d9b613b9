// A closed-loop load on loopback: each device is a peer of its own (sources all over 127.0.0.0/8 on
// a few sockets), has at most one request in flight, and repeats it after two seconds. With --rate
// the loop is open: that many requests a second.
//
// Usage: bench_load PORT MODE --devices N --in-flight N --seconds N [--rate N] [--warm-up N]
// MODE: echo (any answer counts), trivial (GET /), telemetry (POST with five keys), publish (the
// same five as attributes), attributes (GET of all that the device has). Prints one JSON object:
// exchanges and rate after the warm-up, latency in microseconds, answers by code, repeats.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "coap/message.h"
#include "coap/options.h"
#include "plat/clock.h"

#define SOCKETS 4U
#define BATCH 64U
#define REPEAT_NS 2000000000ULL
#define LOOK_NS 100000000ULL    // between two looks for late ones
#define LATENCY_BUCKETS 100000U // of 10 us

enum mode {
    MODE_ECHO,
    MODE_TRIVIAL,
    MODE_TELEMETRY,
    MODE_PUBLISH,
    MODE_ATTRIBUTES,
    MODE_STRANGER,
    MODE_COUNT,
};

static const char *const mode_names[MODE_COUNT] = {"echo",    "trivial",    "telemetry",
                                                   "publish", "attributes", "stranger"};

struct device {
    uint64_t begun_ns;
    uint64_t sent_ns;
    uint16_t mid;
    bool in_flight;
    bool acknowledged; // the answer comes by itself
    uint32_t next;     // in the queue of idle ones
};

struct queue {
    uint32_t first;
    uint32_t last;
};

#define NONE UINT32_MAX

struct outgoing {
    uint8_t bytes[512];
    struct iovec part;
    struct sockaddr_in to;
    char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static struct {
    enum mode mode;
    unsigned port;
    uint32_t devices;
    uint32_t in_flight_max;
    unsigned seconds;
    unsigned warm_up;
    unsigned rate;
} options = {.devices = 10000, .in_flight_max = 1024, .seconds = 10, .warm_up = 2};

static struct device *devices;
static int sockets[SOCKETS];
static uint8_t template[512];
static size_t template_len;
static size_t token_offset;
static struct queue idle = {NONE, NONE};
static uint32_t in_flight;
static uint64_t now_ns;
static uint64_t answered, repeats, sent_total, codes[256];
static uint64_t latency[LATENCY_BUCKETS];
static struct outgoing out[SOCKETS][BATCH];
static struct mmsghdr out_headers[SOCKETS][BATCH];
static unsigned out_count[SOCKETS];

static void push(struct queue *queue, uint32_t device)
{
    devices[device].next = NONE;
    if (queue->last == NONE) {
        queue->first = device;
    } else {
        devices[queue->last].next = device;
    }
    queue->last = device;
}

static uint32_t pop(struct queue *queue)
{
    const uint32_t device = queue->first;
    if (device != NONE) {
        queue->first = devices[device].next;
        if (queue->first == NONE) {
            queue->last = NONE;
        }
    }
    return device;
}

static void write_path(struct coap_message_writer *writer, const struct buf *buf)
{
    const bool attributes = options.mode == MODE_PUBLISH || options.mode == MODE_ATTRIBUTES;
    const bool stranger = options.mode == MODE_STRANGER;
    coap_message_option(writer, COAP_OPTION_URI_PATH, SLICE("api"));
    coap_message_option(writer, COAP_OPTION_URI_PATH, SLICE("v1"));
    coap_message_option(writer, COAP_OPTION_URI_PATH,
                        stranger ? SLICE("NOBDY0000000") : SLICE("BENCH0000000"));
    token_offset = buf->len - 7;
    coap_message_option(writer, COAP_OPTION_URI_PATH,
                        attributes ? SLICE("attributes") : SLICE("telemetry"));
}

static void make_template(void)
{
    struct buf buf = buf_over(template, sizeof(template));
    const struct coap_token token = {{1, 2}, 2};
    const bool get = options.mode == MODE_TRIVIAL || options.mode == MODE_ATTRIBUTES;
    struct coap_message_writer writer =
        coap_message_begin(&buf, COAP_CON, get ? COAP_GET : COAP_POST, 0, &token);
    if (options.mode != MODE_TRIVIAL) {
        write_path(&writer, &buf);
    }
    if (!get) {
        coap_message_option_uint(&writer, COAP_OPTION_CONTENT_FORMAT, COAP_FORMAT_JSON);
        coap_message_payload(&writer, SLICE("{\"temperature\":25.5,\"humidity\":60,"
                                            "\"pressure\":1013.25,\"status\":\"ok\",\"on\":true}"));
    }
    template_len = buf.len;
}

// 127.1.0.1 and on: at most 62,500 to a second byte.
static in_addr_t address_of(uint32_t device)
{
    return htonl(0x7F010001U + (device / 250U << 8) + device % 250U);
}

static uint32_t device_of(struct in_addr address)
{
    const uint32_t offset = ntohl(address.s_addr) - 0x7F010001U;
    return (offset >> 8) * 250U + (offset & 0xFF);
}

static void flush(unsigned s)
{
    unsigned done = 0;
    while (done < out_count[s]) {
        const int sent = sendmmsg(sockets[s], out_headers[s] + done, out_count[s] - done, 0);
        if (sent <= 0) {
            break; // what the kernel has no room for is repeated later
        }
        done += (unsigned)sent;
    }
    out_count[s] = 0;
}

// A place for `len` bytes from this device's address; they leave with the next flush.
static uint8_t *prepare(uint32_t device, size_t len)
{
    const unsigned s = device % SOCKETS;
    if (out_count[s] == BATCH) {
        flush(s);
    }
    struct outgoing *o = &out[s][out_count[s]];
    struct mmsghdr *header = &out_headers[s][out_count[s]++];
    o->part = (struct iovec){o->bytes, len};
    o->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    o->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    header->msg_hdr = (struct msghdr){.msg_name = &o->to,
                                      .msg_namelen = sizeof(o->to),
                                      .msg_iov = &o->part,
                                      .msg_iovlen = 1,
                                      .msg_control = o->control,
                                      .msg_controllen = sizeof(o->control)};
    struct cmsghdr *control = CMSG_FIRSTHDR(&header->msg_hdr);
    control->cmsg_level = IPPROTO_IP;
    control->cmsg_type = IP_PKTINFO;
    control->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    const struct in_pktinfo info = {.ipi_spec_dst.s_addr = address_of(device)};
    memcpy(CMSG_DATA(control), &info, sizeof(info));
    return o->bytes;
}

static void send_request(uint32_t device)
{
    uint8_t *bytes = prepare(device, template_len);
    memcpy(bytes, template, template_len);
    // The message id is the token as well: a separate response is known by it.
    bytes[2] = bytes[4] = (uint8_t)(devices[device].mid >> 8);
    bytes[3] = bytes[5] = (uint8_t)devices[device].mid;
    if (token_offset > 0) {
        uint32_t rest = device;
        for (unsigned i = 7; i > 0; i--) {
            bytes[token_offset + i - 1] = (uint8_t)('0' + rest % 10);
            rest /= 10;
        }
    }
    devices[device].sent_ns = now_ns;
    sent_total++;
}

static void acknowledge(uint32_t device, const uint8_t *message)
{
    uint8_t *bytes = prepare(device, 4);
    memcpy(bytes, (const uint8_t[]){0x40 | COAP_ACK << 4, 0, message[2], message[3]}, 4);
}

static void start_one(void)
{
    const uint32_t device = pop(&idle);
    if (device != NONE) {
        devices[device].mid++;
        devices[device].in_flight = true;
        devices[device].acknowledged = false;
        devices[device].begun_ns = now_ns;
        in_flight++;
        send_request(device);
    }
}

static void end_one(uint32_t device)
{
    devices[device].in_flight = false;
    in_flight--;
    push(&idle, device);
}

static void take_answer(uint32_t device, const uint8_t *bytes, size_t len)
{
    if (device >= options.devices || len < 4) {
        return;
    }
    struct device *d = &devices[device];
    const bool separate = options.mode != MODE_ECHO && (bytes[0] >> 4 & 3) != COAP_ACK && len >= 6;
    const unsigned at = separate ? 4 : 2;
    if (separate && (bytes[0] >> 4 & 3) == COAP_CON) {
        acknowledge(device, bytes);
    }
    if (!d->in_flight || (uint16_t)(bytes[at] << 8 | bytes[at + 1]) != d->mid) {
        return;
    }
    if (bytes[1] == 0 && options.mode != MODE_ECHO) {
        d->acknowledged = true;
        return;
    }
    const uint64_t bucket = (now_ns - d->begun_ns) / 10000U;
    latency[bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1]++;
    codes[bytes[1]]++;
    answered++;
    end_one(device);
}

static void receive(unsigned s)
{
    static uint8_t bytes[BATCH][2048];
    static char controls[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo)) + 64];
    struct mmsghdr headers[BATCH];
    struct iovec parts[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){bytes[i], sizeof(bytes[i])};
        headers[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
                                             .msg_iovlen = 1,
                                             .msg_control = controls[i],
                                             .msg_controllen = sizeof(controls[i])};
    }
    const int got = recvmmsg(sockets[s], headers, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        for (struct cmsghdr *control = CMSG_FIRSTHDR(&headers[i].msg_hdr); control != NULL;
             control = CMSG_NXTHDR(&headers[i].msg_hdr, control)) {
            if (control->cmsg_type == IP_PKTINFO) {
                struct in_pktinfo info;
                memcpy(&info, CMSG_DATA(control), sizeof(info));
                take_answer(device_of(info.ipi_addr), bytes[i], headers[i].msg_len);
            }
        }
    }
}

static void repeat_late(void)
{
    static uint64_t looked_ns;
    if (now_ns - looked_ns < LOOK_NS) {
        return;
    }
    looked_ns = now_ns;
    for (uint32_t i = 0; i < options.devices; i++) {
        const struct device *device = &devices[i];
        if (!device->in_flight || device->acknowledged || now_ns - device->sent_ns < REPEAT_NS) {
            continue;
        }
        if (options.mode == MODE_STRANGER) {
            end_one(i);
        } else {
            repeats++;
            send_request(i);
        }
    }
}

static void open_sockets(void)
{
    const int on = 1;
    const int size = 16 << 20;
    for (unsigned s = 0; s < SOCKETS; s++) {
        struct sockaddr_in any = {.sin_family = AF_INET};
        sockets[s] = socket(AF_INET, SOCK_DGRAM, 0);
        (void)setsockopt(sockets[s], IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
        (void)setsockopt(sockets[s], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
        if (bind(sockets[s], (const struct sockaddr *)&any, sizeof(any)) != 0) {
            perror("bind");
            exit(1);
        }
    }
}

static void wait_for_input(void)
{
    struct pollfd polls[SOCKETS];
    for (unsigned s = 0; s < SOCKETS; s++) {
        polls[s] = (struct pollfd){sockets[s], POLLIN, 0};
    }
    (void)poll(polls, SOCKETS, 1);
    now_ns = plat_clock_mono().ns;
    for (unsigned s = 0; s < SOCKETS; s++) {
        if (polls[s].revents != 0) {
            receive(s);
        }
    }
}

static void run(uint64_t until_ns)
{
    const uint64_t start_ns = now_ns;
    const uint64_t start_sent = sent_total - repeats;
    while (now_ns < until_ns) {
        if (options.rate > 0) {
            const uint64_t due = (now_ns - start_ns) * options.rate / 1000000000U;
            while (sent_total - repeats - start_sent < due && idle.first != NONE) {
                start_one();
            }
        } else {
            while (in_flight < options.in_flight_max && idle.first != NONE) {
                start_one();
            }
        }
        for (unsigned s = 0; s < SOCKETS; s++) {
            flush(s);
        }
        wait_for_input();
        repeat_late();
    }
}

static uint64_t percentile_us(double part)
{
    uint64_t rest = (uint64_t)((double)answered * part);
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        if (latency[i] >= rest) {
            return i * 10U;
        }
        rest -= latency[i];
    }
    return LATENCY_BUCKETS * 10U;
}

static void print_result(double seconds)
{
    printf("{\"exchanges\":%llu,\"rate\":%.0f,\"p50_us\":%llu,\"p99_us\":%llu,\"p999_us\":%llu,"
           "\"repeats\":%llu,\"sent\":%llu,\"codes\":{",
           (unsigned long long)answered, (double)answered / seconds,
           (unsigned long long)percentile_us(0.5), (unsigned long long)percentile_us(0.99),
           (unsigned long long)percentile_us(0.999), (unsigned long long)repeats,
           (unsigned long long)sent_total);
    const char *separator = "";
    for (unsigned i = 0; i < 256; i++) {
        if (codes[i] > 0) {
            printf("%s\"%u.%02u\":%llu", separator, i >> 5, i & 31, (unsigned long long)codes[i]);
            separator = ",";
        }
    }
    printf("}}\n");
}

static unsigned number_after(int count, char **words, const char *name, unsigned otherwise)
{
    for (int i = 3; i + 1 < count; i++) {
        if (strcmp(words[i], name) == 0) {
            return (unsigned)atoi(words[i + 1]);
        }
    }
    return otherwise;
}

static enum mode mode_named(const char *name)
{
    unsigned mode = 0;
    while (mode < MODE_COUNT && strcmp(mode_names[mode], name) != 0) {
        mode++;
    }
    return (enum mode)mode;
}

int main(int count, char **words)
{
    if (count < 3) {
        fprintf(stderr, "usage: bench_load PORT MODE [--devices N] "
                        "[--in-flight N] [--seconds N] [--warm-up N] [--rate N]\n");
        return 2;
    }
    options.port = (unsigned)atoi(words[1]);
    options.mode = mode_named(words[2]);
    if (options.mode == MODE_COUNT) {
        fprintf(stderr, "bench_load: there is no mode %s\n", words[2]);
        return 2;
    }
    options.devices = number_after(count, words, "--devices", options.devices);
    options.in_flight_max = number_after(count, words, "--in-flight", options.in_flight_max);
    options.seconds = number_after(count, words, "--seconds", options.seconds);
    options.warm_up = number_after(count, words, "--warm-up", options.warm_up);
    options.rate = number_after(count, words, "--rate", 0);
    devices = calloc(options.devices, sizeof(*devices));
    make_template();
    open_sockets();
    now_ns = plat_clock_mono().ns;
    for (uint32_t i = 0; i < options.devices; i++) {
        devices[i].mid = (uint16_t)(now_ns / 1000U + i);
        push(&idle, i);
    }
    run(now_ns + options.warm_up * 1000000000ULL);
    printf("warm\n");
    fflush(stdout);
    answered = repeats = sent_total = 0;
    memset(latency, 0, sizeof(latency));
    memset(codes, 0, sizeof(codes));
    const uint64_t start_ns = now_ns;
    run(now_ns + options.seconds * 1000000000ULL);
    print_result((double)(now_ns - start_ns) / 1e9);
    return 0;
}
