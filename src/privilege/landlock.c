/* SPDX-License-Identifier: MIT
 *
 * Landlock, by its system calls: the C library has no functions for them.
 */
#include "config.h"

#include "privilege/landlock.h"
#include "shm/keep_errno.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RIGHT_TRUNCATE (UINT64_C(1) << 14)

int
landlock_begin(uint64_t rights)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = rights };

	if (landlock_version() >= LANDLOCK_TRUNCATE)
		attr.handled_access_fs |= RIGHT_TRUNCATE;
	return (int)syscall(
	    SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
}

int
landlock_allow(int rules, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr below = {
		.allowed_access = rights,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};

	if (below.parent_fd < 0)
		return -1;
	int result = (int)syscall(SYS_landlock_add_rule, rules,
	    LANDLOCK_RULE_PATH_BENEATH, &below, 0);
	KEEP_ERRNO(close(below.parent_fd));
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

bool
landlock_missing(int error)
{
	return error == ENOSYS || error == EOPNOTSUPP || error == EPERM;
}

int
landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return version < 0 ? 0 : (int)version;
}
