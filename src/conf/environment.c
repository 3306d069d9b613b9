#include "conf/conf_priv.h"

enum alias_kind {
    ALIAS_SAME,
    ALIAS_ALL_OF,
    ALIAS_SECONDS,
    ALIAS_STRATEGY,
};

struct alias {
    const char *variable;
    const char *key;
    enum alias_kind kind;
};

struct bind_alias {
    const char *address;
    const char *port;
    const char *key;
};

// Each table takes its own rows of the list.
#define ALIAS(variable, key) {variable, key, ALIAS_SAME},
#define ALL_OF(variable, key) {variable, key, ALIAS_ALL_OF},
#define SECONDS(variable, key) {variable, key, ALIAS_SECONDS},
#define STRATEGY(variable, key) {variable, key, ALIAS_STRATEGY},
#define BIND(address, port, key)
#define KNOWN(variable)
static const struct alias aliases[] = {
#include "conf/alias.def"
};
#undef ALIAS
#undef ALL_OF
#undef SECONDS
#undef STRATEGY
#define ALIAS(variable, key)
#define ALL_OF(variable, key)
#define SECONDS(variable, key)
#define STRATEGY(variable, key)

#undef BIND
#define BIND(address, port, key) {address, port, key},
static const struct bind_alias bind_aliases[] = {
#include "conf/alias.def"
};
#undef BIND
#define BIND(address, port, key)

#undef KNOWN
#define KNOWN(variable) variable,
static const char *const known[] = {
#include "conf/alias.def"
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// The value of a variable, or a slice without pointer. Of several the last counts.
static struct slice variable(char *const *environment, const char *name)
{
    struct slice found = SLICE_EMPTY;

    for (; *environment != NULL; environment++) {
        struct slice value = slice_text(*environment);
        if (slice_equal(slice_cut(&value, '='), slice_text(name)) && value.ptr != NULL) {
            found = value;
        }
    }
    return found;
}

// Upstream's words for how calls follow each other.
static struct slice strategy_of(struct slice text)
{
    static const struct {
        const char *theirs;
        const char *ours;
    } words[] = {
        {"BURST", "burst"},
        {"SEQUENTIAL_ON_ACK_FROM_DEVICE", "on-ack"},
        {"SEQUENTIAL_ON_RESPONSE_FROM_DEVICE", "on-response"},
    };
    for (unsigned i = 0; i < COUNT(words); i++) {
        if (slice_equal(text, slice_text(words[i].theirs))) {
            return slice_text(words[i].ours);
        }
    }
    return text;
}

static enum err load_alias(struct conf *conf, const struct alias *alias, struct slice text,
                           struct buf *message)
{
    const struct conf_origin origin = {.source = CONF_ENVIRONMENT, .name = alias->variable};
    const struct conf_key *key = conf_key_find(slice_text(alias->key));
    const struct conf_value before = *conf_value_at(conf, key);
    char memory[CONF_TEXT_MAX];
    struct buf seconds = buf_over(memory, sizeof(memory));

    if (alias->kind == ALIAS_SECONDS) {
        // Upstream's bare number; ours would be milliseconds.
        buf_put_slice(&seconds, text);
        buf_put_u8(&seconds, 's');
        text = seconds.overflow ? text : buf_view(&seconds);
    }
    if (alias->kind == ALIAS_STRATEGY) {
        text = strategy_of(text);
    }
    const enum err err = conf_assign(conf, &origin, slice_text(alias->key), text, message);
    const bool off_already = before.source == CONF_ENVIRONMENT && before.number == 0;
    if (err == ERR_OK && alias->kind == ALIAS_ALL_OF && off_already) {
        *conf_value_at(conf, key) = before;
    }
    return err;
}

// Cuts "address:port" at the last colon.
static struct slice cut_port(struct slice *entry)
{
    size_t colon = entry->len;

    while (colon > 0 && entry->ptr[colon - 1] != ':') {
        colon--;
    }
    ASSERT(colon > 0);
    const struct slice port = slice_sub(*entry, colon, SIZE_MAX);
    entry->len = colon - 1;
    return port;
}

static void put_host(struct buf *out, struct slice host)
{
    const bool bare_ipv6 = memchr(host.ptr, ':', host.len) != NULL && host.ptr[0] != '[';

    buf_put_text(out, bare_ipv6 ? "[" : "");
    buf_put_slice(out, host);
    buf_put_text(out, bare_ipv6 ? "]" : "");
}

// Upstream binds one address and one port: they fill the first entry. The others stay if somebody
// asked for them; our default does not, or the port would be changed for half of the world only.
static enum err load_bind(struct conf *conf, const struct bind_alias *alias,
                          char *const *environment, struct buf *message)
{
    const struct slice address = variable(environment, alias->address);
    const struct slice port = variable(environment, alias->port);
    const struct conf_value *value = conf_value_at(conf, conf_key_find(slice_text(alias->key)));
    const struct conf_origin origin = {.source = CONF_ENVIRONMENT,
                                       .name = address.ptr != NULL ? alias->address : alias->port};
    char memory[CONF_TEXT_MAX + 128];
    struct buf text = buf_over(memory, sizeof(memory));

    if (address.ptr == NULL && port.ptr == NULL) {
        return ERR_OK;
    }
    struct slice others = slice_text(value->text);
    struct slice first = slice_cut(&others, ',');
    const struct slice first_port = cut_port(&first);
    put_host(&text, address.ptr != NULL ? address : first);
    buf_put_u8(&text, ':');
    buf_put_slice(&text, port.ptr != NULL ? port : first_port);
    if (others.ptr != NULL && value->source != CONF_DEFAULT) {
        buf_put_u8(&text, ',');
        buf_put_slice(&text, others);
    }
    if (text.overflow) {
        conf_put_origin(message, &origin);
        buf_put_text(message, "too long");
        return ERR_INVALID;
    }
    return conf_assign(conf, &origin, slice_text(alias->key), buf_view(&text), message);
}

static enum err load_aliases(struct conf *conf, char *const *environment, struct buf *message)
{
    enum err err = ERR_OK;

    for (size_t i = 0; i < COUNT(aliases) && err == ERR_OK; i++) {
        const struct slice text = variable(environment, aliases[i].variable);
        if (text.ptr != NULL) {
            err = load_alias(conf, &aliases[i], text, message);
        }
    }
    for (size_t i = 0; i < COUNT(bind_aliases) && err == ERR_OK; i++) {
        err = load_bind(conf, &bind_aliases[i], environment, message);
    }
    return err;
}

static const struct conf_key *key_of_variable(struct slice name)
{
    for (const struct conf_key *key = conf_keys; key->name != NULL; key++) {
        char text[CONF_NAME_MAX];
        conf_key_variable(key, text);
        if (slice_equal(slice_text(text), name)) {
            return key;
        }
    }
    return NULL;
}

static enum err refuse_variable(struct slice name, struct buf *message)
{
    char memory[CONF_NAME_MAX];
    struct buf guess = buf_over(memory, sizeof(memory));
    const struct slice rest = slice_sub(name, strlen(CONF_VARIABLE_PREFIX), SIZE_MAX);

    // As a key it may be near to one; '-' for '_' costs one change, so the guess is good enough.
    for (size_t i = 0; i < rest.len && i < sizeof(memory) - 1; i++) {
        const uint8_t c = rest.ptr[i];
        buf_put_u8(&guess, c == '_' ? '.' : (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    }
    const struct conf_key *nearest = conf_key_nearest(buf_view(&guess));
    buf_put_text(message, message->len > 0 ? "\n" : "");
    buf_put_text(message, "environment: ");
    buf_put_slice(message, slice_sub(name, 0, 2 * CONF_NAME_MAX));
    buf_put_text(message, ": names no key");
    if (nearest != NULL) {
        char variable_name[CONF_NAME_MAX];
        conf_key_variable(nearest, variable_name);
        buf_put_format(message, "; did you mean %s?", variable_name);
    }
    return ERR_INVALID;
}

// Those of the commands at a terminal, which somebody may have set for all that he starts.
static bool is_of_a_person(struct slice name)
{
    return slice_equal(name, SLICE("MOTEHUB_URL")) || slice_equal(name, SLICE("MOTEHUB_USER")) ||
           slice_equal(name, SLICE("MOTEHUB_PASSWORD"));
}

static enum err load_own(struct conf *conf, char *const *environment, struct buf *message)
{
    for (; *environment != NULL; environment++) {
        struct slice value = slice_text(*environment);
        const struct slice name = slice_cut(&value, '=');
        if (!slice_starts_with(name, SLICE(CONF_VARIABLE_PREFIX)) || value.ptr == NULL ||
            is_of_a_person(name)) {
            continue;
        }
        const struct conf_key *key = key_of_variable(name);
        if (key == NULL) {
            return refuse_variable(name, message);
        }
        char text[CONF_NAME_MAX];
        conf_key_variable(key, text);
        const struct conf_origin origin = {.source = CONF_ENVIRONMENT, .name = text};
        const enum err err = conf_assign(conf, &origin, slice_text(key->name), value, message);
        if (err != ERR_OK) {
            return err;
        }
    }
    return ERR_OK;
}

static bool is_alias(struct slice name)
{
    for (size_t i = 0; i < COUNT(aliases); i++) {
        if (slice_equal(name, slice_text(aliases[i].variable))) {
            return true;
        }
    }
    return false;
}

static bool is_known(struct slice name)
{
    for (size_t i = 0; i < COUNT(known); i++) {
        const struct slice pattern = slice_text(known[i]);
        const bool open = pattern.ptr[pattern.len - 1] == '*';
        if (open ? slice_starts_with(name, slice_sub(pattern, 0, pattern.len - 1))
                 : slice_equal(name, pattern)) {
            return true;
        }
    }
    return false;
}

// One line for all of them.
static void warn_of_known(char *const *environment, struct buf *message)
{
    bool first = true;

    for (; *environment != NULL; environment++) {
        struct slice value = slice_text(*environment);
        const struct slice name = slice_cut(&value, '=');
        if (value.ptr != NULL && is_known(name) && !is_alias(name)) {
            buf_put_text(message, first && message->len > 0 ? "\n" : "");
            buf_put_text(message, first ? "environment: without meaning here: " : ", ");
            buf_put_slice(message, name);
            first = false;
        }
    }
}

enum err conf_load_environment(struct conf *conf, char *const *environment, struct buf *message)
{
    enum err err = load_aliases(conf, environment, message);

    // Our own names come last and win.
    if (err == ERR_OK) {
        err = load_own(conf, environment, message);
    }
    if (err == ERR_OK) {
        warn_of_known(environment, message);
    }
    return err;
}
