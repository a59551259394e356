/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "privilege/privilege.h"

#include "lib/log.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

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
