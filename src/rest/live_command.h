// rest/live_command.h: what people send over a WebSocket, once its shape was checked. Private to
// `rest/live`. A message runs as a whole or, if anything of it cannot be parsed, not at all.
#pragma once

#include "codec/json.h"
#include "core/series.h"
#include "rest/live_list.h"

enum live_command_kind {
    LIVE_ATTRIBUTES,
    LIVE_SERIES,
    LIVE_HISTORY,
    LIVE_ENTITIES,
    LIVE_ENTITIES_END,
    LIVE_COUNT,
    LIVE_COUNT_END,
    LIVE_UNSERVED,
};

#define LIVE_LIMIT_USUAL 100
#define LIVE_LIMIT_MOST 50000

// What a command about entities adds to its list; views into the message.
struct live_part {
    bool is_given;
    const struct core_query_key *keys;
    uint32_t count;
    struct live_window window; // of series; its own keys are not set
};

struct live_command {
    enum live_command_kind kind;
    int64_t id;
    // About one device: members with their defaults.
    struct slice entity_type;
    struct slice entity;
    struct slice keys;
    struct slice scope;
    bool is_end; // "unsubscribe": true
    int64_t start_ms;
    int64_t window_ms;
    int64_t end_ms;
    int64_t interval_ms;
    int64_t limit;
    struct slice aggregation;
    // About entities:
    struct codec_json query; // may not be there
    bool is_dynamic;
    struct live_part latest;
    struct live_part series;
    struct live_part history;
    enum err err; // what is wrong with it
    struct core_problem problem;
};

// False if it is no word for one; NONE if it is empty.
MUST_USE bool rest_live_command_aggregation(struct slice name, enum core_aggregation *aggregation);
// Within the bounds; the usual if it is none.
uint32_t rest_live_command_limit(int64_t limit);

// live_simple.c
void rest_live_simple_history(struct rest_live *live, struct live_session *session,
                              const struct live_command *command);
void rest_live_simple_subscribe(struct rest_live *live, struct live_session *session,
                                const struct live_command *command);

// live_entity.c

// Reads a command of one of its four kinds, whose `kind` and `id` are set; `memory` is the
// message's. Errors stay in the command; ERR_SYNTAX among them is one of the whole message.
void rest_live_entity_read(struct arena *memory, struct codec_json object,
                           struct live_command *command);
void rest_live_entity_run(struct rest_live *live, struct live_session *session,
                          const struct live_command *command);
void rest_live_entity_refuse(struct rest_live *live, struct live_session *session,
                             const struct live_command *command, int code, const char *text);
