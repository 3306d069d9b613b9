// Values are yyjson's: a document is one array of 16-byte values in the order of the text, so value
// number n belongs to token number n, and an object or array knows where its last child ends.
#include "codec/json.h"

#include <yyjson.h>

#include "codec/json_priv.h"
#include "codec/lenient.h"
#include "codec/number.h"
#include "codec/scratch.h"

static const yyjson_val *inner(struct codec_json value)
{
    return value.inner;
}

static yyjson_val *inner_mutable(struct codec_json value)
{
    // yyjson's readers take pointers without const and do not write.
    union {
        const void *constant;
        yyjson_val *mutable;
    } both = {.constant = value.inner};
    return both.mutable;
}

// yyjson's allocator over an arena. It grows only its array of values, which it takes last: that
// grows where it stands.
struct allocator {
    struct arena *arena;
    void *last;
};

static void *alloc_take(void *context, size_t size)
{
    struct allocator *allocator = context;

    allocator->last = arena_take(allocator->arena, size);
    return allocator->last;
}

static void *alloc_grow(void *context, void *memory, size_t old_size, size_t size)
{
    struct allocator *allocator = context;
    struct arena *arena = allocator->arena;

    if (memory == allocator->last) {
        arena_rewind(arena, (size_t)((uint8_t *)memory - arena->memory));
        return alloc_take(allocator, size);
    }
    void *again = alloc_take(allocator, size);
    if (again != NULL) {
        memcpy(again, memory, old_size);
    }
    return again;
}

static void alloc_give(void *context, void *memory)
{
    // The arena takes all of it back at once.
    (void)context;
    (void)memory;
}

// The end of a text in quotes that starts at `at`.
static size_t skip_text(struct slice strict, size_t at)
{
    for (at++; at < strict.len && strict.ptr[at] != '"'; at++) {
        at += strict.ptr[at] == '\\' ? 1 : 0;
    }
    return at + 1;
}

// Where in a strict text the first bracket above the depth limit stands; false if there is none.
static bool find_too_deep(struct slice strict, size_t *offset)
{
    size_t openers = 0;
    unsigned depth = 0;

    // Most documents are too short for that, or have too few brackets: one quick pass tells.
    if (strict.len <= CODEC_JSON_DEPTH_MAX) {
        return false;
    }
    for (size_t i = 0; i < strict.len; i++) {
        openers += strict.ptr[i] == '[' || strict.ptr[i] == '{' ? 1 : 0;
    }
    if (openers <= CODEC_JSON_DEPTH_MAX) {
        return false;
    }
    for (size_t at = 0; at < strict.len;) {
        const uint8_t c = strict.ptr[at];
        if (c == '[' || c == '{') {
            depth++;
        } else if (c == ']' || c == '}') {
            depth--;
        }
        if (depth > CODEC_JSON_DEPTH_MAX) {
            *offset = at;
            return true;
        }
        at = c == '"' ? skip_text(strict, at) : at + 1;
    }
    return false;
}

static enum err read_strict(struct arena *arena, struct slice text, struct codec_json *root,
                            struct err_place *place)
{
    struct allocator allocator = {arena, NULL};
    const yyjson_alc alc = {alloc_take, alloc_grow, alloc_give, &allocator};
    yyjson_read_err error = {0};

    // yyjson promises to leave the text alone unless it is told to work in place.
    union {
        const uint8_t *constant;
        char *mutable;
    } bytes = {.constant = text.ptr};
    yyjson_doc *doc =
        yyjson_read_opts(bytes.mutable, text.len, YYJSON_READ_NUMBER_AS_RAW, &alc, &error);
    if (doc == NULL && error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        *place = (struct err_place){"no memory left to read the document", 0};
        return ERR_EXHAUSTED;
    }
    if (doc == NULL) {
        *place = (struct err_place){error.msg, error.pos};
        return ERR_SYNTAX;
    }
    if (find_too_deep(text, &place->offset)) {
        place->reason = "nested too deep";
        return ERR_SYNTAX;
    }
    root->inner = yyjson_doc_get_root(doc);
    return ERR_OK;
}

static enum err read_lenient(struct arena *arena, struct codec_json_document *document,
                             struct err_place *place)
{
    struct buf out = codec_scratch_open(arena);
    const enum err err = codec_lenient_normalise(document->original, &out, place);

    if (err != ERR_OK) {
        return err;
    }
    document->strict = codec_scratch_close(arena, &out);
    const enum err again = read_strict(arena, document->strict, &document->root, place);
    if (NEVER(again == ERR_SYNTAX)) {
        place->offset = 0; // it was one in the normal form
    }
    return again;
}

enum err codec_json_read(struct arena *arena, struct slice text, bool lenient,
                         struct codec_json_document *document, struct err_place *place)
{
    const size_t mark = arena_mark(arena);

    *document = (struct codec_json_document){{NULL}, text, text};
    enum err err = read_strict(arena, text, &document->root, place);
    if (err == ERR_SYNTAX && lenient) {
        arena_rewind(arena, mark);
        err = read_lenient(arena, document, place);
    }
    if (err != ERR_OK) {
        arena_rewind(arena, mark);
    }
    return err;
}

enum err codec_json_parse(struct arena *arena, struct slice text, bool lenient,
                          struct codec_json *root, struct err_place *place)
{
    struct codec_json_document document;
    const enum err err = codec_json_read(arena, text, lenient, &document, place);

    if (err == ERR_OK) {
        *root = document.root;
    }
    return err;
}

// The offset of token number `index`: names, values and opening brackets count.
static size_t find_token(struct slice strict, size_t index)
{
    for (size_t at = 0; at < strict.len;) {
        const uint8_t c = strict.ptr[at];
        const bool text = c == '"';
        const bool word = (c >= '0' && c <= '9') || c == '-' || c == 't' || c == 'f' || c == 'n';
        if (text || word || c == '[' || c == '{') {
            if (index == 0) {
                return at;
            }
            index--;
        }
        if (text) {
            at = skip_text(strict, at);
        } else if (word) {
            while (at < strict.len && strchr(",]} \t\r\n", strict.ptr[at]) == NULL) {
                at++;
            }
        } else {
            at++;
        }
    }
    return 0;
}

size_t codec_json_offset(const struct codec_json_document *document, struct arena *arena,
                         struct codec_json value)
{
    const size_t index = (size_t)(inner(value) - inner(document->root));
    const size_t offset = find_token(document->strict, index);

    if (document->strict.ptr == document->original.ptr) {
        return offset;
    }
    const size_t mark = arena_mark(arena);
    void *scratch = arena_take(arena, offset);
    if (scratch == NULL) {
        return 0;
    }
    const size_t origin = codec_lenient_origin(document->original, offset, scratch);
    arena_rewind(arena, mark);
    return origin;
}

enum codec_json_type codec_json_type(struct codec_json value)
{
    ASSERT(codec_json_exists(value));
    switch (yyjson_get_type(inner_mutable(value))) {
    case YYJSON_TYPE_NULL:
        return CODEC_JSON_NULL;
    case YYJSON_TYPE_BOOL:
        return CODEC_JSON_BOOLEAN;
    case YYJSON_TYPE_RAW:
        return CODEC_JSON_NUMBER;
    case YYJSON_TYPE_STR:
        return CODEC_JSON_STRING;
    case YYJSON_TYPE_ARR:
        return CODEC_JSON_ARRAY;
    case YYJSON_TYPE_OBJ:
        return CODEC_JSON_OBJECT;
    default:
        break;
    }
    ASSERT(false);
    return CODEC_JSON_NULL;
}

bool codec_json_is(struct codec_json value, enum codec_json_type type)
{
    return codec_json_exists(value) && codec_json_type(value) == type;
}

struct codec_json codec_json_get(struct codec_json object, const char *name)
{
    struct codec_json_walk walk = codec_json_walk_over(object);
    struct codec_json found = {NULL};
    struct codec_json value;
    struct slice member;

    ASSERT(codec_json_is(object, CODEC_JSON_OBJECT));
    while (codec_json_walk_next(&walk, &member, &value)) {
        if (slice_equal(member, slice_text(name))) {
            found = value;
        }
    }
    return found;
}

uint32_t codec_json_count(struct codec_json array_or_object)
{
    return (uint32_t)yyjson_get_len(inner_mutable(array_or_object));
}

bool codec_json_boolean(struct codec_json value, bool *out)
{
    if (!codec_json_is(value, CODEC_JSON_BOOLEAN)) {
        return false;
    }
    *out = yyjson_get_bool(inner_mutable(value));
    return true;
}

bool codec_json_int64(struct codec_json value, int64_t *out)
{
    return codec_json_is(value, CODEC_JSON_NUMBER) &&
           codec_number_int64(codec_json_literal(value), false, out);
}

bool codec_json_string(struct codec_json value, struct slice *out)
{
    if (!codec_json_is(value, CODEC_JSON_STRING)) {
        return false;
    }
    yyjson_val *text = inner_mutable(value);
    *out = slice_of(yyjson_get_str(text), yyjson_get_len(text));
    return true;
}

struct slice codec_json_literal(struct codec_json value)
{
    ASSERT(codec_json_is(value, CODEC_JSON_NUMBER));
    yyjson_val *number = inner_mutable(value);
    return slice_of(yyjson_get_raw(number), yyjson_get_len(number));
}

struct codec_json_walk codec_json_walk_over(struct codec_json array_or_object)
{
    ASSERT(codec_json_is(array_or_object, CODEC_JSON_ARRAY) ||
           codec_json_is(array_or_object, CODEC_JSON_OBJECT));
    return (struct codec_json_walk){
        // The first child, then the container, which says whether names stand between.
        .inner = {inner(array_or_object) + 1, array_or_object.inner},
        .left = codec_json_count(array_or_object),
    };
}

bool codec_json_walk_next(struct codec_json_walk *walk, struct slice *name,
                          struct codec_json *value)
{
    const yyjson_val *at = walk->inner[0];

    if (walk->left == 0) {
        return false;
    }
    walk->left--;
    *name = SLICE_EMPTY;
    if (codec_json_type((struct codec_json){walk->inner[1]}) == CODEC_JSON_OBJECT) {
        *name = slice_of(at->uni.str, (size_t)(at->tag >> YYJSON_TAG_BIT));
        at++;
    }
    value->inner = at;
    walk->inner[0] = unsafe_yyjson_get_next(inner_mutable(*value));
    return true;
}
