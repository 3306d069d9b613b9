// conf/conf_priv.h: the table in memory, and assigning a value, for the sources of values.
#pragma once

#include "conf/conf.h"

enum conf_type {
    CONF_BOOL,
    CONF_INT,
    CONF_SIZE,
    CONF_SPAN_MS,
    CONF_TEXT,
    CONF_CHOICE,
    CONF_ADDRESS,
    CONF_ADDRESSES,
    CONF_RATES,
    CONF_CPUS,
};

struct conf_key {
    const char *name;
    enum conf_type type;
    const char *words; // of a choice
    const char *fallback;
    int64_t least;
    int64_t most;
    bool reload;
    const char *help;
};

// In the order in which they override.
enum conf_source {
    CONF_DEFAULT,
    CONF_FILE,
    CONF_ENVIRONMENT,
    CONF_SET,
};

// Where a value comes from, for messages: a file with a place in it, or a variable.
struct conf_origin {
    enum conf_source source;
    const char *name; // of the file or variable
    size_t line;      // from 1
    size_t column;
};

struct conf_value {
    enum conf_source source;
    size_t line; // of the file
    int64_t number;
    char text[CONF_TEXT_MAX + 1]; // as it was written, lists without blanks
};

#define CONF_NAME_MAX 64U
#define CONF_VARIABLE_PREFIX "MOTEHUB_"

// Every key once; ends with one without a name.
extern const struct conf_key conf_keys[];
size_t conf_key_count(void);
// The key with this name, or NULL.
const struct conf_key *conf_key_find(struct slice name);
// True if some key begins with `name` and a dot.
bool conf_key_is_section(struct slice name);
// The key whose name is nearest to a wrong one, or NULL when none is near.
const struct conf_key *conf_key_nearest(struct slice name);
// "MOTEHUB_COAP_ACK_WAIT".
void conf_key_variable(const struct conf_key *key, char variable[CONF_NAME_MAX]);

struct conf_value *conf_value_at(struct conf *conf, const struct conf_key *key);

// Reads `text` by the key's type and range. ERR_INVALID with the reason in `reason`.
MUST_USE enum err conf_value_parse(const struct conf_key *key, struct slice text,
                                   struct conf_value *value, struct buf *reason);

// A value for a key from a source; a stronger source keeps what it gave. ERR_INVALID with a
// message.
MUST_USE enum err conf_assign(struct conf *conf, const struct conf_origin *origin,
                              struct slice name, struct slice text, struct buf *message);

// "file:1:2: " or "environment: VARIABLE: ", to begin a message with; on a new line if there is one
// already.
void conf_put_origin(struct buf *message, const struct conf_origin *origin);
