/* SPDX-License-Identifier: MIT
 *
 * What this process takes of the machine, for metrics.  Each notes its own:
 * others may not read /proc of it.
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
