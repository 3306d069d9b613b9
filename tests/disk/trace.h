// The order of things: one line for each write, sync and send, "write PATH BYTES", "sync PATH" and
// "send - BYTES", bytes in hexadecimal, into the file DISK_TRACE.
#pragma once

#include <stddef.h>
#include <sys/uio.h>

// Before the first note; without `path` nothing is written.
void trace_begin(const char *path);
void trace_note(const char *what, const char *path, const struct iovec *parts, size_t count);
