/* SPDX-License-Identifier: MIT
 *
 * The connected agents of an instance, read from its shared memory.  One
 * process, one thread; takes no lock.
 */
#pragma once

#include "shm/agents.h"

#include <stdio.h>

/* What agent_column() takes, for messages. */
#define AGENT_COLUMNS \
	"address, dialect, since, reports, records, clock_offset, throttled, " \
	"held, caller or rejected"

/* agent_column - the number of the column with this name, or -1. */
int agent_column(const char *name);

/* agents_print - write up to max of the connected agents as one JSON object or
   as a table.  column: to sort by, the greatest first, and then by address; the
   addresses themselves ascend.  *unlisted: connections that have no row.
   Returns SHM_OK, then a failure to write is left in the stream; SHM_MISSING if
   the instance does not run; or why a segment cannot be read (SHM_SYSTEM: see
   errno). */
enum shm_status agents_print(const char *instance, int column, size_t max,
    bool json, FILE *out, uint64_t *unlisted);
