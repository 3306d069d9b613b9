#include "plat/os_error.h"

#include <errno.h>

enum err plat_os_error(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_ALREADY_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_FORBIDDEN;
    case EADDRINUSE:
    case EWOULDBLOCK:
        return ERR_IN_USE;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EBADF:
    case EINVAL:
        return ERR_INVALID;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return ERR_EXHAUSTED;
    case ENOSPC:
    case EDQUOT:
        return ERR_NO_SPACE;
    default:
        return ERR_IO;
    }
}
