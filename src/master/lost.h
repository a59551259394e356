/* SPDX-License-Identifier: MIT
 *
 * Segments that lose their memory while the master uses them, as when one is
 * truncated: the worker of such a segment is given up, the others go on.  The
 * master's.
 */
#pragma once

#include "master/child.h"

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
