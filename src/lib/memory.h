/* SPDX-License-Identifier: MIT
 *
 * How much memory there is, and a limit on it.  Any process and thread.
 */
#pragma once

#include <stdint.h>

/* memory_available - bytes that this process may still take, shared memory
   included: what the machine has (MemAvailable of /proc/meminfo), or what is
   left to the control group of the process, or to one above it, if that is
   less.  As of the machine, files' pages in memory count as available.
   UINT64_MAX where the kernel does not tell.  Of control groups it knows
   version 2. */
uint64_t memory_available(void);

/* memory_limit - from now on the private memory of this process may grow by so
   many bytes, then allocations fail.  The client libraries of databases read
   the descriptions of columns to their end, whatever a server sends.  Sets no
   limit where the kernel does not tell what is in use, and with a sanitizer. */
void memory_limit(uint64_t bytes);

/* memory_number - read a number from a file below /proc or /sys: the one after
   `name` at the beginning of a line.  UINT64_MAX: there is none, as in "max".
 */
uint64_t memory_number(const char *path, const char *name);
