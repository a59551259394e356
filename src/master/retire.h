/* SPDX-License-Identifier: MIT
 *
 * The end of workers' segments, and keeping their totals: those that are empty,
 * and those that lose their memory while the master uses them, as when one is
 * truncated.  The worker of such a one is given up, the others go on.  The
 * master's.
 */
#pragma once

#include "master/child.h"

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

/* lost_guard - from now on an access of this process to a child's segment that
   has no memory behind it finds zeros, and the child is marked as lost;
   otherwise SIGBUS would end the process.  children must stay where it is. */
void lost_guard(struct children *children);

/* lost_note - remember a child's totals, for lost_replace(): once a second. */
void lost_note(struct child *child);

/* lost_count - take over the totals of a lost child, as of a segment that is
   removed.  Returns how many records were neither stored nor set aside when
   last looked at; they are counted as dropped. */
uint64_t lost_count(struct children *children, struct child *child);

/* lost_replace - make a new segment for a lost child that has no process, with
   the same name and at the same address, and count the records that are gone
   as dropped.  Returns 0, or -1, with the reason in *status and errno: the
   child is still lost. */
int lost_replace(struct children *children, struct child *child,
    enum shm_status *status, uint64_t *records);
