/* SPDX-License-Identifier: MIT
 *
 * How much memory segments may still take.  Any process and thread.
 */
#ifndef REPORTER_MEMORY_H
#define REPORTER_MEMORY_H

#include <stdint.h>

/*
 * memory_available - bytes that this process may still take, shared memory
 * included: what the machine has (MemAvailable of /proc/meminfo), or what is
 * left to the control group of the process, or to one above it, if that is
 * less.  As of the machine, files' pages in memory count as available.
 * UINT64_MAX where the kernel does not tell.  Of control groups it knows
 * version 2.
 */
uint64_t memory_available(void);

#endif
