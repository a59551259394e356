/* SPDX-License-Identifier: MIT
 *
 * Landlock: a process limits which files it may open from now on.  Such a
 * process cannot inspect others that are not under the same rules, not in
 * /proc either.  Called while the process has one thread.
 */
#pragma once

#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>

/* All rights of its first version, and those of them that change something. */
#define LANDLOCK_ALL ((UINT64_C(1) << 13) - 1)
#define LANDLOCK_CHANGES \
	(LANDLOCK_ALL & ~(UINT64_C(1) | LANDLOCK_ACCESS_FS_READ_FILE | \
			    LANDLOCK_ACCESS_FS_READ_DIR))

/* landlock_begin - create a set of rules: these rights, and truncation where
   the kernel has a right for it, are refused unless a rule grants them.
   Returns its descriptor, or -1 with errno. */
int landlock_begin(uint64_t rights);

/* landlock_missing - whether errno of landlock_begin() means that Landlock is
   not built into the kernel, disabled, or forbidden to this process. */
bool landlock_missing(int error);

/* landlock_version - that of the kernel's Landlock; 0: there is none. */
int landlock_version(void);

#define LANDLOCK_TRUNCATE 3 /* the version from which on truncation is one */

/* landlock_allow - grant these rights to path and what is below it.  Returns
   0, or -1 with errno. */
int landlock_allow(int rules, const char *path, uint64_t rights);

/* landlock_enforce - apply the rules to this thread and those that it creates;
   requires no_new_privs.  Returns 0 with the set closed, or -1 with errno and
   the set still open. */
int landlock_enforce(int rules);
