// conf/conf.h: the one table of keys (keys.def) with name, type, range, unit, default and help, and
// the values after file, environment and command line, which override in that order.
//
// `conf` parses bytes that `server` read. Every error names the source, the place and the reason.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define CONF_TEXT_MAX 1024
// Entries of a list.
#define CONF_ADDRESSES_MAX 8
#define CONF_CPUS_MAX 64

struct conf;

// Defaults only. Start-up only.
MUST_USE enum err conf_create(struct conf **conf);
void conf_destroy(struct conf *conf);

// Each adds one line about what is wrong to `message` (no newline at its end, but one before it if
// something stands there), naming source, place, key and reason. They may be called in any order:
// the stronger source keeps what it gave.
//
// Nested maps and keys with dots; a sequence becomes a list. A key that stands twice is an error.
MUST_USE enum err conf_load_yaml(struct conf *conf, const char *file_name, struct slice text,
                                 struct buf *message);
// `environment` is the process's list. MOTEHUB_* that name no key are an error; upstream's names
// (device-api.md section 9) that have a meaning here are taken as aliases (alias.def); our own win.
// Those without a meaning here are named in one line, with ERR_OK: a warning that the caller shows.
MUST_USE enum err conf_load_environment(struct conf *conf, char *const *environment,
                                        struct buf *message);
// "coap.workers=2"
MUST_USE enum err conf_set(struct conf *conf, const char *assignment, struct buf *message);

// By name; asking for a key that is not in the table, or by another type, is a bug. SIZE in bytes,
// SPAN_MS in milliseconds. Texts of a form (ADDRESSES and so on) are read by conf_text, are of that
// form, and lists have no blanks. A text lives as long as `conf` and no new value comes.
bool conf_bool(const struct conf *conf, const char *name);
int64_t conf_int(const struct conf *conf, const char *name);
uint64_t conf_size(const struct conf *conf, const char *name);
uint64_t conf_span_ms(const struct conf *conf, const char *name);
const char *conf_text(const struct conf *conf, const char *name);
// The position of the word of a CHOICE in its row of the table, from 0.
unsigned conf_choice(const struct conf *conf, const char *name);
// True if anything but the default stands there.
bool conf_is_set(const struct conf *conf, const char *name);

// Writes the names of the keys whose values differ and that are (or are not) reloadable, with ", "
// between them.
void conf_write_changed(const struct conf *before, const struct conf *after, bool reloadable,
                        struct buf *out);
// One row a key: name, type, value, default, where it came from (of a file the line), help. For
// check-config and docs.
void conf_write_table(const struct conf *conf, struct buf *out);
