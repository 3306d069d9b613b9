// What the recorder tells of a device: its exchanges in order, each with its answer, repeats and
// outcome, from the tapes of all workers; what is hidden of a token; and what it says of the rest
// when there was no more room.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/flown.h"

#define WORKERS 2U
#define MAX 8U

static const struct device_id ours = {7};
static const struct device_id other = {8};

struct fixture {
    void *memory[WORKERS];
    struct core_recorder *recorders[WORKERS];
    struct core_flown items[2 * MAX];
    struct core_flown_list list;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    for (unsigned i = 0; i < WORKERS; i++) {
        const size_t size = (core_recorder_footprint(TAPE_SIZE_MIN) + 63) & ~(size_t)63;
        f->memory[i] = aligned_alloc(64, size);
        assert_non_null(f->memory[i]);
        memset(f->memory[i], 0, size);
        f->recorders[i] = core_recorder_init(f->memory[i], TAPE_SIZE_MIN, 1000);
    }
    f->list.items = f->items;
    f->list.max = MAX;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < WORKERS; i++) {
        free(f->memory[i]);
    }
    free(f);
    return 0;
}

static void read_ours(struct fixture *f)
{
    core_flown_read(f->recorders, WORKERS, ours, &f->list);
}

// One record, `port` says from which address.
static void note(struct fixture *f, unsigned worker, int64_t at, const struct core_record *what)
{
    const struct address peer = {.ip = {[10] = 0xff, 0xff, 10, 0, 0, 1}, .port = what->port};
    core_recorder_turn(f->recorders[worker], at);
    struct core_record *record = core_recorder_begin(f->recorders[worker], what->kind);
    assert_non_null(record);
    record->device = what->device;
    record->link = what->link;
    record->message = what->message;
    record->verdict = what->verdict;
    record->code = what->code;
    record->flags = what->flags;
    if (what->port != 0) {
        core_record_put_peer(record, &peer);
    }
    if (what->reason_len > 0) {
        core_record_put_reason(record, slice_of(what->texts, what->reason_len));
    }
    core_recorder_end(f->recorders[worker]);
}

static void request(struct fixture *f, unsigned worker, int64_t at, struct device_id device,
                    uint64_t link, uint16_t port)
{
    note(f, worker, at,
         &(struct core_record){.kind = CORE_RECORD_REQUEST,
                               .device = device,
                               .link = link,
                               .message = link * 10,
                               .port = port});
}

static void a_request_gets_its_later_answer_and_reason(void **state)
{
    struct fixture *f = *state;
    struct core_record answer = {
        .kind = CORE_RECORD_ANSWER, .link = 1, .verdict = CORE_VERDICT_ANSWERED, .code = 0xa3};
    answer.reason_len = 4;
    memcpy(answer.texts, "full", 4);
    request(f, 0, 2000, ours, 1, 5);
    request(f, 0, 2001, other, 2, 5);
    read_ours(f);
    assert_int_equal(f->list.count, 1);
    assert_int_equal(f->items[0].record.verdict, CORE_VERDICT_WAITING);
    assert_int_equal(f->items[0].ended_us, 0);
    note(f, 0, 2005, &answer);
    read_ours(f);
    assert_int_equal(f->list.count, 1);
    assert_int_equal(f->items[0].record.at_us, 2000);
    assert_int_equal(f->items[0].ended_us, 2005);
    assert_int_equal(f->items[0].record.code, 0xa3);
    assert_true(slice_equal(core_record_reason(&f->items[0].record), SLICE("full")));
}

static void a_name_used_again_belongs_to_the_later_exchange(void **state)
{
    struct fixture *f = *state;
    const struct core_record first = {
        .kind = CORE_RECORD_ANSWER, .link = 1, .verdict = CORE_VERDICT_ANSWERED, .code = 1};
    const struct core_record second = {
        .kind = CORE_RECORD_ANSWER, .link = 1, .verdict = CORE_VERDICT_ANSWERED, .code = 2};
    request(f, 0, 2000, ours, 1, 5);
    note(f, 0, 2001, &first);
    request(f, 0, 2002, ours, 1, 5);
    note(f, 0, 2003, &second);
    // The same name on another worker is another exchange.
    note(f, 1, 2004, &second);
    read_ours(f);
    assert_int_equal(f->list.count, 2);
    assert_int_equal(f->items[0].record.code, 1);
    assert_int_equal(f->items[1].record.code, 2);
    assert_int_equal(f->items[1].ended_us, 2003);
}

static void repeats_are_counted_at_their_request(void **state)
{
    struct fixture *f = *state;
    const struct core_record repeat = {.kind = CORE_RECORD_REPEAT, .message = 10, .port = 5};
    request(f, 0, 2000, ours, 1, 5);
    request(f, 0, 2000, ours, 2, 5);
    note(f, 0, 2001, &repeat);
    note(f, 0, 2002, &repeat);
    read_ours(f);
    assert_int_equal(f->list.count, 2);
    assert_int_equal(f->items[0].repeats, 2);
    assert_int_equal(f->items[1].repeats, 0);
}

static void a_notification_tells_what_became_of_it(void **state)
{
    struct fixture *f = *state;
    static const uint8_t steps[] = {CORE_VERDICT_SENT, CORE_VERDICT_UNANSWERED,
                                    CORE_VERDICT_DELIVERED};
    // An exchange with the same number is something else.
    request(f, 0, 1999, ours, 9, 5);
    note(f, 0, 2000,
         &(struct core_record){.kind = CORE_RECORD_NOTICE, .device = ours, .link = 9, .port = 5});
    for (unsigned i = 0; i < sizeof(steps); i++) {
        note(f, 0, 2001 + i,
             &(struct core_record){.kind = CORE_RECORD_OUTCOME, .link = 9, .verdict = steps[i]});
        read_ours(f);
        assert_int_equal(f->list.count, 2);
        assert_int_equal(f->items[1].record.verdict, steps[i]);
        assert_int_equal(f->items[1].is_retransmitted, i > 0);
    }
    assert_int_equal(f->items[1].ended_us, 2003);
    assert_int_equal(f->items[0].record.verdict, CORE_VERDICT_WAITING);
}

static void only_what_is_under_way_can_be_withdrawn(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint8_t before;
        uint8_t flags;
        uint8_t after;
    } rows[] = {
        {CORE_VERDICT_SENT, CORE_RECORD_CONFIRMABLE, CORE_VERDICT_WITHDRAWN},
        {CORE_VERDICT_UNANSWERED, CORE_RECORD_CONFIRMABLE, CORE_VERDICT_WITHDRAWN},
        {CORE_VERDICT_SENT, 0, CORE_VERDICT_SENT},
        {CORE_VERDICT_DELIVERED, CORE_RECORD_CONFIRMABLE, CORE_VERDICT_DELIVERED},
        {CORE_VERDICT_BUSY, CORE_RECORD_CONFIRMABLE, CORE_VERDICT_BUSY},
    };
    const unsigned count = sizeof(rows) / sizeof(rows[0]);
    for (unsigned i = 0; i < count; i++) {
        const struct core_record steps[] = {
            {.kind = CORE_RECORD_NOTICE, .device = ours, .link = i + 1, .flags = rows[i].flags},
            {.kind = CORE_RECORD_OUTCOME, .link = i + 1, .verdict = rows[i].before},
            {.kind = CORE_RECORD_OUTCOME, .link = i + 1, .verdict = CORE_VERDICT_WITHDRAWN},
        };
        for (unsigned k = 0; k < 3; k++) {
            note(f, 0, 2000 + i, &steps[k]);
        }
    }
    read_ours(f);
    assert_int_equal(f->list.count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(f->items[i].record.verdict, rows[i].after);
    }
}

static void tapes_are_merged_by_time_and_moves_are_seen(void **state)
{
    struct fixture *f = *state;
    request(f, 1, 2000, ours, 1, 5);
    request(f, 0, 2001, ours, 2, 6);
    request(f, 1, 2002, ours, 3, 6);
    read_ours(f);
    assert_int_equal(f->list.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(f->items[i].record.link, i + 1);
        assert_int_equal(f->items[i].has_moved, i == 1);
    }
    assert_int_equal(f->list.overwritten, 0);
    assert_int_equal(f->list.left_out, 0);
    assert_int_equal(f->list.since_us, 1000);
}

static void the_latest_are_kept_and_the_rest_is_counted(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 0; i < 2 * MAX; i++) {
        request(f, (unsigned)i % WORKERS, 2000 + (int64_t)i, ours, i + 1, 5);
    }
    read_ours(f);
    assert_int_equal(f->list.count, MAX);
    assert_int_equal(f->list.left_out, MAX);
    for (unsigned i = 0; i < MAX; i++) {
        assert_int_equal(f->items[i].record.link, MAX + i + 1);
    }
}

static void what_was_overwritten_is_said(void **state)
{
    struct fixture *f = *state;
    request(f, 0, 2000, ours, 1, 5);
    // Two slots each: room for 32.
    for (uint64_t i = 0; i < 40; i++) {
        request(f, 0, 3000 + (int64_t)i, other, i + 2, 5);
    }
    read_ours(f);
    assert_int_equal(f->list.count, 0);
    assert_int_equal(f->list.overwritten, 9);
    assert_int_equal(f->list.since_us, 3008);
}

static void a_path_shows_four_characters_of_a_token(void **state)
{
    struct fixture *f = *state;
    const struct slice whole = SLICE("/api/v1/SECRET-TOKEN/rpc");
    const struct slice path[] = {SLICE("api"), SLICE("v1"), SLICE("SECRET-TOKEN"), SLICE("rpc")};
    const struct slice few[] = {SLICE("api"), SLICE("v1"), SLICE("SECRET"), SLICE("rpc")};
    const struct slice query[] = {SLICE("a=1"), SLICE("b=2")};
    struct core_record *record = core_recorder_begin(f->recorders[0], CORE_RECORD_REQUEST);
    core_record_put_path(record, path, 4, path[2]);
    core_record_put_query(record, query, 2);
    core_record_put_body(record, SLICE("body"));
    assert_true(slice_equal(core_record_path(record), SLICE("/api/v1/SECR.../rpc?a=1&b=2")));
    assert_true(slice_equal(core_record_body(record), SLICE("body")));

    record = core_recorder_begin(f->recorders[0], CORE_RECORD_REQUEST);
    core_record_put_path(record, few, 4, few[2]);
    assert_true(slice_equal(core_record_path(record), SLICE("/api/v1/.../rpc")));

    record = core_recorder_begin(f->recorders[0], CORE_RECORD_REQUEST);
    core_record_put_path(record, &whole, 1, slice_sub(whole, 8, 12));
    assert_true(slice_equal(core_record_path(record), SLICE("/api/v1/SECR.../rpc")));
    assert_int_equal(record->flags, 0);
}

static void long_texts_are_cut(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[512];
    memset(bytes, 'x', sizeof(bytes));
    const struct slice text = slice_of(bytes, sizeof(bytes));
    const struct address peer = {.port = 1};
    struct core_record *record = core_recorder_begin(f->recorders[0], CORE_RECORD_REQUEST);
    record->device = ours;
    core_record_put_peer(record, &peer);
    core_record_put_path(record, &text, 1, SLICE_EMPTY);
    core_record_put_query(record, &text, 1);
    core_record_put_body(record, text);
    core_record_put_reason(record, text);
    core_recorder_end(f->recorders[0]);
    read_ours(f);
    record = &f->items[0].record;
    assert_int_equal(record->size, sizeof(bytes));
    assert_int_equal(record->flags, CORE_RECORD_PATH_CUT);
    assert_int_equal(core_record_path(record).len, CORE_RECORD_PATH_MAX);
    assert_int_equal(core_record_body(record).len, CORE_RECORD_BODY_MAX);
    assert_int_equal(core_record_reason(record).len,
                     sizeof(record->texts) - 16 - CORE_RECORD_PATH_MAX - CORE_RECORD_BODY_MAX);
}

static void without_a_recorder_nothing_is_recorded(void **state)
{
    struct fixture *f = *state;
    struct core_recorder *none[WORKERS] = {NULL, NULL};
    core_recorder_turn(NULL, 1);
    assert_null(core_recorder_begin(NULL, CORE_RECORD_REQUEST));
    core_flown_read(none, WORKERS, ours, &f->list);
    assert_int_equal(f->list.count, 0);
    assert_int_equal(f->list.since_us, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_gets_its_later_answer_and_reason),
        TEST(a_name_used_again_belongs_to_the_later_exchange),
        TEST(repeats_are_counted_at_their_request),
        TEST(a_notification_tells_what_became_of_it),
        TEST(only_what_is_under_way_can_be_withdrawn),
        TEST(tapes_are_merged_by_time_and_moves_are_seen),
        TEST(the_latest_are_kept_and_the_rest_is_counted),
        TEST(what_was_overwritten_is_said),
        TEST(a_path_shows_four_characters_of_a_token),
        TEST(long_texts_are_cut),
        TEST(without_a_recorder_nothing_is_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
