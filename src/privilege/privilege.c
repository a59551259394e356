/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "privilege/privilege.h"

#include "lib/log.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
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

	while (n > 0)
		if (groups[--n] == group)
			return true;
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
	/* account_return() keeps these groups, which are the user's. */
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
	     (held = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0; cap++)
		if (held == 1 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return errno == EPERM ? 0 : -1;
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
