/* SPDX-License-Identifier: MIT
 *
 * Giving up what a process may do beyond its user.  The master's, at the end
 * of its start, while it has one thread; workers inherit it.  Each function
 * returns 0, or -1: logged.
 */
#pragma once

/*
 * privilege_bound - no program that is ever executed from here gains a
 * capability: empties the bounding set and sets no_new_privs.  Called before
 * the user is changed: without CAP_SETPCAP the bounding set stays as it is,
 * and no_new_privs alone has that effect.
 */
int privilege_bound(void);

/* privilege_drop - drop all capabilities, for good. */
int privilege_drop(void);

/* privilege_hide - protect the memory of this process: it writes no core, and
   no other process of its user can trace it. */
int privilege_hide(void);
