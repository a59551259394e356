/* SPDX-License-Identifier: MIT
 *
 * The instance: one master for each name.
 */
#ifndef REPORTER_INSTANCE_H
#define REPORTER_INSTANCE_H

#include "shm/segment.h"

/* instance_look - whether a master of ours has INSTANCE: a better reason to
   give up than the port that it has as well.  As the user that we run as,
   before anything is taken; who gets 0 may still find it taken.  Returns 0, or
   -1: logged, with its pid. */
int instance_look(const char *instance);

/*
 * instance_take - make the master's segment of INSTANCE, or take over what an
 * earlier master left, and hold its lock.  A segment that cannot be used is
 * set aside, never deleted.
 * Returns 0, or -1: logged, with the pid of the master that has it if one does.
 */
int instance_take(struct segment *segment, const char *instance);

#endif
