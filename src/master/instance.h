/* SPDX-License-Identifier: MIT
 *
 * The instance: one master for each name, and its own segment.
 */
#pragma once

#include "master/child.h"

/* instance_inspect - whether a master of this user has INSTANCE: a better
   reason to give up than the port that it has as well.  Called before anything
   is taken, with the effective user that the master will have; even after 0
   INSTANCE may be found taken.  Returns 0, or -1: logged, with its pid. */
int instance_inspect(const char *instance);

/* instance_take - create the master's segment of INSTANCE, or take over what an
   earlier master left, and hold its lock.  A segment that cannot be used is set
   aside, never deleted.
   Returns 0, or -1: logged, with the pid of a master that has it. */
int instance_take(struct segment *segment, const char *instance);

/* instance_discard - get a segment out of the way that cannot be used: remove
   it if it holds nothing (SHM_UNFINISHED), else set it aside.  Logged. */
void instance_discard(const char *name, enum shm_status status);

/* instance_recount - continue the counters where an earlier master was killed:
   what it had put into rings counts as received, in any case. */
void instance_recount(const struct children *children);

/* instance_publish - let readers see that this master runs. */
void instance_publish(const struct children *children);
