// A value of Echo is good for its peer and for a while, and says nothing about another one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "coap/echo.h"

static const struct hash_key key = {{5, 6}};
static const struct coap_peer peer = {.remote_ip = {[15] = 1}, .remote_port = 9};

static struct mono at(uint64_t second)
{
    return (struct mono){span_s(second).ns};
}

static void it_holds_for_its_peer_for_a_minute(void **state)
{
    (void)state;
    uint8_t value[COAP_ECHO_SIZE];
    const struct slice echo = slice_of(value, sizeof(value));
    struct coap_peer other = peer;
    other.remote_port++;
    coap_echo_make(key, &peer, at(100), value);
    assert_true(coap_echo_holds(key, &peer, at(100), echo));
    assert_true(coap_echo_holds(key, &peer, at(100 + COAP_ECHO_LIFE_S), echo));
    assert_false(coap_echo_holds(key, &peer, at(101 + COAP_ECHO_LIFE_S), echo));
    assert_false(coap_echo_holds(key, &peer, at(99), echo));
    assert_false(coap_echo_holds(key, &other, at(100), echo));
    assert_false(coap_echo_holds(key, &peer, at(100), slice_of(value, sizeof(value) - 1)));
    value[COAP_ECHO_SIZE - 1] ^= 1;
    assert_false(coap_echo_holds(key, &peer, at(100), echo));
}

// x when x ^ x >> by is given.
static uint64_t unshift(uint64_t word, unsigned by)
{
    uint64_t found = word;
    for (unsigned done = by; done < 64; done += by) {
        found = word ^ found >> by;
    }
    return found;
}

// Modulo 2^64, of an odd number.
static uint64_t inverse(uint64_t odd)
{
    uint64_t found = odd;
    for (unsigned i = 0; i < 6; i++) {
        found *= 2 - odd * found;
    }
    return found;
}

// hash_word is a bijection, and anybody can go back.
static uint64_t before_hash_word(uint64_t word)
{
    word = unshift(word, 31) * inverse(UINT64_C(0x94d049bb133111eb));
    word = unshift(word, 27) * inverse(UINT64_C(0xbf58476d1ce4e5b9));
    return unshift(word, 30) - UINT64_C(0x9e3779b97f4a7c15);
}

static void from_one_value_no_later_one_is_made(void **state)
{
    (void)state;
    uint8_t value[COAP_ECHO_SIZE];
    coap_echo_make(key, &peer, at(100), value);
    assert_int_equal(before_hash_word(hash_word(12345)), 12345);
    struct buf_reader reader = buf_reader_over(slice_of(value, sizeof(value)));
    (void)buf_read_u32(&reader);
    const uint64_t inside = before_hash_word(buf_read_u64(&reader)) ^ 100U;
    struct buf forged = buf_over(value, sizeof(value));
    buf_put_u32(&forged, 5000);
    buf_put_u64(&forged, hash_word(inside ^ 5000U));
    assert_false(coap_echo_holds(key, &peer, at(5000), buf_view(&forged)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_for_its_peer_for_a_minute),
        cmocka_unit_test(from_one_value_no_later_one_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
