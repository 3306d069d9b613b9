// /.well-known/core lists all links, or those that a filter of RFC 6690 4.1 names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coap/link.h"

static const struct coap_link links[] = {
    {"/", NULL},
    {"/api/v1", "rt=\"motehub.device core.ll\";ct=50"},
    {"/fw", "rt=\"motehub.image\";sz=\"1024\""},
};

static void filters_select_by_any_attribute_and_href(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        const char *expected;
    } rows[] = {
        {"", "</>,</api/v1>;rt=\"motehub.device "
             "core.ll\";ct=50,</fw>;rt=\"motehub.image\";sz=\"1024\""},
        {"href=/fw", "</fw>;rt=\"motehub.image\";sz=\"1024\""},
        {"href=/a*", "</api/v1>;rt=\"motehub.device core.ll\";ct=50"},
        {"rt=core.ll", "</api/v1>;rt=\"motehub.device core.ll\";ct=50"},
        {"rt=motehub.i*", "</fw>;rt=\"motehub.image\";sz=\"1024\""},
        {"ct=50", "</api/v1>;rt=\"motehub.device core.ll\";ct=50"},
        {"sz=1024", "</fw>;rt=\"motehub.image\";sz=\"1024\""},
        {"rt=nothing", ""},
        {"rt", ""},
        {"if=*", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char memory[512];
        struct buf out = buf_over(memory, sizeof(memory) - 1);
        coap_link_write(&out, links, 3, slice_text(rows[i].filter));
        memory[out.len] = 0;
        assert_string_equal(memory, rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_select_by_any_attribute_and_href),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
