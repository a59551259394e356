/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "privilege/privilege.h"

#include "lib/log.h"
#include "shm/keep_errno.h"
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* -------------------------------------------------- user and group -------- */

int
account_group(const char *name, gid_t *group)
{
	const struct group *gr;

	*group = ACCOUNT_NO_GROUP;
	if (*name == '\0')
		return 0;
	gr = getgrnam(name);
	if (gr == NULL) {
		log_error("reporter.group: no such group: %s", name);
		return -1;
	}
	*group = gr->gr_gid;
	return 0;
}

static bool
is_member(gid_t group)
{
	gid_t groups[NGROUPS_MAX];
	int n = getgroups(NGROUPS_MAX, groups);

	while (n > 0) {
		if (groups[--n] == group)
			return true;
	}
	return getegid() == group;
}

/* The running process was root: the next start can join any group again. */
static bool was_root;

bool
account_may_join(gid_t group)
{
	return was_root || geteuid() == 0 || is_member(group);
}

static int
group_join(gid_t group)
{
	gid_t groups[NGROUPS_MAX + 1];
	int n;

	if (group == ACCOUNT_NO_GROUP || is_member(group))
		return 0;
	n = getgroups(NGROUPS_MAX, groups);
	if (n >= 0) {
		groups[n] = group;
		if (setgroups((size_t)n + 1, groups) == 0)
			return 0;
	}
	log_error("cannot join reporter.group: %m; start as root, or add the "
		  "user to the group");
	return -1;
}

static const struct passwd *
user_find(const char *name)
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL)
		log_error("no such user: %s", name);
	return pw;
}

int
account_become(const char *user, gid_t group)
{
	const struct passwd *pw = *user == '\0' ? NULL : user_find(user);

	if (geteuid() == 0)
		was_root = true;
	if (*user != '\0' && pw == NULL)
		return -1;
	if (pw == NULL || geteuid() == pw->pw_uid)
		return group_join(group);
	if (initgroups(user, pw->pw_gid) == 0 && setgid(pw->pw_gid) == 0) {
		if (group_join(group) < 0)
			return -1;
		if (setuid(pw->pw_uid) == 0)
			return 0;
	}
	log_error("cannot change to user %s: %m", user);
	return -1;
}

int
account_borrow(const char *user)
{
	const struct passwd *pw;

	if (*user == '\0' || geteuid() != 0)
		return 0;
	pw = user_find(user);
	if (pw == NULL)
		return -1;
	/* account_return() keeps these groups: they belong to the user that the
	   process changes to later. */
	if (initgroups(user, pw->pw_gid) == 0 && setegid(pw->pw_gid) == 0 &&
	    seteuid(pw->pw_uid) == 0)
		return 0;
	log_error("cannot change to user %s: %m", user);
	account_return();
	return -1;
}

int
account_return(void)
{
	if ((geteuid() == getuid() && getegid() == getgid()) ||
	    (seteuid(getuid()) == 0 && setegid(getgid()) == 0))
		return 0;
	log_error("cannot change back to root: %m");
	return -1;
}

/* ----------------------------------------------------- privileges --------- */

/* Returns -1 with errno. */
static int
bounding_empty(void)
{
	int held;

	/* Reading fails beyond the kernel's last capability. */
	for (unsigned long cap = 0;
	     (held = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0; cap++) {
		if (held == 1 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return errno == EPERM ? 0 : -1;
	}
	return 0;
}

int
privilege_bound(void)
{
	if (bounding_empty() == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return 0;
	log_error("cannot give up privileges: %m");
	return -1;
}

int
privilege_drop(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	/* Emptying the inheritable set empties the ambient one as well. */
	if (syscall(SYS_capset, &head, none) == 0)
		return 0;
	log_error("cannot drop capabilities: %m");
	return -1;
}

int
privilege_hide(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
		return 0;
	log_error("cannot disable core dumps: %m");
	return -1;
}

/* ----------------------------------------------------- open files --------- */

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

/* ------- Landlock, by its system calls: the C library has no functions --- */

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
