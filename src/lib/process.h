/* SPDX-License-Identifier: MIT
 *
 * What this process takes of the machine, which each notes of itself, since
 * others may not read /proc of it; and how much memory there is.
 */
#pragma once

#include "shm/counters.h"

#define PROCESS_NOTE_MS 5000 /* how often to note */

/* process_note - note the figures of this process; what /proc does not show
   becomes 0.  connections: how many it has; over a thousand descriptors, which
   would take milliseconds to count, these are noted.  One thread. */
void process_note(struct process_counters *process, uint64_t connections);

/* process_close_others - close all descriptors but the standard ones and the n
   in `keep`, of which some may be below 0.  A child of fork(2). */
void process_close_others(const int *keep, int n);

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
