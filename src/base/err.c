#include "base/err.h"

static const struct {
    const char *name;
    const char *text;
} table[] = {
#define ERR(name, text) {#name, text},
#include "base/err.def"
#undef ERR
};

_Static_assert(sizeof(table) / sizeof(table[0]) == ERR_COUNT, "one row per error");
_Static_assert(ERR_OK == 0, "zeroed results mean success");

const char *err_name(enum err err)
{
    ASSERT((unsigned)err < ERR_COUNT);
    return table[err].name;
}

const char *err_text(enum err err)
{
    ASSERT((unsigned)err < ERR_COUNT);
    return table[err].text;
}
