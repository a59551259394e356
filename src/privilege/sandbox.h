/* SPDX-License-Identifier: MIT
 *
 * The sandbox: which system calls a process of this daemon may still make.
 */
#pragma once

#include "config.h"

#include <stdbool.h>

/* A worker is forked by the master, and its filter comes on top of the
   master's: it can only allow a part of that. */
enum sandbox_role {
	SANDBOX_MASTER,
	SANDBOX_WORKER
};

/* sandbox_enter - from now on the kernel kills this process, with SIGSYS, when
   it makes a call that is not allowed to its role.  It cannot be undone.
   Requires no_new_privs and a process of one thread.
   Returns 0, also when !sandbox_built(), or -1: logged. */
#ifdef HAVE_SECCOMP
int sandbox_enter(enum sandbox_role role);
#else
static inline int
sandbox_enter(enum sandbox_role role)
{
	(void)role;
	return 0;
}
#endif

/* sandbox_built - whether this build has one. */
static inline bool
sandbox_built(void)
{
#ifdef HAVE_SECCOMP
	return true;
#else
	return false;
#endif
}
