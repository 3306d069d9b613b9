// The loop over epoll. Waking it costs a system call only while it sleeps; `state` says so.
//
//   AWAKE     the owner is at work; a wake makes it WOKEN
//   SLEEPING  the owner is in epoll_wait, or about to be; a wake makes it WOKEN and writes the
//   eventfd WOKEN     somebody has called; the owner may not sleep before it has looked again
//
// Nothing gets lost: what was published before the wake is seen by the owner after its wait,
// because both go through one atomic exchange of `state`. At worst an eventfd that was written late
// lets the owner take one turn for nothing.
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "plat/loop.h"
#include "plat/os_error.h"

#define WAKE_TAG UINT32_MAX
#define TAG_MAX 1000U

enum { AWAKE, SLEEPING, WOKEN };

struct plat_loop {
    int epoll;
    int event;
    _Atomic int state;
};

static enum err add(int epoll, int descriptor, uint32_t tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = tag}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 ? ERR_OK : plat_os_error(errno);
}

enum err plat_loop_create(struct plat_loop **loop)
{
    struct plat_loop *made = calloc(1, sizeof(*made));
    enum err err = ERR_EXHAUSTED;

    if (made == NULL) {
        return ERR_EXHAUSTED;
    }
    atomic_init(&made->state, AWAKE);
    made->event = -1;
    made->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (made->epoll < 0) {
        err = plat_os_error(errno);
        goto out;
    }
    made->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->event < 0) {
        err = plat_os_error(errno);
        goto out;
    }
    err = add(made->epoll, made->event, WAKE_TAG);
out:
    if (err != ERR_OK) {
        plat_loop_destroy(made);
        return err;
    }
    *loop = made;
    return ERR_OK;
}

void plat_loop_destroy(struct plat_loop *loop)
{
    if (loop->event >= 0) {
        (void)close(loop->event);
    }
    if (loop->epoll >= 0) {
        (void)close(loop->epoll);
    }
    free(loop);
}

enum err plat_loop_watch(struct plat_loop *loop, int descriptor, uint32_t tag)
{
    ASSERT(tag < TAG_MAX);
    return add(loop->epoll, descriptor, tag);
}

// Milliseconds for epoll, rounded up: a wait that ends too early would only be begun again.
static int timeout_ms(struct mono now, struct mono deadline)
{
    if (deadline.ns == MONO_NEVER.ns) {
        return -1;
    }
    const uint64_t ns = mono_since(deadline, now).ns;
    const uint64_t ms = ns / 1000000 + (ns % 1000000 != 0 ? 1 : 0);
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static void clear_wake(struct plat_loop *loop)
{
    uint64_t count;
    const ssize_t got = read(loop->event, &count, sizeof(count));
    ASSERT(got == (ssize_t)sizeof(count) || errno == EAGAIN);
}

unsigned plat_loop_wait(struct plat_loop *loop, struct mono now, struct mono deadline,
                        uint32_t tags[PLAT_LOOP_READY_MAX])
{
    struct epoll_event ready[PLAT_LOOP_READY_MAX];
    unsigned count = 0;
    int awake = AWAKE;

    const bool may_sleep = atomic_compare_exchange_strong(&loop->state, &awake, SLEEPING);
    ASSERT(may_sleep || awake == WOKEN);
    const int got = epoll_wait(loop->epoll, ready, PLAT_LOOP_READY_MAX,
                               may_sleep ? timeout_ms(now, deadline) : 0);
    ASSERT(got >= 0 || errno == EINTR);
    (void)atomic_exchange(&loop->state, AWAKE);

    for (int i = 0; i < got; i++) {
        if (ready[i].data.u32 == WAKE_TAG) {
            clear_wake(loop);
        } else {
            const bool is_error = (ready[i].events & EPOLLERR) != 0;
            tags[count++] = ready[i].data.u32 | (is_error ? PLAT_LOOP_ERROR : 0);
        }
    }
    return count;
}

void plat_loop_wake(struct plat_loop *loop)
{
    if (atomic_exchange(&loop->state, WOKEN) != SLEEPING) {
        return;
    }
    // In a signal handler, the interrupted code must find its own errno again.
    const int saved = errno;
    const uint64_t one = 1;
    const ssize_t put = write(loop->event, &one, sizeof(one));
    ASSERT(put == (ssize_t)sizeof(one) || errno == EAGAIN);
    errno = saved;
}
