#include "plat/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define VARIABLE "NOTIFY_SOCKET"

void plat_notify(const char *state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const char *const path = getenv(VARIABLE);
    const size_t len = path != NULL ? strlen(path) : 0;
    if (len == 0 || len >= sizeof(at.sun_path)) {
        return;
    }
    memcpy(at.sun_path, path, len);
    if (path[0] == '@') {
        at.sun_path[0] = 0; // a name that is no file
    }
    const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return;
    }
    (void)!sendto(descriptor, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&at,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(descriptor);
}
