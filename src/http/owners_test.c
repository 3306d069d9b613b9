// Places that are taken by owners: the share of one, and that nothing is left of those that gave
// theirs back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "http/owners.h"

static struct http_owners *owners_of(uint32_t places)
{
    void *memory = calloc(1, http_owners_footprint(places));
    assert_non_null(memory);
    return http_owners_init(memory, places);
}

static void one_owner_has_at_most_half(void **state)
{
    (void)state;
    static const struct {
        uint32_t places, share;
    } rows[] = {{1, 1}, {2, 1}, {3, 2}, {8, 4}, {20000, 10000}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_owners *owners = owners_of(rows[i].places);
        assert_int_equal(http_owners_share(rows[i].places), rows[i].share);
        for (uint32_t taken = 0; taken < rows[i].share; taken++) {
            assert_true(http_owners_take(owners, 7));
        }
        assert_false(http_owners_take(owners, 7));
        assert_int_equal(http_owners_count(owners), 1);
        http_owners_give(owners, 7);
        assert_true(http_owners_take(owners, 7));
        free(owners);
    }
}

static void every_place_may_have_an_owner_of_its_own(void **state)
{
    (void)state;
    enum { PLACES = 1000 };
    struct http_owners *owners = owners_of(PLACES);
    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < PLACES; i++) {
            assert_true(http_owners_take(owners, round * 500 + i));
        }
        assert_int_equal(http_owners_count(owners), PLACES);
        for (uint64_t i = PLACES; i > 0; i--) {
            http_owners_give(owners, round * 500 + i - 1);
        }
        assert_int_equal(http_owners_count(owners), 0);
    }
    free(owners);
}

static void counts_stay_right_whatever_comes_and_goes(void **state)
{
    (void)state;
    enum { PLACES = 64, OWNERS = 9 };
    struct http_owners *owners = owners_of(PLACES);
    struct random random;
    uint32_t counts[OWNERS] = {0};
    uint32_t sum = 0;
    random_init(&random, 5);
    for (unsigned i = 0; i < 20000; i++) {
        const uint64_t owner = random_below(&random, OWNERS);
        if (random_below(&random, 2) == 0 && counts[owner] > 0) {
            http_owners_give(owners, owner);
            counts[owner]--;
            sum--;
        } else if (sum < PLACES) {
            const bool may = http_owners_take(owners, owner);
            assert_int_equal(may, counts[owner] < PLACES / 2);
            counts[owner] += may;
            sum += may;
        }
        uint32_t present = 0;
        for (unsigned j = 0; j < OWNERS; j++) {
            present += counts[j] > 0;
        }
        assert_int_equal(http_owners_count(owners), present);
    }
    free(owners);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_owner_has_at_most_half),
        cmocka_unit_test(every_place_may_have_an_owner_of_its_own),
        cmocka_unit_test(counts_stay_right_whatever_comes_and_goes),
    };
    return cmocka_run_group_tests_name("http_owners", tests, NULL, NULL);
}
