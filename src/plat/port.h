// plat/port.h: whether a TCP port can be bound, so that a taken one is a clear error before a
// library is asked to listen.
#pragma once

#include "base/address.h"
#include "base/err.h"

// ERR_IN_USE, ERR_FORBIDDEN, ERR_INVALID (no such local address), ERR_IO.
MUST_USE enum err plat_port_check_tcp(const struct address *address);
