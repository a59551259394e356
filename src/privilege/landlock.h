/* SPDX-License-Identifier: MIT
 *
 * Landlock: which files a process may open from now on, as it said itself.  A
 * process under such rules may not look into others that are not, /proc
 * included.
 */
#ifndef REPORTER_LANDLOCK_H
#define REPORTER_LANDLOCK_H

#include "config.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef HAVE_LINUX_LANDLOCK_H
#include <linux/landlock.h>
#else
#define LANDLOCK_ACCESS_FS_WRITE_FILE (UINT64_C(1) << 1)
#define LANDLOCK_ACCESS_FS_READ_FILE (UINT64_C(1) << 2)
#define LANDLOCK_ACCESS_FS_READ_DIR (UINT64_C(1) << 3)
#define LANDLOCK_ACCESS_FS_MAKE_REG (UINT64_C(1) << 8)
#endif

/* All kinds of access that its first version knows, and all of them that
   change something. */
#define LANDLOCK_ALL ((UINT64_C(1) << 13) - 1)
#define LANDLOCK_CHANGES \
	(LANDLOCK_ALL & ~(UINT64_C(1) | LANDLOCK_ACCESS_FS_READ_FILE | \
			    LANDLOCK_ACCESS_FS_READ_DIR))

/*
 * landlock_begin - a set of rules: access of these kinds will be refused where
 * no rule allows it, and with them cutting a file, where the kernel knows that
 * as a kind.  Returns its descriptor, or -1 with errno.
 */
int landlock_begin(uint64_t kinds);

/* landlock_missing - whether that errno says that this system has none of it:
   it is not there, turned off, or kept from us. */
bool landlock_missing(int error);

/* landlock_there - whether this system has it, so that who is going to want it
   can say so before. */
bool landlock_there(void);

/* landlock_allow - allow these kinds of access to path and what is below it.
   Returns 0, or -1 with errno. */
int landlock_allow(int rules, const char *path, uint64_t kinds);

/* landlock_enforce - have the rules hold for this thread and those that it
   starts; needs no_new_privs.  The set is closed.  Returns 0, or -1 with errno
   and the set left open. */
int landlock_enforce(int rules);

#endif
