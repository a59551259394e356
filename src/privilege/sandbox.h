/* SPDX-License-Identifier: MIT
 *
 * The sandbox: which system calls a process of this daemon may still make.
 */
#ifndef REPORTER_SANDBOX_H
#define REPORTER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* A worker is forked by the master, so what it may is a part of what the
   master may: its filter comes on top of the master's. */
enum sandbox_role {
	SANDBOX_MASTER,
	SANDBOX_WORKER
};

/* sandbox_built - whether this build has one. */
bool sandbox_built(void);

/*
 * sandbox_enter - from now on the kernel kills this process, with SIGSYS, when
 * it makes a call that its role has no use for.  There is no way back.  Needs
 * no_new_privs.  Called when the process has one thread.
 * Returns 0 (also when !sandbox_built()), or -1: logged.
 */
int sandbox_enter(enum sandbox_role role);

/* sandbox_unknown - for the tests: the next name of the lists, from *at on,
   that the library does not know; NULL: no more.  *at is moved on. */
const char *sandbox_unknown(size_t *at);

#endif
