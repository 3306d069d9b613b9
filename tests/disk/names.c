#include "names.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "real.h"

enum kind { CREATED, RENAMED, UNLINKED };

struct change {
    struct change *previous;
    enum kind kind;
    char path[PATH_MAX];   // created, unlinked, or renamed from
    char to[PATH_MAX];     // renamed to
    char hidden[PATH_MAX]; // the file that stood at `to` or `path`; empty: none
};

static struct change *last;
static char hidden_directory[PATH_MAX];
static unsigned hidden_count;

void names_begin(const char *hidden)
{
    (void)snprintf(hidden_directory, sizeof(hidden_directory), "%s", hidden);
}

static struct change *add(enum kind kind, const char *path)
{
    struct change *const change = calloc(1, sizeof(*change));
    if (change == NULL) {
        abort();
    }
    change->previous = last;
    change->kind = kind;
    (void)snprintf(change->path, sizeof(change->path), "%s", path);
    last = change;
    return change;
}

// Gives the file a second name, so that it outlives the loss of its first.
static void hide(struct change *change, const char *path)
{
    char name[PATH_MAX + 32];
    (void)snprintf(name, sizeof(name), "%s/%u", hidden_directory, hidden_count++);
    if (real_link(path, name) == 0) {
        (void)snprintf(change->hidden, sizeof(change->hidden), "%.*s", PATH_MAX - 1, name);
    }
}

void names_note_created(const char *path)
{
    (void)add(CREATED, path);
}

void names_note_rename(const char *from, const char *to)
{
    struct change *const change = add(RENAMED, from);
    (void)snprintf(change->to, sizeof(change->to), "%s", to);
    hide(change, to);
}

void names_note_unlink(const char *path)
{
    hide(add(UNLINKED, path), path);
}

static bool is_in(const char *path, const char *directory)
{
    const char *const slash = strrchr(path, '/');
    const size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    return len == strlen(directory) && strncmp(path, directory, len) == 0;
}

void names_forget(const char *directory)
{
    for (struct change **link = &last; *link != NULL;) {
        struct change *const change = *link;
        if (!is_in(change->path, directory)) {
            link = &change->previous;
            continue;
        }
        *link = change->previous;
        if (change->hidden[0] != 0) {
            (void)real_unlink(change->hidden);
        }
        free(change);
    }
}

static void undo(const struct change *change)
{
    switch (change->kind) {
    case CREATED:
        (void)real_unlink(change->path);
        return;
    case RENAMED:
        (void)real_rename(change->to, change->path);
        if (change->hidden[0] != 0) {
            (void)real_rename(change->hidden, change->to);
        }
        return;
    case UNLINKED:
        if (change->hidden[0] != 0) {
            (void)real_rename(change->hidden, change->path);
        }
        return;
    }
}

void names_cut(uint64_t (*random)(void))
{
    unsigned count = 0;
    for (const struct change *change = last; change != NULL; change = change->previous) {
        count++;
    }
    const unsigned lost = count == 0 ? 0 : (unsigned)(random() % (count + 1U));
    const struct change *change = last;
    for (unsigned i = 0; i < lost; i++, change = change->previous) {
        undo(change);
    }
}
