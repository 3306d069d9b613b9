// core/power_priv.h: when a device that saves power listens. For the files of a shard.
#pragma once

#include "core/shard_priv.h"

// The device was heard, by a request or by an acknowledgement (NULL).
void core_power_heard(const struct core_reach *reach, const struct core_mail *mail);
// It listens now. If not, its next message is waited for.
MUST_USE bool core_power_is_awake(const struct core_reach *reach);
// Something was sent.
void core_power_sent(const struct core_reach *reach);
