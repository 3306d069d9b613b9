// A configuration file is nested maps, keys with dots, or both: the path of a value is the names
// above it joined by dots. libyaml gives the events; there is no recursion, and of YAML's features
// only maps, sequences and scalars are taken.
#include <yaml.h>

#include "conf/conf_priv.h"

// Every level adds a name to the path of a section, which is shorter than that.
#define DEPTH_MAX CONF_NAME_MAX

struct loader {
    struct conf *conf;
    const char *file_name;
    struct buf *message;
    char path[CONF_NAME_MAX * 2];
    size_t path_len[DEPTH_MAX]; // up to each level's map
    unsigned depth;             // open maps
    bool named;                 // a name was read, its value must follow
    bool in_sequence;
    struct conf_origin sequence; // where it starts
    struct buf list;
    char list_memory[CONF_TEXT_MAX + 1];
};

static struct conf_origin origin_of(const struct loader *loader, const yaml_mark_t *mark)
{
    return (struct conf_origin){CONF_FILE, loader->file_name, mark->line + 1, mark->column + 1};
}

static struct slice path_of(const struct loader *loader)
{
    return slice_text(loader->path);
}

static enum err refuse(struct loader *loader, const yaml_mark_t *mark, const char *reason)
{
    const struct conf_origin origin = origin_of(loader, mark);

    conf_put_origin(loader->message, &origin);
    if (loader->path[0] != 0) {
        buf_put_format(loader->message, "%s: ", loader->path);
    }
    buf_put_text(loader->message, reason);
    return ERR_INVALID;
}

static enum err take_name(struct loader *loader, const yaml_event_t *event)
{
    const struct slice name = slice_of(event->data.scalar.value, event->data.scalar.length);
    const size_t start = loader->path_len[loader->depth - 1];
    struct buf path = buf_over(loader->path, sizeof(loader->path) - 1);

    path.len = start;
    buf_put_text(&path, start > 0 ? "." : "");
    buf_put_slice(&path, name);
    loader->path[path.len] = 0;
    if (path.overflow || name.len == 0 || memchr(name.ptr, 0, name.len) != NULL) {
        return refuse(loader, &event->start_mark, "no such key");
    }
    loader->named = true;
    return ERR_OK;
}

static enum err assign(struct loader *loader, const struct conf_origin *origin, struct slice text)
{
    const struct conf_key *key = conf_key_find(path_of(loader));

    loader->named = false;
    if (key != NULL) {
        const struct conf_value *value = conf_value_at(loader->conf, key);
        if (value->source == CONF_FILE && value->line != 0) {
            conf_put_origin(loader->message, origin);
            buf_put_format(loader->message, "%s: stands in line %zu already", key->name,
                           value->line);
            return ERR_INVALID;
        }
    }
    return conf_assign(loader->conf, origin, path_of(loader), text, loader->message);
}

static enum err take_scalar(struct loader *loader, const yaml_event_t *event)
{
    const struct slice text = slice_of(event->data.scalar.value, event->data.scalar.length);
    const struct conf_origin origin = origin_of(loader, &event->start_mark);

    if (event->data.scalar.anchor != NULL) {
        return refuse(loader, &event->start_mark, "anchors are not taken");
    }
    if (loader->depth == 0) {
        // A file of nothing but comments is one empty scalar, or none.
        return text.len == 0 ? ERR_OK
                             : refuse(loader, &event->start_mark, "the file is not a map of keys");
    }
    if (loader->in_sequence) {
        buf_put_text(&loader->list, loader->list.len > 0 ? "," : "");
        buf_put_slice(&loader->list, text);
        return loader->list.overflow ? refuse(loader, &event->start_mark, "the list is too long")
                                     : ERR_OK;
    }
    if (!loader->named) {
        return take_name(loader, event);
    }
    // A section whose lines are all comments.
    if (text.len == 0 && conf_key_is_section(path_of(loader))) {
        loader->named = false;
        return ERR_OK;
    }
    return assign(loader, &origin, text);
}

static enum err open_map(struct loader *loader, const yaml_event_t *event)
{
    if (loader->in_sequence) {
        return refuse(loader, &event->start_mark, "a list holds plain values only");
    }
    if (loader->depth > 0) {
        if (!loader->named) {
            return refuse(loader, &event->start_mark, "a map cannot be a key");
        }
        if (!conf_key_is_section(path_of(loader))) {
            return refuse(loader, &event->start_mark,
                          conf_key_find(path_of(loader)) != NULL ? "is a key, not a section"
                                                                 : "no such section");
        }
    }
    ASSERT(loader->depth < DEPTH_MAX);
    loader->path_len[loader->depth++] = strlen(loader->path);
    loader->named = false;
    return ERR_OK;
}

static void close_map(struct loader *loader)
{
    ASSERT(loader->depth > 0);
    loader->depth--;
    loader->path[loader->path_len[loader->depth]] = 0;
    loader->named = false;
}

static enum err open_sequence(struct loader *loader, const yaml_event_t *event)
{
    if (loader->depth == 0) {
        return refuse(loader, &event->start_mark, "the file is not a map of keys");
    }
    if (loader->in_sequence || !loader->named) {
        return refuse(loader, &event->start_mark, "a list cannot stand here");
    }
    loader->in_sequence = true;
    loader->sequence = origin_of(loader, &event->start_mark);
    loader->list = buf_over(loader->list_memory, sizeof(loader->list_memory));
    return ERR_OK;
}

static enum err close_sequence(struct loader *loader)
{
    loader->in_sequence = false;
    return assign(loader, &loader->sequence, buf_view(&loader->list));
}

static enum err take_event(struct loader *loader, const yaml_event_t *event, bool *seen_document)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(loader, event);
    case YAML_MAPPING_START_EVENT:
        return open_map(loader, event);
    case YAML_MAPPING_END_EVENT:
        close_map(loader);
        return ERR_OK;
    case YAML_SEQUENCE_START_EVENT:
        return open_sequence(loader, event);
    case YAML_SEQUENCE_END_EVENT:
        return close_sequence(loader);
    case YAML_ALIAS_EVENT:
        return refuse(loader, &event->start_mark, "aliases are not taken");
    case YAML_DOCUMENT_START_EVENT:
        if (*seen_document) {
            return refuse(loader, &event->start_mark, "a second document is not taken");
        }
        *seen_document = true;
        return ERR_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return ERR_OK;
}

static enum err refuse_syntax(struct loader *loader, const yaml_parser_t *parser)
{
    const struct conf_origin origin = origin_of(loader, &parser->problem_mark);

    conf_put_origin(loader->message, &origin);
    buf_put_text(loader->message, parser->problem != NULL ? parser->problem : "cannot be read");
    return ERR_SYNTAX;
}

static enum err run(struct loader *loader, yaml_parser_t *parser)
{
    bool seen_document = false;
    bool ended = false;
    enum err err = ERR_OK;

    // Every event takes some of the text, so it ends.
    while (err == ERR_OK && !ended) {
        yaml_event_t event;
        if (yaml_parser_parse(parser, &event) == 0) {
            return refuse_syntax(loader, parser);
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        err = take_event(loader, &event, &seen_document);
        yaml_event_delete(&event);
    }
    return err;
}

enum err conf_load_yaml(struct conf *conf, const char *file_name, struct slice text,
                        struct buf *message)
{
    struct loader loader = {.conf = conf, .file_name = file_name, .message = message};
    yaml_parser_t parser;

    if (yaml_parser_initialize(&parser) == 0) {
        return ERR_EXHAUSTED;
    }
    yaml_parser_set_input_string(&parser, text.ptr, text.len);
    const enum err err = run(&loader, &parser);
    yaml_parser_delete(&parser);
    return err;
}
