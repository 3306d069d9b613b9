// plat/os_error.h: what an `errno` means to the rest of the program. For the files of this folder.
#pragma once

#include "base/err.h"

// Never ERR_OK; ERR_IO for what has no meaning of its own.
enum err plat_os_error(int number);
