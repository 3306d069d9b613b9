#include "core/order.h"

#include "core/shard_priv.h"

// The worker of a device's shard.
static unsigned worker_of(const struct core_desk *desk, struct device_id device)
{
    return device_shard(device) % bus_workers(desk->bus);
}

enum err core_desk_send(struct core_desk *desk, struct core_order *order)
{
    const unsigned worker = worker_of(desk, order->device);
    struct core_mail *mail = core_mail_begin(desk->party, worker, 0);
    if (mail == NULL) {
        return ERR_EXHAUSTED;
    }
    mail->kind = CORE_MAIL_ORDER;
    mail->order = order;
    core_mail_end(desk->party, worker, mail);
    bus_flush(desk->party);
    return ERR_OK;
}

// True when the order's end has come.
static bool collect(struct core_desk *desk, const struct core_order *order, struct arena *memory,
                    enum err *err, struct slice *response)
{
    struct slice message;
    unsigned from;
    bool is_done = false;
    while (!is_done && bus_next(desk->party, &from, &message)) {
        const struct core_mail *mail = (const struct core_mail *)(const void *)message.ptr;
        ASSERT(mail->kind == CORE_MAIL_DONE && mail->order == order);
        is_done = true;
        *err = mail->err;
        const struct slice body = core_mail_body(mail);
        uint8_t *copy = body.len > 0 ? arena_take(memory, body.len) : NULL;
        if (copy != NULL) {
            memcpy(copy, body.ptr, body.len);
            *response = slice_of(copy, body.len);
        } else if (body.len > 0) {
            *err = ERR_EXHAUSTED;
        }
    }
    bus_release(desk->party);
    return is_done;
}

enum err core_desk_order(struct core_desk *desk, struct core_order *order, struct arena *memory,
                         struct slice *response)
{
    *response = SLICE_EMPTY;
    enum err err = core_desk_send(desk, order);
    if (err != ERR_OK) {
        return err;
    }
    // A shard always answers.
    while (!collect(desk, order, memory, &err, response)) {
        bus_wait(desk->party, MONO_NEVER);
    }
    return err;
}

// What was changed already cannot be refused any more, so it waits for room in the ring and
// for a place in the shard.
static void order_in_any_case(const struct core *core, struct core_desk *desk,
                              struct core_order *order)
{
    struct slice response;
    enum err err = core_desk_order(desk, order, NULL, &response);
    while (err == ERR_EXHAUSTED) {
        core->pause();
        err = core_desk_order(desk, order, NULL, &response);
    }
    ASSERT(err == ERR_OK);
}

void core_desk_end(const struct core *core, struct core_desk *desk, struct tenant_id tenant,
                   struct device_id device, bool is_gone)
{
    struct core_order order = {
        .kind = is_gone ? CORE_ORDER_GONE : CORE_ORDER_REFUSED,
        .tenant = tenant,
        .device = device,
        // The writer looks into one ring after the other: what is in the shard's could come behind
        // a purge that is in ours. By the second answer it has looked into all of them since the
        // first, so what workers were given before is on disk as well.
        .confirms = is_gone};
    // A registration that a worker let in before may stand in its ring still when the shard takes
    // this out of ours. By its answer the shard has looked into that ring too, unless it is behind
    // by more than a turn takes.
    order_in_any_case(core, desk, &order);
    order_in_any_case(core, desk, &order);
}
