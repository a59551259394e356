/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "privilege/fdlimit.h"

#include "lib/log.h"
#include "shm/segment.h"

#include <sys/resource.h>

/* Listeners, the log, ...; the segment and the lock of each child. */
#define FDLIMIT_OTHERS (256 + 2 * CHILDREN_MAX)

int
fdlimit_raise(uint64_t connections, uint64_t *required)
{
	rlim_t need = (rlim_t)connections + FDLIMIT_OTHERS;
	rlim_t wanted = need + FDLIMIT_REFUSED + FDLIMIT_GONE;
	struct rlimit limit, raised;

	*required = need;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return 0;
	raised.rlim_cur = wanted;
	raised.rlim_max = limit.rlim_max > wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
		return 0;
	/* The hard limit stays, if it is enough. */
	raised.rlim_max = limit.rlim_max > need ? limit.rlim_max : need;
	raised.rlim_cur = raised.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &raised);
}

int
fdlimit_ensure(uint64_t connections)
{
	uint64_t required;

	if (fdlimit_raise(connections, &required) == 0)
		return 0;
	log_error("cannot raise the limit on open files to %u, which "
		  "limits.max_connections = %u requires: %m",
	    (unsigned)required, (unsigned)connections);
	return -1;
}

uint64_t
fdlimit_spare(uint64_t connections)
{
	uint64_t need = connections + FDLIMIT_OTHERS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= need)
		return 0;
	return (uint64_t)limit.rlim_cur - need;
}
