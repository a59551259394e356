/* SPDX-License-Identifier: MIT
 *
 * An instance of a test's own in shared memory.
 */
#ifndef REPORTER_T_INSTANCE_FIXTURE_H
#define REPORTER_T_INSTANCE_FIXTURE_H

#include "shm/segment.h"

#include <stdio.h>

/* instance_remove - remove all segments of INSTANCE, the master's too. */
static inline void
instance_remove(const char *instance)
{
	char names[16][SEGMENT_NAME_MAX], name[SEGMENT_NAME_MAX];
	int n = segment_list(instance, names, 16);

	for (int i = 0; i < n && i < 16; i++)
		segment_remove(names[i]);
	snprintf(name, sizeof(name), "/reporter.%s", instance);
	segment_remove(name);
}

#endif
