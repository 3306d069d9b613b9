#include "conf/conf_priv.h"

#define NO false
#define YES true

const struct conf_key conf_keys[] = {
#define KEY(name, type, fallback, least, most, reload, help)                                       \
    {name, CONF_##type, NULL, fallback, least, most, reload, help},
#define CHOICE(name, words, fallback, reload, help)                                                \
    {name, CONF_CHOICE, words, fallback, 1, CONF_TEXT_MAX, reload, help},
#include "conf/keys.def"
#undef KEY
#undef CHOICE
    {0},
};

size_t conf_key_count(void)
{
    return sizeof(conf_keys) / sizeof(conf_keys[0]) - 1;
}

const struct conf_key *conf_key_find(struct slice name)
{
    for (const struct conf_key *key = conf_keys; key->name != NULL; key++) {
        if (slice_equal(slice_text(key->name), name)) {
            return key;
        }
    }
    return NULL;
}

bool conf_key_is_section(struct slice name)
{
    for (const struct conf_key *key = conf_keys; key->name != NULL; key++) {
        if (slice_starts_with(slice_text(key->name), name) && key->name[name.len] == '.') {
            return true;
        }
    }
    return false;
}

static size_t least_of(size_t a, size_t b, size_t c)
{
    const size_t least = a < b ? a : b;
    return least < c ? least : c;
}

// How many letters must be changed, added or left out (Levenshtein). Both below CONF_NAME_MAX.
static size_t distance(struct slice a, struct slice b)
{
    size_t row[CONF_NAME_MAX];

    for (size_t i = 0; i <= b.len; i++) {
        row[i] = i;
    }
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t n = 0; n < b.len; n++) {
            const size_t changed = diagonal + (a.ptr[i] == b.ptr[n] ? 0 : 1);
            diagonal = row[n + 1];
            row[n + 1] = least_of(changed, diagonal + 1, row[n] + 1);
        }
    }
    return row[b.len];
}

const struct conf_key *conf_key_nearest(struct slice name)
{
    const struct conf_key *nearest = NULL;
    // Further off than this it would be a guess.
    size_t best = name.len / 3 + 2;

    if (name.len >= CONF_NAME_MAX) {
        return NULL;
    }
    for (const struct conf_key *key = conf_keys; key->name != NULL; key++) {
        const size_t far = distance(slice_text(key->name), name);
        if (far < best) {
            best = far;
            nearest = key;
        }
    }
    return nearest;
}

void conf_key_variable(const struct conf_key *key, char variable[CONF_NAME_MAX])
{
    struct buf out = buf_over(variable, CONF_NAME_MAX - 1);

    buf_put_text(&out, CONF_VARIABLE_PREFIX);
    for (const char *at = key->name; *at != 0; at++) {
        const bool letter = *at >= 'a' && *at <= 'z';
        buf_put_u8(&out, letter ? (uint8_t)(*at - 'a' + 'A') : '_');
    }
    ASSERT(!out.overflow);
    variable[out.len] = 0;
}
