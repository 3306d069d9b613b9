#include "core/device_name.h"

#include "crypto/hash.h"

#define LETTERS 6U
#define SUFFIX_MAX 16U

static enum err is_taken(const struct core_admin *admin, struct store_tx *tx,
                         const struct model_device *device, struct slice name, bool *taken)
{
    struct model_device other;
    const size_t mark = arena_mark(admin->memory);
    const enum err err =
        store_device_by_name(tx, admin->memory, admin->caller->tenant, name, &other);
    *taken = err == ERR_OK && !uuid_equal(&other.id, &device->id);
    arena_rewind(admin->memory, mark);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

// Name and separator stand in `out` already.
static void put_suffix(const struct core_name_rule *rule, unsigned number, struct buf *out)
{
    char letters[LETTERS];
    if (rule->counts_up) {
        buf_put_format(out, "%u", number);
    } else {
        crypto_random_text(letters, LETTERS);
        buf_put(out, letters, LETTERS);
    }
    ASSERT(!out->overflow);
}

enum err core_device_name_settle(const struct core_admin *admin, struct store_tx *tx,
                                 const struct core_name_rule *rule, struct model_device *device)
{
    bool taken = false;
    enum err err = rule->makes_free ? is_taken(admin, tx, device, device->name, &taken) : ERR_OK;
    if (err != ERR_OK || !taken) {
        return err;
    }
    const size_t size = device->name.len + rule->separator.len + SUFFIX_MAX;
    uint8_t *bytes = arena_take(admin->memory, size);
    if (bytes == NULL) {
        return ERR_EXHAUSTED;
    }
    struct buf out = buf_over(bytes, size);
    buf_put_slice(&out, device->name);
    buf_put_slice(&out, rule->separator);
    const size_t stem = out.len;
    for (unsigned i = 1; err == ERR_OK && taken && i <= CORE_DEVICE_NAME_TRIES; i++) {
        out.len = stem;
        put_suffix(rule, i, &out);
        err = core_name_check(buf_view(&out), "Device name", admin->problem);
        err = err == ERR_OK ? is_taken(admin, tx, device, buf_view(&out), &taken) : err;
    }
    if (err == ERR_OK && taken) {
        core_problem_set(admin->problem, "No free name was found in %u tries",
                         CORE_DEVICE_NAME_TRIES);
        return ERR_ALREADY_EXISTS;
    }
    device->name = buf_view(&out);
    return err;
}
