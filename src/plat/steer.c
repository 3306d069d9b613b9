// The hash takes the four words of the address (IPv4 as ::ffff:a.b.c.d) and then the port, and uses
// only what classic BPF has: 32-bit arithmetic, one accumulator and one index register. The program
// is written by the same steps as the C function; the tests compare the two over real sockets.
#include "plat/steer.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "plat/os_error.h"

#define MULTIPLIER 0x9e3779b1U
#define SHIFT 15U
#define LAST_MULTIPLIER 0x85ebca6bU
#define LAST_SHIFT 13U
// Words 0 to 2 of every IPv4 address.
#define MAPPED_WORD 0x0000ffffU

#define DTLS_TYPE_CID 25U // RFC 9146 section 4
#define DTLS_CID_OFFSET 11U
#define DTLS_CID_RECORD_MIN (DTLS_CID_OFFSET + 1)

// Where the kernel shows the IP header to a program whose packet starts at the UDP payload.
#define NET(offset) ((uint32_t)SKF_NET_OFF + (offset))
#define IPV4_SOURCE 12U
#define IPV6_NEXT_HEADER 6U
#define IPV6_SOURCE 8U
#define IPV6_HEADER_SIZE 40U

static uint32_t mix(uint32_t hash, uint32_t word)
{
    const uint32_t product = (hash ^ word) * MULTIPLIER;
    return product ^ product >> SHIFT;
}

static uint32_t finish(uint32_t hash)
{
    const uint32_t product = hash * LAST_MULTIPLIER;
    return product ^ product >> LAST_SHIFT;
}

static uint32_t word_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

uint32_t plat_steer_hash(const struct address *remote)
{
    uint32_t hash = 0;

    for (unsigned i = 0; i < 4; i++) {
        hash = mix(hash, word_at(remote->ip + 4 * i));
    }
    return finish(mix(hash, remote->port));
}

unsigned plat_steer_worker(const struct address *remote, unsigned workers)
{
    ASSERT(workers > 0);
    ASSERT(workers <= STEER_WORKERS_MAX);
    return plat_steer_hash(remote) % workers;
}

unsigned plat_steer_worker_dtls(const struct address *remote, struct slice datagram,
                                unsigned workers)
{
    ASSERT(workers > 0);
    ASSERT(workers <= STEER_WORKERS_MAX);
    if (datagram.len >= DTLS_CID_RECORD_MIN && datagram.ptr[0] == DTLS_TYPE_CID) {
        return datagram.ptr[DTLS_CID_OFFSET] % workers;
    }
    return plat_steer_worker(remote, workers);
}

#define PROGRAM_LEN_MAX 64U

struct program {
    struct sock_filter steps[PROGRAM_LEN_MAX];
    unsigned short len;
};

static void emit(struct program *program, unsigned code, uint32_t operand)
{
    ASSERT(program->len < PROGRAM_LEN_MAX);
    program->steps[program->len++] = (struct sock_filter)BPF_STMT((uint16_t)code, operand);
}

static void emit_jump(struct program *program, unsigned code, uint32_t operand, uint8_t if_true,
                      uint8_t if_false)
{
    ASSERT(program->len < PROGRAM_LEN_MAX);
    program->steps[program->len++] =
        (struct sock_filter)BPF_JUMP((uint16_t)code, operand, if_true, if_false);
}

// A ^= A >> shift
static void emit_fold(struct program *program, uint32_t shift)
{
    emit(program, BPF_MISC | BPF_TAX, 0);
    emit(program, BPF_ALU | BPF_RSH | BPF_K, shift);
    emit(program, BPF_ALU | BPF_XOR | BPF_X, 0);
}

// M[0] = mix(M[0], A)
static void emit_mix(struct program *program)
{
    emit(program, BPF_LDX | BPF_MEM, 0);
    emit(program, BPF_ALU | BPF_XOR | BPF_X, 0);
    emit(program, BPF_ALU | BPF_MUL | BPF_K, MULTIPLIER);
    emit_fold(program, SHIFT);
    emit(program, BPF_ST, 0);
}

static void emit_ipv4(struct program *program)
{
    const uint32_t start = mix(mix(mix(0, 0), 0), MAPPED_WORD);

    emit(program, BPF_LD | BPF_IMM, start);
    emit(program, BPF_ST, 0);
    emit(program, BPF_LD | BPF_W | BPF_ABS, NET(IPV4_SOURCE));
    emit_mix(program);
    // The port follows the header, whose length in words is the lower half of its first byte.
    emit(program, BPF_LD | BPF_B | BPF_ABS, NET(0));
    emit(program, BPF_ALU | BPF_AND | BPF_K, 0x0f);
    emit(program, BPF_ALU | BPF_LSH | BPF_K, 2);
    emit(program, BPF_MISC | BPF_TAX, 0);
    emit(program, BPF_LD | BPF_H | BPF_IND, NET(0));
    emit_mix(program);
}

static void emit_ipv6(struct program *program)
{
    emit(program, BPF_LD | BPF_IMM, 0);
    emit(program, BPF_ST, 0);
    for (unsigned i = 0; i < 4; i++) {
        emit(program, BPF_LD | BPF_W | BPF_ABS, NET(IPV6_SOURCE + 4 * i));
        emit_mix(program);
    }
    // Behind extension headers the port has no fixed place. Such a peer is steered by its address
    // alone, always to the same worker, which forwards to the one that the C function names.
    emit(program, BPF_LD | BPF_B | BPF_ABS, NET(IPV6_NEXT_HEADER));
    emit_jump(program, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 2, 0);
    emit(program, BPF_LD | BPF_IMM, 0);
    emit_jump(program, BPF_JMP | BPF_JA, 1, 0, 0);
    emit(program, BPF_LD | BPF_H | BPF_ABS, NET(IPV6_HEADER_SIZE));
    emit_mix(program);
}

// Records with a connection id are steered by its first byte; what does not fit goes on.
static void emit_dtls(struct program *program, unsigned workers)
{
    emit(program, BPF_LD | BPF_W | BPF_LEN, 0);
    emit_jump(program, BPF_JMP | BPF_JGE | BPF_K, DTLS_CID_RECORD_MIN, 0, 5);
    emit(program, BPF_LD | BPF_B | BPF_ABS, 0);
    emit_jump(program, BPF_JMP | BPF_JEQ | BPF_K, DTLS_TYPE_CID, 0, 3);
    emit(program, BPF_LD | BPF_B | BPF_ABS, DTLS_CID_OFFSET);
    emit(program, BPF_ALU | BPF_MOD | BPF_K, workers);
    emit(program, BPF_RET | BPF_A, 0);
}

enum err plat_steer_attach(int descriptor, enum plat_steer_kind kind, bool ipv6, unsigned workers)
{
    struct program program = {.len = 0};

    ASSERT(workers > 0);
    ASSERT(workers <= STEER_WORKERS_MAX);
    if (kind == PLAT_STEER_DTLS) {
        emit_dtls(&program, workers);
    }
    if (ipv6) {
        emit_ipv6(&program);
    } else {
        emit_ipv4(&program);
    }
    emit(&program, BPF_ALU | BPF_MUL | BPF_K, LAST_MULTIPLIER);
    emit_fold(&program, LAST_SHIFT);
    emit(&program, BPF_ALU | BPF_MOD | BPF_K, workers);
    emit(&program, BPF_RET | BPF_A, 0);

    const struct sock_fprog whole = {.len = program.len, .filter = program.steps};
    const int failed =
        setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &whole, sizeof(whole));
    return failed == 0 ? ERR_OK : plat_os_error(errno);
}
