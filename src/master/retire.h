/* SPDX-License-Identifier: MIT
 *
 * Removing a worker's segment that is empty, and keeping its totals.  The
 * master's.
 */
#pragma once

#include "shm/segment.h"

/* retire_segment - add the totals of a segment to those of the segments that
   are gone, close and remove it.  Nobody may write to it any more.  entry: the
   worker's; becomes CHILD_NONE when its totals are among the others, so that a
   reader counts them once.
   Returns 0, or -1 with errno: it cannot be removed. */
int retire_segment(struct master_shared *shared, struct worker_segment *segment,
    struct child_entry *entry);

/* retire_recover - complete the removal during which a master was killed, so
   that each segment is counted once.  Call it before segments are adopted. */
void retire_recover(struct master_shared *shared, const char *instance);
