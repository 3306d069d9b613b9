// Texts to values, by type. Reasons are the end of a sentence that begins with the key: "... is 7,
// below 64".
#include "base/address.h"
#include "base/rate.h"
#include "conf/conf_priv.h"

#define CPU_MAX 1023
#define RATE_SECONDS_MAX 86400

struct unit {
    const char *name;
    int64_t factor;
};

// The largest first, for writing; the last has no name and is what a bare number means.
static const struct unit size_units[] = {
    {"G", INT64_C(1) << 30}, {"M", INT64_C(1) << 20}, {"K", INT64_C(1) << 10}, {"", 1}};
static const struct unit span_units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000},
                                         {"s", 1000},     {"ms", 1},      {"", 1}};
static const struct unit plain_units[] = {{"", 1}};

static const struct unit *units_of(enum conf_type type)
{
    if (type == CONF_SIZE) {
        return size_units;
    }
    return type == CONF_SPAN_MS ? span_units : plain_units;
}

static void put_number(struct buf *out, const struct unit *unit, int64_t number)
{
    while (unit->name[0] != 0 && (number < unit->factor || number % unit->factor != 0)) {
        unit++;
    }
    buf_put_format(out, "%lld%s", (long long)(number / unit->factor), unit->name);
}

static enum err refuse(struct buf *reason, const char *text)
{
    buf_put_text(reason, text);
    return ERR_INVALID;
}

static enum err refuse_word(struct buf *reason, struct slice word, const char *text)
{
    buf_put_u8(reason, '"');
    buf_put_slice(reason, word);
    buf_put_text(reason, text);
    return ERR_INVALID;
}

static enum err check_range(const struct conf_key *key, const struct unit *units, int64_t number,
                            struct buf *reason)
{
    if (number >= key->least && number <= key->most) {
        return ERR_OK;
    }
    const bool below = number < key->least;
    buf_put_text(reason, "is ");
    put_number(reason, units, number);
    buf_put_text(reason, below ? ", below " : ", above ");
    put_number(reason, units, below ? key->least : key->most);
    return ERR_INVALID;
}

static enum err parse_number(const struct conf_key *key, struct slice text, int64_t *number,
                             struct buf *reason)
{
    const struct unit *units = units_of(key->type);
    size_t digits = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;

    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') {
        digits++;
    }
    const struct slice name = slice_sub(text, digits, SIZE_MAX);
    const struct unit *unit = units;
    while (unit->name[0] != 0 && !slice_equal_nocase(slice_text(unit->name), name)) {
        unit++;
    }
    if (!slice_equal_nocase(slice_text(unit->name), name) || digits == 0) {
        static const char *const forms[] = {
            [CONF_INT] = "\" is not a number",
            [CONF_SIZE] = "\" is not a number of bytes (with K, M or G)",
            [CONF_SPAN_MS] = "\" is not a time (a number with ms, s, m, h or d)",
        };
        return refuse_word(reason, text, forms[key->type]);
    }
    if (!slice_to_int64(slice_sub(text, 0, digits), number) ||
        __builtin_mul_overflow(*number, unit->factor, number)) {
        return refuse_word(reason, text, "\" is no number in range");
    }
    return check_range(key, units, *number, reason);
}

static enum err parse_bool(struct slice text, int64_t *number, struct buf *reason)
{
    const bool on = slice_equal_nocase(text, SLICE("true"));

    if (!on && !slice_equal_nocase(text, SLICE("false"))) {
        return refuse_word(reason, text, "\" is neither true nor false");
    }
    *number = on ? 1 : 0;
    return ERR_OK;
}

// The number is the position of the word.
static enum err parse_choice(const struct conf_key *key, struct slice text, int64_t *number,
                             struct buf *reason)
{
    struct slice rest = slice_text(key->words);

    for (*number = 0; rest.ptr != NULL; (*number)++) {
        if (slice_equal(slice_cut(&rest, ' '), text)) {
            return ERR_OK;
        }
    }
    refuse_word(reason, text, "\" is none of: ");
    buf_put_text(reason, key->words);
    return ERR_INVALID;
}

static bool is_number(struct slice text, int64_t least, int64_t most)
{
    int64_t number = 0;

    return slice_to_int64(text, &number) && number >= least && number <= most;
}

static bool is_rate(struct slice entry)
{
    struct slice seconds = entry;
    const struct slice count = slice_cut(&seconds, ':');

    return seconds.ptr != NULL && is_number(count, 1, INT32_MAX) &&
           is_number(seconds, 1, RATE_SECONDS_MAX);
}

static enum err check_entry(const struct conf_key *key, struct slice entry, struct buf *reason)
{
    struct address address;

    switch (key->type) {
    case CONF_ADDRESS:
    case CONF_ADDRESSES:
        return address_parse(entry, &address) == ERR_OK
                   ? ERR_OK
                   : refuse_word(reason, entry,
                                 "\" is no address with a port, as 0.0.0.0:5683 or [::]:5683");
    case CONF_RATES:
        return is_rate(entry) ? ERR_OK : refuse_word(reason, entry, "\" is no count:seconds");
    case CONF_CPUS:
        return is_number(entry, 0, CPU_MAX) ? ERR_OK : refuse_word(reason, entry, "\" is no core");
    case CONF_BOOL:
    case CONF_INT:
    case CONF_SIZE:
    case CONF_SPAN_MS:
    case CONF_TEXT:
    case CONF_CHOICE:
        break;
    }
    return ERR_OK;
}

// The most entries of a list; 0: no list.
static unsigned entries_max(enum conf_type type)
{
    return type == CONF_ADDRESSES ? CONF_ADDRESSES_MAX
           : type == CONF_RATES   ? RATE_BUCKETS_MAX
           : type == CONF_CPUS    ? CONF_CPUS_MAX
                                  : 0;
}

static struct slice trim(struct slice text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text = slice_sub(text, 1, text.len);
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

static enum err copy_list(const struct conf_key *key, struct slice text, struct buf *out,
                          struct buf *reason)
{
    struct slice rest = text;
    const unsigned most = entries_max(key->type);

    for (unsigned count = 0; rest.ptr != NULL && text.len > 0; count++) {
        if (count == most) {
            buf_put_format(reason, "has more than %u entries", most);
            return ERR_INVALID;
        }
        const struct slice entry = trim(slice_cut(&rest, ','));
        const enum err err = check_entry(key, entry, reason);
        if (err != ERR_OK) {
            return err;
        }
        buf_put_text(out, out->len > 0 ? "," : "");
        buf_put_slice(out, entry);
    }
    return ERR_OK;
}

static enum err parse_text(const struct conf_key *key, struct slice text, struct buf *out,
                           int64_t *number, struct buf *reason)
{
    enum err err = ERR_OK;

    if ((int64_t)text.len < key->least) {
        return refuse(reason, "must not be empty");
    }
    if ((int64_t)text.len > key->most) {
        buf_put_format(reason, "is longer than %lld characters", (long long)key->most);
        return ERR_INVALID;
    }
    if (text.len > 0 && memchr(text.ptr, 0, text.len) != NULL) {
        return refuse(reason, "holds a zero byte");
    }
    if (key->type == CONF_CHOICE) {
        err = parse_choice(key, text, number, reason);
    } else if (entries_max(key->type) > 0) {
        return copy_list(key, text, out, reason);
    } else {
        err = check_entry(key, text, reason);
    }
    buf_put_slice(out, text);
    return err;
}

enum err conf_value_parse(const struct conf_key *key, struct slice text, struct conf_value *value,
                          struct buf *reason)
{
    struct buf out = buf_over(value->text, CONF_TEXT_MAX);
    enum err err = ERR_OK;

    value->number = 0;
    if (key->type == CONF_BOOL) {
        err = parse_bool(text, &value->number, reason);
    } else if (key->type == CONF_INT || key->type == CONF_SIZE || key->type == CONF_SPAN_MS) {
        err = parse_number(key, text, &value->number, reason);
    } else {
        err = parse_text(key, text, &out, &value->number, reason);
    }
    if (err == ERR_OK && out.len == 0) {
        buf_put_slice(&out, text);
    }
    ASSERT(err != ERR_OK || !out.overflow);
    value->text[out.len] = 0;
    return err;
}
