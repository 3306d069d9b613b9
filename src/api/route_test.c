// Paths name features by position (device-api.md 1.2, 10.10), with or without a token.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/route.h"

struct row {
    const char *path; // segments separated by '/', without the leading one
    enum api_place place;
    enum api_feature feature;
    const char *token; // NULL: none
};

static const struct row rows[] = {
    {"", API_PLACE_ROOT, API_FEATURE_NONE, NULL},
    {"api", API_PLACE_API, API_FEATURE_NONE, NULL},
    {"x", API_PLACE_ELSEWHERE, API_FEATURE_NONE, NULL},
    {"api/v2/T/telemetry", API_PLACE_ELSEWHERE, API_FEATURE_NONE, NULL},
    {"API/v1/T/telemetry", API_PLACE_ELSEWHERE, API_FEATURE_NONE, NULL},
    {"api/v1", API_PLACE_V1, API_FEATURE_NONE, NULL},
    {"api/v1/T", API_PLACE_V1, API_FEATURE_NONE, NULL},
    {"api/v1/T/telemetry", API_PLACE_V1, API_FEATURE_TELEMETRY, "T"},
    {"api/v1/T/TeleMetry", API_PLACE_V1, API_FEATURE_TELEMETRY, "T"},
    {"api/v1/T/telemetry/", API_PLACE_V1, API_FEATURE_TELEMETRY, "T"},
    {"api/v1/T/telemetry/more/1", API_PLACE_V1, API_FEATURE_TELEMETRY, "T"},
    {"api/v1//telemetry", API_PLACE_V1, API_FEATURE_TELEMETRY, ""},
    {"api/v1/T/attributes", API_PLACE_V1, API_FEATURE_ATTRIBUTES, "T"},
    {"api/v1/T/rpc", API_PLACE_V1, API_FEATURE_RPC, "T"},
    {"api/v1/T/rpc/99", API_PLACE_V1, API_FEATURE_RPC, "T"},
    {"api/v1/T/claim", API_PLACE_V1, API_FEATURE_CLAIM, "T"},
    {"api/v1/T/provision", API_PLACE_V1, API_FEATURE_PROVISION, "T"},
    {"api/v1/T/firmware", API_PLACE_V1, API_FEATURE_NONE, "T"},
    {"api/v1/telemetry", API_PLACE_V1, API_FEATURE_TELEMETRY, NULL},
    {"api/v1/attributes", API_PLACE_V1, API_FEATURE_ATTRIBUTES, NULL},
    {"api/v1/rpc", API_PLACE_V1, API_FEATURE_RPC, NULL},
    {"api/v1/claim", API_PLACE_V1, API_FEATURE_CLAIM, NULL},
    {"api/v1/provision", API_PLACE_V1, API_FEATURE_PROVISION, NULL},
    {"api/v1/rpc/5", API_PLACE_V1, API_FEATURE_RPC, "rpc"},
    {"api/v1/T/5", API_PLACE_V1, API_FEATURE_NONE, "T"},
};

static void check(const struct row *row, const struct coap_options *options)
{
    struct api_route route;
    api_route_find(options, &route);
    const struct slice token = row->token != NULL ? slice_text(row->token) : SLICE_EMPTY;
    if (route.place != row->place || route.feature != row->feature ||
        route.has_token != (row->token != NULL) || !slice_equal(route.token, token)) {
        fail_msg("'%s': place %d, feature %s, token '%.*s'", row->path, (int)route.place,
                 api_feature_name(route.feature), SLICE_ARGS(route.token));
    }
}

static void features_stand_at_their_positions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct coap_options options = {.path_count = 0};
        struct slice rest = rows[i].path[0] != 0 ? slice_text(rows[i].path) : SLICE_EMPTY;
        while (rest.ptr != NULL) {
            options.path[options.path_count++] = slice_cut(&rest, '/');
        }
        check(&rows[i], &options);
    }
}

static void a_single_segment_with_slashes_is_split_again(void **state)
{
    (void)state;
    const struct row row = {"one option", API_PLACE_V1, API_FEATURE_TELEMETRY, "T"};
    struct coap_options options = {.path_count = 1, .path = {SLICE("/api/v1/T/telemetry")}};
    check(&row, &options);
    options.path[0] = SLICE("api/v1/T/telemetry");
    check(&row, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_stand_at_their_positions),
        cmocka_unit_test(a_single_segment_with_slashes_is_split_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
