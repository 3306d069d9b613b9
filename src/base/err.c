#include "base/err.h"

static const struct {
    const char *name;
    const char *text;
} errors[ERR_COUNT] = {
#define ERR(name, text) {#name, text},
#include "base/err.def"
#undef ERR
};

const char *err_name(enum err err)
{
    ASSERT(err < ERR_COUNT);
    return errors[err].name;
}

const char *err_text(enum err err)
{
    ASSERT(err < ERR_COUNT);
    return errors[err].text;
}
