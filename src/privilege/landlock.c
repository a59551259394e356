/* SPDX-License-Identifier: MIT
 *
 * Landlock.  Owns nothing; called before there are threads.  The C library has
 * no functions for it, so these are its system calls.  Failures are returned.
 */
#include "config.h"

#include "privilege/landlock.h"
#include "lib/file.h"

#include <errno.h>
#include <unistd.h>

#ifdef HAVE_LINUX_LANDLOCK_H

#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>

#define TRUNCATE (UINT64_C(1) << 14)
#define TRUNCATE_SINCE 3 /* the version that knows it */

int
landlock_begin(uint64_t kinds)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = kinds };
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	if (version < 0)
		return -1;
	if (version >= TRUNCATE_SINCE)
		attr.handled_access_fs |= TRUNCATE;
	return (int)syscall(
	    SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
}

int
landlock_allow(int rules, const char *path, uint64_t kinds)
{
	struct landlock_path_beneath_attr below = {
		.allowed_access = kinds,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};

	if (below.parent_fd < 0)
		return -1;
	int result = (int)syscall(SYS_landlock_add_rule, rules,
	    LANDLOCK_RULE_PATH_BENEATH, &below, 0);
	close_keep_errno(below.parent_fd);
	return result;
}

int
landlock_enforce(int rules)
{
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return -1;
	close(rules);
	return 0;
}

#else

int
landlock_begin(uint64_t kinds)
{
	(void)kinds;
	errno = ENOSYS;
	return -1;
}

int
landlock_allow(int rules, const char *path, uint64_t kinds)
{
	(void)rules;
	(void)path;
	(void)kinds;
	return 0;
}

int
landlock_enforce(int rules)
{
	(void)rules;
	return 0;
}

#endif

bool
landlock_missing(int error)
{
	return error == ENOSYS || error == EOPNOTSUPP || error == EPERM;
}

bool
landlock_there(void)
{
	int rules = landlock_begin(LANDLOCK_CHANGES);

	if (rules < 0)
		return !landlock_missing(errno);
	close(rules);
	return true;
}
