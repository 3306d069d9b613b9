#include "server/zones.h"

#include "base/buf.h"
#include "plat/file.h"

#define DATABASE "/usr/share/zoneinfo/"
#define NAME_MAX_LEN 64U
#define FILE_MAX_LEN 65536U

static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t c = name.ptr[i];
        const bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        const bool is_other = (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
        // No part is empty, so the name is no directory and begins below the database.
        const bool is_slash =
            c == '/' && i > 0 && i + 1 < name.len && name.ptr[i - 1] != (uint8_t)'/';
        if (!is_letter && !is_other && !is_slash) {
            return false;
        }
    }
    return name.len > 0 && name.len <= NAME_MAX_LEN;
}

enum err server_zones_read(struct arena *memory, struct slice name, struct slice *bytes)
{
    char path[sizeof(DATABASE) + NAME_MAX_LEN];
    struct buf out = buf_over(path, sizeof(path) - 1);
    uint8_t *owned = NULL;
    size_t len = 0;
    if (!is_name(name)) {
        return ERR_NOT_FOUND;
    }
    buf_put_text(&out, DATABASE);
    buf_put_slice(&out, name);
    path[out.len] = 0;
    if (plat_file_read(path, FILE_MAX_LEN, &owned, &len) != ERR_OK) {
        return ERR_NOT_FOUND;
    }
    *bytes = arena_copy(memory, slice_of(owned, len));
    plat_file_free(owned);
    return bytes->ptr == NULL ? ERR_EXHAUSTED : ERR_OK;
}
