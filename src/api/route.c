#include "api/route.h"

struct segments {
    struct slice items[COAP_PATH_SEGMENTS_MAX];
    unsigned count;
    bool overflow;
};

static const struct {
    enum api_feature feature;
    const char *name;
} features[] = {
    {API_FEATURE_TELEMETRY, "telemetry"},
    {API_FEATURE_ATTRIBUTES, "attributes"},
    {API_FEATURE_RPC, "rpc"},
    {API_FEATURE_CLAIM, "claim"},
    {API_FEATURE_PROVISION, "provision"},
};

#define FEATURE_COUNT (sizeof(features) / sizeof(features[0]))

const char *api_feature_name(enum api_feature feature)
{
    for (unsigned i = 0; i < FEATURE_COUNT; i++) {
        if (features[i].feature == feature) {
            return features[i].name;
        }
    }
    return "none";
}

static enum api_feature feature_named(struct slice name)
{
    for (unsigned i = 0; i < FEATURE_COUNT; i++) {
        if (slice_equal_nocase(name, slice_text(features[i].name))) {
            return features[i].feature;
        }
    }
    return API_FEATURE_NONE;
}

static void split_single(struct slice only, struct segments *segments)
{
    if (only.len > 0 && only.ptr[0] == '/') {
        only = slice_sub(only, 1, only.len);
    }
    while (only.ptr != NULL && segments->count < COAP_PATH_SEGMENTS_MAX) {
        segments->items[segments->count++] = slice_cut(&only, '/');
    }
    segments->overflow = only.ptr != NULL;
}

static void segments_of(const struct coap_options *options, struct segments *segments)
{
    segments->count = 0;
    segments->overflow = false;
    if (options->path_count == 1) {
        split_single(options->path[0], segments);
        return;
    }
    for (unsigned i = 0; i < options->path_count; i++) {
        segments->items[i] = options->path[i];
    }
    segments->count = options->path_count;
}

static bool all_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return false;
        }
    }
    return s.len > 0;
}

// Exactly three segments: "/api/v1/x".
static enum api_feature feature_of_three(const struct segments *segments)
{
    for (unsigned i = 0; i < 3; i++) {
        if (slice_equal(segments->items[i], SLICE("provision"))) {
            return API_FEATURE_PROVISION;
        }
    }
    return feature_named(segments->items[2]);
}

static void find_below_v1(const struct segments *segments, struct api_route *route)
{
    const unsigned n = segments->count;
    if (n < 3 || segments->overflow) {
        return;
    }
    route->has_token = n > 3;
    if (route->has_token) {
        route->token = segments->items[2];
    }
    if (n == 3) {
        route->feature = feature_of_three(segments);
    } else if (n == 4 && all_digits(segments->items[3])) {
        route->feature = feature_named(segments->items[2]);
    } else {
        route->feature = feature_named(segments->items[3]);
    }
}

static void find_call(const struct segments *segments, struct api_route *route)
{
    // Behind the token and the feature, or behind the feature alone.
    const unsigned at = route->has_token && segments->count > 4 ? 4 : 3;
    if (route->feature != API_FEATURE_RPC || segments->count <= at ||
        (segments->count == 4 && !all_digits(segments->items[3]))) {
        return;
    }
    int64_t number = 0;
    route->has_call = segments->items[at].len > 0;
    route->call_is_number =
        slice_to_int64(segments->items[at], &number) && number >= INT32_MIN && number <= INT32_MAX;
    route->call = (int32_t)number;
}

void api_route_find(const struct coap_options *options, struct api_route *route)
{
    struct segments segments;
    segments_of(options, &segments);
    *route = (struct api_route){.place = API_PLACE_ELSEWHERE};

    const bool root = segments.count == 0 || (segments.count == 1 && segments.items[0].len == 0);
    if (root) {
        route->place = API_PLACE_ROOT;
        return;
    }
    if (!slice_equal(segments.items[0], SLICE("api"))) {
        return;
    }
    if (segments.count == 1) {
        route->place = API_PLACE_API;
        return;
    }
    if (slice_equal(segments.items[1], SLICE("v1"))) {
        route->place = API_PLACE_V1;
        find_below_v1(&segments, route);
        find_call(&segments, route);
    }
}
