// The grammar is that of Gson's lenient reader, which upstream uses. A loop with one bit per level
// in place of recursion: the bit says whether the level is an object.
#include "codec/lenient.h"

#include "codec/json.h"
#include "codec/number.h"

#define LEVEL_WORDS ((CODEC_JSON_DEPTH_MAX + 63U) / 64U)

enum step {
    STEP_VALUE,     // a value must follow; in an array a missing one is null
    STEP_FIRST,     // just after '[' or '{'
    STEP_NAME,      // the name of a member must follow
    STEP_SEPARATOR, // a value has ended
    STEP_DONE,
};

struct lenient {
    struct slice text;
    size_t at;
    size_t token; // where the token in hand starts
    struct buf *out;
    struct err_place *place;
    unsigned depth;
    uint64_t levels[LEVEL_WORDS];
};

static const uint8_t replacement[3] = {0xEF, 0xBF, 0xBD};

static enum err fail(const struct lenient *l, const char *reason, size_t offset)
{
    l->place->reason = reason;
    l->place->offset = offset;
    return ERR_SYNTAX;
}

static bool at_end(const struct lenient *l)
{
    return l->at >= l->text.len;
}

// The byte at the cursor, or 0 at the end. A zero byte in the text is an ordinary literal
// character.
static uint8_t peek(const struct lenient *l)
{
    return at_end(l) ? 0 : l->text.ptr[l->at];
}

static bool in_object(const struct lenient *l)
{
    const unsigned level = l->depth - 1;
    return l->depth > 0 && (l->levels[level / 64] >> (level % 64) & 1) != 0;
}

static bool looking_at(const struct lenient *l, const char *text)
{
    return slice_starts_with(slice_sub(l->text, l->at, SIZE_MAX), slice_text(text));
}

static void skip_line(struct lenient *l)
{
    while (!at_end(l) && peek(l) != '\n' && peek(l) != '\r') {
        l->at++;
    }
}

static enum err skip_block_comment(struct lenient *l)
{
    const size_t start = l->at;

    for (l->at += 2; !at_end(l); l->at++) {
        if (looking_at(l, "*/")) {
            l->at += 2;
            return ERR_OK;
        }
    }
    return fail(l, "a comment does not end", start);
}

static enum err skip_blank(struct lenient *l)
{
    enum err err = ERR_OK;

    while (err == ERR_OK && !at_end(l)) {
        const uint8_t c = peek(l);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            l->at++;
        } else if (c == '#' || (c == '/' && looking_at(l, "//"))) {
            skip_line(l);
        } else if (c == '/' && looking_at(l, "/*")) {
            err = skip_block_comment(l);
        } else {
            break;
        }
    }
    return err;
}

// Malformed bytes at the cursor as one U+FFFD for each longest beginning of a sequence, as Unicode
// recommends (chapter 3.9) and Java does.
static void put_replacement(struct lenient *l)
{
    const uint8_t first = peek(l);
    const size_t need = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    uint8_t candidate[4] = {first, 0x80, 0x80, 0x80};

    l->at++;
    for (size_t i = 1; i < need && !at_end(l); i++) {
        candidate[i] = peek(l);
        // The bytes so far begin a sequence if some continuation completes it.
        if (slice_utf8_step(slice_of(candidate, need)) != need) {
            break;
        }
        l->at++;
    }
    buf_put(l->out, replacement, sizeof(replacement));
}

static void put_well_formed(struct lenient *l)
{
    const struct slice rest = slice_sub(l->text, l->at, SIZE_MAX);
    const size_t step = slice_utf8_step(rest);

    if (step == 0) {
        put_replacement(l);
    } else {
        buf_put(l->out, rest.ptr, step);
        l->at += step;
    }
}

// Most characters of a text go through as they are.
static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\'' && c != '\\';
}

static void put_plain(struct lenient *l, size_t end)
{
    const size_t start = l->at;

    while (l->at < end && is_plain(peek(l))) {
        l->at++;
    }
    buf_put(l->out, l->text.ptr + start, l->at - start);
}

// One character of a text or name, escaped as strict JSON wants it.
static void put_character(struct lenient *l)
{
    const uint8_t c = peek(l);

    if (c == '"') {
        buf_put_text(l->out, "\\\"");
        l->at++;
    } else if (c < 0x20) {
        static const char hex[] = "0123456789abcdef";
        const char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        buf_put(l->out, escape, sizeof(escape));
        l->at++;
    } else {
        put_well_formed(l);
    }
}

// Four hexadecimal digits at `at`; false if they are not there.
static bool read_hex4(const struct lenient *l, size_t at, uint32_t *value)
{
    *value = 0;
    if (at + 4 > l->text.len) {
        return false;
    }
    for (size_t i = at; i < at + 4; i++) {
        const uint8_t c = l->text.ptr[i];
        const uint8_t letter = c | 0x20;
        if (c >= '0' && c <= '9') {
            *value = *value << 4 | (uint32_t)(c - '0');
        } else if (letter >= 'a' && letter <= 'f') {
            *value = *value << 4 | (uint32_t)(letter - 'a' + 10);
        } else {
            return false;
        }
    }
    return true;
}

// At `\u`. Pairs of surrogates go through, lone ones are no characters.
static enum err put_unicode_escape(struct lenient *l)
{
    uint32_t unit = 0;
    uint32_t second = 0;
    size_t len = 6;

    if (!read_hex4(l, l->at + 2, &unit)) {
        return fail(l, "four hexadecimal digits must follow \\u", l->at);
    }
    const struct slice rest = slice_sub(l->text, l->at, SIZE_MAX);
    if (unit >= 0xD800 && unit <= 0xDBFF &&
        slice_starts_with(slice_sub(rest, 6, 2), SLICE("\\u")) &&
        read_hex4(l, l->at + 8, &second) && second >= 0xDC00 && second <= 0xDFFF) {
        len = 12;
    } else if (unit >= 0xD800 && unit <= 0xDFFF) {
        buf_put(l->out, replacement, sizeof(replacement));
        l->at += len;
        return ERR_OK;
    }
    buf_put(l->out, rest.ptr, len);
    l->at += len;
    return ERR_OK;
}

static enum err put_escape(struct lenient *l)
{
    const uint8_t c = l->at + 1 < l->text.len ? l->text.ptr[l->at + 1] : 0;

    switch (c) {
    case 'u':
        return put_unicode_escape(l);
    case 't':
    case 'b':
    case 'n':
    case 'r':
    case 'f':
    case '"':
    case '\\':
    case '/':
        buf_put(l->out, l->text.ptr + l->at, 2);
        break;
    case '\'':
        buf_put_u8(l->out, c);
        break;
    case '\n':
        buf_put_text(l->out, "\\n");
        break;
    default:
        return fail(l, "unknown escape", l->at);
    }
    l->at += 2;
    return ERR_OK;
}

// A text in single or double quotes.
static enum err put_quoted(struct lenient *l)
{
    const uint8_t quote = peek(l);
    const size_t start = l->at;

    l->at++;
    buf_put_u8(l->out, '"');
    while (!at_end(l) && !l->out->overflow) {
        const uint8_t c = peek(l);
        enum err err = ERR_OK;
        if (c == quote) {
            l->at++;
            buf_put_u8(l->out, '"');
            return ERR_OK;
        }
        if (c == '\\') {
            err = put_escape(l);
        } else if (is_plain(c)) {
            put_plain(l, l->text.len);
        } else {
            put_character(l);
        }
        if (err != ERR_OK) {
            return err;
        }
    }
    return l->out->overflow ? ERR_EXHAUSTED : fail(l, "a text does not end", start);
}

// What cannot stand in a text without quotes.
static const bool ends_bare[256] = {
    ['/'] = true,  ['\\'] = true, [';'] = true,  ['#'] = true,  ['='] = true, ['{'] = true,
    ['}'] = true,  ['['] = true,  [']'] = true,  [':'] = true,  [','] = true, [' '] = true,
    ['\t'] = true, ['\f'] = true, ['\r'] = true, ['\n'] = true,
};

static struct slice bare_token(const struct lenient *l)
{
    size_t end = l->at;

    while (end < l->text.len && !ends_bare[l->text.ptr[end]]) {
        end++;
    }
    return slice_sub(l->text, l->at, end - l->at);
}

static void put_bare_text(struct lenient *l, struct slice token)
{
    const size_t end = l->at + token.len;

    buf_put_u8(l->out, '"');
    while (l->at < end && !l->out->overflow) {
        if (is_plain(peek(l))) {
            put_plain(l, end);
        } else {
            put_character(l);
        }
    }
    buf_put_u8(l->out, '"');
}

// A value without quotes: a keyword in any case, a number, else a text.
static enum err put_bare_value(struct lenient *l)
{
    static const char *const keywords[] = {"true", "false", "null"};
    const struct slice token = bare_token(l);

    if (token.len == 0) {
        return fail(l, at_end(l) ? "the document does not end" : "a value is missing", l->at);
    }
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (slice_equal_nocase(token, slice_text(keywords[i]))) {
            buf_put_text(l->out, keywords[i]);
            l->at += token.len;
            return ERR_OK;
        }
    }
    if (codec_number_is_json(token)) {
        buf_put_slice(l->out, token);
        l->at += token.len;
        return ERR_OK;
    }
    put_bare_text(l, token);
    return ERR_OK;
}

static enum err open_level(struct lenient *l, bool object)
{
    if (l->depth == CODEC_JSON_DEPTH_MAX) {
        return fail(l, "nested too deep", l->at);
    }
    const uint64_t bit = UINT64_C(1) << (l->depth % 64);
    if (object) {
        l->levels[l->depth / 64] |= bit;
    } else {
        l->levels[l->depth / 64] &= ~bit;
    }
    l->depth++;
    buf_put_u8(l->out, peek(l));
    l->at++;
    return ERR_OK;
}

static enum step close_level(struct lenient *l)
{
    ASSERT(l->depth > 0);
    buf_put_u8(l->out, peek(l));
    l->at++;
    l->depth--;
    return STEP_SEPARATOR;
}

static enum err take_value(struct lenient *l, enum step *step)
{
    const uint8_t c = peek(l);

    *step = STEP_SEPARATOR;
    if (c == '{' || c == '[') {
        *step = STEP_FIRST;
        return open_level(l, c == '{');
    }
    if (c == '"' || c == '\'') {
        return put_quoted(l);
    }
    const bool missing = l->depth > 0 && !in_object(l) && (c == ',' || c == ';' || c == ']');
    if (missing || (l->depth == 0 && at_end(l))) {
        buf_put_text(l->out, "null");
        return ERR_OK;
    }
    return put_bare_value(l);
}

static enum err put_name(struct lenient *l)
{
    if (peek(l) == '"' || peek(l) == '\'') {
        return put_quoted(l);
    }
    const struct slice token = bare_token(l);
    if (token.len == 0) {
        return fail(l, "a name is missing", l->at);
    }
    put_bare_text(l, token);
    return l->out->overflow ? ERR_EXHAUSTED : ERR_OK;
}

static enum err take_name(struct lenient *l, enum step *step)
{
    enum err err = put_name(l);

    if (err == ERR_OK) {
        err = skip_blank(l);
    }
    if (err != ERR_OK) {
        return err;
    }
    if (peek(l) != ':' && peek(l) != '=') {
        return fail(l, "':' is missing after a name", l->at);
    }
    l->at += peek(l) == '=' && looking_at(l, "=>") ? 2 : 1;
    buf_put_u8(l->out, ':');
    *step = STEP_VALUE;
    return ERR_OK;
}

static enum err take_separator(struct lenient *l, enum step *step)
{
    const uint8_t c = peek(l);

    if (l->depth == 0) {
        *step = STEP_DONE;
        return at_end(l) ? ERR_OK : fail(l, "something follows the document", l->at);
    }
    if (c == (in_object(l) ? '}' : ']')) {
        *step = close_level(l);
        return ERR_OK;
    }
    if (c != ',' && c != ';') {
        return fail(l, at_end(l) ? "the document does not end" : "',' is missing", l->at);
    }
    l->at++;
    buf_put_u8(l->out, ',');
    *step = in_object(l) ? STEP_NAME : STEP_VALUE;
    return ERR_OK;
}

static enum err take_first(struct lenient *l, enum step *step)
{
    if (peek(l) == (in_object(l) ? '}' : ']')) {
        *step = close_level(l);
    } else {
        *step = in_object(l) ? STEP_NAME : STEP_VALUE;
    }
    return ERR_OK;
}

static enum err skip_prefix(struct lenient *l)
{
    if (looking_at(l, "\xEF\xBB\xBF")) {
        l->at += 3;
    }
    const enum err err = skip_blank(l);
    if (err == ERR_OK && looking_at(l, ")]}'\n")) {
        l->at += 5;
    }
    return err;
}

// Each turn takes at least one byte or goes one step on with the same byte, so it ends.
static enum err run(struct lenient *l)
{
    enum step step = STEP_VALUE;
    enum err err = skip_prefix(l);

    while (err == ERR_OK && step != STEP_DONE) {
        err = skip_blank(l);
        l->token = l->at;
        if (err != ERR_OK) {
            break;
        }
        switch (step) {
        case STEP_VALUE:
            err = take_value(l, &step);
            break;
        case STEP_FIRST:
            err = take_first(l, &step);
            break;
        case STEP_NAME:
            err = take_name(l, &step);
            break;
        case STEP_SEPARATOR:
            err = take_separator(l, &step);
            break;
        case STEP_DONE:
            break;
        }
        if (err == ERR_OK && l->out->overflow) {
            err = ERR_EXHAUSTED;
        }
    }
    return err;
}

enum err codec_lenient_normalise(struct slice text, struct buf *out, struct err_place *place)
{
    struct lenient l = {.text = text, .out = out, .place = place};

    *place = (struct err_place){"no memory left to read the document", 0};
    return run(&l);
}

size_t codec_lenient_origin(struct slice text, size_t offset, void *scratch)
{
    struct err_place place;
    struct buf out = buf_over(scratch, offset);
    struct lenient l = {.text = text, .out = &out, .place = &place};

    // The first write past `offset` stops it, with the token in hand.
    const enum err err = run(&l);
    ASSERT(err == ERR_EXHAUSTED);
    return l.token;
}

void codec_lenient_repair(struct slice text, struct buf *out)
{
    struct lenient l = {.text = text, .out = out};

    while (!at_end(&l) && !out->overflow) {
        put_well_formed(&l);
    }
}
