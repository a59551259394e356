/* SPDX-License-Identifier: MIT
 *
 * What this process takes of the machine, for metrics.  Each notes its own:
 * others may not read /proc of it.
 */
#pragma once

#include "shm/counters.h"

/* process_note - note the figures of this process.  connections: its
   descriptors that are connections; over PROCESS_COUNT_MAX of them the
   descriptors are not counted one by one, since that would take milliseconds.
   What /proc does not show stays as it was.  One thread; opens files. */
void process_note(struct process_counters *process, uint64_t connections);

#define PROCESS_COUNT_MAX 1000
#define PROCESS_NOTE_MS 5000 /* how often to call it */
