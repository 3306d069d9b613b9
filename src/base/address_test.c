// Addresses: text both ways, refusal of everything that is not exactly one, and their classes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"

static struct address parsed(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(slice_text(text), &address), ERR_OK);
    return address;
}

static void text_survives_the_way(void **state)
{
    (void)state;
    static const char *const good[] = {
        "127.0.0.1:5683",
        "0.0.0.0:0",
        "255.255.255.255:65535",
        "[::1]:5683",
        "[::]:0",
        "[2001:db8::ff00:42:8329]:5684",
        "[fe80::1%3]:5683",
        "[fe80::1%4294967295]:65535",
        "[1111:2222:3333:4444:5555:6666:7777:8888]:1",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char text[ADDRESS_TEXT_SIZE];
        const struct address address = parsed(good[i]);
        assert_ptr_equal(address_format(&address, text), text);
        assert_string_equal(text, good[i]);
        assert_int_equal(address.unused, 0);
    }
}

static void ipv4_stands_as_mapped_ipv6(void **state)
{
    (void)state;
    static const uint8_t ip[16] = {[10] = 0xff, [11] = 0xff, 1, 2, 3, 4};
    const struct address plain = parsed("1.2.3.4:5");
    const struct address mapped = parsed("[::ffff:1.2.3.4]:5");
    assert_memory_equal(plain.ip, ip, sizeof(ip));
    assert_int_equal(plain.port, 5);
    assert_memory_equal(&plain, &mapped, sizeof(plain));
    assert_true(address_is_ipv4(&plain));
    const struct address v6 = parsed("[::1]:5");
    assert_false(address_is_ipv4(&v6));
}

static void longest_text_fits(void **state)
{
    (void)state;
    struct address address = {.scope = UINT32_MAX, .port = UINT16_MAX};
    char text[ADDRESS_TEXT_SIZE];
    memset(address.ip, 0xfe, sizeof(address.ip));
    address_format(&address, text);
    assert_string_equal(text, "[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe%4294967295]:65535");
}

static void anything_else_is_refused_and_leaves_the_result_alone(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ":",
        "127.0.0.1",
        "127.0.0.1:",
        ":5683",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1: 1",
        "127.0.0.1:1 ",
        "127.0.0.1:000001",
        "127.0.0.1:5683:1",
        "127.0.0:1",
        "127.0.0.256:1",
        "127.0.0.01:1",
        "0x7f.0.0.1:1",
        "localhost:5683",
        "::1:5683",
        "[::1]",
        "[::1]:",
        "[::1]5683",
        "[::1:5683",
        "[]:1",
        "[%1]:1",
        "[::1]]:1",
        "[[::1]]:1",
        "[127.0.0.1]:1",
        "[fe80::1%]:1",
        "[fe80::1%0]:1",
        "[fe80::1%eth0]:1",
        "[fe80::1%-1]:1",
        "[fe80::1%4294967296]:1",
        "[fe80::1%1%2]:1",
        "[2001:db8::1%3]:1",
        "127.0.0.1%3:1",
        "[11111::1]:1",
        "[1:2:3:4:5:6:7:8:9]:1",
        "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]:1",
    };
    struct address address;
    memset(&address, 0xee, sizeof(address));
    const struct address before = address;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(address_parse(slice_text(bad[i]), &address), ERR_SYNTAX);
    }
    assert_int_equal(address_parse(SLICE("127.0.0.1\0:1"), &address), ERR_SYNTAX);
    assert_int_equal(address_parse(SLICE_EMPTY, &address), ERR_SYNTAX);
    assert_memory_equal(&address, &before, sizeof(address));
}

static void classes_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool loopback;
        bool multicast;
        bool any;
    } rows[] = {
        {"127.0.0.1:1", true, false, false},        {"127.255.3.4:1", true, false, false},
        {"128.0.0.1:1", false, false, false},       {"[::1]:1", true, false, false},
        {"[::2]:1", false, false, false},           {"[8000::1]:1", false, false, false},
        {"224.0.1.187:1", false, true, false},      {"239.255.255.255:1", false, true, false},
        {"223.255.255.255:1", false, false, false}, {"240.0.0.1:1", false, false, false},
        {"255.255.255.255:1", false, true, false},  {"255.255.255.254:1", false, false, false},
        {"[ff02::fd]:1", false, true, false},       {"[fe80::1]:1", false, false, false},
        {"0.0.0.0:1", false, false, true},          {"[::]:1", false, false, true},
        {"0.0.0.1:1", false, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct address address = parsed(rows[i].text);
        assert_int_equal(address_is_loopback(&address), rows[i].loopback);
        assert_int_equal(address_is_multicast(&address), rows[i].multicast);
        assert_int_equal(address_is_any(&address), rows[i].any);
    }
}

static void equality_looks_at_ip_scope_and_port(void **state)
{
    (void)state;
    const struct address one = parsed("[fe80::1%3]:5");
    const struct address same = parsed("[fe80:0:0::1%3]:5");
    const struct address other_ip = parsed("[fe80::2%3]:5");
    const struct address other_scope = parsed("[fe80::1%4]:5");
    const struct address other_port = parsed("[fe80::1%3]:6");
    assert_true(address_equal(&one, &same));
    assert_false(address_equal(&one, &other_ip));
    assert_false(address_equal(&one, &other_scope));
    assert_false(address_equal(&one, &other_port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_survives_the_way),
        cmocka_unit_test(ipv4_stands_as_mapped_ipv6),
        cmocka_unit_test(longest_text_fits),
        cmocka_unit_test(anything_else_is_refused_and_leaves_the_result_alone),
        cmocka_unit_test(classes_are_told_apart),
        cmocka_unit_test(equality_looks_at_ip_scope_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
