/* SPDX-License-Identifier: MIT
 *
 * The user and the group of the process, and giving up what it may do beyond
 * them.  Called at its start, while there is one thread; workers inherit it.
 * All return 0, or -1: logged, unless they say otherwise.
 */
#pragma once

#include <stdbool.h>
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
