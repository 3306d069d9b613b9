// plat/notify.h: tells the service manager how we are (sd_notify(3)): one datagram to the socket
// that it named in the environment.
#pragma once

// `state` is "READY=1" and so on, lines with newlines between. Without a service manager, or when
// it cannot be reached, nothing happens: nobody could be told.
void plat_notify(const char *state);
