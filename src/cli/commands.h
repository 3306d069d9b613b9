// cli/commands.h: one function for each command; the words behind the command are in the options.
#pragma once

#include "cli/session.h"

enum cli_exit cli_devices(struct cli_session *session);
enum cli_exit cli_telemetry(struct cli_session *session);
enum cli_exit cli_attributes(struct cli_session *session);
enum cli_exit cli_rpc(struct cli_session *session);
enum cli_exit cli_trace(struct cli_session *session);
