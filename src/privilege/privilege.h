/* SPDX-License-Identifier: MIT
 *
 * The user and the group of the process, and what it may do.  Called at its
 * start, while there is one thread; workers inherit it.  All return 0, or -1:
 * logged, unless their comments have other results.
 */
#pragma once

#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define ACCOUNT_NO_GROUP ((gid_t)-1)

/* account_group - the id of the group named; "" gives ACCOUNT_NO_GROUP. */
int account_group(const char *name, gid_t *group);

/* account_may_join - whether the process is in the group, or may choose its
   groups. */
bool account_may_join(gid_t group);

/* account_become - change to the user named, with that user's groups, for
   good.  "": do not change user.  group: one to join besides, or
   ACCOUNT_NO_GROUP. */
int account_become(const char *user, gid_t group);

/* account_borrow - act as the user named until account_return(), if root: a
   file created meanwhile is the user's, who opens it again later, and no
   symbolic link of the user's leads root astray.  "", or not root: no
   change. */
int account_borrow(const char *user);
int account_return(void);

/* privilege_bound - no program that is ever executed from here gains a
   capability: empties the bounding set and sets no_new_privs.  Called before
   the user is changed: without CAP_SETPCAP the bounding set stays as it is, and
   no_new_privs alone has that effect. */
int privilege_bound(void);

/* privilege_drop - drop all capabilities, for good. */
int privilege_drop(void);

/* privilege_hide - protect the memory of this process and of those that it
   forks: it writes no core, and no other process of its user can trace it.
   Called after account_become(), which may undo it. */
int privilege_hide(void);

#define FDLIMIT_REFUSED 1024 /* open files for refused agents that are held */
#define FDLIMIT_GONE 1024    /* for throttled agents that are gone */

/* fdlimit_raise - raise the limit to *required, which is what this number of
   connections needs, and by FDLIMIT_REFUSED + FDLIMIT_GONE beyond it where that
   is permitted.  Returns 0, or -1 with errno when the limit stays below
   *required. */
int fdlimit_raise(uint64_t connections, uint64_t *required);

/* fdlimit_ensure - fdlimit_raise() that logs its failure. */
int fdlimit_ensure(uint64_t connections);

/* fdlimit_spare - how many open files the limit allows beyond what this number
   of connections needs; 0 if it cannot be read. */
uint64_t fdlimit_spare(uint64_t connections);

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
