// rest/live_past.h: the history of one device (server-api.md 5.2): that of historyCmds, and what
// tsCmds with a window tell first. It may take long, so a job reads it: a list without members
// stands for it (rest/live_list.h) and ends with its frame. Private to `rest/live`.
#pragma once

#include "rest/live_command.h"
#include "rest/live_job.h"

struct live_past {
    struct device_id device;
    uint64_t serial; // of the subscription that waits for it; 0: none
    int64_t start_ms;
    int64_t end_ms;
    uint64_t interval_ms;
    uint32_t limit;
    enum core_aggregation aggregation;
    size_t keys_len;
    char keys[]; // with commas
};

// Asks for it. False when the error is sent.
MUST_USE bool rest_live_past_want(struct rest_live *live, struct live_session *session,
                                  const struct live_command *command, struct device_id device,
                                  uint64_t serial);
// In the pool: fills the frame of the job.
void rest_live_past_run(struct live_job *job);
