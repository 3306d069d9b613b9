// Addresses to the kernel and back: the family follows the address, nothing is lost on the way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "base/assert_test.h"
#include "plat/os_address.h"

static struct address parsed(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(slice_text(text), &address), ERR_OK);
    return address;
}

static void addresses_survive_the_way(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:5683",        "0.0.0.0:0",
                                        "255.255.255.255:65535", "[::]:0",
                                        "[fe80::1%7]:5683",      "[2001:db8::1]:65535"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct address address = parsed(texts[i]);
        union plat_os_address name;
        const socklen_t len = plat_os_address_put(&address, &name);
        const bool ipv4 = address_is_ipv4(&address);
        assert_int_equal(name.any.sa_family, ipv4 ? AF_INET : AF_INET6);
        assert_int_equal(len, ipv4 ? sizeof(name.ipv4) : sizeof(name.ipv6));
        const struct address back = plat_os_address_take(&name);
        assert_memory_equal(&back, &address, sizeof(back));
    }
}

static void the_kernel_gets_network_order(void **state)
{
    (void)state;
    const struct address address = parsed("127.0.0.1:5683");
    union plat_os_address name;
    assert_int_equal(plat_os_address_put(&address, &name), sizeof(struct sockaddr_in));
    assert_int_equal(name.ipv4.sin_port, htons(5683));
    assert_int_equal(name.ipv4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

static void take_unknown_family(void *context)
{
    (void)context;
    const union plat_os_address name = {.any = {.sa_family = AF_UNIX}};
    (void)plat_os_address_take(&name);
}

static void other_families_are_a_bug(void **state)
{
    (void)state;
    assert_true(assert_stops(take_unknown_family, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_survive_the_way),
        cmocka_unit_test(the_kernel_gets_network_order),
        cmocka_unit_test(other_families_are_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
