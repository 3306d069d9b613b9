#include "conf/conf.h"

#include <stdlib.h>

#include "conf/conf_priv.h"

struct conf {
    struct conf_value *values; // by position in the table
};

struct conf_value *conf_value_at(struct conf *conf, const struct conf_key *key)
{
    return &conf->values[key - conf_keys];
}

void conf_put_origin(struct buf *message, const struct conf_origin *origin)
{
    buf_put_text(message, message->len > 0 ? "\n" : "");
    switch (origin->source) {
    case CONF_DEFAULT:
        break;
    case CONF_FILE:
        buf_put_format(message, "%s:%zu:%zu: ", origin->name, origin->line, origin->column);
        break;
    case CONF_ENVIRONMENT:
        buf_put_format(message, "environment: %s: ", origin->name);
        break;
    case CONF_SET:
        buf_put_text(message, "--set: ");
        break;
    }
}

static enum err refuse_name(const struct conf_origin *origin, struct slice name,
                            struct buf *message)
{
    const struct conf_key *nearest = conf_key_nearest(name);

    conf_put_origin(message, origin);
    buf_put_slice(message, slice_sub(name, 0, CONF_NAME_MAX));
    buf_put_text(message, ": no such key");
    if (nearest != NULL) {
        buf_put_format(message, "; did you mean %s?", nearest->name);
    }
    return ERR_INVALID;
}

enum err conf_assign(struct conf *conf, const struct conf_origin *origin, struct slice name,
                     struct slice text, struct buf *message)
{
    const struct conf_key *key = conf_key_find(name);
    struct conf_value parsed = {.source = origin->source, .line = origin->line};
    char memory[256];
    struct buf reason = buf_over(memory, sizeof(memory));

    if (key == NULL) {
        return refuse_name(origin, name, message);
    }
    const enum err err = conf_value_parse(key, text, &parsed, &reason);
    if (err != ERR_OK) {
        conf_put_origin(message, origin);
        buf_put_format(message, "%s: ", key->name);
        buf_put_slice(message, buf_view(&reason));
        return err;
    }
    struct conf_value *value = conf_value_at(conf, key);
    if (value->source <= origin->source) {
        *value = parsed;
    }
    return ERR_OK;
}

enum err conf_create(struct conf **conf)
{
    const struct conf_origin origin = {.source = CONF_DEFAULT};
    struct buf nothing = buf_over(NULL, 0);

    *conf = calloc(1, sizeof(**conf));
    if (*conf == NULL) {
        return ERR_EXHAUSTED;
    }
    (*conf)->values = calloc(conf_key_count(), sizeof(*(*conf)->values));
    if ((*conf)->values == NULL) {
        conf_destroy(*conf);
        *conf = NULL;
        return ERR_EXHAUSTED;
    }
    for (const struct conf_key *key = conf_keys; key->name != NULL; key++) {
        ASSERT(conf_assign(*conf, &origin, slice_text(key->name), slice_text(key->fallback),
                           &nothing) == ERR_OK);
    }
    return ERR_OK;
}

void conf_destroy(struct conf *conf)
{
    if (conf != NULL) {
        free(conf->values);
        free(conf);
    }
}

enum err conf_set(struct conf *conf, const char *assignment, struct buf *message)
{
    const struct conf_origin origin = {.source = CONF_SET};
    struct slice value = slice_text(assignment);
    const struct slice name = slice_cut(&value, '=');

    if (value.ptr == NULL) {
        conf_put_origin(message, &origin);
        buf_put_slice(message, slice_sub(name, 0, CONF_NAME_MAX));
        buf_put_text(message, ": '=' and a value are missing");
        return ERR_INVALID;
    }
    return conf_assign(conf, &origin, name, value, message);
}

static const struct conf_value *value_of(const struct conf *conf, const char *name,
                                         enum conf_type *type)
{
    const struct conf_key *key = conf_key_find(slice_text(name));

    ASSERT(key != NULL);
    *type = key->type;
    return &conf->values[key - conf_keys];
}

bool conf_bool(const struct conf *conf, const char *name)
{
    enum conf_type type;
    const struct conf_value *value = value_of(conf, name, &type);

    ASSERT(type == CONF_BOOL);
    return value->number != 0;
}

int64_t conf_int(const struct conf *conf, const char *name)
{
    enum conf_type type;
    const struct conf_value *value = value_of(conf, name, &type);

    ASSERT(type == CONF_INT);
    return value->number;
}

uint64_t conf_size(const struct conf *conf, const char *name)
{
    enum conf_type type;
    const struct conf_value *value = value_of(conf, name, &type);

    ASSERT(type == CONF_SIZE);
    return (uint64_t)value->number;
}

uint64_t conf_span_ms(const struct conf *conf, const char *name)
{
    enum conf_type type;
    const struct conf_value *value = value_of(conf, name, &type);

    ASSERT(type == CONF_SPAN_MS);
    return (uint64_t)value->number;
}

const char *conf_text(const struct conf *conf, const char *name)
{
    enum conf_type type;
    const struct conf_value *value = value_of(conf, name, &type);

    ASSERT(type >= CONF_TEXT);
    return value->text;
}

unsigned conf_choice(const struct conf *conf, const char *name)
{
    enum conf_type type;
    const struct conf_value *value = value_of(conf, name, &type);

    ASSERT(type == CONF_CHOICE);
    return (unsigned)value->number;
}

bool conf_is_set(const struct conf *conf, const char *name)
{
    enum conf_type type;

    return value_of(conf, name, &type)->source != CONF_DEFAULT;
}

void conf_write_changed(const struct conf *before, const struct conf *after, bool reloadable,
                        struct buf *out)
{
    bool is_first = true;
    for (const struct conf_key *key = conf_keys; key->name != NULL; key++) {
        const size_t at = (size_t)(key - conf_keys);
        if (key->reload != reloadable ||
            strcmp(before->values[at].text, after->values[at].text) == 0) {
            continue;
        }
        buf_put_format(out, "%s%s", is_first ? "" : ", ", key->name);
        is_first = false;
    }
}

// Of a file with the line.
static void put_source(const struct conf_value *value, char text[32])
{
    static const char *const sources[] = {
        [CONF_DEFAULT] = "default",
        [CONF_FILE] = "file:",
        [CONF_ENVIRONMENT] = "environment",
        [CONF_SET] = "--set",
    };
    struct buf out = buf_over(text, 31);
    buf_put_text(&out, sources[value->source]);
    if (value->source == CONF_FILE) {
        buf_put_format(&out, "%zu", value->line);
    }
    text[out.len] = 0;
}

void conf_write_table(const struct conf *conf, struct buf *out)
{
    static const char *const types[] = {
        [CONF_BOOL] = "bool",       [CONF_INT] = "int",
        [CONF_SIZE] = "size",       [CONF_SPAN_MS] = "time",
        [CONF_TEXT] = "text",       [CONF_CHOICE] = "choice",
        [CONF_ADDRESS] = "address", [CONF_ADDRESSES] = "addresses",
        [CONF_RATES] = "rates",     [CONF_CPUS] = "cores",
    };
    buf_put_format(out, "%-25s %-10s %-26s %-26s %-12s %s\n", "key", "type", "value", "default",
                   "from", "help");
    for (const struct conf_key *key = conf_keys; key->name != NULL; key++) {
        const struct conf_value *value = &conf->values[key - conf_keys];
        char from[32];
        put_source(value, from);
        buf_put_format(out, "%-25s %-10s %-26s %-26s %-12s %s", key->name, types[key->type],
                       value->text[0] != 0 ? value->text : "-",
                       key->fallback[0] != 0 ? key->fallback : "-", from, key->help);
        if (key->words != NULL) {
            buf_put_format(out, " (%s)", key->words);
        }
        buf_put_text(out, "\n");
    }
}
