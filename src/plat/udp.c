#include "plat/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// Needs <time.h> before it.
#include <linux/errqueue.h>

#include "plat/os_address.h"
#include "plat/os_error.h"

// A pending error of the socket (an ICMP message about an earlier datagram) is reported once and
// then gone; so many in a row are not met, but the loop must end.
#define PENDING_ERRORS_MAX 16U

// Room for the two messages that a datagram may come with: its local address and the drop count.
#define CONTROL_SIZE (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint32_t)))

_Static_assert(sizeof(struct in_pktinfo) <= sizeof(struct in6_pktinfo), "one size for both");

union control {
    struct cmsghdr header; // for its alignment
    uint8_t bytes[CONTROL_SIZE];
};

// The same beside an error: why, and who said so.
union error_control {
    struct cmsghdr header;
    uint8_t bytes[CONTROL_SIZE +
                  CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6))];
};

// One direction's batch. The headers point into the other arrays from the start.
struct batch {
    struct mmsghdr headers[PLAT_UDP_BATCH];
    struct iovec parts[PLAT_UDP_BATCH];
    union plat_os_address names[PLAT_UDP_BATCH];
    union control controls[PLAT_UDP_BATCH];
};

struct plat_udp {
    int descriptor;
    bool ipv6;
    struct address local;
    uint32_t receive_bytes;
    uint32_t drops_seen; // the kernel's counter, which wraps
    uint64_t drops;
    struct batch in;
    struct batch out;
    uint8_t bytes[PLAT_UDP_BATCH][PLAT_UDP_DATAGRAM_MAX];
};

static bool set_option(int descriptor, int level, int option, int value)
{
    return setsockopt(descriptor, level, option, &value, sizeof(value)) == 0;
}

static bool set_options(const struct plat_udp *udp, const struct plat_udp_options *options)
{
    const int fd = udp->descriptor;
    const int tells = options->tells_unreachable ? 1 : 0;

    if (!set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1)) {
        return false;
    }
    if (udp->ipv6) {
        return set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
               set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
               set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, tells);
    }
    return set_option(fd, IPPROTO_IP, IP_PKTINFO, 1) &&
           set_option(fd, IPPROTO_IP, IP_RECVERR, tells);
}

// The kernel doubles what it is asked for, to pay for its own structures; half is the caller's
// view.
static void set_receive_bytes(struct plat_udp *udp, uint32_t bytes)
{
    int doubled = 0;
    socklen_t len = sizeof(doubled);
    const int wanted = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;

    if (wanted > 0 && !set_option(udp->descriptor, SOL_SOCKET, SO_RCVBUFFORCE, wanted)) {
        // Without the privilege the limit of the system applies; what came of it can be asked for.
        (void)set_option(udp->descriptor, SOL_SOCKET, SO_RCVBUF, wanted);
    }
    if (getsockopt(udp->descriptor, SOL_SOCKET, SO_RCVBUF, &doubled, &len) == 0) {
        udp->receive_bytes = (uint32_t)doubled / 2;
    }
}

static enum err bind_to(const struct plat_udp *udp, const struct address *address)
{
    union plat_os_address name;
    const socklen_t len = plat_os_address_put(address, &name);
    return bind(udp->descriptor, &name.any, len) == 0 ? ERR_OK : plat_os_error(errno);
}

// With SO_REUSEPORT alone, bind would succeed on a port that another process of this user shares in
// the same way, and even choose such a port for 0. So the first socket binds as one that shares
// with nobody, and opens its group afterwards. The option must be on while the program is attached,
// since that makes the group.
static enum err bind_first(const struct plat_udp *udp, const struct plat_udp_options *options)
{
    const int fd = udp->descriptor;

    if (!set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) {
        return plat_os_error(errno);
    }
    enum err err = plat_steer_attach(fd, options->steer, udp->ipv6, options->group_size);
    if (err != ERR_OK) {
        return err;
    }
    if (!set_option(fd, SOL_SOCKET, SO_REUSEPORT, 0)) {
        return plat_os_error(errno);
    }
    err = bind_to(udp, &options->bind);
    if (err != ERR_OK) {
        return err;
    }
    return set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) ? ERR_OK : plat_os_error(errno);
}

static enum err bind_group(const struct plat_udp *udp, const struct plat_udp_options *options)
{
    if (options->group_size == 1) {
        return bind_to(udp, &options->bind);
    }
    if (options->group_first) {
        return bind_first(udp, options);
    }
    if (!set_option(udp->descriptor, SOL_SOCKET, SO_REUSEPORT, 1)) {
        return plat_os_error(errno);
    }
    return bind_to(udp, &options->bind);
}

static enum err read_local(struct plat_udp *udp)
{
    union plat_os_address name;
    socklen_t len = sizeof(name);

    if (getsockname(udp->descriptor, &name.any, &len) != 0) {
        return plat_os_error(errno);
    }
    udp->local = plat_os_address_take(&name);
    return ERR_OK;
}

static void point_headers(struct batch *batch)
{
    for (unsigned i = 0; i < PLAT_UDP_BATCH; i++) {
        struct msghdr *header = &batch->headers[i].msg_hdr;
        header->msg_name = &batch->names[i];
        header->msg_iov = &batch->parts[i];
        header->msg_iovlen = 1;
        header->msg_control = &batch->controls[i];
    }
}

// Any part of it may fail; what was made is released by plat_udp_close.
static enum err set_up(struct plat_udp *udp, const struct plat_udp_options *options)
{
    udp->ipv6 = !address_is_ipv4(&options->bind);
    udp->descriptor =
        socket(udp->ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (udp->descriptor < 0) {
        return plat_os_error(errno);
    }
    if (!set_options(udp, options)) {
        return plat_os_error(errno);
    }
    set_receive_bytes(udp, options->receive_bytes);
    const enum err err = bind_group(udp, options);
    return err == ERR_OK ? read_local(udp) : err;
}

enum err plat_udp_open(struct plat_udp **udp, const struct plat_udp_options *options)
{
    struct plat_udp *made = calloc(1, sizeof(*made));

    ASSERT(options->group_size > 0);
    ASSERT(options->group_size <= STEER_WORKERS_MAX);
    ASSERT(options->group_first || options->bind.port != 0);
    if (made == NULL) {
        return ERR_EXHAUSTED;
    }
    const enum err err = set_up(made, options);
    if (err != ERR_OK) {
        plat_udp_close(made);
        return err;
    }
    point_headers(&made->in);
    point_headers(&made->out);
    for (unsigned i = 0; i < PLAT_UDP_BATCH; i++) {
        made->in.parts[i] = (struct iovec){made->bytes[i], PLAT_UDP_DATAGRAM_MAX};
    }
    *udp = made;
    return ERR_OK;
}

void plat_udp_close(struct plat_udp *udp)
{
    if (udp->descriptor >= 0) {
        (void)close(udp->descriptor);
    }
    free(udp);
}

int plat_udp_descriptor(const struct plat_udp *udp)
{
    return udp->descriptor;
}

struct address plat_udp_local(const struct plat_udp *udp)
{
    return udp->local;
}

uint32_t plat_udp_receive_bytes(const struct plat_udp *udp)
{
    return udp->receive_bytes;
}

static void take_ipv4_info(const struct cmsghdr *message, struct address *local)
{
    struct in_pktinfo info;

    memcpy(&info, CMSG_DATA(message), sizeof(info));
    memset(local->ip, 0, 10);
    memset(local->ip + 10, 0xff, 2);
    memcpy(local->ip + 12, &info.ipi_addr, 4);
}

static void take_ipv6_info(const struct cmsghdr *message, struct address *local)
{
    struct in6_pktinfo info;

    memcpy(&info, CMSG_DATA(message), sizeof(info));
    memcpy(local->ip, &info.ipi6_addr, 16);
    local->scope = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? (uint32_t)info.ipi6_ifindex : 0;
}

// The kernel gives its 32-bit total with each datagram once something was dropped.
static void take_drops(struct plat_udp *udp, const struct cmsghdr *message)
{
    uint32_t total;

    memcpy(&total, CMSG_DATA(message), sizeof(total));
    udp->drops += total - udp->drops_seen;
    udp->drops_seen = total;
}

static void take_control(struct plat_udp *udp, struct msghdr *header, struct address *local)
{
    for (struct cmsghdr *message = CMSG_FIRSTHDR(header); message != NULL;
         message = CMSG_NXTHDR(header, message)) {
        if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_PKTINFO) {
            take_ipv4_info(message, local);
        } else if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_PKTINFO) {
            take_ipv6_info(message, local);
        } else if (message->cmsg_level == SOL_SOCKET && message->cmsg_type == SO_RXQ_OVFL) {
            take_drops(udp, message);
        }
    }
}

static int receive_batch(struct plat_udp *udp)
{
    for (unsigned i = 0; i < PLAT_UDP_BATCH; i++) {
        udp->in.headers[i].msg_hdr.msg_namelen = sizeof(union plat_os_address);
        udp->in.headers[i].msg_hdr.msg_controllen = CONTROL_SIZE;
    }
    for (unsigned i = 0; i < PENDING_ERRORS_MAX; i++) {
        const int got =
            recvmmsg(udp->descriptor, udp->in.headers, PLAT_UDP_BATCH, MSG_DONTWAIT, NULL);
        if (got >= 0) {
            return got;
        }
        if (errno == EAGAIN) {
            return 0;
        }
    }
    return 0;
}

unsigned plat_udp_receive(struct plat_udp *udp, struct plat_udp_datagram out[PLAT_UDP_BATCH])
{
    const int count = receive_batch(udp);

    for (int i = 0; i < count; i++) {
        struct msghdr *header = &udp->in.headers[i].msg_hdr;
        const size_t len = udp->in.headers[i].msg_len;
        ASSERT(len <= PLAT_UDP_DATAGRAM_MAX);
        out[i] = (struct plat_udp_datagram){
            .remote = plat_os_address_take(&udp->in.names[i]),
            .local = udp->local,
            .bytes = slice_of(udp->bytes[i], len),
            .truncated = (header->msg_flags & MSG_TRUNC) != 0,
        };
        take_control(udp, header, &out[i].local);
    }
    return (unsigned)count;
}

// The source address, if one is asked for. A link-local one needs its interface.
static void put_control(struct msghdr *header, union control *control, const struct address *local)
{
    const bool ipv4 = address_is_ipv4(local);
    const size_t size = ipv4 ? sizeof(struct in_pktinfo) : sizeof(struct in6_pktinfo);

    header->msg_control = NULL;
    header->msg_controllen = 0;
    if (address_is_any(local) || address_is_multicast(local)) {
        return;
    }
    memset(control, 0, sizeof(*control));
    header->msg_control = control;
    header->msg_controllen = CMSG_SPACE(size);
    control->header.cmsg_len = CMSG_LEN(size);
    if (ipv4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, local->ip + 12, 4);
        control->header.cmsg_level = IPPROTO_IP;
        control->header.cmsg_type = IP_PKTINFO;
        memcpy(CMSG_DATA(&control->header), &info, sizeof(info));
        return;
    }
    struct in6_pktinfo info = {.ipi6_ifindex = local->scope};
    memcpy(&info.ipi6_addr, local->ip, 16);
    control->header.cmsg_level = IPPROTO_IPV6;
    control->header.cmsg_type = IPV6_PKTINFO;
    memcpy(CMSG_DATA(&control->header), &info, sizeof(info));
}

static void prepare(struct batch *batch, unsigned index, const struct plat_udp_datagram *datagram)
{
    struct msghdr *header = &batch->headers[index].msg_hdr;

    // sendmmsg only reads; iovec has no const form.
    batch->parts[index] =
        (struct iovec){(void *)(uintptr_t)datagram->bytes.ptr, datagram->bytes.len};
    header->msg_namelen = plat_os_address_put(&datagram->remote, &batch->names[index]);
    put_control(header, &batch->controls[index], &datagram->local);
}

// Sends `count` prepared datagrams and returns how many were taken. `*full` if there was no room.
static unsigned send_batch(struct plat_udp *udp, unsigned count, bool *full)
{
    unsigned done = 0;
    unsigned taken = 0;
    unsigned interrupted = 0;
    unsigned retried = count; // the datagram that was tried twice

    // sendmmsg stops at the first datagram that fails and says why only when it stands first. What
    // it says may be an ICMP message about an earlier one, which is gone by being said.
    while (done < count) {
        const int sent =
            sendmmsg(udp->descriptor, udp->out.headers + done, count - done, MSG_DONTWAIT);
        if (sent > 0) {
            done += (unsigned)sent;
            taken += (unsigned)sent;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            *full = true;
            break;
        } else if (errno == EINTR && interrupted < PENDING_ERRORS_MAX) {
            interrupted++;
        } else if (retried != done) {
            retried = done;
        } else {
            done++;
        }
    }
    return taken;
}

unsigned plat_udp_send(struct plat_udp *udp, const struct plat_udp_datagram *datagrams,
                       unsigned count)
{
    unsigned taken = 0;
    bool full = false;

    for (unsigned first = 0; first < count && !full; first += PLAT_UDP_BATCH) {
        const unsigned left = count - first;
        const unsigned size = left < PLAT_UDP_BATCH ? left : PLAT_UDP_BATCH;
        for (unsigned i = 0; i < size; i++) {
            prepare(&udp->out, i, &datagrams[first + i]);
        }
        taken += send_batch(udp, size, &full);
    }
    return taken;
}

static bool is_unreachable(const struct sock_extended_err *error)
{
    return (error->ee_origin == SO_EE_ORIGIN_ICMP || error->ee_origin == SO_EE_ORIGIN_ICMP6) &&
           (error->ee_errno == ECONNREFUSED || error->ee_errno == EHOSTUNREACH ||
            error->ee_errno == ENETUNREACH);
}

// The kernel gives the address that the datagram was sent to as the name, and why as a message.
static bool take_path(struct plat_udp *udp, struct msghdr *header, struct plat_udp_path *path)
{
    bool is_one = false;
    path->remote = plat_os_address_take(header->msg_name);
    path->local = udp->local;
    take_control(udp, header, &path->local);
    for (struct cmsghdr *message = CMSG_FIRSTHDR(header); message != NULL;
         message = CMSG_NXTHDR(header, message)) {
        const bool is_error =
            (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_RECVERR) ||
            (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_RECVERR);
        if (is_error) {
            struct sock_extended_err error;
            memcpy(&error, CMSG_DATA(message), sizeof(error));
            is_one = is_unreachable(&error);
        }
    }
    return is_one;
}

unsigned plat_udp_unreachable(struct plat_udp *udp, struct plat_udp_path out[PLAT_UDP_PATHS])
{
    struct mmsghdr headers[PLAT_UDP_PATHS];
    union plat_os_address names[PLAT_UDP_PATHS];
    union error_control controls[PLAT_UDP_PATHS];
    unsigned count = 0;
    memset(headers, 0, sizeof(headers));
    for (unsigned i = 0; i < PLAT_UDP_PATHS; i++) {
        headers[i].msg_hdr.msg_name = &names[i];
        headers[i].msg_hdr.msg_namelen = sizeof(names[i]);
        headers[i].msg_hdr.msg_control = &controls[i];
        headers[i].msg_hdr.msg_controllen = sizeof(controls[i]);
    }
    // The bytes of the datagram itself are not asked for.
    const int got =
        recvmmsg(udp->descriptor, headers, PLAT_UDP_PATHS, MSG_ERRQUEUE | MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        count += take_path(udp, &headers[i].msg_hdr, &out[count]) ? 1 : 0;
    }
    return count;
}

uint64_t plat_udp_kernel_drops(const struct plat_udp *udp)
{
    return udp->drops;
}
