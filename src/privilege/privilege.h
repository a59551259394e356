/* SPDX-License-Identifier: MIT
 *
 * Giving up what a process may do beyond its user.  The master's, at the end
 * of its start; workers inherit it.
 */
#ifndef REPORTER_PRIVILEGE_H
#define REPORTER_PRIVILEGE_H

/*
 * privilege_bound - no program that is ever run from here gets a capability:
 * empties the bounding set, and sets no_new_privs.  To be called while we may,
 * before the user is changed.  Without CAP_SETPCAP, as for any user but root,
 * the bounding set stays as it is: no_new_privs says the same.
 * Returns 0, or -1: logged.
 */
int privilege_bound(void);

/* privilege_drop - give up all capabilities, for good.  Returns 0, or -1:
   logged. */
int privilege_drop(void);

/* privilege_hide - what this process has in memory is nobody's to see: no core
   is written, and no other process of our user may trace it.  Returns 0, or
   -1: logged. */
int privilege_hide(void);

#endif
