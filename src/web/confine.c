/* SPDX-License-Identifier: MIT
 *
 * Confinement: no_new_privs, and Landlock's rules for files.  Called once,
 * before there are threads.  The C library has no functions for Landlock, so
 * these are its system calls.
 */
#include "config.h"

#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef HAVE_LINUX_LANDLOCK_H
#include <linux/landlock.h>

/* All kinds of access that the first version of Landlock knows: what is said
   to be handled and is not allowed by a rule is refused. */
#define ALL_ACCESS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define READ_ACCESS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FILE_ACCESS \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

/* Add a rule: below path is allowed what access says. */
static int
rules_allow(int rules, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr below = {
		.allowed_access = access,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};

	if (below.parent_fd < 0)
		return -1;
	int result = (int)syscall(SYS_landlock_add_rule, rules,
	    LANDLOCK_RULE_PATH_BENEATH, &below, 0);
	int saved = errno;
	close(below.parent_fd);
	errno = saved;
	return result;
}

/* /dev/null is for going to the background. */
static int
rules_enforce(int rules)
{
	if (rules_allow(rules, "/dev/shm", READ_ACCESS) < 0 ||
	    rules_allow(rules, "/dev/null", FILE_ACCESS) < 0 ||
	    syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return -1;
	return 1;
}

static int
confine_files(void)
{
	const struct landlock_ruleset_attr attr = {
		.handled_access_fs = ALL_ACCESS,
	};
	int rules =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	/* Not there, turned off, or kept from us by a filter. */
	if (rules < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM
			   ? 0
			   : -1;
	int result = rules_enforce(rules);
	int saved = errno;
	close(rules);
	errno = saved;
	return result;
}
#else
static int
confine_files(void)
{
	return 0;
}
#endif

int
confine(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return confine_files();
}
