// A peer keeps its message ids in order, its allowance over 60 s, its round trip; the one used
// longest ago gives way, but none with a message in flight.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "coap/peers.h"

static struct random chance;

static struct coap_peers *make(uint32_t count)
{
    const size_t size = (coap_peers_footprint(count) + 63U) & ~(size_t)63U;
    void *memory = aligned_alloc(64, size);
    memset(memory, 0, size);
    random_init(&chance, 1);
    const struct hash_key key = {{5, 6}};
    return coap_peers_init(memory, count, key, &chance);
}

static struct coap_peer numbered(uint16_t port)
{
    return (struct coap_peer){.remote_ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1},
                              .remote_port = port};
}

static const struct mono start = {1000000000};

static void message_ids_are_sequential_from_a_random_one(void **state)
{
    (void)state;
    struct coap_peers *peers = make(4);
    const struct coap_peer a = numbered(1);
    struct coap_peer_state *one = coap_peers_take(peers, start, &a);
    const uint16_t first = coap_peers_mid(one);
    for (uint32_t i = 1; i < 70000; i++) {
        assert_int_equal(coap_peers_mid(one), (uint16_t)(first + i));
    }
    const struct coap_peer b = numbered(2);
    assert_true(coap_peers_mid(coap_peers_take(peers, start, &b)) != (uint16_t)(first + 70000U));
    coap_peers_check(peers);
    free(peers);
}

static void an_unproven_peer_gets_three_times_what_it_sent_in_60_s(void **state)
{
    (void)state;
    struct coap_peers *peers = make(4);
    const struct coap_peer a = numbered(1);
    struct coap_peer_state *one = coap_peers_take(peers, start, &a);
    assert_false(coap_peers_allow(one, start, 1));
    coap_peers_received(one, start, 100);
    assert_int_equal(coap_peers_allowance(one, start), 300);
    assert_true(coap_peers_allow(one, start, 200));
    assert_false(coap_peers_allow(one, start, 101));
    assert_true(coap_peers_allow(one, start, 100));
    coap_peers_received(one, start, 100);
    const struct mono later = mono_add(start, span_s(60));
    assert_int_equal(coap_peers_allowance(one, later), 0);
    assert_false(coap_peers_allow(one, later, 1));
    one->path_proven = true;
    assert_true(coap_peers_allow(one, later, 1000000));
    free(peers);
}

static void the_one_used_longest_ago_gives_way_unless_it_waits_for_an_ack(void **state)
{
    (void)state;
    struct coap_peers *peers = make(3);
    for (uint16_t port = 1; port <= 3; port++) {
        const struct coap_peer peer = numbered(port);
        coap_peers_take(peers, start, &peer)->in_flight = port == 1 ? 1 : 0;
    }
    const struct coap_peer first = numbered(1);
    const struct coap_peer second = numbered(2);
    const struct coap_peer fourth = numbered(4);
    assert_non_null(coap_peers_take(peers, start, &fourth));
    assert_non_null(coap_peers_find(peers, &first));
    assert_null(coap_peers_find(peers, &second));
    coap_peers_check(peers);
    const struct coap_peer third = numbered(3);
    coap_peers_find(peers, &third)->in_flight = 1;
    coap_peers_find(peers, &fourth)->in_flight = 1;
    assert_null(coap_peers_take(peers, start, &second));
    coap_peers_check(peers);
    free(peers);
}

static void the_ack_time_out_follows_the_round_trip_within_bounds(void **state)
{
    (void)state;
    struct coap_peers *peers = make(2);
    const struct coap_peer a = numbered(1);
    struct coap_peer_state *one = coap_peers_take(peers, start, &a);
    assert_int_equal(coap_peers_ack_timeout(one).ns, span_ms(2000).ns);
    for (unsigned i = 0; i < 50; i++) {
        coap_peers_measured(one, span_ms(10));
    }
    assert_int_equal(coap_peers_ack_timeout(one).ns, span_ms(1000).ns);
    for (unsigned i = 0; i < 50; i++) {
        coap_peers_measured(one, span_ms(3000));
    }
    assert_true(coap_peers_ack_timeout(one).ns >= span_ms(2900).ns);
    // One that always answers at the last moment does not make it wait ever longer.
    for (unsigned i = 0; i < 50; i++) {
        coap_peers_measured(one, (struct span){coap_peers_ack_timeout(one).ns * 3 / 2});
    }
    assert_int_equal(coap_peers_ack_timeout(one).ns, span_ms(60000).ns);
    free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_ids_are_sequential_from_a_random_one),
        cmocka_unit_test(an_unproven_peer_gets_three_times_what_it_sent_in_60_s),
        cmocka_unit_test(the_one_used_longest_ago_gives_way_unless_it_waits_for_an_ack),
        cmocka_unit_test(the_ack_time_out_follows_the_round_trip_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
