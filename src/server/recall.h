// server/recall.h: messages of before the start are remembered again, so that a repeat of one of
// them has no effect a second time.
#pragma once

#include "server/worker.h"

// Before the workers start: puts what the store knows of messages to the workers that hear their
// peers. ERR_EXHAUSTED: no memory for it.
MUST_USE enum err server_recall(struct server_worker *const *workers, unsigned count,
                                struct store *store);
