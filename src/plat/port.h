// plat/port.h: what the libraries that listen on TCP do not say: whether a port can be bound, so
// that a taken one is a clear error; whether a peer is still there, and has said something.
#pragma once

#include <stdbool.h>

#include "base/address.h"
#include "base/err.h"

// ERR_IN_USE, ERR_FORBIDDEN, ERR_INVALID (no such local address), ERR_IO.
MUST_USE enum err plat_port_check_tcp(const struct address *address);
// Whether the peer of a connected socket has closed its side or is gone, as far as the kernel
// knows. Takes nothing of what it sent.
MUST_USE bool plat_port_peer_left(int descriptor);
// Whether it sent something that nobody has read yet.
MUST_USE bool plat_port_has_input(int descriptor);
